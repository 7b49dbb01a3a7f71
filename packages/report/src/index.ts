export { type CollectOptions, collectReport } from './collect.js';
export { formatBytes, formatCount, formatDelta, formatDuration, formatNumber, formatScaled } from './format.js';
export { plugin as default } from './plugin.js';
export { type RenderedReport, renderReport } from './render.js';
export { resultsTable } from './results.js';
export { type CollectRowsOptions, collectRows, type RowSource } from './rows.js';
export { dropEmptyColumns, formatTable, type Table, type TableColumn } from './table.js';
export { collectTranslations, type TranslationSource, translationTable } from './translations.js';
export type {
  CurvePoint,
  Environment,
  GenerationPoint,
  ReportData,
  ResultRow,
  Sample,
  TranslationResult,
} from './types.js';
export { restoreReport, writeReport } from './write-report.js';
