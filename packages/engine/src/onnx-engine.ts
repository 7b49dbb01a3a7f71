/** The compiled engine: programs are traced to ONNX graphs and run on ONNX Runtime, one `session.run` a step. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { UserError, writeFileAtomic } from '@t2r/core';
import type * as ort from 'onnxruntime-node';
import { allocate, checkFeeds, HostVariables, writeRows } from './host-variables.js';
import { type ExternalPlace, encodeModel } from './onnx/model-file.js';
import { runUncopied, withUnreadOutput } from './onnx/uncopied.js';
import { type WeightsFile, writeWeightsFile } from './onnx/weights-file.js';
import { halfProducts } from './passes/half-products.js';
import { ownInverseRms } from './passes/own-inverse-rms.js';
import { PASSES } from './passes/passes.js';
import { type GraphPass, runPasses } from './passes/run-passes.js';
import { splitScatters } from './passes/split-scatters.js';
import { storeWeights } from './passes/store-weights.js';
import { widenProducts } from './passes/widen-products.js';
import { precisionsOf, refusePrecision } from './precision.js';
import { defaultThreads } from './threads.js';
import { drawPool, OFFSETS_INPUT, poolInput, poolLength, poolRates, siteOffsets } from './trace/dropout.js';
import { inPlaceUpdates } from './trace/in-place.js';
import { inputName, type TracedOutput, type TracedProgram, traceProgram, variableName } from './trace/trace.js';
import type {
  CompiledProgram,
  CompileOptions,
  Engine,
  HostArray,
  InitialTensor,
  Precision,
  Program,
  ProgramExportOptions,
  Provider,
  Variables,
} from './types.js';
import { PRECISIONS } from './types.js';

/** The part of ONNX Runtime used here. */
type Ort = Pick<typeof ort, 'InferenceSession' | 'Tensor' | 'listSupportedBackends'>;

export interface OnnxEngineOptions {
  /** Execution provider. Default cpu. */
  provider: Provider;
  /** Threads inside an operator; 0 means one per physical core. */
  threads: number;
  /** What simplifies graphs before they are opened. Default `PASSES`; a list of one's own may add to them. */
  passes: readonly GraphPass[];
  /**
   * For tests: precision float16 also on the provider cpu, by products of rounded operands in float32, which are slower than those
   * of float32 alone. Default false.
   */
  halvesOnCpu: boolean;
}

async function importRuntime(): Promise<Ort> {
  // From 1.29 on it reports usage to its makers and keeps what it could not send in a database below the home folder, unless it is
  // told otherwise before it is loaded. Who wants that sets the variable to 0.
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  try {
    return (await import('onnxruntime-node')).default;
  } catch (cause) {
    throw new UserError(
      `the engine 'onnx' needs onnxruntime-node, which could not be loaded: ${(cause as Error).message}`,
      {
        hint: "Run 'npm install onnxruntime-node@1.30.0 --onnxruntime-node-install=skip'.",
        cause,
      },
    );
  }
}

/** Opens an engine on ONNX Runtime. Throws UserError where the runtime or the provider is missing. */
export async function openOnnxEngine(options: Partial<OnnxEngineOptions> = {}): Promise<Engine> {
  const { provider = 'cpu', threads = 0, passes = PASSES, halvesOnCpu = false } = options;
  const runtime = await importRuntime();
  const known = runtime.listSupportedBackends?.().map(({ name }) => name) ?? ['cpu'];
  if (!known.includes(provider)) {
    throw new UserError(`ONNX Runtime here has no execution provider '${provider}'; it has ${known.join(', ')}`, {
      hint: provider === 'cuda' ? 'Install its CUDA files: see "Engines" in the README.' : 'Use provider: cpu.',
    });
  }
  const cores = threads === 0 ? defaultThreads() : threads;
  return new OnnxEngine(runtime, { provider, threads: cores, passes, halvesOnCpu });
}

interface CachedSession {
  session: Promise<ort.InferenceSession>;
  /** Variables whose new value is written over the old one: a property of the graph, as its session is. */
  inPlace: ReadonlySet<string>;
  /** The session's graph as it was traced, by the program's function and `structureKey`: the same again is not traced again. */
  traces: WeakMap<Program, Map<string, TracedProgram>>;
  users: number;
}

