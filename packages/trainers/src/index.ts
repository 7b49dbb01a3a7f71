export type { Optimizer } from './optimizer.js';
