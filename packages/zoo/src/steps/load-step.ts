/** The step `zoo/load`: a pretrained model as a checkpoint that every other step takes. */
import {
  type CreateContext,
  defineComponent,
  fileName,
  hashFile,
  hashJson,
  notInKey,
  pathOption,
  type Step,
  type StepPlan,
  type StepProblem,
  sha256Option,
  stepRef,
  UserError,
} from '@t2r/core';
import { buildModel, type ModelConfig, modelPlan, type PlannedCheckpoint } from '@t2r/models';
import { z } from 'zod';
import { formatHubAddress, isHubAddress, parseHubAddress } from '../hub/address.js';
import { cachedModel, resolveCommit } from '../hub/fetch-model.js';
import { hubSettings } from '../hub/settings.js';
import { openModel } from '../open-model.js';
import { checkFiles, filesFolder } from './named-files.js';

const FROM =
  "A folder or file of a pretrained model: transformers, fairseq (.pt), CTranslate2, Meta's LLaMA or this project's own; or hf:owner/name@revision, from the Hugging Face Hub.";
const TOKENIZER =
  'The step whose tokenizer belongs to the model, for one that comes without. Default: the tokenizer beside the weights.';

const SOURCE_TOKENIZER =
  'The same for the sources of a translation model that have a tokenizer of their own. Default: the one beside the weights, or `tokenizer`.';

const ROOT = 'With files: folder that holds them. Left empty, they are downloaded from `mirror`.';

const schema = z
  .strictObject({
    from: notInKey(pathOption(FROM)).optional().describe(FROM),
    files: z
      .record(fileName, sha256Option)
      .optional()
      .describe(
        'Instead of from, the files of a model with known checksums: path under root or mirror, and SHA-256. They lie in one folder.',
      ),
    root: notInKey(pathOption(ROOT).nullish()).describe(ROOT),
    mirror: notInKey(z.string().nullish()).describe(
      'With files: address under which they lie, http or https; used when `root` is empty.',
    ),
    tokenizer: stepRef('tokenizer', TOKENIZER).optional().describe(TOKENIZER),
    sourceTokenizer: stepRef('tokenizer', SOURCE_TOKENIZER).optional().describe(SOURCE_TOKENIZER),
  })
  .refine(({ from, files }) => (from === undefined) !== (files === undefined), {
    message: 'give either from or files',
  });

export type LoadOptions = z.output<typeof schema>;

/** Where a model lies, without the network; undefined where it has to be fetched first. */
async function localPath(from: string): Promise<string | undefined> {
  if (!isHubAddress(from)) return from;
  return (await cachedModel(parseHubAddress(from), hubSettings()))?.folder;
}

/** SHA-256 of files by their paths, each read once. */
export type Hashes = Map<string, string>;

export async function hashOf(path: string, hashes: Hashes): Promise<string> {
  const hash = hashes.get(path) ?? (await hashFile(path));
  hashes.set(path, hash);
  return hash;
}

/** The contents that a local model consists of; the same model in another place has the same key. */
async function hashModel(path: string, context: CreateContext, known: Hashes): Promise<string> {
  const { found, tokenizer, sourceTokenizer, origin, close } = await openModel(path, context);
  await close();
  const hashes: string[] = [];
  for (const file of new Set([...found.source.files, ...tokenizer, ...sourceTokenizer]))
    hashes.push(await hashOf(file, known));
  return hashJson({ hashes, config: found.config, origin });
}

type Side = 'tokenizer' | 'sourceTokenizer';

/** @throws UserError where a tokenizer has entries that the model has no embedding for */
export function checkVocabulary(vocab: number, config: ModelConfig, tokenizer: string, side: Side = 'tokenizer'): void {
  const known = side === 'sourceTokenizer' ? sourceVocabulary(config) : config.vocab;
  if (vocab <= known) return;
  const what = side === 'sourceTokenizer' ? "the model's sources have" : 'the model knows';
  throw new UserError(`${tokenizer} has ${vocab} entries, ${what} ${known}`, {
    hint: `Give the tokenizer that the model was trained with as \`${side}:\`.`,
  });
}

/** Tokens that the encoder knows. @throws UserError where the model has none */
function sourceVocabulary(config: ModelConfig): number {
  if (config.use === 'encoder-decoder') return config.sourceVocab ?? config.vocab;
  throw new UserError('sourceTokenizer: a decoder-only language model has no sources', { hint: 'Leave it out.' });
}

function createLoadStep(options: LoadOptions, context: CreateContext): Step {
  const { from, files } = options;
  /** What checking has found; planning is synchronous and comes later. */
  let config: ModelConfig | undefined;
  /** What making the key has found; the step that follows at once does not read large files a second time. */
  const hashes: Hashes = new Map();
  return {
    produces: 'checkpoint',
    metricNames: () => ['parameters'],
    async check(): Promise<StepProblem[]> {
      try {
        const problems = files === undefined ? [] : await checkFiles(options);
        if (problems.length > 0) return problems;
        const path = from === undefined ? filesFolder(options) : await localPath(from);
        if (path === undefined) return [];
        const opened = await openModel(path, context);
        await opened.close();
        config = opened.config;
        return [];
      } catch (error) {
        if (error instanceof UserError)
          return [{ path: [from === undefined ? 'files' : 'from'], message: error.message, hint: error.hint }];
        throw error;
      }
    },
    async fingerprint() {
      // The checksums of files stand in the options.
      if (from === undefined) return '';
      if (!isHubAddress(from)) return hashModel(from, context, hashes);
      const address = parseHubAddress(from);
      return formatHubAddress({ ...address, revision: await resolveCommit(address, hubSettings()) });
    },
    plan({ input }): StepPlan {
      if (config === undefined) return { note: 'sizes are known after the download' };
      for (const side of ['tokenizer', 'sourceTokenizer'] as const) {
        const given = options[side];
        if (given === undefined) continue;
        const { vocab } = (input(given).produces ?? {}) as { vocab?: number };
        if (vocab !== undefined) checkVocabulary(vocab, config, `the tokenizer of step ${given.step}`, side);
      }
      return {
        ...modelPlan(buildModel(config, context)),
        produces: { config } satisfies PlannedCheckpoint,
      };
    },
    run: async (stepContext) => (await import('./run-load.js')).runLoad(options, stepContext, hashes),
  };
}

export const loadStep = defineComponent({
  kind: 'step',
  name: 'zoo/load',
  description: 'A pretrained model of transformers, fairseq, CTranslate2, Meta or this project, from disk or the Hub.',
  schema,
  create: createLoadStep,
});
