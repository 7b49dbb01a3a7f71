/**
 * The recurrent state of a generator and the programs bound to it. A state of fixed size is allocated once. Caches that
 * grow (softmax layers) get twice the capacity when it runs out: new variables and new programs, contents copied.
 */
import type { CompiledProgram, HostTensor, Variables } from '@t2r/engine';
import { repeatRow, resizeCache, zeroState } from './cache.js';
import { compilePrefill, compileStep, type DecodingProgramOptions } from './programs.js';
import { checkFit } from './snapshot/fit.js';
import type { GeneratorSnapshot } from './snapshot/snapshot.js';

export interface DecoderStateOptions
  extends Pick<DecodingProgramOptions, 'engine' | 'model' | 'weights' | 'batch' | 'dtype'> {
  /** Positions of a prefill program. */
  chunk: number;
  /** Positions that caches have room for at first. */
  capacity: number;
}

export interface DecoderState {
  /** Makes room for positions 0 .. positions-1. */
  reserve(positions: number): Promise<void>;
  step(): Promise<CompiledProgram>;
  prefill(): Promise<CompiledProgram>;
  /** All zeros. */
  clear(): void;
  save(position: number): GeneratorSnapshot;
  restore(snapshot: GeneratorSnapshot): Promise<void>;
  dispose(): Promise<void>;
}

/** State and programs for one generator. Nothing is compiled before it is used. */
export function createDecoderState({ chunk, capacity, ...options }: DecoderStateOptions): DecoderState {
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
    save(position) {
      const state = Object.fromEntries(
        specs.map(({ name, shape, grows }) => {
          const tensor: HostTensor = { shape, data: variables.read(name) };
          return [name, grows ? resizeCache(tensor, position) : tensor];
        }),
      );
      return { position, state };
    },
    async restore(snapshot) {
      checkFit(snapshot, model, batch);
      await reserve(snapshot.position);
      for (const { name, grows } of specs) {
        const tensor = repeatRow(snapshot.state[name]!, batch);
        variables.write(name, (grows ? resizeCache(tensor, capacity) : tensor).data);
      }
    },
    dispose,
  };
}
