/** What tokenizes without Node: in a browser, from the contents of files instead of paths. */
export { type TokenizerContent, tokenizerFromContents } from './from-contents.js';
export { TextStream } from './text-stream.js';
export type { Tokenizer } from './types.js';
