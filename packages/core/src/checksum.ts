/** What the content of a file is known by, and whether a file has it. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { hashFile } from './key.js';

/** The first that is given counts; where none is, any content will do. Digests are hexadecimal, in lower case. */
export interface Checksum {
  sha256?: string;
  /** Old archives have published nothing else. */
  md5?: string;
  /** The name git gives the content: SHA-1 of `blob <size>`, a zero byte and the file. */
  gitSha1?: string;
  /** Where nothing better is known: the size. */
  bytes?: number;
}

/** How a file differs from what is expected of it; undefined where it does not. @throws where it cannot be read */
export async function differenceFrom(
  { sha256, md5, gitSha1, bytes }: Checksum,
  path: string,
): Promise<string | undefined> {
  const describe = (what: string, found: string | number, wanted: string | number) =>
    found === wanted ? undefined : `${what} ${found} instead of ${wanted}`;
  if (sha256 !== undefined) return describe('SHA-256', await hashFile(path), sha256);
  if (md5 !== undefined) return describe('MD5', await digest(createHash('md5'), path), md5);
  const { size } = await stat(path);
  if (gitSha1 !== undefined) {
    const hash = createHash('sha1').update(`blob ${size}\0`);
    return describe('git object', await digest(hash, path), gitSha1);
  }
  return bytes === undefined ? undefined : describe('bytes', size, bytes);
}

async function digest(hash: Hash, path: string): Promise<string> {
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