/** A traced program and its session. */
interface PreparedProgram {
  traced: TracedProgram;
  /** Of the session, among the engine's. */
  key: string;
  cached: CachedSession;
}

/** What decides, besides the function itself, which graph and session a program without constants gets. */
function structureKey({ inputs, variables, weights, precision, memoryPattern, spin }: CompileOptions): string {
  const named = variables?.names().map((name) => [name, variables.spec(name)]);
  return JSON.stringify([inputs, named, weights, precision, memoryPattern, spin]);
}

/** Variables of a program that the runtime may write over. */
function inPlaceVariables({ graph, updates }: TracedProgram): Set<string> {
  const whole = updates.filter(({ rows }) => rows === undefined);
  return inPlaceUpdates(
    graph,
    whole.map(({ key, name }) => ({ key, input: variableName(key), output: name })),
  );
}

/** Passes for what a provider of ONNX Runtime does wrong, slowly or not at all. */
function providerPasses(provider: string, precision: Precision): GraphPass[] {
  if (provider === 'webgpu') return [ownInverseRms];
  if (provider !== 'cpu') return [];
  return precision === 'float16' ? [widenProducts, splitScatters] : [splitScatters];
}

class OnnxEngine implements Engine {
  readonly name = 'onnx';
  readonly #runtime: Ort;
  readonly #provider: string;
  readonly #threads: number;
  readonly #passes: readonly GraphPass[];
  readonly #precisions: readonly Precision[];
  /** Sessions by the hash of their model, so that programs of the same structure share one. */
  readonly #sessions = new Map<string, CachedSession>();
  readonly #pools = new Map<string, Float32Array>();

  constructor(runtime: Ort, { provider, threads, passes, halvesOnCpu }: OnnxEngineOptions) {
    this.#runtime = runtime;
    this.#provider = provider;
    this.#threads = threads;
    this.#passes = passes;
    this.#precisions = halvesOnCpu ? PRECISIONS : precisionsOf(provider);
  }

  variables(initial: Record<string, InitialTensor> = {}): Variables {
    return new HostVariables(initial);
  }

  async compile(options: CompileOptions): Promise<CompiledProgram> {
    const { precision = 'float32' } = options;
    if (!this.#precisions.includes(precision))
      throw refusePrecision(options.name, precision, `ONNX Runtime's provider '${this.#provider}'`);
    const { traced, key, cached } = this.#known(options) ?? this.#prepare(options, precision);
    cached.users++;
    const session = await cached.session.catch((error: unknown) => {
      this.#sessions.delete(key);
      throw error;
    });
    const release = async () => {
      cached.users--;
      if (cached.users > 0) return;
      this.#sessions.delete(key);
      await session.release();
    };
    return new OnnxProgram(
      this.#runtime,
      session,
      options,
      traced,
      cached.inPlace,
      (rate) => this.#pool(options.seed ?? 0, rate, traced),
      release,
    );
  }

  /** The program where one of its function and structure is open. Constants may change: with them none is known. */
  #known(options: CompileOptions): PreparedProgram | undefined {
    if (options.constants !== undefined) return undefined;
    for (const [key, cached] of this.#sessions) {
      const traced = cached.traces.get(options.program)?.get(structureKey(options));
      if (traced !== undefined) return { traced, key, cached };
    }
    return undefined;
  }

