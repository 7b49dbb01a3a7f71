/** A curve over positions as an SVG picture: one line a series, drawn anew at most once a frame. */
import { element, svgElement } from './dom.js';

const WIDTH = 480;
const HEIGHT = 220;
const LEFT = 64;
const BOTTOM = 32;
const TOP = 12;
const RIGHT = 12;
/** Points that a line has at most; neighbours are averaged beyond that. */
const POINTS = 512;

export interface CurveOptions {
  title: string;
  /** Names of the series, in the order of their looks. */
  series: readonly string[];
  /** A value in words. */
  format(value: number): string;
}

export interface Curve {
  readonly figure: HTMLElement;
  add(series: number, position: number, value: number): void;
  /** Forgets all points. */
  clear(): void;
}

interface Points {
  x: number[];
  y: number[];
}

export function createCurve({ title, series, format }: CurveOptions): Curve {
  const lines: Points[] = series.map(() => ({ x: [], y: [] }));
  const picture = svgElement('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': title });
  const legend = element('ul', { class: 'legend' });
  for (const [index, name] of series.entries()) legend.append(element('li', { class: `series-${index}` }, name));
  const figure = element('figure', {}, element('figcaption', {}, title), picture, legend);
  let waiting = false;

  const draw = () => {
    waiting = false;
    const right = niceAbove(Math.max(1, ...lines.flatMap(({ x }) => x.at(-1) ?? 0)));
    const top = niceAbove(
      Math.max(1, ...lines.flatMap(({ y }) => y.reduce((most, value) => Math.max(most, value), 0))),
    );
    const px = (x: number) => LEFT + (x / right) * (WIDTH - LEFT - RIGHT);
    const py = (y: number) => HEIGHT - BOTTOM - (y / top) * (HEIGHT - TOP - BOTTOM);
    const marks: SVGElement[] = [];
    for (const part of [0, 0.5, 1]) {
      const y = py(part * top);
      marks.push(svgElement('line', { x1: `${LEFT}`, x2: `${WIDTH - RIGHT}`, y1: `${y}`, y2: `${y}`, class: 'grid' }));
      marks.push(svgElement('text', { x: `${LEFT - 6}`, y: `${y + 4}`, 'text-anchor': 'end' }, format(part * top)));
      const label = (part * right).toLocaleString('en');
      marks.push(svgElement('text', { x: `${px(part * right)}`, y: `${HEIGHT - 10}`, 'text-anchor': 'middle' }, label));
    }
    for (const [index, { x, y }] of lines.entries()) {
      if (x.length === 0) continue;
      const points = x.map((position, i) => `${px(position).toFixed(1)},${py(y[i]!).toFixed(1)}`).join(' ');
      marks.push(svgElement('polyline', { points, class: `series-${index}` }));
    }
    picture.replaceChildren(...marks);
    const said = lines.map(({ x, y }, index) =>
      x.length === 0 ? '' : `; ${series[index]}: ${format(y.at(-1)!)} at position ${x.at(-1)}`,
    );
    picture.setAttribute('aria-label', `${title}${said.join('')}`);
  };
  const schedule = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(draw);
  };

  schedule();
  return {
    figure,
    add(index, position, value) {
      const line = lines[index]!;
      line.x.push(position);
      line.y.push(value);
      if (line.x.length > POINTS) halve(line);
      schedule();
    },
    clear() {
      for (const line of lines) {
        line.x = [];
        line.y = [];
      }
      schedule();
    },
  };
}

/** Averages pairs of neighbours. */
function halve(line: Points): void {
  const merge = (values: number[]) =>
    Array.from({ length: values.length >> 1 }, (_, i) => (values[2 * i]! + values[2 * i + 1]!) / 2);
  line.x = merge(line.x);
  line.y = merge(line.y);
}

/** The smallest of 1, 2, 4, 5, 8 and 10 times a power of ten that is not below a value. */
export function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 8, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
}
