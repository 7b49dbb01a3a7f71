export {
  type Component,
  type ComponentKind,
  type ComponentKinds,
  type ComponentSpec,
  type CreateContext,
  defineComponent,
  definePlugin,
  type Plugin,
} from './component.js';
export { formatLocation, type SourceLocation, UserError, type UserErrorOptions } from './errors.js';
export type { EventSink, RunEvent, TimedEvent } from './events.js';
export { explainWriteError, writeFileAtomic, writeFileAtomicWith, writeJsonAtomic } from './files.js';
export { nearestName } from './nearest.js';
export {
  COMPONENT_META,
  componentOption,
  NOT_IN_KEY_META,
  notInKey,
  PATH_META,
  pathOption,
  STEP_REF_META,
  stepRef,
} from './options.js';
export { createRandom, deriveSeed, type Random } from './random.js';
export { createRegistry, type Registry } from './registry.js';
export type {
  Artifact,
  ArtifactKind,
  Metrics,
  PlanContext,
  Step,
  StepContext,
  StepPlan,
  StepProblem,
  StepReference,
  StepResult,
} from './step.js';
