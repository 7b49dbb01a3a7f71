/** The results table: one row per checkpoint, the same on the terminal, on the page and in report.json. */

import { formatBytes, formatCount, formatDelta, formatNumber } from './format.js';
import { dropEmptyColumns, type Table } from './table.js';
import type { ResultRow } from './types.js';

/** Lays the rows out as a table; columns nobody measured are left out. */
export function resultsTable(rows: readonly ResultRow[]): Table {
  const right = 'right' as const;
  return dropEmptyColumns({
    columns: [
      { title: 'checkpoint', align: 'left' },
      { title: 'attention', align: 'left' },
      { title: 'steps', align: right },
      { title: 'ppl valid', align: right },
      { title: 'ppl test', align: right },
      { title: 'bits/byte', align: right },
      { title: 'vs baseline', align: right },
      { title: 'tokens/s', align: right },
      { title: 'state', align: right },
      { title: 'at position', align: right },
    ],
    rows: rows.map((row) => [
      row.id,
      row.attention ?? '–',
      formatCount(row.steps),
      formatNumber(row.valid),
      formatNumber(row.test),
      formatNumber(row.bitsPerByte),
      formatDelta(row.delta),
      formatCount(row.tokensPerSecond),
      formatBytes(row.stateBytes),
      formatCount(row.position),
    ]),
  });
}
