// Errors of the operations port (RFC 9457).
import { TransientError } from '@rollcall/directory';
import { NotNowError } from '@rollcall/tenancy';
import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import { isHttpError } from './http-error.js';

/** An answer that says what went wrong. `detail` is sent, with a hint what to do; `cause` is only logged. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly more: { readonly headers?: Readonly<Record<string, string>>; readonly members?: Readonly<Record<string, unknown>> } = {},
    options?: ErrorOptions,
  ) {
    super(detail, options);
  }
}

/** The one place that renders an error. Nothing of an unexpected one is sent: message and stack are for the log. */
export const renderProblem =
  (logged: (error: unknown, requestId: string) => void): ErrorRequestHandler =>
  (error: unknown, _request, response, _next) => {
    const problem = problemOf(error);
    if (problem.status >= 500) logged(problem.cause ?? error, String(response.getHeader('X-Request-Id')));
    if (response.headersSent) return void response.destroy(); // what was promised cannot be taken back
    send(response, problem);
  };

export const notFound: RequestHandler = (request) => {
  throw new Problem(404, `nothing is at ${request.path}`);
};

/** Answers every method that a route does not have. */
export const onlyMethods =
  (...allowed: readonly string[]): RequestHandler =>
  (request) => {
    throw new Problem(405, `method ${request.method} is not allowed at ${request.path}; allowed: ${allowed.join(', ')}`, {
      headers: { Allow: allowed.join(', ') },
    });
  };

/** Waits for a part behind this port no longer than an operator would. @throws Problem 503 */
export async function bounded<T>(limit_ms: number, what: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(what)), limit_ms).unref(); // a request that was cut keeps no process alive
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

const unavailable = (what: string): Problem =>
  new Problem(503, `${what}: no answer in time; are Redis and MongoDB there? See /readyz`, { headers: { 'Retry-After': '1' } });

function send(response: Response, { status, detail, more }: Problem): void {
  response.status(status).set(more.headers ?? {});
  response.type('application/problem+json').send(JSON.stringify({ title: TITLES[status] ?? 'Error', status, detail, ...more.members }));
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof NotNowError) return new Problem(409, error.message, {}, { cause: error });
  if (error instanceof TransientError) {
    const away = { redis: 'Redis is away', mongodb: 'MongoDB is away' }[error.away ?? 'redis'];
    const headers = { 'Retry-After': String(error.retryAfter_s) };
    return new Problem(
      503,
      `${error.away === undefined ? error.message : away}; try again, and see /readyz`,
      { headers },
      { cause: error },
    );
  }
  if (!isHttpError(error)) return new Problem(500, 'something went wrong here; the log has it under this request id', {}, { cause: error });
  return new Problem(error.status, BODY_FAULTS[error.type] ?? 'the request cannot be read');
}

const BODY_FAULTS: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'the body is not JSON',
  'entity.too.large': 'the body is too large',
  'charset.unsupported': 'the body is not UTF-8',
  'encoding.unsupported': 'the encoding of the body is not known',
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};
