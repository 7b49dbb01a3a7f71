/** Translates a file of sentences with a checkpoint and prints sentences a second, programs compiled within the time or before. */
import { readFile, writeFile } from 'node:fs/promises';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { openEngine } from '@t2r/engine';
import { checkpointTranslator } from '@t2r/generation';

const [folder, sources, beam, batch, threads, results] = process.argv.slice(2) as [string, ...string[]];
const engine = await openEngine('onnx', { threads: Number(threads) });
const context = createRegistry([attention]);
const translator = await checkpointTranslator(folder, { engine, context, sentences: Number(batch) });
const lines = (await readFile(sources!, 'utf8')).replace(/\n$/, '').split('\n');
const ids = lines.map((line) => translator.sourceIds(line));
const options = { beam: Number(beam), maxTokens: 200, stopping: 'early' as const };

const once = async () => {
  const started = performance.now();
  const found = await translator.search(ids, options);
  return { ms: performance.now() - started, found: found.map(([best]) => best!.ids) };
};
const first = await once();
const again = await once();
await writeFile(results!, JSON.stringify({ sources: ids.map((row) => [...row]), found: first.found }));
console.log(JSON.stringify({ first_ms: first.ms, ms: again.ms }));
await translator.dispose();
await engine.dispose();
