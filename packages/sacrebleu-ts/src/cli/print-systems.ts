/** Tables of several systems. */
import type { PairedResult } from '../significance/paired.js';
import { Float, type JsonValue, toPythonJson } from '../text/python-json.js';
import { formatFixed } from '../text/python-number.js';
import type { OutputFormat } from './options.js';
import { formatGrid, formatLatex } from './table.js';
import type { Paint } from './terminal.js';

/** Scores of all systems under one metric: as printed, or with the results of a test. */
export interface Column {
  name: string;
  signature: string;
  cells: readonly (string | PairedResult)[];
}

export interface SystemsOutput {
  names: readonly string[];
  columns: readonly Column[];
  format: OutputFormat;
  width: number;
  paint: Paint;
  /** The test that was made, and how many resamples or trials it had. */
  paired?: { test: 'ar' | 'bs'; samples: number };
}

const SIGNIFICANT = 0.05;

export function formatSystems(output: SystemsOutput): string {
  if (output.format === 'json') return `${asJson(output)}\n`;
  const { names, columns, format, paired, paint } = output;
  const shown = columns.map(({ cells }) => cells.map((cell) => formatCell(cell, output)));
  const withIntervals = columns.some(({ cells }) =>
    cells.some((cell) => typeof cell !== 'string' && cell.mean !== undefined),
  );
  const baseline = names[0]!.startsWith('Baseline:');
  const mark = (text: string, row: number) => (row === 0 && baseline ? paint(text, 'yellow') : text);
  const table = {
    headers: ['System', ...columns.map(({ name }) => (withIntervals ? `${name} (μ ± 95% CI)` : name))].map((header) =>
      paint(header, 'cyan'),
    ),
    rows: names.map((name, row) => [name, ...shown.map((cells) => cells[row]!)].map((text) => mark(text, row))),
  };
  const lines = [format === 'latex' ? formatLatex(table) : formatGrid(table), ''];
  if (paired !== undefined) lines.push(...explain(paired, baseline ? names[0]! : 'the baseline', paint));
  lines.push('-----------------', 'Metric signatures', '-----------------');
  lines.push(...columns.map(({ name, signature }) => ` - ${name.padEnd(10)} ${signature}`));
  return lines.map((line) => `${line}\n`).join('');
}

function formatCell(cell: string | PairedResult, { format, width, paint }: SystemsOutput): string {
  if (typeof cell === 'string') return cell;
  const { score, pValue, mean, ci } = cell;
  let text = formatFixed(score, width);
  if (mean !== undefined && ci !== undefined) text += ` (${formatFixed(mean, width)} ± ${formatFixed(ci, width)})`;
  if (pValue === undefined) return text;
  const shown = `(p = ${formatFixed(pValue, 4)})`;
  return `${text}${format === 'latex' ? ' ' : '\n'}${pValue > SIGNIFICANT ? paint(shown, 'red') : `${shown}*`}`;
}

function asJson({ names, columns }: SystemsOutput): string {
  const number = (value: number | undefined) => (value === undefined ? null : new Float(value));
  const systems = names.map((system, row) => {
    const object: Record<string, JsonValue> = { system };
    for (const { name, cells } of columns) {
      const cell = cells[row]!;
      object[name] =
        typeof cell === 'string'
          ? cell
          : { score: number(cell.score), p_value: number(cell.pValue), mean: number(cell.mean), ci: number(cell.ci) };
    }
    return object;
  });
  return toPythonJson(systems, { indent: 4, asciiOnly: true });
}

/** What the test means. */
function explain({ test, samples }: { test: 'ar' | 'bs'; samples: number }, name: string, paint: Paint): string[] {
  const [method, unit] =
    test === 'bs' ? ['bootstrap resampling', 'resampling trials'] : ['approximate randomization', 'trials'];
  const title = `Paired ${method} test with ${samples} ${unit}`;
  const rule = '-'.repeat(title.length);
  const shown = test === 'bs' ? 'score, mean of the resampled scores and half of their 95% interval' : 'score';
  return [
    rule,
    title,
    rule,
    ` - Every system is compared with ${paint(name, 'yellow')}; each cell has its ${shown}.`,
    ` - ${paint('Null hypothesis', 'green')}: both outputs come from the same process. p is how probable a difference of`,
    '   scores as large as the one found, or larger, would then be.',
    ' - A "*" marks p below 0.05: the difference is unlikely to be chance. Otherwise p is ' +
      `${paint('highlighted in red', 'red')}.`,
    ' - A significant difference would be found again; that it matters, or that one system is better, does not follow.',
    '',
  ];
}
