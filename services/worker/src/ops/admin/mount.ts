// Puts the routes of the admin API on Express.
import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { onlyLooking, operatorOf } from '../guard.js';
import { bounded, onlyMethods, Problem } from '../problem.js';
import type { Once } from './idempotency.js';
import type { AdminAnswer, AdminRoute, RawRequest } from './route.js';

const JSON_LIMIT = '256kb';
const ANSWER_LIMIT_MS = 10_000;
/** A longer rest of a refused body closes the connection. */
const DISCARD_BYTES_MAX = 67_108_864;

/** @param once absent where nothing is kept of outcomes: a key is then refused, as it would not be honoured */
export function adminRouter(routes: readonly AdminRoute[], once: Once | undefined): Router {
  const json = express.json({ limit: JSON_LIMIT, strict: true, type: ['application/json', 'application/*+json'], verify: checkUtf8 });
  const router = Router();
  const byPath = new Map<string, AdminRoute[]>();
  for (const route of routes) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route]);
  for (const [path, here] of byPath) {
    const at = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of here) {
      const method = route.method.toLowerCase() as Lowercase<AdminRoute['method']>;
      at[method](forViewers(route), ...(route.body === undefined ? [] : [json]), async (request: Request, response: Response) => {
        await send(response, await answer(route, request, response));
      });
    }
    at.all(onlyMethods(...here.map(({ method }) => method)));
  }
  return router;

  async function answer(route: AdminRoute, request: Request, response: Response): Promise<AdminAnswer> {
    const raw = rawOf(route, request, response, once);
    if (route.bodyType !== undefined) return answerStream(route, raw, request, response);
    // What takes longer goes on, and its outcome is kept: only the one who waits is told to come back.
    return bounded(
      ANSWER_LIMIT_MS,
      route.summary,
      raw.once(JSON.stringify(raw.body ?? null), () => route.run(raw)),
    );
  }
}

const forViewers =
  ({ looks }: AdminRoute): RequestHandler =>
  (request, _response, next) => {
    onlyLooking(operatorOf(request), looks);
    next();
  };

function rawOf(route: AdminRoute, request: Request, response: Response, once: Once | undefined): RawRequest {
  if (route.bodyType !== undefined) checkType(route.bodyType, request);
  const body: unknown = request.body;
  return {
    params: Object.fromEntries(Object.entries(request.params).map(([name, value]) => [name, String(value)])),
    query: request.query,
    body,
    bodySent: Number(request.headers['content-length'] ?? 0) > 0 || request.headers['transfer-encoding'] !== undefined,
    stream: request,
    operator: operatorOf(request),
    requestId: String(response.getHeader('X-Request-Id')),
    header: (name) => request.get(name),
    once: async (text, act) => {
      const key = request.get('Idempotency-Key');
      // What changes nothing may be done again, and what it shows of people is not to be kept.
      if (key === undefined || route.method !== 'POST' || route.looks) return act();
      if (once === undefined) throw new Problem(501, 'Idempotency-Key is not honoured here');
      return once({ operator: operatorOf(request).id, key, request: [route.method, request.originalUrl, text] }, act);
    },
  };
}

/** Answers a refusal only once the body has come: many clients lose an answer that comes before they have sent all. */
async function answerStream(route: AdminRoute, raw: RawRequest, request: Request, response: Response): Promise<AdminAnswer> {
  try {
    return await route.run(raw);
  } catch (error) {
    if (!(await discardRest(request))) response.set('Connection', 'close');
    throw error;
  }
}

/**
 * Reads and drops the rest of a body that was refused before its end. Node does so only where no part was read: else the next request on the
 * connection would wait behind the rest until a time limit.
 * @returns whether it ended within DISCARD_BYTES_MAX; how long it may take is for the server's time limits to say
 */
function discardRest(request: Request): Promise<boolean> {
  if (request.readableEnded || request.destroyed) return Promise.resolve(true);
  request.removeAllListeners('readable');
  return new Promise((resolve) => {
    let left_bytes = DISCARD_BYTES_MAX;
    request
      .on('data', (chunk: Buffer) => {
        left_bytes -= chunk.length;
        if (left_bytes < 0) resolve(false);
      })
      .once('end', () => resolve(true))
      .once('close', () => resolve(true));
    request.resume();
  });
}

/** @throws Problem 415 for a body of another type, in another encoding, or packed */
function checkType(type: string, request: Request): void {
  if (!request.is(type)) throw new Problem(415, `expected a body of ${type}`);
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(request.get('Content-Type') ?? '')?.[1];
  if (charset !== undefined && !/^utf-?8$/i.test(charset)) throw new Problem(415, `expected ${type} in UTF-8, got charset ${charset}`);
  const packed = request.get('Content-Encoding') ?? 'identity';
  if (packed !== 'identity') throw new Problem(415, `expected ${type} as it is, got Content-Encoding ${packed}`);
}

/** Refuses JSON that is not UTF-8 (RFC 8259 section 8.1), in place of storing U+FFFD for what can't be read. @throws Problem 400, 415 */
function checkUtf8(_request: unknown, _response: unknown, body: Buffer, encoding: string): void {
  if (encoding !== 'utf-8') throw new Problem(415, `expected JSON in UTF-8, got charset ${encoding}`);
  if (!isUtf8(body)) throw new Problem(400, 'the body is not UTF-8');
}

async function send(response: Response, { status, headers, body, stream }: AdminAnswer): Promise<void> {
  response.status(status).set(headers ?? {});
  if (stream !== undefined) return pipeline(Readable.from(stream), response);
  if (body === undefined) response.end();
  else response.json(body);
}
