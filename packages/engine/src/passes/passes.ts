/** The passes that every traced graph goes through, in this order. */
import { cancelCasts } from './cancel-casts.js';
import { cancelReshapes } from './cancel-reshapes.js';
import { foldConstants } from './fold-constants.js';
import { foldTransposes } from './fold-transposes.js';
import { neutralElements } from './neutral-elements.js';
import { rewritePowers } from './rewrite-powers.js';
import type { GraphPass } from './run-passes.js';
import { scatterSums } from './scatter-sums.js';
import { shareEqualNodes } from './share-equal-nodes.js';
import { skipBroadcasts } from './skip-broadcasts.js';

export const PASSES: readonly GraphPass[] = [
  shareEqualNodes,
  neutralElements,
  cancelCasts,
  cancelReshapes,
  // Before constants are folded: a product reads a transposed weight as it lies.
  foldTransposes,
  foldConstants,
  rewritePowers,
  skipBroadcasts,
  scatterSums,
];
