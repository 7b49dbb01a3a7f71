/** Models of other projects as models of this one, and back. */
import { type Attention, type ParameterSpec, softmaxAttention, softmaxWindowAttention } from '@t2r/attention';
import { UserError } from '@t2r/core';
import { createLanguageModel, type LmConfig, type Weights } from '@t2r/models';
import { type ConvertedTensor, exportTensors, importTensors } from './convert-tensors.js';
import { ARCHITECTURES, architectureOf } from './find.js';
import type { Architecture, JsonObject, TensorReader } from './types.js';

/** The attention that models of other projects have. @throws UserError naming a layer with another one */
function unconverted(config: LmConfig): Attention[] {
  return config.attention.map(({ use, window }, layer) => {
    if (use === 'softmax') return softmaxAttention();
    if (use === 'softmax-window') return softmaxWindowAttention({ window: window as number });
    throw new UserError(`layer ${layer} has attention ${use}, which no other project's format can hold`, {
      hint: 'Only models with softmax attention can be written for transformers.',
    });
  });
}

/** The parameters of a model with softmax attention, and that they fit together. */
function parametersOf(config: LmConfig): ParameterSpec[] {
  return createLanguageModel(config, unconverted(config)).parameters();
}

export interface ImportedModel {
  /** Name of the family. */
  architecture: string;
  config: LmConfig;
  /** The checkpoint under this project's names: a tensor is read and converted when it is asked for. */
  tensors: TensorReader;
}

/**
 * A model of another project.
 *
 * @param config what stands in its config.json; for fairseq what a checkpoint holds beside the weights (`args` or `cfg`), for
 *   CTranslate2 the file's `spec` and what stands in its config.json
 * @param reader the open checkpoint
 * @throws UserError naming options that are not supported, and tensors that are missing, unexpected or of another shape
 */
export async function importModel(config: JsonObject, reader: TensorReader): Promise<ImportedModel> {
  const architecture = architectureOf(config);
  const ours = await architecture.read(config, reader);
  const tensors = importTensors(reader, architecture.names(ours, reader), parametersOf(ours), ours.layers);
  return { architecture: architecture.name, config: ours, tensors };
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

/** Fields that training alone reads, and those a model may have without using them. */
const WITHOUT_EFFECT = new Set([
  'dropout',
  'attentionDropout',
  'activationDropout',
  'layerDrop',
  'initStd',
  'init',
  'initScale',
]);

/** What a configuration means, absent fields filled in. */
function meaning(config: LmConfig): JsonObject {
  const { heads, dim, rotary = {}, biases = {}, positions, sinusoids = 'tensor2tensor' } = config;
  return {
    ...config,
    kvHeads: config.kvHeads ?? heads,
    headDim: config.headDim ?? dim / heads,
    normKind: config.normKind ?? 'layer',
    normEpsilon: config.normEpsilon ?? 1e-5,
    parallelResidual: config.parallelResidual ?? false,
    gated: config.gated ?? false,
    biases: [biases.qkv ?? true, biases.out ?? true, biases.ffn ?? true],
    outputBias: config.outputBias ?? false,
    embedDim: config.embedDim ?? dim,
    positionOffset: config.positionOffset ?? 0,
    finalNorm: config.norm === 'pre' && (config.finalNorm ?? true),
    sinusoids: positions === 'sinusoidal' ? sinusoids : undefined,
    rotary:
      positions === 'rotary'
        ? [rotary.base ?? 10_000, rotary.fraction ?? 1, rotary.pairs ?? 'halves', rotary.scaling]
        : undefined,
  };
}

/** @throws UserError naming what the architecture has no word for */
async function checkMeaning(architecture: Architecture, config: LmConfig, written: JsonObject): Promise<void> {
  const [wanted, got] = [meaning(config), meaning(await architecture.read(written))];
  const lost = [...new Set([...Object.keys(wanted), ...Object.keys(got)])].filter(
    (key) => !WITHOUT_EFFECT.has(key) && JSON.stringify(wanted[key]) !== JSON.stringify(got[key]),
  );
  if (lost.length === 0) return;
  const shown = lost.map((key) => `${key}: ${JSON.stringify(config[key as keyof LmConfig] ?? wanted[key])}`);
  throw new UserError(`a ${architecture.name} model cannot have ${shown.join(', ')}`, {
    hint: 'Write it in the format of another architecture, or as a checkpoint of this project.',
  });
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

/**
 * A model of this project in the form that Python's transformers loads.
 *
 * @param read gives a parameter's values by its name here
 * @throws UserError where the model is converted, or is not what the architecture can be
 */
export async function exportModel(
  config: LmConfig,
  read: (name: string) => Promise<Float32Array>,
  { architecture: name, base = {} }: ExportOptions = {},
): Promise<ExportedModel> {
  const parameters = parametersOf(config);
  const architecture =
    name === undefined ? architectureOf(base) : ARCHITECTURES.find((candidate) => candidate.name === name);
  if (architecture?.write === undefined) {
    const known = ARCHITECTURES.filter(({ write }) => write).map((candidate) => candidate.name);
    throw new UserError(`models are not written as ${name ?? architecture?.name}; known are ${known.join(', ')}`);
  }
  const tokens = { bos_token_id: null, eos_token_id: null, pad_token_id: null };
  const types = { dtype: 'float32', torch_dtype: 'float32' };
  const written = { ...tokens, ...base, ...types, ...architecture.write(config, base) };
  await checkMeaning(architecture, config, written);
  const tensors = exportTensors(read, architecture.names(config), parameters, config.layers);
  return { config: written, tensors };
}
