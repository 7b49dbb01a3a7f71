export { describeParity } from './describe-parity.js';
export { type ExportOptions, type ExportResult, exportCheckpoint } from './export-checkpoint.js';
export type { ExportSettings } from './export-options.js';
export { type ExportedSession, openExported } from './folder/exported-session.js';
export { type ExportedFolder, type ReadExportedOptions, readExported } from './folder/read-exported.js';
export type { LoadedModel } from './loaded-model.js';
export {
  EXPORT_DTYPES,
  type ExportDtype,
  type ExportedState,
  type ExportManifest,
  type LanguageManifest,
  MANIFEST_FILE,
  manifestSchema,
  parseManifest,
  type TranslationManifest,
} from './manifest.js';
export type { ModelHistory } from './model-card.js';
export { fileText, type TextLimits } from './parity/text.js';
export type { ParityReport, ParitySequence, ParityText } from './parity/types.js';
export { plugin as default } from './plugin.js';
export { findSourceRun, type SourceRun } from './source-run.js';
