/** How long a text may be. */
import type { LanguageManifest } from '@t2r/export/manifest';

/** Positions that the model, and its cache, have room for; Infinity where there is no end. */
export const positionLimit = ({ max_positions: positions, capacity }: LanguageManifest): number =>
  Math.min(positions ?? Number.POSITIVE_INFINITY, capacity ?? Number.POSITIVE_INFINITY);
