/** The header of a state file. */
import { UserError } from '@t2r/core/errors';

export interface SnapshotHeader {
  model_hash: string;
  dtype: string;
  position: number;
  pending: number[];
  text?: string;
  tensors: { name: string; shape: number[]; offset: number }[];
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isCounts = (value: unknown): value is number[] => Array.isArray(value) && value.every(isCount);

/** Reads and checks a header. Throws UserError that names the first field that is not what it should be. */
export function readHeader(bytes: Uint8Array): SnapshotHeader {
  let header: Partial<SnapshotHeader>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Partial<SnapshotHeader>;
  } catch (cause) {
    throw new UserError('state file: the header is not JSON', { cause });
  }
  const check = (field: string, holds: boolean, expected: string) => {
    if (!holds) throw new UserError(`state file: ${field} of the header is not ${expected}`);
  };
  check('the whole', typeof header === 'object' && header !== null, 'an object');
  const { model_hash, dtype, position, pending, text, tensors } = header;
  check('model_hash', typeof model_hash === 'string', 'a string');
  check('dtype', typeof dtype === 'string', 'a string');
  check('position', isCount(position), 'a number of positions');
  check('pending', isCounts(pending), 'a list of token ids');
  check('text', text === undefined || typeof text === 'string', 'a string');
  const isTensor = (tensor: SnapshotHeader['tensors'][number] | null) =>
    typeof tensor?.name === 'string' && isCounts(tensor.shape) && isCount(tensor.offset);
  check('tensors', Array.isArray(tensors) && tensors.every(isTensor), 'a list of names, shapes and offsets');
  return header as SnapshotHeader;
}
