export type { Component, ComponentKind, ComponentKinds, ComponentSpec, CreateContext, Plugin } from './component.js';
export { formatLocation, type SourceLocation, UserError, type UserErrorOptions } from './errors.js';
export type { EventSink, RunEvent, TimedEvent } from './events.js';
export { COMPONENT_META, componentOption, STEP_REF_META, stepRef } from './options.js';
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
