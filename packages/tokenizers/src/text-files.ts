/** Reads UTF-8 text files, plain or gzip, as streams. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { UserError } from '@t2r/core';

/** True when the file begins with gzip's magic number; its name does not matter. */
export async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

/**
 * The text of a file in pieces that never split a code point, unpacked when it is gzip. A byte order mark is text.
 * @throws UserError when the file cannot be read, is not UTF-8 or its gzip stream is broken or cut off.
 */
export async function* readText(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let position = 0;
  try {
    for await (const chunk of bytesOf(path, await isGzip(path))) {
      const text = decoder.decode(chunk, { stream: true });
      position += chunk.length;
      if (text !== '') yield text;
    }
    decoder.decode();
  } catch (error) {
    throw explainReadError(error, path, position);
  }
}

/**
 * The bytes of a file in pieces, unpacked when it is gzip.
 * @throws UserError when the file cannot be read or its gzip stream is broken or cut off.
 */
export async function* readBytes(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* bytesOf(path, await isGzip(path));
  } catch (error) {
    throw explainReadError(error, path, 0);
  }
}

async function* bytesOf(path: string, gzip: boolean): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: 1 << 16 });
  if (!gzip) {
    yield* file;
    return;
  }
  const unpacked = createGunzip({ chunkSize: 1 << 16 });
  // The pipeline's own failure reaches the reader through `unpacked`; it is awaited so that it cannot go unhandled.
  const done = pipeline(file, unpacked).catch(() => undefined);
  try {
    yield* unpacked as AsyncIterable<Uint8Array>;
  } finally {
    unpacked.destroy();
    await done;
  }
}

function explainReadError(error: unknown, path: string, position: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  const location = { file: path };
  if (code === 'ENOENT') {
    return new UserError(`no such file: ${path}`, {
      location,
      hint: 'check the path; when the text has moved, run the step that gathers it again with --force',
      cause: error,
    });
  }
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return new UserError(`${path} is not UTF-8 text (after byte ${position} or in the 64 KiB that follow)`, {
      location,
      hint: 'convert it to UTF-8, for instance with iconv',
      cause: error,
    });
  }
  if (code?.startsWith('Z_') === true) {
    return new UserError(`the gzip file ${path} is broken or cut off: ${message}`, {
      location,
      hint: 'copy or download it again',
      cause: error,
    });
  }
  if (code === 'EACCES' || code === 'EISDIR' || code === 'EPERM') {
    return new UserError(`cannot read ${path}: ${message}`, { location, cause: error });
  }
  return error;
}
