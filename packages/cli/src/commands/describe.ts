/** `t2r describe`: a component and its options. */
import { type Component, describeComponent, nearestName, type Registry, UserError } from '@t2r/core';
import { formatTable } from '@t2r/report';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';

export interface DescribeCommandOptions {
  json?: boolean;
  /** More plugins. */
  plugin: string[];
}

/** Describes the component of a name (`train/lm`), or of a kind and a name (`attention/softmax`). */
export async function describeCommand(
  name: string,
  { json = false, plugin }: DescribeCommandOptions,
  { out, colors }: Terminal,
): Promise<number> {
  const component = findComponent(await commandRegistry(plugin), name);
  const options = describeComponent(component);
  if (json) {
    const { kind, description, version = '1' } = component;
    out(`${JSON.stringify({ kind, name: component.name, version, description, options }, null, 2)}\n`);
    return 0;
  }
  out(`${colors.bold(component.name)} (${component.kind})\n${component.description}\n\n`);
  if (options.length === 0) {
    out('It has no options.\n');
    return 0;
  }
  const columns = ['option', 'type', 'default', 'meaning'].map((title) => ({ title, align: 'left' as const }));
  const rows = options.map((row) => [
    row.option,
    row.type,
    row.required ? 'required' : (row.default ?? ''),
    row.description,
  ]);
  out(`${formatTable({ columns, rows }, { bold: colors.bold })}\n`);
  return 0;
}

function findComponent(registry: Registry, name: string): Component {
  const all = registry.list();
  const full = (component: Component) => `${component.kind}/${component.name}`;
  const matching = all.filter((component) => component.name === name || full(component) === name);
  if (matching.length === 1) return matching[0]!;
  if (matching.length > 1) {
    throw new UserError(`"${name}" is the name of ${matching.length} components`, {
      hint: `Say which: ${matching.map(full).join(', ')}.`,
    });
  }
  const nearest = nearestName(
    name,
    all.flatMap((component) => [component.name, full(component)]),
  );
  throw new UserError(`there is no component "${name}"`, {
    hint:
      nearest === undefined ? "Run 't2r list' for all of them." : `did you mean "${nearest}"? Run 't2r list' for all.`,
  });
}
