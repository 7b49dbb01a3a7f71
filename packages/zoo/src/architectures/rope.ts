/**
 * Rotary positions in configurations of transformers: `rope_parameters` (version 5), or `rope_theta` with `rope_scaling`
 * (before it).
 */
import type { RotaryOptions, RotaryScaling } from '@t2r/attention';
import type { LmConfig } from '@t2r/models';
import { z } from 'zod';
import { parseOptions, unsupported } from './options.js';
import type { JsonObject } from './types.js';

const schema = z.object({
  rope_theta: z.number().positive().nullish(),
  rope_type: z.string().optional(),
  type: z.string().optional(),
  partial_rotary_factor: z.number().gt(0).max(1).nullish(),
  factor: z.number().positive().optional(),
  low_freq_factor: z.number().positive().optional(),
  high_freq_factor: z.number().positive().optional(),
  original_max_position_embeddings: z.int().positive().optional(),
});

export interface RopeDefaults {
  /** Frequencies' base. */
  base: number;
  fraction: number;
  maxPositions: number;
}

type Parsed = z.output<typeof schema>;

function scalingOf(family: string, rope: Parsed, maxPositions: number): RotaryScaling | undefined {
  const type = rope.rope_type ?? rope.type ?? 'default';
  const need = <K extends keyof Parsed>(key: K) => {
    const value = rope[key];
    if (value === undefined) unsupported(family, `rope_parameters.${key}`, null, `Give it for rope_type ${type}.`);
    return value as NonNullable<Parsed[K]>;
  };
  switch (type) {
    case 'default':
      return undefined;
    case 'linear':
      return { type, factor: need('factor') };
    case 'dynamic':
      return { type, factor: need('factor'), maxPositions };
    case 'llama3':
      return {
        type,
        factor: need('factor'),
        lowFrequencyFactor: need('low_freq_factor'),
        highFrequencyFactor: need('high_freq_factor'),
        maxPositions: rope.original_max_position_embeddings ?? maxPositions,
      };
    default:
      return unsupported(
        family,
        'rope_parameters.rope_type',
        type,
        'Known are default, linear, dynamic and llama3; use a model with one of them.',
      );
  }
}

/** @throws UserError naming a kind of scaling, or a field of it, that is not supported */
export function readRope(
  family: string,
  config: JsonObject,
  { base, fraction, maxPositions }: RopeDefaults,
): Partial<RotaryOptions> {
  const given = (config.rope_parameters ?? config.rope_scaling ?? {}) as JsonObject;
  const foreign = Object.keys(given).find((key) => !Object.hasOwn(schema.shape, key));
  if (foreign !== undefined) unsupported(family, `rope_parameters.${foreign}`, given[foreign]);
  const rope = parseOptions(family, schema, given);
  const outer = parseOptions(family, schema.pick({ rope_theta: true, partial_rotary_factor: true }), config);
  const theta = rope.rope_theta ?? outer.rope_theta ?? base;
  const part = rope.partial_rotary_factor ?? outer.partial_rotary_factor ?? fraction;
  const scaling = scalingOf(family, rope, maxPositions);
  return { base: theta, ...(part !== 1 && { fraction: part }), ...(scaling && { scaling }) };
}

function writeScaling(scaling: RotaryScaling): JsonObject {
  const { type, factor } = scaling;
  if (type !== 'llama3') return { factor };
  return {
    factor,
    low_freq_factor: scaling.lowFrequencyFactor ?? 1,
    high_freq_factor: scaling.highFrequencyFactor ?? 4,
    original_max_position_embeddings: scaling.maxPositions,
  };
}

/**
 * What both versions read: `rope_parameters`, and `rope_theta` with `rope_scaling`. The part of a head that is turned is
 * written where it is not `usual`.
 */
export function writeRope({ rotary = {} }: LmConfig, usual: number): JsonObject {
  const { base = 10_000, fraction = 1, scaling } = rotary;
  const scaled = scaling && { rope_type: scaling.type, ...writeScaling(scaling) };
  return {
    rope_parameters: {
      rope_type: 'default',
      ...scaled,
      rope_theta: base,
      ...(fraction !== usual && { partial_rotary_factor: fraction }),
    },
    rope_theta: base,
    rope_scaling: scaled ?? null,
  };
}
