/** The components that a command can use. */
import { createRegistry, loadPlugins, type Registry } from '@t2r/core';
import { loadBuiltinPlugins } from './builtin-plugins.js';

/**
 * Those of the built-in packages and of more plugins.
 * @param plugins npm names, or paths relative to the current folder
 * @throws UserError naming the plugin that is not there, fails to load or repeats a name
 */
export async function commandRegistry(plugins: readonly string[] = []): Promise<Registry> {
  return createRegistry([...(await loadBuiltinPlugins()), ...(await loadPlugins(plugins, '.'))]);
}
