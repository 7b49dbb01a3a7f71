/** What `t2r bench` measures: checkpoints, the models that a recipe plans, or a shape with random weights. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ComponentSpec, loadRecipe, nearestName, planRecipe, type Registry, readRun, UserError } from '@t2r/core';
import { type LoadedModel, loadModel, randomModel } from '@t2r/evaluators';
import { type ModelConfig, plannedModelOf } from '@t2r/models';
import { checkpointConfig } from '@t2r/zoo';
import { findCheckpoint } from '../find-checkpoint.js';
import { parseAttention } from './parse-attention.js';

/** A model that is loaded when its turn comes. */
export interface BenchTarget {
  /** Path, step, or attention of a shape. */
  name: string;
  config: ModelConfig;
  weights: 'checkpoint' | 'random';
  load(): Promise<LoadedModel>;
}

/** Size of a language model whose weights are random. */
export interface BenchShape {
  layers?: number;
  dim?: number;
  heads?: number;
  ffn?: number;
  vocab?: number;
}

export interface TargetOptions extends BenchShape {
  /** `t2r-mlp`, `t2r-mlp:features=64`: the shape with these attentions, one after the other. */
  attention: readonly string[];
  /** The same for attention to the source of translation models, in the same order. */
  cross: readonly string[];
  registry: Registry;
  env: Readonly<Record<string, string | undefined>>;
}

/** Six layers of width 512: the size that decoding is compared with PyTorch at. */
const DEFAULT_SHAPE = { layers: 6, dim: 512, heads: 8, vocab: 16_384 };
const DEFAULT_ATTENTION = ['softmax', 't2r-mlp'];

/**
 * The models of some paths (checkpoint folders, run folders, `<run folder>:<step>`, recipes), and the shape of the first with
 * the attentions that are asked for. Without paths: the shape given by numbers.
 *
 * @throws UserError where there is nothing at a path, or language models and models for translation are mixed
 */
export async function benchTargets(paths: readonly string[], options: TargetOptions): Promise<BenchTarget[]> {
  const { attention, registry } = options;
  const found: BenchTarget[] = [];
  for (const path of paths) found.push(...(await targetsAt(path, options)));
  const shape = found[0]?.config ?? shapeConfig(options);
  const variants = found.length > 0 ? attention : attention.length > 0 ? attention : DEFAULT_ATTENTION;
  variants.forEach((text, i) => {
    const own = parseAttention(text);
    const cross = options.cross[i] === undefined ? own : parseAttention(options.cross[i]);
    const config = withAttention(shape, own, cross);
    found.push({ name: text, config, weights: 'random', load: async () => randomModel(config, registry) });
  });
  const kinds = new Set(found.map(({ config }) => config.use));
  if (kinds.size > 1)
    throw new UserError('language models and models for translation cannot be measured side by side', {
      hint: found.map(({ name, config }) => `${name}: ${config.use}`).join(', '),
    });
  return found;
}

async function targetsAt(path: string, { registry, env }: TargetOptions): Promise<BenchTarget[]> {
  const recipe = /^(.*\.ya?ml)(?::(.+))?$/.exec(path);
  if (recipe !== null) return planned(recipe[1]!, recipe[2], registry, env);
  const checkpoint = async (name: string, folder: string): Promise<BenchTarget> => ({
    name,
    config: (await checkpointConfig(folder)).model,
    weights: 'checkpoint',
    load: () => loadModel(folder, registry),
  });
  const isRun = await stat(join(path, 'recipe.resolved.yaml')).then(
    () => true,
    () => false,
  );
  if (!isRun) return [await checkpoint(path, (await findCheckpoint(path)).folder)];
  const { artifacts } = await readRun(path);
  const all: BenchTarget[] = [];
  for (const { id, kind, folder } of artifacts) if (kind === 'checkpoint') all.push(await checkpoint(id, folder));
  if (all.length === 0) throw new UserError(`${path} has no finished checkpoint`, { hint: 'Run the recipe first.' });
  // Of checkpoints with the same attention the last: they are as fast, and it is the one that was trained longest.
  return distinct(all.reverse()).reverse();
}

/** The models that a recipe would make, before anything of it has run. */
async function planned(
  file: string,
  step: string | undefined,
  registry: Registry,
  env: TargetOptions['env'],
): Promise<BenchTarget[]> {
  const { recipe, problems } = await loadRecipe(file, { registry, env });
  if (recipe === undefined)
    throw new UserError(`${file} is not valid: ${problems[0]!.message}`, { hint: `t2r validate ${file} lists all.` });
  const all = (await planRecipe(recipe)).flatMap(({ id, plan }): BenchTarget[] => {
    const config = plannedModelOf(plan);
    if (config === undefined) return [];
    return [{ name: id, config, weights: 'random', load: async () => randomModel(config, recipe.registry) }];
  });
  if (step === undefined) {
    if (all.length > 0) return distinct(all);
    throw new UserError(`${file} makes no model whose size is known before it runs`, { hint: 'Give a run of it.' });
  }
  const chosen = all.find(({ name }) => name === step);
  if (chosen !== undefined) return [chosen];
  const names = all.map(({ name }) => name);
  const nearest = nearestName(step, names);
  throw new UserError(`${file} has no step "${step}" that makes a model`, {
    hint: `${nearest === undefined ? '' : `did you mean "${nearest}"? `}steps: ${names.join(', ')}`,
  });
}

/** The first of those with the same attention. */
function distinct(targets: readonly BenchTarget[]): BenchTarget[] {
  const seen = new Set<string>();
  return targets.filter(({ config }) => {
    const key = JSON.stringify([config.attention, 'cross' in config ? config.cross : []]);
    return !seen.has(key) && seen.add(key);
  });
}

function shapeConfig(shape: BenchShape): ModelConfig {
  const given = Object.fromEntries(Object.entries(shape).filter(([key, value]) => key in SHAPE && value !== undefined));
  const { layers, dim, heads, vocab, ffn = 4 * dim } = { ...DEFAULT_SHAPE, ...given } as Required<BenchShape>;
  if (dim % heads !== 0) throw new UserError(`--dim ${dim} is not a multiple of --heads ${heads}`);
  return {
    use: 'decoder-lm',
    vocab,
    layers,
    dim,
    heads,
    ffn,
    activation: 'relu',
    norm: 'pre',
    positions: 'sinusoidal',
    maxPositions: 1024,
    tieOutput: true,
    scaleEmbedding: false,
    dropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    initStd: 0.02,
    attention: Array.from({ length: layers }, () => ({ use: 'softmax' })),
  };
}

const SHAPE: Record<keyof BenchShape, true> = { layers: true, dim: true, heads: true, ffn: true, vocab: true };

/** The same model with one attention in all layers; attention to the source is changed too where there is one. */
function withAttention(config: ModelConfig, attention: ComponentSpec, cross: ComponentSpec): ModelConfig {
  const all = (layers: readonly ComponentSpec[], spec: ComponentSpec) => layers.map(() => spec);
  return config.use === 'encoder-decoder'
    ? { ...config, attention: all(config.attention, attention), cross: all(config.cross, cross) }
    : { ...config, attention: all(config.attention, attention) };
}
