/** Loads an exported model into this thread. */
import { UserError } from '@t2r/core/errors';
import type { LanguageManifest } from '@t2r/export/manifest';
import { type Tokenizer, tokenizerFromContents } from '@t2r/tokenizers/portable';
import { readChecked, readManifest } from '../source/checked.js';
import { openFolder } from '../source/folder.js';
import type { GeneratedToken, GenerateOptions, GenerationEnd, LoadOptions, Model, ModelSource } from '../types.js';
import { generateTokens } from './generate.js';
import { openRuntime, type Runtime } from './ort.js';
import { type DecoderSession, openDecoderSession } from './session.js';
import { LocalState } from './state.js';
import { stateBytes } from './state-bytes.js';

/** A model in the thread that computes. */
export interface LocalModel extends Model {
  newState(): LocalState;
}

/**
 * Reads, checks and opens an exported model.
 * @throws UserError where files are missing or damaged, or the browser cannot run the model.
 */
export async function loadLocalModel(source: ModelSource, options: LoadOptions = {}): Promise<LocalModel> {
  const folder = openFolder(source);
  const manifest = await readManifest(folder);
  const names = [manifest.step.file, manifest.prefill.file];
  if (manifest.weights !== undefined) names.push(manifest.weights);
  if (manifest.tokenizer !== null) names.push(manifest.tokenizer);
  const files = await readChecked(folder, manifest, names, options.onProgress);
  const runtime = await openRuntime(options);
  const session = await openDecoderSession({ runtime, manifest, files });
  const tokenizer =
    manifest.tokenizer === null
      ? undefined
      : await tokenizerFromContents({ name: manifest.tokenizer, bytes: files.get(manifest.tokenizer)! });
  return localModel({ manifest, runtime, session, tokenizer });
}

interface Parts {
  manifest: LanguageManifest;
  runtime: Runtime;
  session: DecoderSession;
  tokenizer: Tokenizer | undefined;
}

function localModel({ manifest, runtime, session, tokenizer }: Parts): LocalModel {
  const needTokenizer = (): Tokenizer => {
    if (tokenizer !== undefined) return tokenizer;
    throw new UserError(`${manifest.name} has no tokenizer`, { hint: 'Give ids in place of text.' });
  };
  const decode = tokenizer === undefined ? undefined : (ids: ArrayLike<number>) => tokenizer.decode(ids);
  const newState = () => new LocalState({ manifest, session, decode });
  const idsOf = (prompt: string | ArrayLike<number>): number[] =>
    Array.from(typeof prompt !== 'string' ? prompt : prompt === '' ? [] : needTokenizer().encode(prompt));

  async function* generate(
    prompt: string | ArrayLike<number>,
    { state: given, ...options }: GenerateOptions = {},
  ): AsyncGenerator<GeneratedToken, GenerationEnd> {
    const state = (given as LocalState | undefined) ?? newState();
    try {
      return yield* generateTokens({ manifest, session, tokenizer, state, promptIds: idsOf(prompt), options });
    } finally {
      if (given === undefined) state.dispose();
    }
  }

  return {
    manifest,
    backend: runtime.backend,
    threads: runtime.threads,
    stateBytes: (position) => stateBytes(manifest, position),
    newState,
    generate,
    encode: async (text) => needTokenizer().encode(text),
    decode: async (ids) => needTokenizer().decode(ids),
    dispose: () => session.dispose(),
  };
}