  /** Traces a program and finds the session of its graph, or opens one. */
  #prepare(options: CompileOptions, precision: Precision): PreparedProgram {
    const traced = traceProgram(options, precision === 'float16' ? [...this.#passes, halfProducts] : this.#passes);
    runPasses(traced.graph, providerPasses(this.#provider, precision));
    storeWeights(traced.graph, options.weights ?? 'fp32');
    const model = encodeModel(withUnreadOutput(traced.graph), { name: 'program' });
    const { memoryPattern = true, spin = false } = options;
    const key = `${createHash('sha256').update(model).digest('hex')} ${memoryPattern} ${spin}`;
    const opened = () => this.#openSession(options.name, model, { memoryPattern, spin });
    const cached = this.#sessions.get(key) ?? {
      session: opened(),
      inPlace: inPlaceVariables(traced),
      traces: new WeakMap(),
      users: 0,
    };
    this.#sessions.set(key, cached);
    const traces = cached.traces.get(options.program) ?? new Map<string, TracedProgram>();
    if (options.constants === undefined) cached.traces.set(options.program, traces.set(structureKey(options), traced));
    return { traced, key, cached };
  }

  async #openSession(
    name: string,
    model: Uint8Array,
    { memoryPattern, spin }: Required<Pick<CompileOptions, 'memoryPattern' | 'spin'>>,
  ): Promise<ort.InferenceSession> {
    try {
      return await this.#runtime.InferenceSession.create(model, {
        executionProviders: [this.#provider],
        graphOptimizationLevel: 'all',
        intraOpNumThreads: this.#threads,
        interOpNumThreads: 1,
        executionMode: 'sequential',
        enableCpuMemArena: true,
        enableMemPattern: memoryPattern,
        logSeverityLevel: 4,
        // Otherwise the threads of one session go on spinning after its run and slow down the next one: 2x, measured.
        extra: { session: { force_spinning_stop: spin ? '0' : '1' } },
      });
    } catch (cause) {
      if (this.#provider === 'cpu') throw new Error(`program '${name}': ${(cause as Error).message}`, { cause });
      throw new UserError(
        `ONNX Runtime's provider '${this.#provider}' could not open program '${name}': ${(cause as Error).message}`,
        {
          hint: 'Check its driver, or use engine: { use: onnx, provider: cpu }.',
          cause,
        },
      );
    }
  }

  #pool(seed: number, rate: number, { sites }: TracedProgram): Float32Array {
    const key = `${seed} ${rate}`;
    const length = poolLength(sites);
    let pool = this.#pools.get(key);
    if (pool === undefined || pool.length < length) {
      pool = drawPool(seed, rate, length);
      this.#pools.set(key, pool);
    }
    return pool.subarray(0, length);
  }

  async dispose(): Promise<void> {
    const open = [...this.#sessions.values()];
    this.#sessions.clear();
    for (const { session } of open) await (await session).release();
  }
}

class OnnxProgram implements CompiledProgram {
  readonly name: string;
  readonly #runtime: Ort;
  readonly #session: ort.InferenceSession;
  readonly #options: CompileOptions;
  readonly #traced: TracedProgram;
  readonly #release: () => Promise<void>;
  /** Inputs that are the same in every run: the mask pools. */
  readonly #fixed: Record<string, ort.Tensor> = {};
  readonly #offsets: BigInt64Array;
  /** Variables whose new value is written over the old one. */
  readonly #inPlace: ReadonlySet<string>;
  /** Arrays that rows of a variable come back in. */
  readonly #rows = new Map<string, HostArray>();
  /** Wrappers of buffers that come back every run. */
  readonly #wrapped = new WeakMap<HostArray, ort.Tensor>();

  constructor(
    runtime: Ort,
    session: ort.InferenceSession,
    options: CompileOptions,
    traced: TracedProgram,
    inPlace: ReadonlySet<string>,
    pool: (rate: number) => Float32Array,
    release: () => Promise<void>,
  ) {
    this.name = options.name;
    this.#runtime = runtime;
    this.#session = session;
    this.#options = options;
    this.#traced = traced;
    this.#release = release;
    this.#offsets = new BigInt64Array(2 * traced.sites.length);
    this.#inPlace = inPlace;
    for (const rate of poolRates(traced.sites)) {
      const values = pool(rate);
      this.#fixed[poolInput(rate)] = new runtime.Tensor('float32', values, [values.length]);
    }
  }

  #wrap(data: HostArray, shape: readonly number[]): ort.Tensor {
    let tensor = this.#wrapped.get(data);
    if (tensor === undefined) {
      tensor = this.#tensor(data, shape);
      this.#wrapped.set(data, tensor);
    }
    return tensor;
  }

