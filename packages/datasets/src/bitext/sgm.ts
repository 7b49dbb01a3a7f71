/** Test sets of WMT in SGML: one `<seg id="1">text</seg>` a line, markup of documents and paragraphs around them. */
import type { Line, Lines } from './lines.js';

export const isSgm = (name: string) => /\.sgml?(\.gz)?$/.test(name);

const SEGMENT = /<seg\b[^>]*>\s*(.*?)\s*<\/seg>/;

/** The segments among the lines of a file. Entities such as `&amp;` stay as they are, as in fairseq and sacreBLEU. */
export async function* readSegments(lines: AsyncIterable<Lines>): AsyncGenerator<Lines> {
  for await (const { lines: all, first } of lines) {
    const found: Line[] = [];
    const numbers: number[] = [];
    for (const [i, line] of all.entries()) {
      const segment = typeof line === 'string' ? SEGMENT.exec(line)?.[1] : line;
      if (segment === undefined) continue;
      found.push(segment);
      numbers.push(first + i);
    }
    if (found.length > 0) yield { lines: found, first: numbers[0]!, numbers };
  }
}
