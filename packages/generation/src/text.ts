/** Generation from text to text. */
import { UserError } from '@t2r/core';
import { TextStream } from '@t2r/tokenizers';
import { type GeneratedToken, type GenerateOptions, generateTokens, type StopReason } from './generate.js';
import type { TextGenerator } from './generator.js';
import { createStopFilter } from './stop.js';

export interface GenerateTextOptions extends GenerateOptions {
  /** Strings that end the text; neither they nor what follows is yielded. */
  stopStrings?: readonly string[];
  /** Called with each new token before its text is yielded; a piece of text may hold several tokens, or none yet. */
  onToken?: (token: GeneratedToken) => void;
}

/**
 * Yields the continuation of a prompt in pieces; a piece never ends inside a character. See `TextGenerator.generateText`.
 * Throws UserError when the generator has no tokenizer.
 */
export async function* generateText(
  generator: TextGenerator,
  prompt: string,
  { stopStrings = [], onToken, ...options }: GenerateTextOptions = {},
): AsyncGenerator<string, StopReason> {
  const { tokenizer } = generator;
  if (tokenizer === undefined)
    throw new UserError('this model has no tokenizer, so it cannot generate text', {
      hint: 'Put a tokenizer.json into the checkpoint folder, or generate token ids.',
    });
  const promptIds = tokenizer.encode(prompt);
  const stream = new TextStream(tokenizer);
  // What joins the first new token to the prompt (a space between words) depends on the prompt's last token.
  for (const id of [...(options.from?.pending ?? []), ...promptIds]) stream.push(id);
  const filter = createStopFilter(stopStrings);
  const tokens = generateTokens(generator, promptIds, options);
  for (;;) {
    const { done, value } = await tokens.next();
    if (done) {
      const { text, stopped } = filter.push(stream.end());
      const last = stopped ? text : text + filter.flush();
      if (last !== '') yield last;
      return stopped ? 'stop-string' : value;
    }
    onToken?.(value);
    const { text, stopped } = filter.push(stream.push(value.id));
    if (text !== '') yield text;
    if (stopped) return 'stop-string';
  }
}
