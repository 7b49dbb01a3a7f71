/** Renders the report's data as one self-contained HTML page: no script, no font, no request to anywhere. */
import { lossChart, renderChart, speedChart, stateChart } from './charts.js';
import { conversionsHtml } from './conversions.js';
import { escapeHtml } from './escape.js';
import { formatBytes, formatCount, formatDuration, formatNumber } from './format.js';
import { figure, foldedText, htmlTable, section } from './html.js';
import { resultsTable } from './results.js';
import { STYLE } from './style.js';
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
    await loss(data),
    samples(data),
    steps(data),
    environment(data),
    section('Recipe', data.recipe === undefined ? '' : foldedText('As the run resolved it', data.recipe)),
  ].filter((part) => part !== '');
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="t2r">
<title>${escapeHtml(data.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(data.title)}</h1>
<p class="muted">Run ${escapeHtml(data.name)}, <time datetime="${escapeHtml(data.created)}">${escapeHtml(data.created.slice(0, 16).replace('T', ' '))} UTC</time></p>
</header>
<main>
${body.join('\n')}
</main>
</body>
</html>
`;
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

async function generation({ generation: points }: ReportData): Promise<string> {
  if (points.length === 0) return '';
  const table = {
    columns: [
      { title: 'checkpoint', align: 'left' as const },
      { title: 'position', align: 'right' as const },
      { title: 'tokens/s', align: 'right' as const },
      { title: 'state of one sequence', align: 'right' as const },
      { title: 'memory of the process', align: 'right' as const },
    ],
    rows: points.map(({ step, position, tokensPerSecond, stateBytes, rssBytes }) => [
      step,
      formatCount(position),
      formatNumber(tokensPerSecond),
      formatBytes(stateBytes),
      formatBytes(rssBytes),
    ]),
  };
  const figures = [
    figure(
      await renderChart(speedChart(points), 'Decoding speed against position, one line per checkpoint'),
      'Decoding speed against position. A recurrent model needs the same time for every token; a softmax model reads a cache that grows.',
      table,
    ),
  ];
  if (points.some(({ stateBytes }) => stateBytes !== undefined)) {
    const svg = await renderChart(stateChart(points), 'Size of the state against position, one line per checkpoint');
    figures.push(
      `<figure>${svg}<figcaption>Memory that one sequence needs to go on, against position.</figcaption></figure>`,
    );
  }
  return section('Generation', figures.join('\n'));
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
  const versions = Object.entries(where.versions).map(([name, version]) => [name, version]);
  return section(
    'Environment',
    htmlTable(
      {
        columns: [
          { title: 'what', align: 'left' },
          { title: 'value', align: 'left' },
        ],
        rows: [
          ['Node.js', where.node],
          ['platform', where.platform],
          ['processor', where.cpu],
          ['threads', String(where.threads)],
          ...versions.map(([name, version]) => [name!, version!]),
        ],
      },
      'The machine that rendered this report.',
    ),
  );
}
