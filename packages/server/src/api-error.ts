/** Errors in the shape of OpenAI's API: { error: { message, type, param, code } }. */

export interface ApiErrorOptions {
  /** The field of the request that is wrong. */
  param?: string;
  code?: string;
  /** Seconds after which it makes sense to try again. */
  retryAfter?: number;
}

/** What a client is told. */
export class ApiError extends Error {
  readonly param: string | null;
  readonly code: string | null;
  readonly retryAfter?: number;

  constructor(
    readonly status: number,
    message: string,
    { param, code, retryAfter }: ApiErrorOptions = {},
  ) {
    super(message);
    this.param = param ?? null;
    this.code = code ?? null;
    this.retryAfter = retryAfter;
  }
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

export function errorBody({ status, message, param, code }: ApiError) {
  return { error: { message, type: typeOf(status), param, code } };
}
