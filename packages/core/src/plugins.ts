/** Loading plugins by npm name or path. */
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Plugin } from './component.js';
import { UserError } from './errors.js';
import { hashFile } from './key.js';

const SHAPE = 'A plugin default-exports definePlugin({ name, components: [...] }).';

/**
 * Imports plugins.
 * @param specs - npm package names, or paths that begin with `.` or `/` (.js, .mjs, and .ts where this Node can).
 * @param relativeTo - Folder that paths are relative to and from which packages are looked up.
 * @throws UserError naming the plugin that cannot be found, fails to load or is not a plugin.
 */
export async function loadPlugins(specs: readonly string[], relativeTo: string): Promise<Plugin[]> {
  const plugins = new Map<string, Plugin>();
  for (const spec of specs) {
    const target = await locatePlugin(spec, relativeTo);
    if (!plugins.has(target)) plugins.set(target, await loadPlugin(spec, target));
  }
  return [...plugins.values()];
}

/**
 * A plugin that is a file of the user's own is edited without a thought for version numbers, so its content is part of the
 * versions of its components: results made with other content are not used again.
 */
async function versionedByContent(plugin: Plugin, path: string): Promise<Plugin> {
  const content = (await hashFile(path)).slice(0, 12);
  const components = plugin.components.map((one) => ({ ...one, version: `${one.version ?? '1'}+${content}` }));
  return { ...plugin, components };
}

async function loadPlugin(spec: string, target: string): Promise<Plugin> {
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
  return isFileSpec(spec) ? versionedByContent(module.default, fileURLToPath(target)) : module.default;
}

const isFileSpec = (spec: string) => spec.startsWith('.') || isAbsolute(spec);

/** A plugin's npm name as it is, a path as an absolute one. */
export const absolutePlugin = (spec: string, relativeTo: string): string =>
  isFileSpec(spec) ? resolve(relativeTo, spec) : spec;

async function locatePlugin(spec: string, relativeTo: string): Promise<string> {
  if (isFileSpec(spec)) {
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
