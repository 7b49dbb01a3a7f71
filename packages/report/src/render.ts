/** Renders the report's data as one self-contained HTML page: no script, no font, no request to anywhere. */
import { lossChart, renderChart } from './charts.js';
import { conversionsHtml } from './conversions.js';
import { environmentTable } from './environment-table.js';
import { escapeHtml } from './escape.js';
import { formatCount, formatDuration, formatNumber } from './format.js';
import { figure, foldedText, htmlPage, htmlTable, section } from './html.js';
import { resultsTable } from './results.js';
import { speedFigures } from './speed.js';
import { translationTable } from './translations.js';
import type { CurvePoint, ReportData } from './types.js';

/** The page and the data it shows, as file contents. */
export interface RenderedReport {
  html: string;
  json: string;
}

/** Renders `report.html` and `report.json`. */
export async function renderReport(data: ReportData): Promise<RenderedReport> {
  const body = [
    results(data),
    translations(data),
    expectations(data),
    section('Conversions', conversionsHtml(data.conversions)),
    await generation(data),
    await translationSpeed(data),
    await loss(data),
    samples(data),
    steps(data),
    environment(data),
    section('Recipe', data.recipe === undefined ? '' : foldedText('As the run resolved it', data.recipe)),
  ].filter((part) => part !== '');
  const html = htmlPage({
    title: data.title,
    about: `Run ${data.name}`,
    created: data.created,
    main: body.join('\n'),
  });
  return { html, json: `${JSON.stringify(data, null, 2)}\n` };
}

function results({ rows, baseline, protocol }: ReportData): string {
  if (rows.length === 0) return '';
  const against = baseline === undefined ? '' : ` “vs baseline” compares the test perplexity with that of ${baseline}.`;
  return section(
    'Results',
    `${htmlTable(resultsTable(rows), `One row per checkpoint.${against}`)}\n${notes(protocol)}`,
  );
}

const notes = (protocol: readonly string[]) =>
  protocol.map((line) => `<p class="muted">${escapeHtml(line)}</p>`).join('\n');

function translations({ translations: rows, rows: others, protocol }: ReportData): string {
  if (rows.length === 0) return '';
  const table = htmlTable(translationTable(rows), 'Beam search; one row per checkpoint and split.');
  // How all was measured stands once.
  return section('Translation', others.length === 0 ? `${table}\n${notes(protocol)}` : table);
}

function expectations({ expectations: list }: ReportData): string {
  if (list.length === 0) return '';
  const items = list.map(({ step, metric, expected, actual, met }) => {
    const verdict = met ? '<span class="met">met</span>' : '<span class="missed">missed</span>';
    return `<li>${verdict}: <code>${escapeHtml(metric)}</code> (step ${escapeHtml(step)}) expected ${escapeHtml(expected)}, is ${escapeHtml(formatNumber(actual))}</li>`;
  });
  return section('Expectations', `<ul>\n${items.join('\n')}\n</ul>`);
}

async function generation({ generation: points, rows }: ReportData): Promise<string> {
  const attention = new Map(rows.map(({ id, attention: name }) => [id, name]));
  const label = (step: string) => (attention.get(step) === undefined ? step : `${step} (${attention.get(step)})`);
  const curves = points.map(({ step, position, ...rest }) => ({
    series: label(step),
    batch: 1,
    length: position,
    ...rest,
  }));
  return section('Generation', await speedFigures(curves, 'position'));
}

async function translationSpeed(data: ReportData): Promise<string> {
  const figures = await speedFigures(data.translationSpeed, 'translation');
  if (figures === '') return '';
  // How all was measured stands once.
  const alone = data.rows.length === 0 && data.translations.length === 0;
  return section('Speed of translation', alone ? `${figures}\n${notes(data.protocol)}` : figures);
}

async function loss({ loss: points }: ReportData): Promise<string> {
  if (points.length === 0) return '';
  const curves = new Map<string, CurvePoint[]>();
  for (const point of points) {
    const name = `${point.step}, ${point.series}`;
    curves.set(name, [...(curves.get(name) ?? []), point]);
  }
  const table = {
    columns: [
      { title: 'curve', align: 'left' as const },
      { title: 'points', align: 'right' as const },
      { title: 'first', align: 'right' as const },
      { title: 'last', align: 'right' as const },
      { title: 'lowest', align: 'right' as const },
    ],
    rows: [...curves].map(([name, curve]) => [
      name,
      formatCount(curve.length),
      formatNumber(curve[0]!.y),
      formatNumber(curve.at(-1)!.y),
      formatNumber(Math.min(...curve.map(({ y }) => y))),
    ]),
  };
  const svg = await renderChart(lossChart(points), 'Loss against optimizer steps, one line per training run and split');
  return section('Loss', figure(svg, 'Training loss (with dropout) and validation loss (without).', table));
}

function samples({ samples: list }: ReportData): string {
  const blocks = list.map(
    ({ step, prompt, text }) =>
      `<h3>${escapeHtml(step)}</h3>\n<pre><strong>${escapeHtml(prompt)}</strong>${escapeHtml(text)}</pre>`,
  );
  return section('Samples', blocks.length === 0 ? '' : `<p class="muted">Prompts in bold.</p>\n${blocks.join('\n')}`);
}

function steps({ steps: list }: ReportData): string {
  const table = {
    columns: [
      { title: 'step', align: 'left' as const },
      { title: 'component', align: 'left' as const },
      { title: 'time', align: 'right' as const },
      { title: 'key', align: 'left' as const },
    ],
    rows: list.map(({ id, use, seconds, key }) => [id, use, formatDuration(seconds), key.slice(0, 12)]),
  };
  const total = list.reduce((sum, { seconds }) => sum + seconds, 0);
  const metrics = list
    .filter(({ metrics }) => Object.keys(metrics).length > 0)
    .map(({ id, metrics }) =>
      [id, ...Object.entries(metrics).map(([name, value]) => `  ${name}: ${formatNumber(value)}`)].join('\n'),
    );
  return section(
    'Steps',
    `${htmlTable(table, `${formatDuration(total)} of computing in all; steps kept from earlier runs count with the time they took then.`)}\n${
      metrics.length === 0 ? '' : foldedText('All metrics', metrics.join('\n'))
    }`,
  );
}

function environment({ environment: where }: ReportData): string {
  return section('Environment', environmentTable(where, 'The machine that rendered this report.'));
}
