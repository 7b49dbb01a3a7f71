/** What is counted, for Prometheus. */
import type { Scheduler } from '@t2r/generation';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { StateStore } from './states.js';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface ServerMetrics {
  /** Requests answered, by route and status. */
  requests: Counter<'route' | 'status'>;
  promptTokens: Counter;
  newTokens: Counter;
  /** Streams and requests whose client left before the end. */
  disconnects: Counter;
  firstToken: Histogram;
  duration: Histogram;
  /** All of them in Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

export function createMetrics(scheduler: Scheduler, states: StateStore): ServerMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = (name: string, help: string) => new Counter({ name, help, registers });
  const gauge = (name: string, help: string, value: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value());
      },
    });
  const histogram = (name: string, help: string) => new Histogram({ name, help, buckets: SECONDS, registers });
  gauge('t2r_slots', 'Sequences that are decoded side by side at most.', () => scheduler.batch);
  gauge('t2r_slots_used', 'Sequences that are being decoded.', () => scheduler.figures().active);
  gauge('t2r_queue_length', 'Sequences that wait for a slot.', () => scheduler.figures().waiting);
  gauge('t2r_parked', 'Sequences that wait for slow readers.', () => scheduler.figures().parked);
  gauge('t2r_steps', 'Steps of the batch since the start.', () => scheduler.figures().steps);
  gauge('t2r_states', 'States that are kept.', () => states.size);
  gauge('t2r_states_bytes', 'Bytes of the states that are kept.', () => states.bytes);
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  return {
    requests: new Counter({
      name: 't2r_requests_total',
      help: 'Requests answered.',
      labelNames: ['route', 'status'],
      registers,
    }),
    promptTokens: counter('t2r_prompt_tokens_total', 'Tokens of prompts.'),
    newTokens: counter('t2r_new_tokens_total', 'Tokens generated.'),
    disconnects: counter('t2r_disconnects_total', 'Clients that left before the end.'),
    firstToken: histogram('t2r_first_token_seconds', 'From a request to its first token.'),
    duration: histogram('t2r_completion_seconds', 'From a request to its end.'),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
