/** A table as data: the same columns and cells feed the page and the terminal. */

export interface TableColumn {
  title: string;
  /** Figures are set flush right. */
  align: 'left' | 'right';
}

export interface Table {
  columns: TableColumn[];
  rows: string[][];
}

/** Drops columns (never the first) in which every cell is missing. */
export function dropEmptyColumns({ columns, rows }: Table): Table {
  const used = columns.map((_, index) => index === 0 || rows.some((row) => row[index] !== '–'));
  return {
    columns: columns.filter((_, index) => used[index]),
    rows: rows.map((row) => row.filter((_, index) => used[index])),
  };
}

/** Sets a table as lines of text, two spaces between columns. `bold` decorates the header, e.g. with picocolors. */
export function formatTable({ columns, rows }: Table, { bold = (text: string) => text } = {}): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => (row[index] ?? '').length)),
  );
  const line = (cells: string[]) =>
    columns
      .map(({ align }, index) => {
        const cell = cells[index] ?? '';
        return align === 'right' ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [bold(line(columns.map(({ title }) => title))), rule, ...rows.map(line)].join('\n');
}
