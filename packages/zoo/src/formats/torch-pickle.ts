/** Pickles of PyTorch checkpoints: the list of names that may occur in one, and what is said about those that may not. */
import type { ElementType } from '../elements.js';
import { type Fail, quoted } from '../format-error.js';
import { FAIRSEQ_NAMES } from '../pickle/fairseq-names.js';
import { PickleEnd, PickleError, RefusedGlobal, unpickle } from '../pickle/machine.js';
import { NUMPY_NAMES } from '../pickle/numpy-names.js';
import { PYTHON_NAMES } from '../pickle/python-names.js';
import { storageOfId, TORCH_NAMES } from '../pickle/torch-names.js';
import type { PickleContext, PickleValue } from '../pickle/values.js';

/** Larger pickles are no checkpoint's: the weights are beside it. */
export const LARGEST_PICKLE = 1 << 26;

const ALLOWED = new Map([...PYTHON_NAMES, ...NUMPY_NAMES, ...TORCH_NAMES, ...FAIRSEQ_NAMES]);

export interface TorchPickle {
  value: PickleValue;
  /** Where it ends. */
  end: number;
  /** Element types of all storages that it refers to, by key; undefined where only bytes are known. */
  storages: Map<string, ElementType | undefined>;
}

/**
 * Reads one pickle.
 *
 * @param complete whether the bytes are all there are; otherwise PickleEnd is thrown where they do not suffice
 * @throws UserError with the name of the first class or function that is not on the list, or for a damaged pickle
 */
export function readTorchPickle(bytes: Uint8Array, fail: Fail, complete = true): TorchPickle {
  const storages = new Map<string, ElementType | undefined>();
  const persistent = (id: PickleValue, context: PickleContext) => {
    const storage = storageOfId(id, context);
    storages.set(storage.key, storage.dtype);
    return storage;
  };
  try {
    return { ...unpickle(bytes, { allowed: ALLOWED, persistent }), storages };
  } catch (error) {
    if (error instanceof RefusedGlobal)
      throw fail(
        `the pickle asks for ${quoted(error.path).slice(1, -1)}, which is not on the list of names that a checkpoint may use; nothing was executed`,
        'If you trust the file, load it in Python and save only the state dict, best as safetensors.',
      );
    if (error instanceof PickleEnd) {
      if (!complete) throw error;
      throw fail('the pickle is truncated: it ends in the middle');
    }
    if (error instanceof PickleError) throw fail(`the pickle cannot be read: ${error.message}`);
    throw error;
  }
}
