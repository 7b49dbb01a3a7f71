/**
 * The packages whose components every recipe can use. Only their declarations are imported here: libraries that compute are
 * loaded by the steps that need them.
 */
import type { Plugin } from '@t2r/core';

/** Imports the built-in plugins. */
export async function loadBuiltinPlugins(): Promise<Plugin[]> {
  const modules = await Promise.all([
    import('@t2r/engine'),
    import('@t2r/attention'),
    import('@t2r/models'),
    import('@t2r/tokenizers'),
    import('@t2r/zoo'),
    import('@t2r/datasets'),
    import('@t2r/trainers'),
    import('@t2r/evaluators'),
    import('@t2r/export'),
    import('@t2r/report'),
  ]);
  return modules.map((module) => module.default);
}
