/** An engine's variables to and from a safetensors file. */
import { UserError } from '@t2r/core';
import type { Variables } from '@t2r/engine';
import { openTensors, writeSafetensors } from '@t2r/zoo';

/** Writes the named variables, atomically. */
export async function writeVariables(path: string, variables: Variables, names: readonly string[]): Promise<void> {
  const tensors = names.map((name) => [name, { ...variables.spec(name), data: variables.read(name) }]);
  await writeSafetensors(path, Object.fromEntries(tensors));
}

/**
 * Sets the named variables from a file, one at a time in memory.
 * @throws UserError where the file is damaged, or a variable is missing or has another shape; then none is changed.
 */
export async function readVariables(path: string, variables: Variables, names: readonly string[]): Promise<void> {
  const file = await openTensors(path);
  try {
    const shape = (name: string) => file.entries.get(name)?.shape.join();
    const unfit = names.filter((name) => shape(name) !== variables.spec(name).shape.join());
    if (unfit.length > 0) {
      throw new UserError(`${path} does not hold what the run needs: ${unfit.join(', ')} missing or of another shape`);
    }
    for (const name of names) variables.write(name, (await file.read(name)).data);
  } finally {
    await file.close();
  }
}
