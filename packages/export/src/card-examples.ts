/** Programs for the card of an exported model: greedy generation with nothing but ONNX Runtime and a tokenizer. */
import type { Tokenizer } from '@t2r/tokenizers';
import type { ExportManifest, LanguageManifest, TranslationManifest } from './manifest.js';

/** What of Python reads the tokenizer's file with the same ids; undefined where only this project does. */
export type PythonTokenizer = 'tokenizers' | 'sentencepiece' | undefined;

export function pythonTokenizer(tokenizer: Tokenizer | undefined): PythonTokenizer {
  if (tokenizer === undefined || ['subword-nmt', 'marian'].includes(tokenizer.algorithm)) return undefined;
  return tokenizer.algorithm.startsWith('sentencepiece') ? 'sentencepiece' : 'tokenizers';
}

const PYTHON_TOKENIZERS = {
  tokenizers: {
    imports: ['from tokenizers import Tokenizer'],
    open: ['tokenizer = Tokenizer.from_file(f"{folder}/{config[\'tokenizer\']}")'],
    encode: 'tokenizer.encode(text).ids',
    decode: 'tokenizer.decode(ids)',
  },
  sentencepiece: {
    imports: ['import sentencepiece'],
    open: ['tokenizer = sentencepiece.SentencePieceProcessor(model_file=f"{folder}/{config[\'tokenizer\']}")'],
    encode: 'tokenizer.encode(text)',
    decode: 'tokenizer.decode(ids)',
  },
  none: { imports: [], open: [], encode: 'text  # ids of the text', decode: 'ids' },
};

/** The function that runs a graph and carries the state on. */
const PYTHON_RUN = `def run(session, **inputs):
    fed = {**inputs, **state}
    names = [output.name for output in session.get_outputs()]
    made = dict(zip(names, session.run(names, {i.name: fed[i.name] for i in session.get_inputs()})))
    for s in config["state"]:
        state["state." + s["name"]] = made["next." + s["name"]]
    return made["logits"][0]`;

const PYTHON_PROMPT = `chunk = config["prefill"]["chunk"]
for start in range(0, len(ids), chunk):
    part = ids[start : start + chunk]
    padded = np.zeros((1, chunk), np.int32)
    padded[0, : len(part)] = part
    logits = run(prefill, ids=padded, position=np.int32([start]), count=np.int32([len(part)]))

for _ in range(50):
    token = int(logits.argmax())
    if token == config["end_of_text"]:
        break
    ids.append(token)
    logits = run(step, ids=np.int32([token]), position=np.int32([len(ids) - 1]))`;

const PYTHON_TRANSLATION = `longest = config["encode"]["source"]
padded = np.full((1, longest), config["tokens"]["padding"], np.int32)
padded[0, : len(source)] = source
names = [output.name for output in encode.get_outputs()]
state.update(zip(names, encode.run(names, {"ids": padded, "lengths": np.int32([len(source)])})))

ids, token = [], config["tokens"]["start"]
for position in range(200):
    logits = run(step, ids=np.int32([token]), position=np.int32([position]))
    if config["tokens"]["padding"] != config["tokens"]["end"]:
        logits[config["tokens"]["padding"]] = -np.inf
    token = int(logits.argmax())
    if token == config["tokens"]["end"]:
        break
    ids.append(token)`;

/** A Python program: onnxruntime, numpy and the tokenizer's library. */
export function pythonExample(manifest: ExportManifest, python: PythonTokenizer): string {
  const { imports, open, encode, decode } = PYTHON_TOKENIZERS[python ?? 'none'];
  const language = manifest.kind === 'decoder-lm';
  const other = language ? 'prefill' : 'encode';
  const text = language ? '"The"' : '"A man is sitting on a bench."';
  return [
    'import json',
    '',
    'import numpy as np',
    'import onnxruntime',
    ...imports,
    '',
    'folder = "path/to/folder"',
    `text = ${python === undefined ? '[1, 2, 3]' : text}`,
    'config = json.load(open(f"{folder}/config.json"))',
    ...open,
    'step = onnxruntime.InferenceSession(f"{folder}/model_step.onnx")',
    `${other} = onnxruntime.InferenceSession(f"{folder}/model_${other}.onnx")`,
    'state = {"state." + s["name"]: np.zeros(s["shape"], np.float32) for s in config["state"]}',
    '',
    '',
    PYTHON_RUN,
    '',
    '',
    language ? `ids = ${encode}` : `source = ${encode} + [config["tokens"]["end"]]`,
    language ? PYTHON_PROMPT : PYTHON_TRANSLATION,
    `print(${decode})`,
  ].join('\n');
}

const SCRIPT_PROMPT = ({ prefill: { chunk } }: LanguageManifest) => `const ids = [1, 2, 3]; // of the prompt
let logits;
for (let start = 0; start < ids.length; start += ${chunk}) {
  const part = ids.slice(start, start + ${chunk});
  const padded = [...part, ...new Array(${chunk} - part.length).fill(0)];
  logits = await run(prefill, { ids: int32(padded, [1, ${chunk}]), position: int32([start]), count: int32([part.length]) });
}
for (let n = 0; n < 50; n++) {
  const token = logits.indexOf(Math.max(...logits));
  if (token === config.end_of_text) break;
  ids.push(token);
  logits = await run(step, { ids: int32([token]), position: int32([ids.length - 1]) });
}`;

const SCRIPT_TRANSLATION = ({
  encode: { source },
  tokens,
}: TranslationManifest) => `const source = [5, 6, 7, ${tokens.end}]; // of a sentence, and the end token
const padded = [...source, ...new Array(${source} - source.length).fill(${tokens.padding})];
Object.assign(state, await encode.run({ ids: int32(padded, [1, ${source}]), lengths: int32([source.length]) }));
const ids = [];
for (let position = 0, token = ${tokens.start}; position < 200; position++) {
  const logits = await run(step, { ids: int32([token]), position: int32([position]) });
${tokens.padding === tokens.end ? '' : `  logits[${tokens.padding}] = -Infinity;\n`}  token = logits.indexOf(Math.max(...logits));
  if (token === ${tokens.end}) break;
  ids.push(token);
}`;

/** A program for Node; in a browser only the first lines are others. */
export function scriptExample(manifest: ExportManifest): string {
  const other = manifest.kind === 'decoder-lm' ? 'prefill' : 'encode';
  return [
    "import { readFile } from 'node:fs/promises';",
    "import ort from 'onnxruntime-node';",
    '',
    "const folder = 'path/to/folder';",
    "const config = JSON.parse(await readFile(folder + '/config.json', 'utf8'));",
    "const open = (name) => ort.InferenceSession.create(folder + '/model_' + name + '.onnx');",
    `const [step, ${other}] = [await open('step'), await open('${other}')];`,
    "const int32 = (values, shape = [1]) => new ort.Tensor('int32', Int32Array.from(values), shape);",
    'const zeros = (shape) => new ort.Tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);',
    "const state = Object.fromEntries(config.state.map(({ name, shape }) => ['state.' + name, zeros(shape)]));",
    '',
    'async function run(session, inputs) {',
    '  const made = await session.run({ ...inputs, ...state });',
    "  for (const { name } of config.state) state['state.' + name] = made['next.' + name];",
    '  return made.logits.data;',
    '}',
    '',
    manifest.kind === 'decoder-lm' ? SCRIPT_PROMPT(manifest) : SCRIPT_TRANSLATION(manifest),
    'console.log(ids);',
  ].join('\n');
}
