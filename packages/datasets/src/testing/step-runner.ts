/** Runs the steps of this package and of the tokenizers one after the other, as a recipe would. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Artifact, Step, StepContext } from '@t2r/core';
import tokenizers, { type CorpusData } from '@t2r/tokenizers';
import datasets from '../index.js';

const components = [...datasets.components, ...tokenizers.components];

/** Nested components do not occur in these steps. */
const create = () => {
  throw new Error('no component to create');
};

/** The step of a component, from options as a recipe would give them. */
export function createStep(use: string, options: object): Step {
  const component = components.find(({ kind, name }) => kind === 'step' && name === use)!;
  return component.create(component.schema.parse(options), { create }) as Step;
}

/** Problems that a step finds before it runs. */
export const check = async (use: string, options: object) => (await createStep(use, options).check?.()) ?? [];

/** A reference to a step, as the recipe reader leaves it. */
export const from = (step: string) => ({ step });

/** Paths of a corpus's files. */
export const paths = (artifact: Artifact, split: string) =>
  (artifact.data as CorpusData).splits[split]!.files.map((file) => file.path);

export interface StepRunner {
  /** Everything is written below it. */
  readonly folder: string;
  readonly artifacts: Record<string, Artifact>;
  /** What the steps logged. */
  readonly messages: string[];
  /** Runs a step and keeps its artifact for the steps after it; in a folder of its own unless one is given. */
  run(id: string, use: string, options: object, given?: { folder?: string; signal?: AbortSignal }): Promise<Artifact>;
  dispose(): void;
}

/** A runner in a temporary folder. */
export function createStepRunner(): StepRunner {
  const folder = mkdtempSync(join(tmpdir(), 't2r-steps-'));
  const artifacts: Record<string, Artifact> = {};
  const messages: string[] = [];
  return {
    folder,
    artifacts,
    messages,
    async run(id, use, options, given = {}) {
      const step = createStep(use, options);
      const context: StepContext = {
        id,
        engineSpec: { use: 'cpu' },
        folder: given.folder ?? mkdtempSync(join(folder, `${id}-`)),
        seed: 1,
        events: {
          progress() {},
          point() {},
          info: (message) => messages.push(message),
          warn: (message) => messages.push(`warning: ${message}`),
        },
        signal: given.signal ?? new AbortController().signal,
        input: (ref) => artifacts[ref.step]!,
        all: () => Object.values(artifacts),
        run: { name: 'test', folder },
        create,
      };
      const { metrics = {}, data } = await step.run(context);
      const artifact = { id, use, kind: step.produces, key: id, folder: context.folder, metrics, data, seconds: 0 };
      artifacts[id] = artifact;
      return artifact;
    },
    dispose: () => rmSync(folder, { recursive: true }),
  };
}
