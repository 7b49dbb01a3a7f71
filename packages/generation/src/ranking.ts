/** Ids in descending order of score, found only as far as they are asked for. */

/**
 * Ranks the `count` ids whose score is not below `bound` (default: all). rank(i) is the id with the i-th highest score
 * (lower id first among equals), to be called with i = 0, 1, 2, ...; earlier ones may be asked for again. Costs O(vocab) at
 * once (a binary heap) and O(log vocab) for each new rank, so that cutting a nucleus of a few tokens out of a large
 * vocabulary does not sort it. `ids` is scratch of the same length.
 */
export function rankIds(
  scores: Float64Array,
  ids: Uint32Array,
  bound = Number.NEGATIVE_INFINITY,
): { rank: (index: number) => number; count: number } {
  let size = 0;
  for (let id = 0; id < ids.length; id++) if (!(scores[id]! < bound)) ids[size++] = id;
  const count = size;
  const before = (a: number, b: number) => scores[a]! > scores[b]! || (scores[a] === scores[b] && a < b);
  const siftDown = (root: number) => {
    const id = ids[root]!;
    let hole = root;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      if (child + 1 < size && before(ids[child + 1]!, ids[child]!)) child++;
      if (!before(ids[child]!, id)) break;
      ids[hole] = ids[child]!;
      hole = child;
    }
    ids[hole] = id;
  };
  for (let root = (size >> 1) - 1; root >= 0; root--) siftDown(root);
  const rank = (index: number) => {
    // Ranked ids collect behind the heap, from the end of their part of the array.
    while (count - size <= index) {
      const best = ids[0]!;
      size--;
      ids[0] = ids[size]!;
      ids[size] = best;
      siftDown(0);
    }
    return ids[count - 1 - index]!;
  };
  return { rank, count };
}
