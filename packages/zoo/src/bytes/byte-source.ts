/** Bytes that are read piece by piece: a file, a part of one, an entry of an archive. */

export interface ByteSource {
  readonly size: number;
  /** Fills `into` with the bytes from `position` on; all of them must lie within the source. */
  read(position: number, into: Uint8Array): Promise<void>;
}

/** Bytes that may hold something open while they are read. */
export interface ClosableBytes extends ByteSource {
  close(): Promise<void>;
}

/** Part of a source, which stays open when the part is closed; the caller has checked that it lies within. */
export const partOf = (source: ByteSource, start: number, size: number): ClosableBytes => ({
  size,
  read: (position, into) => source.read(start + position, into),
  close: async () => {},
});

export const bytesInMemory = (data: Uint8Array): ClosableBytes => ({
  size: data.length,
  async read(position, into) {
    into.set(data.subarray(position, position + into.length));
  },
  close: async () => {},
});

/** Some bytes as a buffer of their own. */
export async function readBytes(source: ByteSource, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await source.read(position, bytes);
  return bytes;
}
