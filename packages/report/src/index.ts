export { type BenchPage, renderBench } from './bench.js';
export { type CollectOptions, collectReport } from './collect.js';
export { describeEnvironment } from './environment.js';
export {
  formatBytes,
  formatCount,
  formatDelta,
  formatDuration,
  formatMilliseconds,
  formatNumber,
  formatScaled,
} from './format.js';
export { plugin as default } from './plugin.js';
export { type RenderedReport, renderReport } from './render.js';
export { resultsTable } from './results.js';
export { type CollectRowsOptions, collectRows, type RowSource } from './rows.js';
export { type LengthMeaning, speedTable } from './speed.js';
export { dropEmptyColumns, formatTable, type Table, type TableColumn } from './table.js';
export { collectTranslations, type TranslationSource, translationTable } from './translations.js';
export type {
  CurvePoint,
  Environment,
  GenerationPoint,
  ReportData,
  ResultRow,
  Sample,
  SpeedPoint,
  TranslationResult,
} from './types.js';
export { restoreReport, writeReport } from './write-report.js';
