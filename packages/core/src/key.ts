/**
 * Keys of step results: sha256 over canonical JSON of everything the result depends on. The same options in another order,
 * from another folder or with defaults written out give the same key.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import type { Component } from './component.js';
import { UserError } from './errors.js';
import type { Registry } from './registry.js';
import { definition, viewSchema } from './schema.js';

/** Stands for another step inside key material until that step's key is known. */
export class StepMarker {
  constructor(readonly id: string) {}
}

/** JSON with sorted keys; `undefined` entries are left out. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
  }
  // -0 and 0 are the same option, and JSON has no infinities.
  if (typeof value === 'number' && !Number.isFinite(value)) return JSON.stringify(String(value));
  return JSON.stringify(value) ?? 'null';
}

/** sha256 of a value's canonical JSON, in hex. */
export function hashJson(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** sha256 of a file's content, in hex, streamed. @throws UserError where it cannot be read. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  } catch (error) {
    throw new UserError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  return hash.digest('hex');
}

/** What of a component and its validated options enters a key: names, versions and options, without those marked `notInKey`. */
export function keyMaterial(component: Component, options: unknown, registry: Registry): unknown {
  return {
    component: component.name,
    version: component.version ?? '1',
    options: optionMaterial(component.schema, options, registry),
  };
}

function optionMaterial(schema: z.ZodType, value: unknown, registry: Registry): unknown {
  const view = viewSchema(schema);
  if (view.notInKey || value === undefined || value === null) return view.notInKey ? undefined : value;
  const record = value as Record<string, unknown>;
  if (view.component !== undefined && typeof record.use === 'string') {
    const { use, ...options } = record;
    const component = registry.get(view.component, use as string);
    return component === undefined ? value : keyMaterial(component, options, registry);
  }
  if (view.stepRef !== undefined && typeof record.step === 'string') return new StepMarker(record.step);
  const def = definition(view.core);
  const mapRecord = (field: (key: string) => z.ZodType | undefined) =>
    Object.fromEntries(
      Object.entries(record).map(([key, item]) => {
        const inner = field(key);
        return [key, inner === undefined ? item : optionMaterial(inner, item, registry)];
      }),
    );
  switch (def.type) {
    case 'object':
      return typeof value === 'object' ? mapRecord((key) => def.shape[key]) : value;
    case 'record':
      return typeof value === 'object' ? mapRecord(() => def.valueType) : value;
    case 'array':
      return Array.isArray(value) ? value.map((item) => optionMaterial(def.element, item, registry)) : value;
    case 'union': {
      const option = def.options.find((candidate) => candidate.safeParse(value).success);
      return option === undefined ? value : optionMaterial(option, value, registry);
    }
    default:
      return value;
  }
}

/**
 * Replaces the markers in key material. An input counts with its id too, because metrics are named after inputs.
 */
export function resolveMarkers(material: unknown, keyOf: (id: string) => string): unknown {
  if (material instanceof StepMarker) return { step: material.id, key: keyOf(material.id) };
  if (Array.isArray(material)) return material.map((item) => resolveMarkers(item, keyOf));
  if (typeof material === 'object' && material !== null) {
    return Object.fromEntries(Object.entries(material).map(([key, item]) => [key, resolveMarkers(item, keyOf)]));
  }
  return material;
}

/** Ids of the steps that key material refers to. */
export function markedSteps(material: unknown): string[] {
  if (material instanceof StepMarker) return [material.id];
  if (typeof material !== 'object' || material === null) return [];
  return [...new Set(Object.values(material).flatMap(markedSteps))];
}
