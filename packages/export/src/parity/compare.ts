/** Compares the exported files with the parallel form: on a text, and in what they generate. */
import type { ExportedSession } from '../folder/exported-session.js';
import { bestOf, largestDifference, largestValue, surprisal } from './logits.js';
import type { ParallelForm } from './parallel-form.js';
import { type ParityReport, type ParityText, TOLERANCE } from './types.js';

export interface CompareOptions {
  session: ExportedSession;
  parallel: ParallelForm;
  text: ParityText;
  /** Greedy tokens, and what they follow; a source for encoder-decoders. */
  greedy: { prompt: Int32Array; source?: Int32Array; tokens: number };
  signal?: AbortSignal;
}

/** Runs both and reports. */
export async function compareExported(options: CompareOptions): Promise<ParityReport> {
  const { session, text, parallel } = options;
  const { manifest } = session;
  const { sequences } = text;
  const form = new Array<Float32Array>(sequences.length);
  for (const [i, sequence] of sequences.entries()) {
    options.signal?.throwIfAborted();
    form[i] = await parallel.logits(sequence);
  }
  const stepped = await compareSteps(options, form);
  const max_prefill_difference = manifest.kind === 'decoder-lm' ? await comparePrefill(options, form) : null;
  const greedy = await compareGreedy(options);
  const max_logit = Math.max(...form.map(largestValue));
  const { tokens, agreed, max_difference, nats } = stepped;
  const within = Math.max(max_difference, max_prefill_difference ?? 0) <= TOLERANCE * Math.max(max_logit, 1);
  return {
    passed: manifest.dtype === 'fp32' ? within && greedy.first_difference === null : null,
    text: text.from,
    sequences: sequences.length,
    tokens,
    max_difference,
    max_prefill_difference,
    max_logit,
    tolerance: TOLERANCE,
    agreement: agreed / tokens,
    perplexity: { parallel: Math.exp(nats.parallel / tokens), exported: Math.exp(nats.exported / tokens) },
    greedy,
  };
}

/** Sequences in groups of the batch; the last group is filled up with its last sequence. */
function groupsOf(count: number, batch: number): number[][] {
  return Array.from({ length: Math.ceil(count / batch) }, (_, group) =>
    Array.from({ length: batch }, (_, row) => Math.min(group * batch + row, count - 1)),
  );
}

/** Feeds every sequence token by token. */
async function compareSteps({ session, text: { sequences }, signal }: CompareOptions, form: readonly Float32Array[]) {
  const { batch, vocab } = session.manifest;
  const nats = { parallel: 0, exported: 0 };
  let [tokens, agreed, max_difference, done] = [0, 0, 0, 0];
  for (const group of groupsOf(sequences.length, batch)) {
    const rows = group.map((i) => sequences[i]!);
    await session.start(rows.map(({ source }) => source ?? []));
    const real = Math.min(batch, sequences.length - done);
    const longest = Math.max(...rows.map(({ inputs }) => inputs.length));
    for (let t = 0; t < longest; t++) {
      signal?.throwIfAborted();
      const logits = await session.step(
        rows.map(({ inputs }) => inputs[t] ?? 0),
        rows.map(() => t),
      );
      for (let row = 0; row < real; row++) {
        const { inputs, targets } = rows[row]!;
        if (t >= inputs.length) continue;
        const values = form[group[row]!]!;
        const [a, b] = [t * vocab, row * vocab];
        const difference = largestDifference({ values, start: a }, { values: logits, start: b }, vocab);
        max_difference = Math.max(max_difference, difference);
        if (bestOf(values, a, vocab) === bestOf(logits, b, vocab)) agreed++;
        nats.parallel += surprisal(values, a, vocab, targets[t]!);
        nats.exported += surprisal(logits, b, vocab, targets[t]!);
        tokens++;
      }
    }
    done += real;
  }
  return { nats, tokens, agreed, max_difference };
}

/** Reads every sequence in chunks, the last of which is not full; compares after each. */
async function comparePrefill({ session, text: { sequences }, signal }: CompareOptions, form: readonly Float32Array[]) {
  const { manifest } = session;
  const { batch, vocab } = manifest;
  const chunk = manifest.kind === 'decoder-lm' ? manifest.prefill.chunk : 1;
  let largest = 0;
  for (const group of groupsOf(sequences.length, batch)) {
    const rows = group.map((i) => sequences[i]!.inputs);
    await session.start();
    const shortest = Math.min(...rows.map(({ length }) => length));
    for (let at = 0; at < shortest; at += chunk) {
      signal?.throwIfAborted();
      const end = Math.min(at + chunk, shortest);
      const logits = await session.prefill(
        rows.map((ids) => ids.subarray(at, end)),
        rows.map(() => at),
      );
      for (const [row, i] of group.entries()) {
        const places = [
          { values: form[i]!, start: (end - 1) * vocab },
          { values: logits, start: row * vocab },
        ] as const;
        largest = Math.max(largest, largestDifference(...places, vocab));
      }
    }
  }
  return largest;
}

/**
 * Generates with the exported files, then asks the parallel form once for what it likes best after each token of the result:
 * where all are the same, it would have generated the same text. Where two tokens are as good as equal, either will do.
 */
async function compareGreedy({ session, parallel, greedy, signal }: CompareOptions): Promise<ParityReport['greedy']> {
  const { manifest } = session;
  const { batch, vocab } = manifest;
  const { prompt, source, tokens } = greedy;
  const everywhere = <T>(value: T): T[] => new Array<T>(batch).fill(value);
  await session.start(everywhere(source ?? []));
  let logits = await feed(session, prompt);
  const ids: number[] = [];
  while (true) {
    signal?.throwIfAborted();
    ids.push(bestOf(logits, 0, vocab));
    if (ids.length >= tokens) break;
    logits = await session.step(everywhere(ids.at(-1)!), everywhere(prompt.length + ids.length - 1));
  }
  const values = await parallel.logits({ source, inputs: [...prompt, ...ids.slice(0, -1)] });
  const equal = TOLERANCE * Math.max(largestValue(values), 1);
  const isBest = ids.map((id, i) => {
    const start = (prompt.length - 1 + i) * vocab;
    return values[start + bestOf(values, start, vocab)]! - values[start + id]! <= equal;
  });
  const first = isBest.indexOf(false);
  return {
    prompt: Array.from(prompt),
    ids,
    same: isBest.filter((same) => same).length,
    first_difference: first < 0 ? null : first,
  };
}

/** Feeds a prompt to all rows, through the prefill graph where there is one. */
async function feed(session: ExportedSession, prompt: Int32Array): Promise<Float32Array> {
  const { batch } = session.manifest;
  const everywhere = <T>(value: T): T[] => new Array<T>(batch).fill(value);
  const chunk = session.manifest.kind === 'decoder-lm' ? session.manifest.prefill.chunk : 1;
  let logits: Float32Array = new Float32Array(0);
  for (let at = 0; at < prompt.length; at += chunk) {
    const ids = prompt.subarray(at, at + chunk);
    logits =
      session.manifest.kind === 'decoder-lm'
        ? await session.prefill(everywhere(ids), everywhere(at))
        : await session.step(everywhere(ids[0]!), everywhere(at));
  }
  return logits;
}
