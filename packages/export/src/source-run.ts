/** What the run that a checkpoint lies in knows of it: its figures, and text to compare on. */
import { dirname, join, resolve } from 'node:path';
import { type Artifact, isFile, type Metrics, readRun } from '@t2r/core';
import type { LoadedModel } from './loaded-model.js';
import type { ModelHistory } from './model-card.js';
import { artifactText, type TextLimits } from './parity/text.js';
import type { ParityText } from './parity/types.js';

export interface SourceRun {
  history: ModelHistory;
  /** Text of a step of the run, where one fits the model. */
  text(loaded: LoadedModel, limits: TextLimits): Promise<ParityText | undefined>;
}

/** The run that the checkpoint folder is a result of; undefined where it is none. */
export async function findSourceRun(checkpoint: string): Promise<SourceRun | undefined> {
  const folder = resolve(checkpoint);
  const run = dirname(folder);
  if (!(await isFile(join(run, 'recipe.resolved.yaml')))) return undefined;
  const { name, artifacts } = await readRun(run);
  const artifact = artifacts.find((each) => resolve(each.folder) === folder);
  return artifact && describeRun(name, artifact, artifacts);
}

/** The same of an artifact, with the others that it may be described by. */
export function describeRun(run: string, artifact: Artifact, others: readonly Artifact[]): SourceRun {
  const { id, use, metrics } = artifact;
  const evaluations = others
    .filter(({ kind }) => kind === 'metrics')
    .map((each) => ({ metrics: figuresOf(each.metrics, id), protocols: protocolsOf(each.data) }))
    .filter((each) => Object.keys(each.metrics).length > 0);
  return {
    history: { run, step: { id, use, metrics }, evaluations },
    async text(loaded, limits) {
      for (const each of others) {
        const text = artifactText(each, loaded, limits);
        if (text !== undefined) return text;
      }
      return undefined;
    },
  };
}

/** Figures of one checkpoint: those that are called after its step. */
const figuresOf = (metrics: Metrics, step: string): Metrics =>
  Object.fromEntries(Object.entries(metrics).filter(([name]) => name.startsWith(`${step}.`)));

const protocolsOf = (data: unknown): string[] => {
  const { protocols = {} } = (data ?? {}) as { protocols?: Record<string, { text?: unknown }> };
  return Object.values(protocols).flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
};
