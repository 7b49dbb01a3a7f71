/** What a completion request may hold. */
import { z } from 'zod';
import { ApiError } from './api-error.js';
import type { ServerLimits } from './options.js';

const ids = z.array(z.int().min(0));

/** A parameter of OpenAI's that has no effect here: only its neutral value is taken. */
const only = <T extends string | number>(value: T) => z.literal(value).nullish().describe('Not supported.');

const completionSchema = z.strictObject({
  model: z.string().nullish().describe('Name of the model; the one that is served.'),
  prompt: z
    .union([z.string(), ids, z.array(z.string()).min(1), z.array(ids.min(1)).min(1)])
    .nullish()
    .describe('A text, token ids, or several of either. Default: the empty text.'),
  max_tokens: z.int().min(0).nullish().describe('New tokens at most. Default 16.'),
  temperature: z.number().min(0).max(2).nullish().describe('0 always takes the likeliest token. Default 1.'),
  top_p: z.number().gt(0).max(1).nullish().describe('Draw from the likeliest tokens with this probability. Default 1.'),
  top_k: z.int().min(1).nullish().describe('Draw from the k likeliest tokens. Default: all.'),
  repetition_penalty: z.number().gt(0).max(100).nullish().describe('Of tokens seen before (CTRL). Default 1.'),
  n: z.int().min(1).nullish().describe('Texts for each prompt. Default 1.'),
  best_of: z.int().min(1).nullish().describe('The same as n, or absent.'),
  stream: z.boolean().nullish().describe('Send tokens as they come, as server-sent events.'),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .nullish()
    .describe('With stream: whether the last event tells the usage.'),
  stop: z
    .union([z.string(), z.array(z.string()).max(16)])
    .nullish()
    .describe('Strings that end the text and are not part of it.'),
  seed: z.int().nullish().describe('The same seed gives the same text. Default: another one each time.'),
  logprobs: z.int().min(0).max(20).nullish().describe('Log-probabilities, with those of so many likeliest tokens.'),
  echo: z.boolean().nullish().describe('Begin the text with the prompt.'),
  user: z.string().nullish().describe('Ignored.'),
  suffix: only(''),
  presence_penalty: only(0),
  frequency_penalty: only(0),
  logit_bias: z.record(z.string(), z.never()).nullish(),
  ignore_eos: z.boolean().nullish().describe('Go on after an end-of-text token.'),
  save_state: z.boolean().nullish().describe('Keep the state; the answer has its state_id.'),
  state_id: z.string().max(64).nullish().describe('A kept state that the prompt follows.'),
});

export type CompletionRequest = z.output<typeof completionSchema>;

/** Checks a request's body. Throws ApiError 400 that names the field. */
export function parseRequest(body: unknown): CompletionRequest {
  const parsed = completionSchema.safeParse(body);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  const param = path.join('.');
  throw new ApiError(400, param ? `${param}: ${message}` : message, { param: param || undefined });
}

/** A list of prompts, each a text or token ids. */
export function promptsOf({ prompt }: CompletionRequest): (string | number[])[] {
  if (prompt === undefined || prompt === null) return [''];
  if (typeof prompt === 'string') return [prompt];
  if (prompt.length === 0 || typeof prompt[0] === 'number') return [prompt as number[]];
  return prompt as (string | number[])[];
}

/** Limits of a request's numbers. Throws ApiError 400. */
export function checkLimits(request: CompletionRequest, limits: ServerLimits): void {
  const { max_tokens: maxTokens, n, best_of: bestOf, state_id: stateId } = request;
  if ((maxTokens ?? 0) > limits.maxTokens)
    throw new ApiError(400, `max_tokens: at most ${limits.maxTokens}`, { param: 'max_tokens' });
  if (bestOf != null && bestOf !== (n ?? 1))
    throw new ApiError(400, 'best_of: only n is supported', { param: 'best_of' });
  const prompts = promptsOf(request).length;
  const sequences = prompts * (n ?? 1);
  if (sequences > limits.sequences)
    throw new ApiError(400, `n: ${sequences} texts in one request; at most ${limits.sequences}`, { param: 'n' });
  if (stateId != null && prompts > 1)
    throw new ApiError(400, 'state_id: a state goes on with one prompt', { param: 'state_id' });
}
