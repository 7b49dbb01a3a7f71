/**
 * Stands in for Node's `fs` in a browser's bundle: sentencepiece-js reads its model by `readFileSync` and gets the bytes that
 * were put here.
 */
const files = new Map<string, Uint8Array>();
let count = 0;

/** Holds bytes for one reading, and returns the path that they are read by. */
export function holdFile(bytes: Uint8Array): string {
  const path = `memory-${count++}`;
  files.set(path, bytes);
  return path;
}

/** @throws Error where the path is not that of bytes held. */
export function readFileSync(path: string): Uint8Array {
  const bytes = files.get(path);
  if (bytes === undefined) throw new Error(`no bytes are held as ${path}`);
  files.delete(path);
  return bytes;
}
