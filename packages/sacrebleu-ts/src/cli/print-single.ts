/** Lines of one system's scores. */
import type { Paint } from './terminal.js';

const CONFIDENCE = /\(μ = [0-9.]+ ± [0-9.]+\)/g;

/** JSON objects, several of them as a list. */
export function singleAsJson(results: readonly string[]): string {
  return results.length === 1 ? `${results[0]}\n` : `[\n${results.join(',\n')}\n]\n`;
}

/** Lines with their equals signs below each other; those without one come first, as in the original. */
export function singleAsText(results: readonly string[], paint: Paint): string {
  const colored = results[0]!.includes('μ')
    ? results.map((line) => line.replace(CONFIDENCE, (text) => paint(text, 'cyan')))
    : results;
  if (colored.length === 1) return `${colored[0]}\n`;
  const plain = colored.filter((line) => !line.includes('='));
  const ends = colored.filter((line) => line.includes('=')).map((line) => line.indexOf('=') - 1);
  const width = Math.max(...ends);
  const aligned = ends.map((end, i) => colored[i]!.slice(0, end).padStart(width) + colored[i]!.slice(end));
  return [...plain, ...aligned].map((line) => `${line}\n`).join('');
}
