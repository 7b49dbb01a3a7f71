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
