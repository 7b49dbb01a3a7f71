/**
 * A small plugin for tests: steps that log that they ran, count and leave checkpoints, fail, or find the
 * disk full; and schedules as components without dependencies.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineComponent, definePlugin, type Plugin } from '../component.js';
import { UserError } from '../errors.js';
import { hashFile } from '../key.js';
import { componentOption, notInKey, pathOption, stepRef } from '../options.js';

declare module '../component.js' {
  interface ComponentKinds {
    'fake-schedule': { name: string; peak: number };
  }
}

export interface FakePlugin {
  plugin: Plugin;
  /** Ids of the steps that have run, in order. */
  ran: string[];
}

/** A plugin with its own log of what has run. */
export function createFakePlugin(): FakePlugin {
  const ran: string[] = [];

  const corpus = defineComponent({
    kind: 'step',
    name: 'fake/corpus',
    description: 'Reads a file.',
    schema: z.strictObject({ path: notInKey(pathOption('Text file.')) }),
    create: ({ path }) => ({
      produces: 'corpus',
      check: () => (existsSync(path) ? [] : [{ path: ['path'], message: `there is no file ${path}` }]),
      fingerprint: () => hashFile(path),
      run: async ({ id }) => {
        ran.push(id);
        return { data: { path } };
      },
    }),
  });

  const train = defineComponent({
    kind: 'step',
    name: 'fake/train',
    description: 'Counts to a number, one checkpoint file each.',
    schema: z.strictObject({
      from: stepRef('checkpoint', 'Checkpoint to start from.').optional(),
      data: stepRef('corpus', 'Text.'),
      steps: z.int().min(1).default(3).describe('How far to count.'),
      rate: z.number().positive().max(1).default(0.1).describe('Learning rate.'),
      mode: z.enum(['fast', 'slow']).default('fast').describe('How.'),
      layers: z
        .union([z.literal('all'), z.array(z.int().min(0))])
        .default('all')
        .describe('Layers.'),
      schedule: componentOption('fake-schedule', 'Schedule.').default({ use: 'cosine' }),
      evaluate: z
        .strictObject({ every: z.int().min(1).describe('Steps between.') })
        .optional()
        .describe('Evaluation.'),
      log: notInKey(z.int().min(1).default(10).describe('Steps between log lines.')),
    }),
    create: (options, context) => {
      const schedule = context.create('fake-schedule', options.schedule);
      return {
        produces: 'checkpoint',
        usesEngine: true,
        metricNames: () => ['loss', 'resumed_at'],
        run: async ({ id, folder, events, signal, input }) => {
          ran.push(id);
          input(options.data);
          let resumedAt = 0;
          while (existsSync(join(folder, `${resumedAt + 1}.checkpoint`))) resumedAt++;
          for (let done = resumedAt + 1; done <= options.steps; done++) {
            signal.throwIfAborted();
            writeFileSync(join(folder, `${done}.checkpoint`), '');
            events.progress(done, { total: options.steps, unit: 'steps' });
          }
          return { metrics: { loss: schedule.peak / options.steps, resumed_at: resumedAt } };
        },
      };
    },
  });

  const fail = defineComponent({
    kind: 'step',
    name: 'fake/fail',
    description: 'Fails.',
    schema: z.strictObject({
      how: z.enum(['user', 'bug', 'full-disk']).describe('Which way.'),
      data: stepRef('corpus', 'Text.').optional(),
    }),
    create: ({ how }) => ({
      produces: 'checkpoint',
      run: async ({ id }) => {
        ran.push(id);
        if (how === 'user') throw new UserError('the checkpoint is truncated', { hint: 'Fetch it again.' });
        if (how === 'bug') throw new Error('undefined is not a function');
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      },
    }),
  });

  const report = defineComponent({
    kind: 'step',
    name: 'fake/report',
    description: 'Lists what is finished.',
    schema: z.strictObject({
      of: z.array(stepRef('checkpoint', 'A checkpoint.')).default([]).describe('Checkpoints.'),
    }),
    create: () => ({
      produces: 'report',
      readsAll: true,
      run: async ({ id, all }) => {
        ran.push(id);
        return { data: all().map((artifact) => artifact.id) };
      },
    }),
  });

  const compare = defineComponent({
    kind: 'step',
    name: 'fake/compare',
    description: 'Losses of checkpoints.',
    schema: z.strictObject({ of: z.array(stepRef('checkpoint', 'A checkpoint.')).min(1).describe('Checkpoints.') }),
    create: ({ of }) => ({
      produces: 'metrics',
      run: async ({ id, input }) => {
        ran.push(id);
        return { metrics: Object.fromEntries(of.map((ref) => [ref.step, input(ref).metrics.loss!])) };
      },
    }),
  });

  const schedules = ['cosine', 'constant'].map((name) =>
    defineComponent({
      kind: 'fake-schedule',
      name,
      description: `A ${name} schedule.`,
      schema: z.strictObject({
        peak: z.number().positive().default(1).describe('Highest rate.'),
        ...(name === 'cosine' ? { warmup: z.int().min(0).default(0).describe('Steps to the peak.') } : {}),
      }),
      create: (options) => ({ name, peak: options.peak }),
    }),
  );

  return {
    plugin: definePlugin({ name: 'fake', components: [corpus, train, fail, report, compare, ...schedules] }),
    ran,
  };
}
