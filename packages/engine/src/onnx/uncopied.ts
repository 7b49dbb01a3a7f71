/**
 * Running a session without copies of its outputs. onnxruntime-node (1.30) lets a run write into arrays of the caller, and
 * then copies every output into a new array all the same: in training all parameters and optimizer slots, a step. It turns
 * outputs into JavaScript values one by one, after the run, and refuses sequences. A first output that is one ends the
 * conversion before it begins; everything else is in the caller's arrays by then.
 */
import type * as ort from 'onnxruntime-node';
import type { GraphParts } from './model-file.js';

const UNREAD = 'unread';

/** The graph with an output in front that cannot be read; the given one stays as it is. */
export function withUnreadOutput({ nodes, initializers, inputs, outputs }: GraphParts): GraphParts {
  const zero = { name: `${UNREAD}.zero`, type: 'float32' as const, shape: [], data: new Uint8Array(4) };
  const sequence = { op: 'SequenceConstruct', domain: '', inputs: [zero.name], outputs: [UNREAD], attributes: {} };
  return {
    nodes: [...nodes, sequence],
    initializers: [...initializers, zero],
    inputs,
    outputs: [{ name: UNREAD, type: 'float32', shape: [], sequence: true }, ...outputs],
  };
}

/** Of the message in which it is refused. */
const REFUSAL = 'Non tensor type';

/** Runs a session of a graph made by `withUnreadOutput`. The values of `fetches` are written when the promise resolves. */
export async function runUncopied(
  session: Pick<ort.InferenceSession, 'run'>,
  feeds: Record<string, ort.Tensor>,
  fetches: Record<string, ort.Tensor>,
): Promise<void> {
  try {
    await session.run(feeds, { [UNREAD]: null, ...fetches });
  } catch (error) {
    if (!(error as Error).message.includes(REFUSAL)) throw error;
  }
}
