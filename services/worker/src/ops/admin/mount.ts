// Puts the routes of the admin API on Express.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express, { type Request, type Response, Router } from 'express';
import { operatorOf } from '../guard.js';
import { bounded, onlyMethods, Problem } from '../problem.js';
import type { Once } from './idempotency.js';
import type { AdminAnswer, AdminRoute, RawRequest } from './route.js';

const JSON_LIMIT = '256kb';
const ANSWER_LIMIT_MS = 10_000;

/** @param once absent where nothing is kept of outcomes: a key is then refused, as it would not be honoured */
export function adminRouter(routes: readonly AdminRoute[], once: Once | undefined): Router {
  const json = express.json({ limit: JSON_LIMIT, strict: true, type: ['application/json', 'application/*+json'] });
  const router = Router();
  const byPath = new Map<string, AdminRoute[]>();
  for (const route of routes) byPath.set(route.path, [...(byPath.get(route.path) ?? []), route]);
  for (const [path, here] of byPath) {
    const at = router.route(path.replaceAll(/\{(\w+)\}/g, ':$1'));
    for (const route of here) {
      const method = route.method.toLowerCase() as Lowercase<AdminRoute['method']>;
      at[method](...(route.body === undefined ? [] : [json]), async (request: Request, response: Response) => {
        await send(response, await answer(route, request, response));
      });
    }
    at.all(onlyMethods(...here.map(({ method }) => method)));
  }
  return router;

  async function answer(route: AdminRoute, request: Request, response: Response): Promise<AdminAnswer> {
    const raw = rawOf(route, request, response);
    const key = request.get('Idempotency-Key');
    const act = () => route.run(raw);
    const answering = key === undefined || route.method !== 'POST' ? act() : onceUnder(key, route, raw, request, act);
    // What takes longer goes on, and its outcome is kept: only the one who waits is told to come back.
    return route.bodyType === undefined ? bounded(ANSWER_LIMIT_MS, route.summary, answering) : answering;
  }

  async function onceUnder(
    key: string,
    route: AdminRoute,
    raw: RawRequest,
    request: Request,
    act: () => Promise<AdminAnswer>,
  ): Promise<AdminAnswer> {
    if (once === undefined) throw new Problem(501, 'Idempotency-Key is not honoured here');
    const asked = [route.method, request.originalUrl, JSON.stringify(raw.body ?? null), request.get('Content-Length') ?? ''];
    return once({ operator: raw.operator.id, key, request: asked }, act);
  }
}

function rawOf(route: AdminRoute, request: Request, response: Response): RawRequest {
  if (route.bodyType !== undefined && !request.is(route.bodyType)) throw new Problem(415, `expected a body of ${route.bodyType}`);
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
  };
}

async function send(response: Response, { status, headers, body, stream }: AdminAnswer): Promise<void> {
  response.status(status).set(headers ?? {});
  if (stream !== undefined) return pipeline(Readable.from(stream), response);
  if (body === undefined) response.end();
  else response.json(body);
}
