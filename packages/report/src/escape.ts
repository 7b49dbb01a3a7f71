/** Text into HTML. Everything that comes from a recipe, a corpus or a model passes through here. */

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text without what a page must not contain: control characters and lone surrogates become U+FFFD. */
export function cleanText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\p{Surrogate}]/gu, '\ufffd');
}

/** Escapes text for element content and for quoted attribute values. */
export function escapeHtml(text: string): string {
  return cleanText(text).replace(/[&<>"']/g, (character) => ENTITIES[character]!);
}
