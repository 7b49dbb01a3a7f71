/** How fast checkpoints open and load: `npm run bench -- load [file or folder ...]`. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '@t2r/evaluators';
import { type LazyTensor, type LoadedTensor, openTensors, writeSafetensors } from '@t2r/zoo';

export interface LoadFigure {
  case: 'load';
  path: string;
  format: string;
  tensors: number;
  /** Opening: what describes the tensors is read and checked. */
  open_ms: number;
  /** Reading all tensors, from a file that the system has in its cache. */
  ms: number;
  /** Of the tensors as float32 and int32. */
  bytes: number;
  /** Most memory that the process has taken while loading, over what it had before, to `bytes`. */
  memory_ratio: number;
}

/** The tensors of GPT-2 small (124 M parameters), by shape. */
function gpt2Shapes(): Record<string, number[]> {
  const [dim, vocab, positions, layers] = [768, 50257, 1024, 12];
  const norm = (name: string) => ({ [`${name}.weight`]: [dim], [`${name}.bias`]: [dim] });
  const linear = (name: string, from: number, to: number) => ({
    [`${name}.weight`]: [from, to],
    [`${name}.bias`]: [to],
  });
  const layer = (name: string) => ({
    ...norm(`${name}.ln_1`),
    ...linear(`${name}.attn.c_attn`, dim, 3 * dim),
    ...linear(`${name}.attn.c_proj`, dim, dim),
    ...norm(`${name}.ln_2`),
    ...linear(`${name}.mlp.c_fc`, dim, 4 * dim),
    ...linear(`${name}.mlp.c_proj`, 4 * dim, dim),
  });
  const all = Array.from({ length: layers }, (_, i) => layer(`h.${i}`));
  return Object.assign({ 'wte.weight': [vocab, dim], 'wpe.weight': [positions, dim] }, ...all, norm('ln_f'));
}

async function writeGpt2(path: string): Promise<void> {
  const tensor = (shape: number[]): LazyTensor => ({
    shape,
    read: async () => Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => (i % 1009) / 1009),
  });
  const tensors = Object.entries(gpt2Shapes()).map(([name, shape]) => [name, tensor(shape)]);
  await writeSafetensors(path, Object.fromEntries(tensors));
}

async function timeOpening(path: string): Promise<number> {
  const started = performance.now();
  const source = await openTensors(path);
  const milliseconds = performance.now() - started;
  await source.close();
  return milliseconds;
}

async function measure(path: string): Promise<LoadFigure> {
  const openings: number[] = [];
  for (let i = 0; i < 5; i++) openings.push(await timeOpening(path));
  const before = process.memoryUsage().rss;
  const source = await openTensors(path);
  const started = performance.now();
  const loaded: LoadedTensor[] = [];
  for (const name of source.entries.keys()) loaded.push(await source.read(name));
  const ms = performance.now() - started;
  await source.close();
  const bytes = loaded.reduce((sum, { data }) => sum + data.byteLength, 0);
  const taken = process.resourceUsage().maxRSS * 1024 - before;
  const { format, entries } = source;
  return {
    case: 'load',
    path,
    format,
    tensors: entries.size,
    open_ms: median(openings),
    ms,
    bytes,
    memory_ratio: taken / bytes,
  };
}

/**
 * Measures the given checkpoints, or a random one of GPT-2 small's shape. The ratio of memory is right for the first
 * one of a process.
 */
export async function* load(paths: readonly string[]): AsyncGenerator<LoadFigure> {
  if (paths.length > 0) {
    for (const path of paths) yield await measure(path);
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 't2r-bench-'));
  try {
    await writeGpt2(join(folder, 'gpt2-small.safetensors'));
    yield await measure(join(folder, 'gpt2-small.safetensors'));
  } finally {
    await rm(folder, { recursive: true });
  }
}
