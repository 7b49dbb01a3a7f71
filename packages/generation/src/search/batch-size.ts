/** The smallest power of two that is at least `count`: the sizes that programs are compiled for. */
export function batchSize(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(count, 1)));
}
