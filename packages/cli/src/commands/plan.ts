/** `t2r plan`: the steps of a recipe, which of them have a result, and what the others would cost. */
import { type PlannedStep, planRecipe } from '@t2r/core';
import { dropEmptyColumns, formatBytes, formatDuration, formatScaled, formatTable } from '@t2r/report';
import { EXIT } from '../failure.js';
import { DEFAULT_GPU, findGpu, formatHours, type Gpu, gpuHours, LARGE_FLOPS, UTILISATION } from '../gpus.js';
import { loadOrExplain } from '../load.js';
import type { Terminal } from '../terminal.js';

export interface PlanCommandOptions {
  set: string[];
  runs: string;
  gpu?: string;
  json?: boolean;
}

/** The GPU that was asked for, or the default where a step is too large for a processor. */
function chooseGpu(steps: readonly PlannedStep[], name: string | undefined): Gpu | undefined {
  if (name !== undefined) return findGpu(name);
  return steps.some(({ plan }) => (plan.flops ?? 0) >= LARGE_FLOPS) ? findGpu(DEFAULT_GPU) : undefined;
}

/** Operations of the steps that have no result yet. */
const flopsToRun = (steps: readonly PlannedStep[]) =>
  steps.reduce((sum, { cached, plan }) => sum + (cached ? 0 : (plan.flops ?? 0)), 0);

/** Prints the plan; nothing is run. */
export async function planCommand(
  file: string,
  { set, runs, gpu: gpuName, json = false }: PlanCommandOptions,
  terminal: Terminal,
): Promise<number> {
  const { out, colors } = terminal;
  const recipe = await loadOrExplain(file, set, terminal);
  if (recipe === undefined) return EXIT.usage;
  const steps = await planRecipe(recipe, recipe.registry, { runsFolder: runs });
  const gpu = chooseGpu(steps, gpuName);
  const total = flopsToRun(steps);
  if (json) {
    const plain = steps.map(({ id, use, inputs, key, cached, plan: { produces: _, ...plan } }) => ({
      id,
      use,
      inputs,
      key,
      cached,
      ...plan,
      ...(gpu !== undefined && plan.flops !== undefined && { gpuHours: gpuHours(plan.flops, gpu) }),
    }));
    const estimate = gpu && {
      name: gpu.name,
      device: gpu.device,
      peakTflops: { float32: gpu.float32, float16: gpu.float16 },
      utilisation: UTILISATION,
      hoursToRun: gpuHours(total, gpu),
    };
    out(`${JSON.stringify({ name: recipe.name, gpu: estimate, steps: plain }, null, 2)}\n`);
    return EXIT.ok;
  }
  const hours = (flops: number | undefined, precision: 'float32' | 'float16') =>
    formatHours(gpu && flops !== undefined ? gpuHours(flops, gpu)[precision] : undefined);
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
      { title: `${gpu?.name ?? 'GPU'} float32`, align: right },
      { title: 'float16', align: right },
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
      hours(plan.flops, 'float32'),
      hours(plan.flops, 'float16'),
      plan.note ?? '–',
    ]),
  });
  out(`${formatTable(table, { bold: colors.bold })}\n`);
  const open = steps.filter(({ cached }) => !cached);
  const timed = open.filter(({ plan }) => plan.seconds !== undefined);
  const seconds = timed.reduce((sum, { plan }) => sum + plan.seconds!, 0);
  const about = timed.length === 0 ? '' : `, about ${formatDuration(seconds)} by the estimates above`;
  out(`\n${open.length} of ${steps.length} steps to run${about}\n`);
  if (gpu !== undefined) out(describeEstimate(gpu, total));
  return EXIT.ok;
}

/** What the columns of GPU hours mean, and their sums. */
function describeEstimate(gpu: Gpu, flops: number): string {
  const { float32, float16 } = gpuHours(flops, gpu);
  return (
    `on one ${gpu.device}: ${formatHours(float32)} in float32 (what the engine computes in), ${formatHours(float16)} in float16, ` +
    `at ${UTILISATION * 100} % of its dense peak of ${gpu.float32} and ${gpu.float16} TFLOP/s; --gpu chooses another\n`
  );
}
