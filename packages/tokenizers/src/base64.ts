/** Base64 as RFC 4648 has it, in Node and in browsers. */

/** Characters that one call of String.fromCharCode is given at most. */
const STRETCH = 1 << 14;

/** @throws DOMException when the text is no base64. */
export function fromBase64(text: string): Uint8Array {
  const characters = atob(text);
  return Uint8Array.from({ length: characters.length }, (_, i) => characters.charCodeAt(i));
}

export function toBase64(bytes: Uint8Array): string {
  let characters = '';
  for (let at = 0; at < bytes.length; at += STRETCH) {
    characters += String.fromCharCode(...bytes.subarray(at, at + STRETCH));
  }
  return btoa(characters);
}
