/** Answers of completions, whole and streamed. */
import type { ServerResponse } from 'node:http';
import type { SequenceEnd, SequenceToken } from '@t2r/generation';
import type { Choice, Completion } from './completion.js';
import type { StateStore } from './states.js';

/** Told of what happens while an answer is made. */
export interface AnswerEvents {
  /** A new token, not one of the prompt. */
  onToken: () => void;
}

const finishReason = ({ reason }: SequenceEnd) =>
  reason === 'stop-token' || reason === 'stop-string' ? 'stop' : 'length';

const usageOf = ({ promptTokens }: Completion, made: number) => ({
  prompt_tokens: promptTokens,
  completion_tokens: made,
  total_tokens: promptTokens + made,
});

const headOf = ({ id, created, model }: Completion) => ({ id, object: 'text_completion', created, model });

function stateOf({ state }: SequenceEnd, states: StateStore): { state_id?: string } {
  return state ? { state_id: states.keep(state) } : {};
}

/** Waits for all texts; the answer's body. */
export async function wholeAnswer(completion: Completion, states: StateStore, { onToken }: AnswerEvents) {
  let made = 0;
  const choices = await Promise.all(
    completion.choices.map(async ({ index, sequence, echo, logprobs }: Choice) => {
      const tokens: SequenceToken[] = [];
      let text = echo;
      for await (const token of sequence) {
        if (logprobs) tokens.push(token);
        text += token.text;
        if (token.ofPrompt) continue;
        made++;
        onToken();
      }
      const end = await sequence.end;
      return {
        index,
        text: text + end.text,
        logprobs: logprobs ? logprobs(tokens) : null,
        finish_reason: finishReason(end),
        ...stateOf(end, states),
      };
    }),
  );
  const [first] = choices;
  const state = first && 'state_id' in first ? { state_id: first.state_id } : {};
  return { ...headOf(completion), choices, usage: usageOf(completion, made), ...state };
}

export interface StreamOptions extends AnswerEvents {
  states: StateStore;
  /** End with an event that tells the usage. */
  usage: boolean;
  /** Milliseconds that the reader may take nothing. */
  readerMs: number;
}

/** Resolves when the response can take more, or is closed; destroys it when that takes too long. */
function drained(response: ServerResponse, readerMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => response.destroy(), readerMs);
    const done = () => {
      clearTimeout(timer);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** Writes the texts as server-sent events, as fast as the reader takes them. */
export async function streamAnswer(
  completion: Completion,
  response: ServerResponse,
  { states, usage, readerMs, onToken }: StreamOptions,
): Promise<void> {
  const head = headOf(completion);
  let made = 0;
  const send = async (data: object | string) => {
    if (response.destroyed) throw new Error('the client has left');
    const text = typeof data === 'string' ? data : JSON.stringify(data);
    if (!response.write(`data: ${text}\n\n`)) await drained(response, readerMs);
  };
  const choice = (index: number, text: string, rest: object = {}) =>
    send({ ...head, choices: [{ index, text, logprobs: null, finish_reason: null, ...rest }] });
  await Promise.all(
    completion.choices.map(async ({ index, sequence, echo, logprobs }) => {
      if (echo !== '') await choice(index, echo);
      for await (const token of sequence) {
        if (!token.ofPrompt) {
          made++;
          onToken();
        }
        if (logprobs) await choice(index, token.text, { logprobs: logprobs([token]) });
        else if (token.text !== '') await choice(index, token.text);
      }
      const end = await sequence.end;
      await choice(index, end.text, { finish_reason: finishReason(end), ...stateOf(end, states) });
    }),
  );
  if (usage) await send({ ...head, choices: [], usage: usageOf(completion, made) });
  await send('[DONE]');
  response.end();
}
