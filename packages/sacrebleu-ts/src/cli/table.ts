/** Tables of several systems: boxes for terminals, booktabs for LaTeX. First column to the right, the others centred. */

export interface Table {
  headers: readonly string[];
  rows: readonly (readonly string[])[];
}

/** Least difference between the width of a column and its header. */
const HEADER_ROOM = 2;

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences of colours begin with one
const COLOR_CODES = /\x1b\[[0-9;]*m/g;

/** Characters on the screen. */
const widthOf = (text: string) => [...text.replace(COLOR_CODES, '')].length;

function pad(text: string, width: number, right: boolean): string {
  const room = Math.max(0, width - widthOf(text));
  const left = right ? room : Math.floor(room / 2);
  return ' '.repeat(left) + text + ' '.repeat(room - left);
}

/** Widths of the columns, for cells of several lines too. */
function columnWidths({ headers, rows }: Table): number[] {
  return headers.map((header, column) => {
    const lines = rows.flatMap((row) => row[column]!.split('\n'));
    return Math.max(widthOf(header) + HEADER_ROOM, ...lines.map(widthOf));
  });
}

export function formatGrid(table: Table): string {
  const widths = columnWidths(table);
  const rule = (left: string, fill: string, between: string, right: string) =>
    left + widths.map((width) => fill.repeat(width + 2)).join(between) + right;
  const lines = (cells: readonly string[]): string[] => {
    const parts = cells.map((cell) => cell.split('\n'));
    const height = Math.max(...parts.map(({ length }) => length));
    return Array.from({ length: height }, (_, i) => {
      const texts = parts.map((part, column) => ` ${pad(part[i] ?? '', widths[column]!, column === 0)} `);
      return `│${texts.join('│')}│`;
    });
  };
  const body = table.rows.flatMap((row, i) => [...(i === 0 ? [] : [rule('├', '─', '┼', '┤')]), ...lines(row)]);
  return [
    rule('╒', '═', '╤', '╕'),
    ...lines(table.headers),
    rule('╞', '═', '╪', '╡'),
    ...body,
    rule('╘', '═', '╧', '╛'),
  ].join('\n');
}

const LATEX: Readonly<Record<string, string>> = {
  '&': '\\&',
  '%': '\\%',
  $: '\\$',
  '#': '\\#',
  _: '\\_',
  '^': '\\^{}',
  '{': '\\{',
  '}': '\\}',
  '~': '\\textasciitilde{}',
  '\\': '\\textbackslash{}',
  '<': '\\ensuremath{<}',
  '>': '\\ensuremath{>}',
};

export function formatLatex(table: Table): string {
  const widths = columnWidths(table);
  const line = (cells: readonly string[]) => {
    const texts = cells.map((cell, column) => ` ${pad(cell, widths[column]!, column === 0)} `);
    return `${texts.map((text) => text.replace(/[&%$#_^{}~\\<>]/g, (character) => LATEX[character]!)).join('&')}\\\\`;
  };
  return [
    `\\begin{tabular}{${table.headers.map((_, column) => (column === 0 ? 'r' : 'c')).join('')}}`,
    '\\toprule',
    line(table.headers),
    '\\midrule',
    ...table.rows.map(line),
    '\\bottomrule',
    '\\end{tabular}',
  ].join('\n');
}
