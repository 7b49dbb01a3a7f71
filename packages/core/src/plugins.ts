/** Loading plugins by npm name or path. */
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from './component.js';
import { UserError } from './errors.js';

const SHAPE = 'A plugin default-exports definePlugin({ name, components: [...] }).';

/**
 * Imports plugins.
 * @param specs - npm package names, or paths that begin with `.` or `/` (.js, .mjs, and .ts where this Node can).
 * @param relativeTo - Folder that paths are relative to and from which packages are looked up.
 * @throws UserError naming the plugin that cannot be found, fails to load or is not a plugin.
 */
export async function loadPlugins(specs: readonly string[], relativeTo: string): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  for (const spec of specs) plugins.push(await loadPlugin(spec, relativeTo));
  return plugins;
}

async function loadPlugin(spec: string, relativeTo: string): Promise<Plugin> {
  const target = await locatePlugin(spec, relativeTo);
  let module: { default?: unknown };
  try {
    module = (await import(target)) as { default?: unknown };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new UserError(`this Node cannot load the plugin ${spec}`, {
        hint: 'TypeScript files need Node 22.18 or later; otherwise compile the plugin to .js first.',
        cause: error,
      });
    }
    if (code === 'ERR_MODULE_NOT_FOUND' && target === spec) {
      throw new UserError(`the plugin ${spec} is not installed`, {
        hint: `Install it: npm install ${spec}`,
        cause: error,
      });
    }
    throw new UserError(`the plugin ${spec} failed to load: ${(error as Error).message}`, { cause: error });
  }
  if (!isPlugin(module.default)) throw new UserError(`${spec} is not a plugin`, { hint: SHAPE });
  return module.default;
}

async function locatePlugin(spec: string, relativeTo: string): Promise<string> {
  if (spec.startsWith('.') || isAbsolute(spec)) {
    const path = resolve(relativeTo, spec);
    try {
      await access(path);
    } catch (error) {
      throw new UserError(`there is no plugin file ${path}`, {
        hint: 'Paths of plugins are relative to the recipe.',
        cause: error,
      });
    }
    return pathToFileURL(path).href;
  }
  try {
    return pathToFileURL(createRequire(join(resolve(relativeTo), 'recipe.js')).resolve(spec)).href;
  } catch {
    // Packages without a `require` entry are still found from here.
    return spec;
  }
}

function isPlugin(value: unknown): value is Plugin {
  const plugin = value as Partial<Plugin> | undefined;
  return typeof plugin?.name === 'string' && Array.isArray(plugin.components);
}
