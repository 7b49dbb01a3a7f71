/** A client over HTTP/1.1 that reads streams of server-sent events. */
import { Agent, request } from 'node:http';

export interface Answer {
  status: number;
  body: string;
  /** Milliseconds from the request to each piece of the answer. */
  times: number[];
}

export const createAgent = () => new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** Sends one request and reads all of the answer. */
export function send(
  agent: Agent,
  url: URL,
  { method, headers, body }: { method: string; headers: Record<string, string>; body?: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const sent = request(url, { method, headers, agent }, (response) => {
      const times: number[] = [];
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        times.push(performance.now() - started);
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode!, body: text, times }));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** The text of a streamed completion; throws where it did not end as it should. */
export function streamedText({ status, body }: Answer): { text: string; tokens: number } {
  if (status !== 200) throw new Error(`status ${status}: ${body.slice(0, 200)}`);
  const events = body
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => event.replace(/^data: /, ''));
  if (events.pop() !== '[DONE]') throw new Error(`the stream ended early: ${body.slice(-200)}`);
  const parsed = events.map((event) => JSON.parse(event));
  const failed = parsed.find((event) => 'error' in event);
  if (failed) throw new Error(failed.error.message);
  const text = parsed.map(({ choices }) => choices[0]?.text ?? '').join('');
  return { text, tokens: parsed.find(({ usage }) => usage)?.usage.completion_tokens ?? 0 };
}
