/**
 * Schema helpers for the options of components: a nested component and a reference to another step. The recipe reader
 * finds them in a schema by their metadata, validates what stands there against the registry or the recipe's steps, and
 * expands them in the JSON Schema for editors.
 */
import { z } from 'zod';
import type { ComponentKind, ComponentSpec } from './component.js';
import type { ArtifactKind, StepReference } from './step.js';

/** Metadata keys under which the recipe reader finds these fields. */
export const COMPONENT_META = 't2rComponent';
export const STEP_REF_META = 't2rStepRef';

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
