/** Log-probabilities as OpenAI's completions give them. */
import type { SequenceToken } from '@t2r/generation';
import type { Tokenizer } from '@t2r/tokenizers';

export interface Logprobs {
  tokens: string[];
  token_logprobs: (number | null)[];
  top_logprobs: (Record<string, number> | null)[] | null;
  text_offset: number[];
}

/** Builds the lists of a choice, some tokens at a time; `offset` counts the characters of the whole text. */
export function createLogprobs(tokenizer: Tokenizer, count: number): (tokens: readonly SequenceToken[]) => Logprobs {
  let offset = 0;
  const textOf = (id: number) => tokenizer.decode([id]);
  return (tokens) => {
    const result: Logprobs = { tokens: [], token_logprobs: [], top_logprobs: count > 0 ? [] : null, text_offset: [] };
    for (const { id, logProb, top } of tokens) {
      const text = textOf(id);
      result.tokens.push(text);
      result.token_logprobs.push(logProb ?? null);
      result.top_logprobs?.push(top ? Object.fromEntries(top.map((other) => [textOf(other.id), other.logProb])) : null);
      result.text_offset.push(offset);
      offset += text.length;
    }
    return result;
  };
}
