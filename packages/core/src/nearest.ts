/** The nearest known name of a mistyped one. */

/** Edits (insert, delete, replace, swap of neighbours) from `a` to `b`: optimal string alignment distance. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/**
 * The known name with the smallest edit distance to `name`, letter case ignored; undefined when none is near enough (more
 * than two edits and more than two fifths of the name) to be what was meant. A known name that begins or ends with `name`
 * (`mlp` for `t2r-mlp`) counts as near.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(wanted.length * 0.4)) + 1;
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    const contained = wanted.length >= 3 && (lower.startsWith(wanted) || lower.endsWith(wanted));
    const distance = contained ? 1 : editDistance(wanted, lower);
    if (distance < bestDistance && distance < Math.max(wanted.length, lower.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Names shown in a hint at most. */
const SHOWN = 16;

/** `did you mean "x"? options: a, b, c`, the hint that goes with an unknown name. Long lists are cut. */
export function knownNamesHint(name: string, known: Iterable<string>, what: string): string {
  const names = [...known].sort();
  const nearest = nearestName(name, names);
  const more = names.length > SHOWN ? `, ... (${names.length - SHOWN} more)` : '';
  const list = names.length === 0 ? `there are no ${what}` : `${what}: ${names.slice(0, SHOWN).join(', ')}${more}`;
  return nearest === undefined ? list : `did you mean "${nearest}"? ${list}`;
}
