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
  /** Syntax errors by file: what follows one was not read as it was meant. */
  readonly #syntaxErrors = new Map<string, Problem>();
  #reports = 0;

  add(location: SourceLocation, message: string, hint?: string): void {
    this.#reports++;
    const key = `${formatLocation(location)}: ${message}`;
    if (!this.#problems.has(key)) this.#problems.set(key, { location, message, hint });
  }

  /** Reports a syntax error; only the first of a file counts, because it causes most of the others. */
  addSyntaxError(location: SourceLocation, message: string, hint: string): void {
    this.#reports++;
    if (!this.#syntaxErrors.has(location.file)) this.#syntaxErrors.set(location.file, { location, message, hint });
  }

  /** True when part of a file could not be read: what seems to be missing may stand there. */
  get truncated(): boolean {
    return this.#syntaxErrors.size > 0;
  }

  /** Number of reports so far, repeated ones included: it has grown when something new was found wrong. */
  get reports(): number {
    return this.#reports;
  }

  /** All problems, those of one file together and in the order of its lines; none from behind a syntax error. */
  list(): Problem[] {
    const readable = [...this.#problems.values()].filter(({ location: { file, line = 0 } }) => {
      const end = this.#syntaxErrors.get(file)?.location.line;
      return end === undefined || line < end;
    });
    const problems = [...readable, ...this.#syntaxErrors.values()];
    const files = [...new Set(problems.map((problem) => problem.location.file))];
    return problems.sort(
      ({ location: a }, { location: b }) =>
        files.indexOf(a.file) - files.indexOf(b.file) ||
        (a.line ?? 0) - (b.line ?? 0) ||
        (a.column ?? 0) - (b.column ?? 0),
    );
  }
}
