/** The machine and the versions a report was made with. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, platform, release } from 'node:os';
import type { Environment } from './types.js';

const PACKAGES = ['@t2r/core', '@t2r/engine', '@t2r/models', '@tensorflow/tfjs-core', 'onnxruntime-node'];

/** Describes this process's machine. */
export async function describeEnvironment(): Promise<Environment> {
  const versions: Record<string, string> = {};
  for (const name of PACKAGES) {
    const version = await packageVersion(name);
    if (version !== undefined) versions[name] = version;
  }
  return {
    node: process.version,
    platform: `${platform()} ${release()} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    processors: availableParallelism(),
    versions,
  };
}

/** Version of an installed package, found from here without loading it; undefined where it is not installed. */
async function packageVersion(name: string): Promise<string | undefined> {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    const text = await readFile(`${folder}/${name}/package.json`, 'utf8').catch(() => undefined);
    if (text !== undefined) return (JSON.parse(text) as { version?: string }).version;
  }
  return undefined;
}
