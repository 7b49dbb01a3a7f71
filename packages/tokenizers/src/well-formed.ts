/** Text without lone surrogates, in Node and in browsers. */

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text as its UTF-8 bytes tell it: lone surrogates become U+FFFD. */
export const wellFormed = (text: string): string => decoder.decode(encoder.encode(text));

/** UTF-8 bytes of a text; lone surrogates become U+FFFD. */
export const utf8Bytes = (text: string): Uint8Array => encoder.encode(text);
