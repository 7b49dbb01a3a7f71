/** Problems of a recipe: collected, never thrown one by one, so that one call reports all of them. */
import { formatLocation, type SourceLocation } from '../errors.js';

export interface Problem {
  location: SourceLocation;
  /** What is wrong. */
  message: string;
  /** What is allowed, or what to do. */
  hint?: string;
}

/** `file:line:column: what is wrong; what is allowed`. */
export function formatProblem({ location, message, hint }: Problem): string {
  return `${formatLocation(location)}: ${message}${hint === undefined ? '' : `; ${hint}`}`;
}

/** Collects problems; the same message at the same place (from two cells of a matrix, say) is kept once. */
export class ProblemList {
  readonly #problems = new Map<string, Problem>();
  #reports = 0;

  add(location: SourceLocation, message: string, hint?: string): void {
    this.#reports++;
    const key = `${formatLocation(location)}: ${message}`;
    if (!this.#problems.has(key)) this.#problems.set(key, { location, message, hint });
  }

  /** Number of reports so far, repeated ones included: it has grown when something new was found wrong. */
  get reports(): number {
    return this.#reports;
  }

  /** All problems, those of one file together and in the order of its lines. */
  list(): Problem[] {
    const files = [...new Set([...this.#problems.values()].map((problem) => problem.location.file))];
    return [...this.#problems.values()].sort(
      ({ location: a }, { location: b }) =>
        files.indexOf(a.file) - files.indexOf(b.file) ||
        (a.line ?? 0) - (b.line ?? 0) ||
        (a.column ?? 0) - (b.column ?? 0),
    );
  }
}
