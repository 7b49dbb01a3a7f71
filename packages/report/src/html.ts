/** Small builders for the page's HTML. Text arguments are escaped; arguments named `html` are inserted as they are. */
import { escapeHtml } from './escape.js';
import { STYLE } from './style.js';
import type { Table } from './table.js';

/** A table with a caption, column headers and row headers (the first column). */
export function htmlTable({ columns, rows }: Table, caption: string): string {
  const side = (index: number) => (columns[index]?.align === 'right' ? ' class="right"' : '');
  const head = columns.map(({ title }, index) => `<th scope="col"${side(index)}>${escapeHtml(title)}</th>`).join('');
  const body = rows
    .map((row) => {
      const cells = row.map((cell, index) =>
        index === 0 ? `<th scope="row">${escapeHtml(cell)}</th>` : `<td${side(index)}>${escapeHtml(cell)}</td>`,
      );
      return `<tr>${cells.join('')}</tr>`;
    })
    .join('\n');
  return `<div class="scroll"><table><caption>${escapeHtml(caption)}</caption>
<thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody></table></div>`;
}

/** A headed section, or nothing where there is nothing to show. */
export function section(title: string, html: string): string {
  return html === '' ? '' : `<section>\n<h2>${escapeHtml(title)}</h2>\n${html}\n</section>`;
}

/** A figure with a caption and, folded away, the table of what is drawn. */
export function figure(svg: string, caption: string, table: Table): string {
  return `<figure>${svg}<figcaption>${escapeHtml(caption)}</figcaption>
<details><summary>The figures</summary>${htmlTable(table, caption)}</details></figure>`;
}

/** A folded block of preformatted text. */
export function foldedText(summary: string, text: string): string {
  return `<details><summary>${escapeHtml(summary)}</summary><pre>${escapeHtml(text)}</pre></details>`;
}

export interface PageOptions {
  title: string;
  /** What the page is about, beside the date. */
  about: string;
  /** ISO 8601. */
  created: string;
  /** HTML of everything below the heading. */
  main: string;
}

/** A whole self-contained page. */
export function htmlPage({ title, about, created, main }: PageOptions): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="t2r">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="muted">${escapeHtml(about)}, <time datetime="${escapeHtml(created)}">${escapeHtml(created.slice(0, 16).replace('T', ' '))} UTC</time></p>
</header>
<main>
${main}
</main>
</body>
</html>
`;
}
