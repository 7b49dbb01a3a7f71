/** `t2r list`: the components a recipe can use. */
import { nearestName, UserError } from '@t2r/core';
import { formatTable } from '@t2r/report';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';

export interface ListCommandOptions {
  json?: boolean;
  /** More plugins. */
  plugin: string[];
}

/** Lists all components, or those of one kind, with a line about each. */
export async function listCommand(
  kind: string | undefined,
  { json = false, plugin }: ListCommandOptions,
  { out, colors }: Terminal,
): Promise<number> {
  const registry = await commandRegistry(plugin);
  const components = registry.list(kind);
  if (kind !== undefined && components.length === 0) {
    const kinds = new Set(registry.list().map((component) => component.kind));
    throw new UserError(`there is no kind of component "${kind}"`, { hint: unknownKindHint(kind, kinds) });
  }
  if (json) {
    out(
      `${JSON.stringify(
        components.map(({ kind, name, description }) => ({ kind, name, description })),
        null,
        2,
      )}\n`,
    );
    return 0;
  }
  const columns = ['kind', 'name', 'what it is'].map((title) => ({ title, align: 'left' as const }));
  const rows = components.map(({ kind, name, description }) => [kind, name, description]);
  out(`${formatTable({ columns, rows }, { bold: colors.bold })}\n`);
  return 0;
}

function unknownKindHint(kind: string, kinds: ReadonlySet<string>): string {
  const nearest = nearestName(kind, kinds);
  return `${nearest === undefined ? '' : `did you mean "${nearest}"? `}kinds: ${[...kinds].join(', ')}`;
}
