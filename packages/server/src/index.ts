export { ApiError, type ApiErrorOptions } from './api-error.js';
export { DEFAULT_LIMITS, type ServerLimits, type ServerOptions } from './options.js';
export { type CompletionServer, createCompletionServer } from './server.js';
