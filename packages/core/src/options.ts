/**
 * Schema helpers for the options of components: a nested component, a reference to another step, a path, and options
 * that do not change the result. The recipe reader finds them in a schema by their metadata, validates what stands there
 * against the registry or the recipe's steps, and expands them in the JSON Schema for editors.
 */
import { z } from 'zod';
import type { ComponentKind, ComponentSpec } from './component.js';
import type { ArtifactKind, StepReference } from './step.js';

/** Metadata keys under which the recipe reader finds these fields. */
export const COMPONENT_META = 't2rComponent';
export const STEP_REF_META = 't2rStepRef';
export const PATH_META = 't2rPath';
export const NOT_IN_KEY_META = 't2rNotInKey';

/** A nested component `{ use: name, ...options }` of a kind. After validation the nested defaults are filled in. */
export function componentOption(kind: ComponentKind, description: string) {
  return z
    .looseObject({ use: z.string() })
    .describe(description)
    .meta({ [COMPONENT_META]: kind }) as unknown as z.ZodType<ComponentSpec>;
}

/**
 * A reference to another step by its id (`pretrain` or `${pretrain}`) whose artifact is of one of the given kinds.
 * The recipe reader turns it into a `StepReference` before the schema sees it.
 */
export function stepRef(kinds: ArtifactKind | ArtifactKind[], description: string) {
  return z
    .object({ step: z.string() })
    .describe(description)
    .meta({ [STEP_REF_META]: [kinds].flat() }) as unknown as z.ZodType<StepReference>;
}

/**
 * A file or folder. In a recipe it is relative to the file it is written in (to the current folder where it comes from
 * `--set` or an environment variable), `~` is the home folder; the component gets an absolute path. URLs and
 * addresses of models (`hf:owner/name`) stay as they are.
 * Combine with `notInKey` where the step's `fingerprint()` covers the content.
 */
export function pathOption(description: string) {
  return z
    .string()
    .min(1)
    .describe(description)
    .meta({ [PATH_META]: true });
}

/**
 * Marks an option that does not change the result (how often to log, where a file covered by `fingerprint()` lies), so
 * that changing it does not run the step again.
 */
export function notInKey<S extends z.ZodType>(schema: S): S {
  return schema.meta({ [NOT_IN_KEY_META]: true }) as S;
}
