/**
 * The recurrent states of a generator and its forks. They share one memory, variables and programs: one of them is in it, and
 * the others are kept as copies until it is their turn.
 */
import { UserError } from '@t2r/core';
import { zeroState } from './cache.js';
import { createDecoderMemory, type DecoderMemory, type DecoderMemoryOptions } from './memory.js';
import { checkFit } from './snapshot/fit.js';
import type { GeneratorSnapshot } from './snapshot/snapshot.js';

export interface DecoderState {
  /** Positions in the state; whoever feeds one counts it before the work is done. */
  position: number;
  /** Runs work on the memory with this state in it. Work of all forks is done one after another, in the order of the calls. */
  use<T>(work: (memory: DecoderMemory) => Promise<T>): Promise<T>;
  /** Nothing read. */
  clear(): void;
  save(): GeneratorSnapshot;
  /** Throws UserError where the snapshot does not fit. */
  restore(snapshot: GeneratorSnapshot): Promise<void>;
  /** Another state, equal to this one now. */
  fork(): DecoderState;
  /** Releases the memory, once no fork is left. */
  dispose(): Promise<void>;
}

/** States of one memory. */
interface Family {
  readonly memory: DecoderMemory;
  /** Copies what is in the memory to its state, where some state is. */
  park?: () => void;
  /** Work under way, and all that waits for it. */
  queue: Promise<unknown>;
  /** States that are not disposed. */
  states: number;
}

/** The state of one generator, all zeros. */
export function createDecoderState(options: DecoderMemoryOptions): DecoderState {
  const { model, batch } = options;
  const family: Family = { memory: createDecoderMemory(options), queue: Promise.resolve(), states: 0 };
  const { memory } = family;

  /** A state that is `held` outside the memory. */
  function create(held: GeneratorSnapshot | undefined): DecoderState {
    family.states++;
    let disposed = false;
    const park = () => {
      held = memory.save(state.position);
    };
    const isInMemory = () => family.park === park;

    const state: DecoderState = {
      position: held?.position ?? 0,
      use(work) {
        const done = family.queue.then(async () => {
          if (disposed)
            throw new UserError('the generator has been disposed', { hint: 'Make another, or fork before.' });
          if (!isInMemory()) {
            family.park?.();
            family.park = undefined;
            await memory.load(held!);
            family.park = park;
            held = undefined;
          }
          return work(memory);
        });
        family.queue = done.catch(() => {}); // An error is that of the call alone.
        return done;
      },
      clear() {
        if (isInMemory()) memory.clear();
        else held = { position: 0, state: zeroState(model.state(batch, 0)) };
        state.position = 0;
      },
      // Copies that are held never change, so that forks may share them; what goes out may be changed.
      save: () => (isInMemory() ? memory.save(state.position) : structuredClone(held!)),
      async restore(snapshot) {
        checkFit(snapshot, model, batch);
        await state.use(async () => {
          await memory.load(snapshot);
          state.position = snapshot.position;
        });
      },
      fork: () => create(held ?? memory.save(state.position)),
      async dispose() {
        if (disposed) return;
        disposed = true;
        if (isInMemory()) family.park = undefined;
        held = undefined;
        if (--family.states > 0) return;
        await family.queue;
        await memory.dispose();
      },
    };
    if (held === undefined) family.park = park;
    return state;
  }

  return create(undefined);
}
