/**
 * The plots of the report, as Vega-Lite specifications rendered to SVG text on the server. Vega is imported on first use:
 * it is heavy, and most commands never draw.
 *
 * The SVGs inherit the page's text colour (`currentColor`), and the series colours have at least 3:1 contrast on both
 * a white and a near-black page, so that one drawing serves light mode, dark mode and print.
 */
import type { TopLevelSpec } from 'vega-lite';
import { cleanText, escapeHtml } from './escape.js';
import type { CurvePoint, SpeedPoint } from './types.js';

const COLORS = ['#3b7dd8', '#d2571f', '#2a9163', '#a15bc4', '#b58a00', '#c2437a', '#5b8a9a', '#8a6d5b'];
const DASHES = [
  [1, 0],
  [6, 3],
  [2, 2],
  [8, 3, 2, 3],
  [4, 2],
  [1, 3],
  [10, 2],
  [3, 3],
];
const FONT = 'system-ui, sans-serif';

const CONFIG: TopLevelSpec['config'] = {
  background: 'transparent',
  font: FONT,
  view: { stroke: 'transparent' },
  axis: {
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    domainColor: 'currentColor',
    tickColor: 'currentColor',
    gridColor: 'currentColor',
    gridOpacity: 0.15,
    titleFontWeight: 'normal',
  },
  legend: {
    labelColor: 'currentColor',
    titleColor: 'currentColor',
    orient: 'top',
    columns: 3,
    symbolType: 'stroke',
    symbolStrokeWidth: 2,
    symbolSize: 300,
    labelLimit: 400,
  },
};

interface LineChart {
  points: { x: number; y: number; series: string }[];
  xTitle: string;
  yTitle: string;
  xLog?: boolean;
  yLog?: boolean;
  /** Draw the points themselves; off for dense curves. */
  marks?: boolean;
  /** Labels of a logarithmic x axis stand at these values; default: where Vega puts them. */
  xTicks?: number[];
  /** A Vega expression of `datum.value` for the labels of the y axis, and the base of its logarithm. Default: the number, 10. */
  yLabel?: string;
  yBase?: number;
}

/** A line chart as a Vega-Lite specification; a logarithmic axis drops points at or below zero. */
function lineChart({
  points,
  xTitle,
  yTitle,
  xLog = false,
  yLog = false,
  marks = true,
  xTicks,
  yLabel = "format(datum.value, '~s')",
  yBase = 10,
}: LineChart): TopLevelSpec {
  const values = points
    .filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y) && !(xLog && x <= 0) && !(yLog && y <= 0))
    .map((point) => ({ ...point, series: cleanText(point.series) }));
  const series = [...new Set(values.map((point) => point.series))];
  const domain = (list: string[] | number[][]) => series.map((_, index) => list[index % list.length]!);
  return {
    width: 640,
    height: 240,
    data: { values },
    mark: { type: 'line', point: marks, strokeWidth: 2 },
    encoding: {
      x: {
        field: 'x',
        type: 'quantitative',
        title: xTitle,
        scale: { type: xLog ? 'log' : 'linear', nice: !xLog },
        ...(xTicks && { axis: { values: xTicks, format: ',', labelFlush: false } }),
      },
      y: {
        field: 'y',
        type: 'quantitative',
        title: yTitle,
        scale: yLog ? { type: 'log', base: yBase } : { type: 'linear', zero: false },
        ...(yLog && { axis: { labelExpr: yLabel, tickCount: 6 } }),
      },
      color: {
        field: 'series',
        type: 'nominal',
        title: null,
        scale: { domain: series, range: domain(COLORS) as string[] },
      },
      strokeDash: {
        field: 'series',
        type: 'nominal',
        title: null,
        scale: { domain: series, range: domain(DASHES) as number[][] },
      },
    },
    config: CONFIG,
  };
}

/** Loss against optimizer steps; `train` curves without point marks are dense, so marks are left to short curves. */
export function lossChart(points: readonly CurvePoint[]): TopLevelSpec {
  return lineChart({
    points: points.map(({ step, series, x, y }) => ({ x, y, series: `${step}, ${series}` })),
    xTitle: 'optimizer step',
    yTitle: 'loss (nats per token)',
    marks: points.length <= 40,
  });
}

/** What is measured against length, and how its axis reads. */
const QUANTITIES = {
  tokensPerSecond: { title: 'tokens per second', label: "format(datum.value, ',')", base: 10 },
  firstTokenSeconds: {
    title: 'time to the first token',
    label: "datum.value < 1 ? format(datum.value * 1000, '~r') + ' ms' : format(datum.value, '~r') + ' s'",
    base: 10,
  },
  stateBytes: {
    title: 'state of one sequence',
    label:
      "datum.value >= 1073741824 ? format(datum.value / 1073741824, '~r') + ' GiB' : datum.value >= 1048576 ? " +
      "format(datum.value / 1048576, '~r') + ' MiB' : format(datum.value / 1024, '~r') + ' KiB'",
    base: 2,
  },
} as const;

export type Quantity = keyof typeof QUANTITIES;

/** A quantity against length, both axes logarithmic, one line per series. */
export function lengthChart(points: readonly SpeedPoint[], quantity: Quantity, xTitle: string): TopLevelSpec {
  const { title, label, base } = QUANTITIES[quantity];
  return lineChart({
    points: points.flatMap(({ series, length, [quantity]: y }) => (y === undefined ? [] : [{ x: length, y, series }])),
    xTitle,
    yTitle: title,
    xLog: true,
    yLog: true,
    xTicks: [...new Set(points.map(({ length }) => length))].sort((a, b) => a - b),
    yLabel: label,
    yBase: base,
  });
}

/** Renders a specification to SVG text with `label` as its accessible name. */
export async function renderChart(spec: TopLevelSpec, label: string): Promise<string> {
  const [{ compile }, { parse, View }] = await Promise.all([import('vega-lite'), import('vega')]);
  const view = new View(parse(compile(spec).spec), { renderer: 'none' });
  try {
    const svg = await view.toSVG();
    // The drawing is one image to a screen reader; the figures stand in a table beside it.
    return svg
      .replace(/ (?:role|aria-[a-z]+)="[^"]*"/g, '')
      .replace('<svg ', `<svg role="img" aria-label="${escapeHtml(label)}" `);
  } finally {
    view.finalize();
  }
}
