/**
 * Steps are the nodes of a recipe. They talk to the world only through a context, so that another
 * executor than this process can run them later.
 */
import type { ComponentSpec, CreateContext } from './component.js';
import type { EventSink } from './events.js';

/** What kind of artifact a step leaves behind; references are checked against it. */
export type ArtifactKind =
  | 'corpus'
  | 'bitext'
  | 'tokenizer'
  | 'tokens'
  | 'pairs'
  | 'checkpoint'
  | 'metrics'
  | 'report'
  | (string & {});

/** Flat metric names to numbers, e.g. `{ 'finetune.test': 87.7, 'finetune.test.bits_per_byte': 1.83 }`. */
export type Metrics = Record<string, number>;

/** A finished step's result, as another step sees it. */
export interface Artifact {
  /** The step's id in the recipe, e.g. `pretrain` or `finetune[attention=elu]`. */
  id: string;
  /** Name of the step component that made it, e.g. `train/lm`. */
  use: string;
  kind: ArtifactKind;
  /** Content key: hash of the resolved options, the inputs' keys and the component versions. */
  key: string;
  /** Folder that holds its files. Read only. */
  folder: string;
  metrics: Metrics;
  /** What the step returned as `data`, JSON. */
  data: unknown;
  seconds: number;
}

/** A validated reference to another step, as it stands in a step's options (see `stepRef`). */
export interface StepReference {
  step: string;
}

export interface StepContext extends CreateContext {
  /** This step's id. */
  readonly id: string;
  /**
   * Folder to write into. It is the same when an interrupted step is run again, so checkpoints written here are
   * found again on resume. Write files through `writeFileAtomic`.
   */
  readonly folder: string;
  /** Seed of the run (recipe's `seed`, default 1); a step derives its own from it and its `seed` option. */
  readonly seed: number;
  /** The recipe's engine (default `{ use: 'onnx' }`); open it with `create('engine', engineSpec)`. */
  readonly engineSpec: ComponentSpec;
  readonly events: EventSink;
  /** Aborted by SIGINT/SIGTERM: finish the unit of work, save, then throw `signal.reason`. */
  readonly signal: AbortSignal;
  /** The artifact a reference points to. */
  input(ref: StepReference): Artifact;
  /** Everything finished so far, in recipe order; only for steps with `readsAll`. */
  all(): Artifact[];
  /** The recipe's name and run folder (`runs/<name>`). */
  readonly run: { name: string; folder: string };
}

export interface StepResult {
  metrics?: Metrics;
  /** Small JSON kept in the result, e.g. a table for the report. */
  data?: unknown;
}

/** A cost estimate for `t2r plan`; every field is optional, units in the names. */
export interface StepPlan {
  parameters?: number;
  stateBytesPerSequence?: number;
  flops?: number;
  memoryBytes?: number;
  seconds?: number;
  note?: string;
  /** What following steps need to plan themselves, e.g. the model's configuration of a checkpoint. */
  produces?: unknown;
}

/** What a step can see while planning: nothing has been run. */
export interface PlanContext extends CreateContext {
  /** The recipe's engine. */
  readonly engineSpec: ComponentSpec;
  /** The plan of the step a reference points to. */
  input(ref: StepReference): StepPlan;
}

export interface Step {
  /** Kind of artifact it leaves. */
  readonly produces: ArtifactKind;
  /** True when the step reads every other step's result (a report); it then runs last. */
  readonly readsAll?: boolean;
  /** True when the result depends on the engine; the recipe's engine then enters the key. */
  readonly usesEngine?: boolean;
  /** Names of the metrics the step will report, where they are known before running; `expect` is checked against them. */
  metricNames?(): readonly string[];
  /**
   * Checks that need the world but no other step's result (files exist, checksums), at validation time, before anything
   * runs. Each problem names the option it comes from.
   */
  check?(): Promise<StepProblem[]> | StepProblem[];
  /**
   * What else the result depends on besides options and inputs: e.g. content hashes of the files read. Enters the key.
   */
  fingerprint?(): Promise<string> | string;
  /**
   * Estimates, from options and the plans of the inputs alone. A UserError thrown here (steps that do not fit together) is
   * a problem of the recipe, found before anything runs.
   */
  plan?(context: PlanContext): StepPlan;
  run(context: StepContext): Promise<StepResult>;
}

export interface StepProblem {
  /** Path of the option in the step, e.g. ['path']. */
  path: (string | number)[];
  message: string;
  hint?: string;
}
