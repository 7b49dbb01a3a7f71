/**
 * The variables that hold a generator's recurrent state, and the programs bound to them. A state of fixed size is allocated
 * once. Caches that grow (softmax layers) get twice the capacity when it runs out: new variables and new programs, contents
 * copied.
 */
import type { CompiledProgram, HostTensor, Variables } from '@t2r/engine';
import { repeatRow, resizeCache, zeroState } from './cache.js';
import { compilePrefill, compileStep, type DecodingProgramOptions } from './programs.js';
import type { GeneratorSnapshot } from './snapshot/snapshot.js';

export interface DecoderMemoryOptions
  extends Pick<DecodingProgramOptions, 'engine' | 'model' | 'weights' | 'batch' | 'dtype'> {
  /** Positions of a prefill program. */
  chunk: number;
  /** Positions that caches have room for at first. */
  capacity: number;
}

export interface DecoderMemory {
  /** Makes room for positions 0 .. positions-1. */
  reserve(positions: number): Promise<void>;
  step(): Promise<CompiledProgram>;
  prefill(): Promise<CompiledProgram>;
  /** All zeros. */
  clear(): void;
  /** The state of a sequence in the place of another's. */
  copyRow(from: number, to: number): void;
  /** A copy of what is held. */
  save(position: number): GeneratorSnapshot;
  /** Takes over a snapshot of `batch` sequences or of one; it must fit (see `checkFit`). */
  load(snapshot: GeneratorSnapshot): Promise<void>;
  dispose(): Promise<void>;
}

/** Variables and programs, shared by a generator and its forks. Nothing is compiled before it is used. */
export function createDecoderMemory({ chunk, capacity, ...options }: DecoderMemoryOptions): DecoderMemory {
  const { engine, model, batch } = options;
  let specs = model.state(batch, capacity);
  let variables: Variables = engine.variables(zeroState(specs));
  let step: Promise<CompiledProgram> | undefined;
  let prefill: Promise<CompiledProgram> | undefined;

  const dispose = async () => {
    const programs = [step, prefill];
    step = undefined;
    prefill = undefined;
    for (const program of programs) await (await program)?.dispose();
    variables.dispose();
  };

  const reserve = async (positions: number) => {
    if (model.recurrent || positions <= capacity) return;
    while (capacity < positions) capacity *= 2;
    const grown = model.state(batch, capacity);
    const values = Object.fromEntries(
      specs.map(({ name, shape, grows }) => {
        const held: HostTensor = { shape, data: variables.read(name) };
        return [name, grows ? resizeCache(held, capacity) : held];
      }),
    );
    await dispose();
    specs = grown;
    variables = engine.variables(values);
  };

  return {
    reserve,
    step: () => (step ??= compileStep({ ...options, variables, specs, spin: true })),
    prefill: () => (prefill ??= compilePrefill({ ...options, variables, specs }, chunk)),
    clear() {
      for (const [name, { data }] of Object.entries(zeroState(specs))) variables.write(name, data);
    },
    copyRow(from, to) {
      for (const { name } of specs) variables.copyEntry(name, { from, to });
    },
    save(position) {
      const state = Object.fromEntries(
        specs.map(({ name, shape, grows }) => {
          const tensor: HostTensor = { shape, data: variables.read(name) };
          return [name, grows ? resizeCache(tensor, position) : tensor];
        }),
      );
      return { position, state };
    },
    async load(snapshot) {
      await reserve(snapshot.position);
      for (const { name, grows } of specs) {
        const tensor = repeatRow(snapshot.state[name]!, batch);
        variables.write(name, (grows ? resizeCache(tensor, capacity) : tensor).data);
      }
    },
    dispose,
  };
}
