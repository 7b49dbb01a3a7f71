/** Models of other projects as models of this one, and back. */
import type { ParameterSpec } from '@t2r/attention';
import { UserError } from '@t2r/core';
import {
  configOf,
  createLanguageModel,
  createTranslationModel,
  type LmConfig,
  type ModelConfig,
  type ModelConfigs,
  type Weights,
} from '@t2r/models';
import { type ConvertedTensor, exportTensors, importTensors } from './convert-tensors.js';
import { ARCHITECTURES, architectureOf } from './find.js';
import { checkMeaning, unconverted } from './meaning.js';
import type { Architecture, JsonObject, TensorReader } from './types.js';

/** The parameters of a model with softmax attention, and that they fit together. */
function parametersOf(config: ModelConfig): ParameterSpec[] {
  const own = unconverted(config.attention);
  if (config.use === 'decoder-lm') return createLanguageModel(config, own).parameters();
  return createTranslationModel(config, own, unconverted(config.cross)).parameters();
}

/** Layers of the deepest stack. */
const layersOf = (config: ModelConfig) =>
  config.use === 'decoder-lm' ? config.layers : Math.max(config.encoder.layers, config.decoder.layers);

export interface ImportedModel<Config extends ModelConfig = LmConfig> {
  /** Name of the family. */
  architecture: string;
  config: Config;
  /** The checkpoint under this project's names: a tensor is read and converted when it is asked for. */
  tensors: TensorReader;
}

/**
 * A model of another project.
 *
 * @param config what stands in its config.json; for fairseq what a checkpoint holds beside the weights (`args` or `cfg`), for
 *   CTranslate2 the file's `spec` and what stands in its config.json
 * @param reader the open checkpoint
 * @param use the kind that the model must be of
 * @throws UserError naming options that are not supported, and tensors that are missing, unexpected or of another shape, or
 *   where the model is of another kind
 */
export async function importModel<Kind extends keyof ModelConfigs = 'decoder-lm'>(
  config: JsonObject,
  reader: TensorReader,
  use: Kind = 'decoder-lm' as Kind,
): Promise<ImportedModel<ModelConfigs[Kind]>> {
  const architecture = architectureOf(config);
  const ours = configOf(use, await architecture.read(config, reader), `the ${architecture.name} model`);
  return imported(architecture, ours, reader);
}

/** The same of a model of any kind; its configuration's `use` tells which. @throws UserError as `importModel` */
export async function importAnyModel(config: JsonObject, reader: TensorReader): Promise<ImportedModel<ModelConfig>> {
  const architecture = architectureOf(config);
  return imported(architecture, await architecture.read(config, reader), reader);
}

function imported<Config extends ModelConfig>(
  architecture: Architecture<ModelConfig>,
  config: Config,
  reader: TensorReader,
): ImportedModel<Config> {
  const tensors = importTensors(reader, architecture.names(config, reader), parametersOf(config), layersOf(config));
  return { architecture: architecture.name, config, tensors };
}

/** All tensors of a checkpoint under this project's names, one after the other. */
export async function readWeights(tensors: TensorReader): Promise<Weights> {
  const weights: Weights = {};
  for (const name of tensors.entries.keys()) {
    const { shape, data } = await tensors.read(name);
    weights[name] = {
      shape: [...shape],
      data: data instanceof Float32Array ? data : Float32Array.from(data),
    };
  }
  return weights;
}

export interface ExportOptions {
  /** Family to write; default: that of `base`. */
  architecture?: string;
  /** A config.json to take over what this project does not know: special tokens, names. */
  base?: JsonObject;
}

export interface ExportedModel {
  /** For config.json. */
  config: JsonObject;
  /** For model.safetensors, made one by one. */
  tensors: Record<string, ConvertedTensor>;
}

/** Names of the architectures that models of a kind can be written as. */
const writable = (use: ModelConfig['use']) =>
  ARCHITECTURES.filter((candidate) => candidate.write && candidate.use === use).map(({ name }) => name);

/**
 * A model of this project in the form that Python's transformers loads.
 *
 * @param read gives a parameter's values by its name here
 * @throws UserError where the model is converted, or is not what the architecture can be
 */
export async function exportModel(
  config: ModelConfig,
  read: (name: string) => Promise<Float32Array>,
  { architecture: name, base = {} }: ExportOptions = {},
): Promise<ExportedModel> {
  const parameters = parametersOf(config);
  const architecture =
    name === undefined ? architectureOf(base) : ARCHITECTURES.find((candidate) => candidate.name === name);
  if (architecture?.write === undefined) {
    const known = writable(config.use).join(', ');
    throw new UserError(`models are not written as ${name ?? architecture?.name}; known are ${known}`);
  }
  if (architecture.use !== config.use) {
    throw new UserError(`a model of use: ${config.use} cannot be written as ${architecture.name}`, {
      hint: `Architectures of its kind: ${writable(config.use).join(', ')}.`,
    });
  }
  const tokens = { bos_token_id: null, eos_token_id: null, pad_token_id: null };
  const types = { dtype: 'float32', torch_dtype: 'float32' };
  const written = { ...tokens, ...base, ...types, ...architecture.write(config, base) };
  checkMeaning(architecture, config, written);
  const tensors = exportTensors(read, architecture.names(config), parameters, layersOf(config));
  return { config: written, tensors };
}
