/** Every attention variant as a recipe writes it, with options that make short tests cross chunks and windows. */
import attentionPlugin from '@t2r/attention';
import { type ComponentSpec, createRegistry, loadPlugins } from '@t2r/core';

/** A variant from outside of the packages, which has all forms without writing one. */
const example = await loadPlugins(['../../docs/examples/squared-relu.js'], import.meta.dirname);

export const registry = createRegistry([attentionPlugin, ...example]);

/** Names for messages, and specifications. */
export const VARIANTS: [string, ComponentSpec][] = [
  ['t2r', { use: 't2r-mlp', features: 8, chunk: 16 }],
  ['t2r without bias', { use: 't2r-mlp', features: 8, bias: false, chunk: 16 }],
  ['t2r with gelu', { use: 't2r-mlp', features: 8, activation: 'gelu', chunk: 16 }],
  ['t2r with a map each for queries and keys', { use: 't2r-mlp', features: 8, shared: false, scale: 'both' }],
  ['softmax', { use: 'softmax' }],
  ['elu', { use: 'elu', chunk: 16 }],
  ['random features', { use: 'random-feature', features: 8, chunk: 16 }],
  ['random features of raw inputs', { use: 'random-feature', features: 8, normalize: false }],
  ['random features, input gate', { use: 'random-feature', features: 8, gate: 'input', chunk: 16 }],
  ['random features, recency gate', { use: 'random-feature', features: 8, gate: 'recency', chunk: 16 }],
  ['favor', { use: 'favor', features: 6, chunk: 16 }],
  ['hedgehog', { use: 'hedgehog', chunk: 16 }],
  ['hedgehog, shared map of 6 features', { use: 'hedgehog', features: 6, shared: true, scale: 'both' }],
  ['t2r, recency gate', { use: 't2r-mlp', features: 8, gate: 'recency', chunk: 16 }],
  ['hedgehog, recency gate', { use: 'hedgehog', gate: 'recency', chunk: 16 }],
  ['hedgehog, input gate', { use: 'hedgehog', gate: 'input', chunk: 16 }],
  ['t2r-norm', { use: 't2r-norm', features: 8, chunk: 16 }],
  ['t2r-norm with decay', { use: 't2r-norm', features: 8, decay: true, chunk: 16 }],
  ['softmax over a window', { use: 'softmax-window', window: 5 }],
  ['softmax over a window longer than the text', { use: 'softmax-window', window: 50 }],
  ['window and hedgehog', { use: 'window-linear', window: 5, chunk: 16 }],
  [
    'window and t2r, affine',
    { use: 'window-linear', window: 8, linear: { use: 't2r-mlp', features: 8 }, affine: true },
  ],
  ['an attention from a plugin file', { use: 'squared-relu', features: 8 }],
  ['window and random features', { use: 'window-linear', window: 3, linear: { use: 'random-feature', features: 8 } }],
];
