/** `t2r schema`: the JSON Schema of recipes, with which editors complete and check them. */
import { createRegistry, recipeJsonSchema } from '@t2r/core';
import { loadBuiltinPlugins } from '../builtin-plugins.js';
import type { Terminal } from '../terminal.js';

/** Prints the JSON Schema (draft 2020-12) of recipes that use the built-in components. */
export async function schemaCommand({ out }: Terminal): Promise<number> {
  out(`${JSON.stringify(recipeJsonSchema(createRegistry(await loadBuiltinPlugins())), null, 2)}\n`);
  return 0;
}