  #tensor(data: HostArray, shape: readonly number[]): ort.Tensor {
    return data instanceof Float32Array
      ? new this.#runtime.Tensor('float32', data, shape)
      : new this.#runtime.Tensor('int32', data, shape);
  }

  async run(
    inputs: Record<string, HostArray>,
    { step = 0 }: { step?: number } = {},
  ): Promise<Record<string, HostArray>> {
    checkFeeds(this.#options, inputs);
    const { reads, outputs, updates, sites } = this.#traced;
    const variables = this.#options.variables as HostVariables | undefined;
    const feeds: Record<string, ort.Tensor> = { ...this.#fixed };
    for (const [name, { shape }] of Object.entries(this.#options.inputs)) {
      feeds[inputName(name)] = this.#tensor(inputs[name]!, shape);
    }
    for (const name of reads)
      feeds[variableName(name)] = this.#wrap(variables!.current(name), variables!.spec(name).shape);
    if (sites.length > 0) {
      siteOffsets(sites, this.#options.seed ?? 0, step, this.#offsets);
      feeds[OFFSETS_INPUT] = new this.#runtime.Tensor('int64', this.#offsets, [this.#offsets.length]);
    }
    const results: Record<string, HostArray> = {};
    const fetches: Record<string, ort.Tensor> = {};
    const fetch = (name: string, data: HostArray, shape: readonly number[]) => {
      results[name] = data;
      fetches[name] = this.#wrap(data, shape);
    };
    for (const output of outputs) fetch(output.name, allocate(output), output.shape);
    for (const update of updates) fetch(update.name, this.#target(update, variables!), update.shape);
    await runUncopied(this.#session, this.#used(feeds), fetches);
    for (const update of updates) this.#apply(update, variables!, inputs);
    return Object.fromEntries(outputs.map(({ key, name }) => [key, results[name]!]));
  }

  /** Where the runtime writes an update: over the variable, into its other buffer, or rows into an array of their own. */
  #target(update: TracedOutput, variables: HostVariables): HostArray {
    const { key, rows } = update;
    if (rows === undefined) return this.#inPlace.has(key) ? variables.current(key) : variables.next(key);
    const array = this.#rows.get(key) ?? allocate(update);
    this.#rows.set(key, array);
    return array;
  }

  /** Only inputs that survived pruning may be fed. */
  #used(feeds: Record<string, ort.Tensor>): Record<string, ort.Tensor> {
    const used: Record<string, ort.Tensor> = {};
    for (const name of this.#session.inputNames) used[name] = feeds[name]!;
    return used;
  }

  #apply({ key, rows, shape }: TracedOutput, variables: HostVariables, inputs: Record<string, HostArray>): void {
    if (rows !== undefined) {
      writeRows(variables, key, this.#rows.get(key)!, shape, rows.axis, inputs[rows.at]!);
    } else if (!this.#inPlace.has(key)) variables.swap(key);
  }

  async export(path: string, { externalData = false, names = 'traced' }: ProgramExportOptions = {}): Promise<void> {
    const { graph } = this.#traced;
    const write = async (file?: WeightsFile) => {
      const external = new Map<string, ExternalPlace>();
      for (const { name: tensor, data } of file ? graph.initializers : [])
        if (data.length >= EXTERNAL_BYTES) external.set(tensor, await file!.place(data));
      const own = names === 'own' ? this.#ownNames() : undefined;
      await writeFileAtomic(path, encodeModel(graph, { name: basename(path, '.onnx'), external, names: own }));
    };
    if (externalData === true) await writeWeightsFile(`${path}.data`, write);
    else await write(externalData || undefined);
  }

  /** The program's names of inputs and outputs, by those they have in the graph. */
  #ownNames(): Map<string, string> {
    const inputs = Object.keys(this.#options.inputs).map((name): [string, string] => [inputName(name), name]);
    return new Map([...inputs, ...this.#traced.outputs.map(({ key, name }): [string, string] => [name, key])]);
  }

  async dispose(): Promise<void> {
    await this.#release();
  }
}

/** Smaller initializers stay inside the .onnx file. */
const EXTERNAL_BYTES = 1024;
