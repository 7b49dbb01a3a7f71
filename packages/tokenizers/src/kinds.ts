/** What kind of tokenizer file some bytes are. */
import { looksLikeDict } from './fairseq-dict.js';
import { readMessage } from './sentencepiece/protobuf.js';
import { END_OF_WORD } from './subword-nmt/codes.js';

export type FileKind =
  | 'tokenizer.json'
  /** A SentencePiece model. */
  | 'sentencepiece'
  /** GPT-2's vocabulary (encoder.json) and merges (vocab.bpe). */
  | 'vocab'
  | 'merges'
  /** subword-nmt's codes. */
  | 'codes'
  /** fairseq's dict.txt. */
  | 'dict'
  /** CTranslate2's vocabulary.json: entries by id. */
  | 'entries';

/** The kind of a file; names count only for SentencePiece models that are too damaged to be told by their content. */
export function kindOf(bytes: Uint8Array, path = ''): FileKind | undefined {
  if (/\.(model|spm)$/.test(path) || looksLikeModel(bytes)) return 'sentencepiece';
  const head = new TextDecoder().decode(bytes.subarray(0, 1 << 16));
  if (/^\s*\[\s*"/.test(head)) return 'entries';
  if (/^\s*[{[]/.test(head)) return isVocabulary(head) ? 'vocab' : 'tokenizer.json';
  if (head.startsWith('#version:'))
    return head.includes(`${END_OF_WORD}\n`) || head.includes(`${END_OF_WORD} `) ? 'codes' : 'merges';
  if (looksLikeDict(head)) return 'dict';
  const first = head.split('\n', 20).filter((line) => line !== '');
  if (first.length > 0 && first.every((line) => line.split(' ').length === 2)) {
    return head.includes(END_OF_WORD) ? 'codes' : 'merges';
  }
  return undefined;
}

/** A mapping whose first values are numbers, and not objects as in a tokenizer.json. */
const isVocabulary = (head: string) => /^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\d+\s*[,}]/u.test(head);

/** The first field of a model is its first piece, a message of a text and a score. */
function looksLikeModel(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x0a || bytes.length < 4) return false;
  const length = bytes[1]!;
  if (length >= 0x80 || bytes[2] !== 0x0a) return false;
  try {
    readMessage(bytes.subarray(2, 2 + length), () => undefined);
    return bytes[2 + length] === 0x0a;
  } catch {
    return false;
  }
}
