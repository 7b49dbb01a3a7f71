/** The pieces that have their ids before any text is seen: special, control and user-defined symbols, and bytes. */
import type { Piece, PieceType } from '../model-file.js';
import type { ResolvedOptions } from './options.js';

/**
 * Special pieces by id. Symbols take the first free ids in their order, bytes the ones after.
 * @throws RangeError when ids clash or a symbol is there twice.
 */
export function specialPieces({
  specialIds: { unk, bos, eos, pad },
  controlSymbols,
  userDefinedSymbols,
  byteFallback,
}: Pick<ResolvedOptions, 'specialIds' | 'controlSymbols' | 'userDefinedSymbols' | 'byteFallback'>): Map<number, Piece> {
  const pieces = new Map<number, Piece>();
  const idOf = new Map<string, number>();
  const place = (id: number, text: string, type: PieceType) => {
    if (pieces.has(id)) throw new RangeError(`${text} and ${pieces.get(id)!.text} cannot both have the id ${id}`);
    pieces.set(id, { text, score: 0, type });
    idOf.set(text, id);
  };
  if (unk < 0) throw new RangeError('<unk> needs an id');
  place(unk, '<unk>', 'unknown');
  for (const [id, text] of [
    [bos, '<s>'],
    [eos, '</s>'],
    [pad, '<pad>'],
  ] as const) {
    if (id >= 0) place(id, text, 'control');
  }
  let next = 0;
  const named = new Set<string>();
  const insert = (text: string, type: PieceType) => {
    if (text === '<unk>') throw new RangeError('<unk> cannot be a symbol of its own');
    if (named.has(text)) throw new RangeError(`the symbol ${text} is there twice`);
    named.add(text);
    const known = idOf.get(text);
    // <s>, </s> and <pad> may be named to give them another type.
    if (known !== undefined) {
      pieces.set(known, { text, score: 0, type });
      return;
    }
    while (pieces.has(next)) next++;
    place(next, text, type);
  };
  for (const text of controlSymbols) insert(text, 'control');
  for (const text of userDefinedSymbols) insert(text, 'user-defined');
  if (byteFallback) {
    for (let byte = 0; byte < 256; byte++) {
      insert(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, 'byte');
    }
  }
  return pieces;
}
