/** A queue from one writer, who never waits, to one reader, who does. */

export interface TokenQueue<T, R> extends AsyncIterable<T> {
  /** Items not read yet. */
  readonly size: number;
  push(item: T): void;
  /** No more items; the reader's loop ends after those there are, and `result` resolves. */
  end(result: R): void;
  /** The reader's loop and `result` throw, after the items there are. */
  fail(error: unknown): void;
  /** What `end` was given. */
  readonly result: Promise<R>;
}

/**
 * Creates a queue.
 *
 * @param onRead called after the reader has taken an item
 * @param onLeave called when the reader leaves its loop before the end
 */
export function createTokenQueue<T, R>(onRead: () => void, onLeave: () => void): TokenQueue<T, R> {
  const items: T[] = [];
  let done: { error?: unknown } | undefined;
  let wake: (() => void) | undefined;
  let settle!: { resolve: (result: R) => void; reject: (error: unknown) => void };
  const result = new Promise<R>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Whoever reads the items learns of a failure there.
  result.catch(() => {});
  const finish = (how: { error?: unknown }) => {
    done ??= how;
    wake?.();
  };
  return {
    get size() {
      return items.length;
    },
    push(item) {
      items.push(item);
      wake?.();
    },
    end(value) {
      settle.resolve(value);
      finish({});
    },
    fail(error) {
      settle.reject(error);
      finish({ error });
    },
    result,
    async *[Symbol.asyncIterator]() {
      let whole = false;
      try {
        for (;;) {
          while (items.length > 0) {
            const item = items.shift()!;
            onRead();
            yield item;
          }
          if (done) break;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
        whole = true;
        if ('error' in done) throw done.error;
      } finally {
        if (!whole) onLeave();
      }
    },
  };
}
