/**
 * One score in a process of its own: reads a reference and a hypothesis file and times the scoring, not the start or the
 * reading. `node score-texts.js bleu ref.txt hyp.txt` prints `{"ms": ..., "score": ...}`, as `score-texts.py` does.
 */
import { readFileSync } from 'node:fs';
import { createBleu, createChrf, createTer, type Metric } from 'sacrebleu-ts';

const METRICS: Record<string, () => Metric> = {
  bleu: () => createBleu(),
  chrf: () => createChrf(),
  'chrf++': () => createChrf({ wordOrder: 2 }),
  ter: () => createTer(),
};

const lines = (path: string) => readFileSync(path, 'utf8').replace(/\n$/, '').split('\n');
const [name, referenceFile, hypothesisFile] = process.argv.slice(2) as [string, string, string];
const references = [lines(referenceFile)];
const hypotheses = lines(hypothesisFile);
const metric = METRICS[name]!();
const started = performance.now();
const { score } = metric.corpusScore(hypotheses, references);
console.log(JSON.stringify({ ms: performance.now() - started, score }));
