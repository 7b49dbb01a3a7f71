/** What the curves of `t2r bench` say: break-even lengths, growth of memory, what was left out. */
import { type BreakEven, speedBreakEven, stateBreakEven } from '@t2r/evaluators';
import { formatBytes, formatCount, formatDelta } from '@t2r/report';
import type { BenchModel } from './measure.js';

/** From which length on a recurrent model is ahead of one that is not. */
export interface BreakEvenLengths {
  model: string;
  against: string;
  batch: number;
  /** In tokens a second; absent where it is not ahead at any length measured. */
  speed?: BreakEven;
  /** From this length on its state is smaller. */
  state?: number;
}

export function breakEvenLengths(models: readonly BenchModel[]): BreakEvenLengths[] {
  const [recurrent, growing] = [models.filter((each) => each.recurrent), models.filter((each) => !each.recurrent)];
  return recurrent.flatMap((model) =>
    growing.flatMap((against) =>
      model.curves.flatMap(({ batch, points }) => {
        const others = against.curves.find((curve) => curve.batch === batch);
        if (others === undefined) return [];
        return [
          {
            model: labelOf(model),
            against: labelOf(against),
            batch,
            speed: speedBreakEven(points, others.points),
            state: stateBreakEven(model.stateBytes(1), against.stateBytes),
          },
        ];
      }),
    ),
  );
}

/** Name and attention, where the name does not tell it. */
export function labelOf({ name, attention }: Pick<BenchModel, 'name' | 'attention'>): string {
  return name.startsWith(attention) ? name : `${name} (${attention})`;
}

const REASONS = {
  positions: 'learned positions end before',
  memory: 'the cache does not fit into the memory of this machine',
};

/** One sentence each. */
export function describeFindings(models: readonly BenchModel[], breakEven: readonly BreakEvenLengths[]): string[] {
  const lines: string[] = [];
  for (const { model, against, batch, speed, state } of breakEven) {
    const beside = batch === 1 ? '' : `, ${batch} sequences side by side`;
    if (speed === undefined) lines.push(`${model} is slower than ${against} at the longest length measured${beside}.`);
    else if (speed.exact)
      lines.push(
        `Break-even${beside}: ${model} is faster than ${against} from ${formatCount(speed.length)} tokens on.`,
      );
    else
      lines.push(
        `Break-even${beside}: ${model} is faster than ${against} at every length, from ${speed.length} tokens on.`,
      );
    if (state !== undefined && batch === breakEven[0]!.batch)
      lines.push(`The state of ${model} is smaller than that of ${against} from ${formatCount(state)} tokens on.`);
  }
  for (const model of models) {
    for (const { batch, points, skipped } of model.curves) {
      const [first, last] = [points[0], points.at(-1)];
      if (model.recurrent && first !== undefined && last !== undefined && points.length > 1)
        lines.push(
          `${labelOf(model)}, batch ${batch}: tokens/s at ${formatCount(last.length)} against ${formatCount(first.length)}: ` +
            `${formatDelta(last.tokensPerSecond / first.tokensPerSecond - 1)}.`,
        );
      for (const { length, reason } of skipped)
        lines.push(`${labelOf(model)}, batch ${batch}: ${formatCount(length)} is left out; ${REASONS[reason]}.`);
    }
    if (model.memory !== undefined)
      lines.push(
        `${labelOf(model)}: resident memory ${model.memory.growthBytes < 0 ? 'shrank' : 'grew'} by ` +
          `${formatBytes(Math.abs(model.memory.growthBytes))} while ${formatCount(model.memory.tokens)} tokens were decoded.`,
      );
  }
  return lines;
}
