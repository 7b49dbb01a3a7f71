/** `t2r schema`: the JSON Schema of recipes, with which editors complete and check them. */
import { recipeJsonSchema } from '@t2r/core';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';

/** Prints the JSON Schema (draft 2020-12) of recipes that use the built-in components and those of more plugins. */
export async function schemaCommand({ plugin }: { plugin: string[] }, { out }: Terminal): Promise<number> {
  out(`${JSON.stringify(recipeJsonSchema(await commandRegistry(plugin)), null, 2)}\n`);
  return 0;
}
