/** Words numbered within a segment. */

/** Gives words that references have numbers from 0 on; what they do not have is -1. */
export class WordIds {
  readonly #ids = new Map<string, number>();

  clear(): void {
    this.#ids.clear();
  }

  /** Numbers of a reference's words. */
  learn(words: readonly string[]): number[] {
    return words.map((word) => {
      const known = this.#ids.get(word);
      if (known !== undefined) return known;
      const id = this.#ids.size;
      this.#ids.set(word, id);
      return id;
    });
  }

  /** Numbers of a hypothesis' words. */
  lookUp(words: readonly string[]): number[] {
    return words.map((word) => this.#ids.get(word) ?? -1);
  }
}
