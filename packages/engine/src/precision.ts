/** Which precisions engines compute matrix products in. */
import { UserError } from '@t2r/core';
import type { Precision } from './types.js';

/** Those of an execution provider: ONNX Runtime has no products of halves on the processor, and widens them again for each. */
export function precisionsOf(provider: string): readonly Precision[] {
  return provider === 'cpu' ? ['float32'] : ['float32', 'float16'];
}

/** What to do where an engine has not the precision asked for. */
export const PRECISION_HINT =
  'Leave `precision` out, or use engine: { use: onnx, provider: cuda } or provider: webgpu.';

/** @param where the engine, and its provider where it has one */
export function refusePrecision(program: string, precision: Precision, where: string): UserError {
  return new UserError(`program '${program}' asks for ${precision}, and ${where} computes products in float32`, {
    hint: PRECISION_HINT,
  });
}
