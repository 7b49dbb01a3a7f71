/** `t2r plan`: the steps of a recipe, which of them have a result, and what the others would cost. */
import { planRecipe } from '@t2r/core';
import { dropEmptyColumns, formatBytes, formatDuration, formatScaled, formatTable } from '@t2r/report';
import { EXIT } from '../failure.js';
import { loadOrExplain } from '../load.js';
import type { Terminal } from '../terminal.js';

export interface PlanCommandOptions {
  set: string[];
  runs: string;
  json?: boolean;
}

/** Prints the plan; nothing is run. */
export async function planCommand(
  file: string,
  { set, runs, json = false }: PlanCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, colors } = terminal;
  const recipe = await loadOrExplain(file, set, terminal);
  if (recipe === undefined) return EXIT.usage;
  const steps = await planRecipe(recipe, recipe.registry, { runsFolder: runs });
  if (json) {
    const plain = steps.map(({ id, use, inputs, key, cached, plan: { produces: _, ...plan } }) => ({
      id,
      use,
      inputs,
      key,
      cached,
      ...plan,
    }));
    out(`${JSON.stringify({ name: recipe.name, steps: plain }, null, 2)}\n`);
    return EXIT.ok;
  }
  const right = 'right' as const;
  const left = 'left' as const;
  const table = dropEmptyColumns({
    columns: [
      { title: 'step', align: left },
      { title: 'component', align: left },
      { title: 'result', align: left },
      { title: 'parameters', align: right },
      { title: 'state/sequence', align: right },
      { title: 'FLOPs', align: right },
      { title: 'memory', align: right },
      { title: 'time', align: right },
      { title: 'note', align: left },
    ],
    rows: steps.map(({ id, use, cached, plan }) => [
      id,
      use,
      cached ? 'kept' : 'to run',
      formatScaled(plan.parameters),
      formatBytes(plan.stateBytesPerSequence),
      formatScaled(plan.flops),
      formatBytes(plan.memoryBytes),
      formatDuration(plan.seconds),
      plan.note ?? '–',
    ]),
  });
  out(`${formatTable(table, { bold: colors.bold })}\n`);
  const open = steps.filter(({ cached }) => !cached);
  const timed = open.filter(({ plan }) => plan.seconds !== undefined);
  const total = timed.reduce((sum, { plan }) => sum + plan.seconds!, 0);
  const about = timed.length === 0 ? '' : `, about ${formatDuration(total)} by the estimates above`;
  out(`\n${open.length} of ${steps.length} steps to run${about}\n`);
  return EXIT.ok;
}
