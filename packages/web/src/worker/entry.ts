/** The script of a worker that computes: `new Worker(new URL('@t2r/web/worker', import.meta.url), { type: 'module' })`. */
import { serveModels } from './host.js';
import type { Port } from './protocol.js';

serveModels(globalThis as unknown as Port);
