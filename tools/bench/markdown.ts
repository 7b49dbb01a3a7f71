/** Figures as a Markdown table. */

/** What a column shows: its unit goes into its title, numbers are rounded to what they are worth. */
function column(key: string): { title: string; show: (value: unknown) => string } {
  const bytes = key.endsWith('_bytes');
  const title = bytes
    ? `${key.slice(0, -'_bytes'.length)}, MiB`
    : key.endsWith('_ms')
      ? `${key.slice(0, -3)}, ms`
      : key;
  const show = (value: unknown) => {
    if (typeof value !== 'number') return String(value ?? '');
    const number = bytes ? value / 2 ** 20 : value;
    const digits = Math.abs(number) < 10 && !Number.isInteger(number) ? 3 : 0;
    return number.toLocaleString('en-US', { maximumFractionDigits: digits });
  };
  return { title: title.replaceAll('_', ' '), show };
}

/** One row a figure; a column for every name that some figure has, in the order in which they come up. */
export function markdownTable(figures: readonly object[]): string {
  const keys = [...new Set(figures.flatMap((figure) => Object.keys(figure)))];
  const columns = keys.map(column);
  const values = figures.map((figure) => new Map(Object.entries(figure)));
  const lines = [
    columns.map(({ title }) => title),
    keys.map((key) => (values.some((row) => typeof row.get(key) === 'number') ? '--:' : ':--')),
    ...values.map((row) => keys.map((key, at) => columns[at]!.show(row.get(key)))),
  ];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
