export { type CollectOptions, collectReport, collectRows } from './collect.js';
export { formatBytes, formatCount, formatDelta, formatDuration, formatNumber, formatScaled } from './format.js';
export { type RenderedReport, renderReport } from './render.js';
export { resultsTable } from './results.js';
export { formatTable, type Table, type TableColumn } from './table.js';
export type {
  CurvePoint,
  Environment,
  Expectation,
  GenerationPoint,
  RecipeStep,
  ReportData,
  ResultRow,
  RunData,
  Sample,
} from './types.js';
