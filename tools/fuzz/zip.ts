/**
 * Zip archives for the fuzzer. Almost every change to an archive's bytes is found by its directory or its checksums,
 * before the readers behind them see it; so the content of entries is changed as well, and packed again.
 */
import { inflateRawSync } from 'node:zlib';

export interface Member {
  name: Buffer;
  content: Buffer;
}

const LOCAL = 'PK\x03\x04';
const CENTRAL = 'PK\x01\x02';
const END = 'PK\x05\x06';

/** The members of a small archive that is right; undefined for any other file, and for one with 64-bit sizes. */
export function unpack(archive: Buffer): Member[] | undefined {
  const end = archive.lastIndexOf(END, undefined, 'latin1');
  if (end < 0 || archive.toString('latin1', 0, 4) !== LOCAL) return undefined;
  const members: Member[] = [];
  let at = archive.readUInt32LE(end + 16);
  while (archive.toString('latin1', at, at + 4) === CENTRAL) {
    const [packed, header] = [archive.readUInt32LE(at + 20), archive.readUInt32LE(at + 42)];
    if (packed > archive.length || header > archive.length) return undefined;
    const nameEnd = at + 46 + archive.readUInt16LE(at + 28);
    const start = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
    const data = archive.subarray(start, start + packed);
    const content = archive.readUInt16LE(at + 10) === 8 ? inflateRawSync(data) : data;
    members.push({ name: archive.subarray(at + 46, nameEnd), content });
    at = nameEnd + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32);
  }
  return members;
}

/** An archive of stored members without checksums. */
export function pack(members: readonly Member[]): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const { name, content } of members) {
    const local = Buffer.alloc(30);
    local.write(LOCAL, 'latin1');
    local.writeUInt16LE(name.length, 26);
    const central = Buffer.alloc(46);
    central.write(CENTRAL, 'latin1');
    central.writeUInt32LE(content.length, 20);
    central.writeUInt32LE(content.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt32LE(position, 42);
    files.push(local, name, content);
    directory.push(central, name);
    position += local.length + name.length + content.length;
  }
  const end = Buffer.alloc(22);
  end.write(END, 'latin1');
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...files, ...directory, end]);
}

/** An archive whose entries say that they have no checksum. */
export function withoutChecksums(archive: Buffer): Buffer {
  const copy = Buffer.from(archive);
  const next = (from: number) => copy.indexOf(CENTRAL, from, 'latin1');
  for (let at = next(0); at >= 0 && at + 20 <= copy.length; at = next(at + 4)) copy.writeUInt32LE(0, at + 16);
  return copy;
}
