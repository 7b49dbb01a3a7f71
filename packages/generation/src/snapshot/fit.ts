/** Whether a snapshot is one of a model's states. */
import { UserError } from '@t2r/core/errors';
import type { LanguageModel } from '@t2r/models';
import type { GeneratorSnapshot } from './snapshot.js';

/** Refuses a snapshot whose tensors are not those of `batch` sequences, or of one, at its position. */
export function checkFit({ position, state }: GeneratorSnapshot, model: LanguageModel, batch: number): void {
  const specs = model.state(1, position);
  const rows = state[specs[0]?.name ?? '']?.shape[0];
  const hint = 'A state goes on only with the model that made it.';
  if (rows !== undefined && rows !== 1 && rows !== batch) {
    throw new UserError(`the state has ${rows} sequences, and the generator ${batch}`, {
      hint: 'Open a generator with that batch, or restore the state of one sequence.',
    });
  }
  for (const { name, shape } of specs) {
    const tensor = state[name];
    const expected = [rows, ...shape.slice(1)];
    if (tensor === undefined) throw new UserError(`the state has no tensor ${name}`, { hint });
    if (tensor.shape.length !== expected.length || tensor.shape.some((size, axis) => size !== expected[axis])) {
      throw new UserError(`the state's ${name} is [${tensor.shape}], and the model's [${expected}]`, { hint });
    }
  }
  const known = new Set(specs.map(({ name }) => name));
  const unknown = Object.keys(state).find((name) => !known.has(name));
  if (unknown !== undefined) throw new UserError(`the model has no state ${unknown}`, { hint });
}
