/** Hypotheses as chains of tokens, and those of a sentence that have ended. */

/** One token of a hypothesis. Hypotheses that begin alike share nodes. */
export interface TokenNode {
  readonly id: number;
  readonly previous?: TokenNode;
}

/** Tokens of a chain that ends in `node`, without the root that stands for the prompt. */
export function chainIds(node: TokenNode): number[] {
  const ids: number[] = [];
  for (let at = node; at.previous !== undefined; at = at.previous) ids.push(at.id);
  return ids.reverse();
}

/** Number of tokens at the end of two chains of one length that they do not share. */
export function divergence(a: TokenNode, b: TokenNode): number {
  let count = 0;
  let [x, y]: [TokenNode | undefined, TokenNode | undefined] = [a, b];
  while (x !== y) {
    x = x?.previous;
    y = y?.previous;
    count++;
  }
  return count;
}

/** Why a hypothesis ended: with an end token, at the longest length, or because no token was left to go on with. */
export type HypothesisEnd = 'end-token' | 'max-tokens' | 'dead-end';

export interface Hypothesis {
  /** Its tokens, forced prefix included, prompt and end token not. */
  ids: number[];
  /** What results are ordered by: `logProb` under the length penalty. */
  score: number;
  /** Sum of the log-probabilities (natural) of its tokens, end token included; penalties for repetition count. */
  logProb: number;
  end: HypothesisEnd;
}

/** The best hypotheses that have ended, best first; of equal ones the earlier. */
export class FinishedHypotheses {
  readonly #best: { node: TokenNode; score: number; logProb: number; end: HypothesisEnd }[] = [];
  readonly #room: number;

  constructor(room: number) {
    this.#room = room;
  }

  get count(): number {
    return this.#best.length;
  }

  get full(): boolean {
    return this.#best.length >= this.#room;
  }

  /** Score of the one at a rank from 0. */
  scoreAt(rank: number): number {
    return this.#best[rank]!.score;
  }

  /** Adds one; the worst leaves where there is no room. */
  add(node: TokenNode, score: number, logProb: number, end: HypothesisEnd): void {
    let at = this.#best.length;
    while (at > 0 && this.#best[at - 1]!.score < score) at--;
    this.#best.splice(at, 0, { node, score, logProb, end });
    if (this.#best.length > this.#room) this.#best.pop();
  }

  list(count: number): Hypothesis[] {
    return this.#best
      .slice(0, count)
      .map(({ node, score, logProb, end }) => ({ ids: chainIds(node), score, logProb, end }));
  }
}
