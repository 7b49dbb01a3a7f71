/** YAML text to located nodes. */
import { type Alias, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { SourceLocation } from '../errors.js';
import type { LocatedNode, MapEntry, Scalar } from './located.js';
import type { ProblemList } from './problem.js';

/** More nodes than any recipe has; anchors that multiply each other reach it at once. */
const MAX_NODES = 200_000;

/** Errors after which the rest of the file is still read as it is meant. */
const HARMLESS = new Set(['DUPLICATE_KEY', 'TAG_RESOLVE_FAILED']);

const HINTS: Record<string, string> = {
  DUPLICATE_KEY: 'a key may stand only once in a mapping',
  TAG_RESOLVE_FAILED: 'recipes use no YAML tags',
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'entries of one mapping or list start in the same column',
};

/**
 * `${name}` may stand without quotes in `{ model: ${model} }`, where its braces would be YAML's: they are replaced by
 * characters of the same width before parsing, so that columns stay right, and put back afterwards.
 */
function hideReferences(text: string): string {
  return text.replace(/\$\{([^{}"'\n]*)\}/g, '$\uE000$1\uE001');
}

function showReferences(text: string): string {
  return text.replaceAll('\uE000', '{').replaceAll('\uE001', '}');
}

/**
 * Parses a YAML file, reporting its syntax errors.
 * @param file - Name for locations.
 * @returns Undefined for an empty file.
 */
export function parseYaml(text: string, file: string, problems: ProblemList): LocatedNode | undefined {
  const lineCounter = new LineCounter();
  const document = parseDocument(hideReferences(text), { lineCounter, prettyErrors: false });
  const place = (offset: number | undefined): SourceLocation => {
    const { line, col } = lineCounter.linePos(offset ?? 0);
    return { file, line, column: col };
  };
  for (const error of [...document.errors, ...document.warnings]) {
    const hint = HINTS[error.code] ?? 'the file must be valid YAML 1.2';
    if (HARMLESS.has(error.code)) problems.add(place(error.pos[0]), error.message, hint);
    else problems.addSyntaxError(place(error.pos[0]), showReferences(error.message), hint);
  }

  let nodes = 0;
  const open = new Set<Node>();
  const convert = (node: Node | null | undefined, at: SourceLocation): LocatedNode => {
    if (++nodes > MAX_NODES) return { kind: 'scalar', value: null, at, invalid: true };
    if (node === null || node === undefined) return { kind: 'scalar', value: null, at };
    const here = place(node.range?.[0]);
    if (isAlias(node)) {
      const target = (node as Alias).resolve(document);
      if (target === undefined || open.has(target)) {
        problems.add(here, `the alias *${node.source} does not name an anchor written before it`);
        return { kind: 'scalar', value: null, at: here, invalid: true };
      }
      return convert(target, here);
    }
    open.add(node);
    try {
      if (isMap(node)) {
        const entries = new Map<string, MapEntry>();
        for (const pair of node.items) {
          const keyNode = pair.key as Node | null;
          const key = place(keyNode?.range?.[0] ?? node.range?.[0]);
          if (!isScalar(keyNode) || keyNode.value === null) {
            problems.add(key, 'a key must be a plain name');
          } else if (!entries.has(showReferences(String(keyNode.value)))) {
            entries.set(showReferences(String(keyNode.value)), { key, node: convert(pair.value as Node | null, key) });
          }
        }
        return { kind: 'map', entries, at: here };
      }
      if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => convert(item as Node, here)), at: here };
      return { kind: 'scalar', value: scalarValue(isScalar(node) ? node.value : null), at: here };
    } finally {
      open.delete(node);
    }
  };
  if (document.contents === null) return undefined;
  const root = convert(document.contents, { file, line: 1, column: 1 });
  if (nodes > MAX_NODES) problems.add({ file }, `more than ${MAX_NODES} values`, 'anchors may multiply each other');
  return root;
}

function scalarValue(value: unknown): Scalar {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  return value === null || value === undefined ? null : showReferences(String(value));
}

/** Parses the value of `--set` or of an environment variable: a YAML value, or the text itself where it is none. */
export function parseYamlValue(text: string, at: SourceLocation): LocatedNode {
  const document = parseDocument(hideReferences(text));
  const value: unknown = document.errors.length > 0 ? text : document.toJS();
  return relocate(value, text, at);
}

function relocate(value: unknown, text: string, at: SourceLocation): LocatedNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => relocate(item, String(item), at)), at };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, item]) => [key, { key: at, node: relocate(item, String(item), at) }] as const,
    );
    return { kind: 'map', entries: new Map(entries), at };
  }
  return { kind: 'scalar', value: scalarValue(value), at, text, fromHere: true };
}
