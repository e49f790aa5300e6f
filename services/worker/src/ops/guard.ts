// Who may do what on the operations port.

import { siteOf, type WindowLimit } from '@rollcall/tenancy';
import type { Request, RequestHandler } from 'express';
import type { Operator } from './operator.js';
import { Problem } from './problem.js';
import { bearerOf, type OperatorSignIn } from './sign-in.js';

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
const CLOSED = 'operator sign-in is closed; set ROLLCALL_OPERATOR_TOKEN to open it';

export interface Guard {
  readonly signIn: OperatorSignIn;
  /** Counts wrong tokens, by address. */
  readonly limit: Pick<WindowLimit, 'count'>;
  /** Whether the operator's browser came by https. */
  readonly secure: (request: Request) => boolean;
  /** Told of every token that was none. */
  readonly failed: () => void;
}

/** Who asks; known once `onlySignedIn` has let the request pass. */
const signedIn = new WeakMap<Request, Operator>();
export function operatorOf(request: Request): Operator {
  const operator = signedIn.get(request);
  if (operator === undefined) throw new Error('a route is served before the sign-in');
  return operator;
}

/** Lets operators pass, as `onlySignedIn` does. A viewer may look, and nothing else. */
export function onlyOperators(guard: Guard): RequestHandler {
  const signIn = onlySignedIn(guard);
  return (request, response, next) =>
    signIn(request, response, () => {
      onlyLooking(operatorOf(request), READS.has(request.method));
      next();
    });
}

/** @throws Problem 403 for a viewer who would do more than look */
export function onlyLooking({ name, role }: Operator, looks: boolean): void {
  if (role === 'viewer' && !looks) throw new Problem(403, `${name} is a viewer: ask an operator to change something`);
}

/** Lets operators pass: by cookie, or by Bearer. A browser that is none is sent to the form. What a viewer may do is for what follows to say. */
export const onlySignedIn =
  (guard: Guard): RequestHandler =>
  async (request, response, next) => {
    if (!guard.signIn.open) throw new Problem(403, CLOSED);
    const candidate = bearerOf(request.headers.authorization);
    const operator =
      (await guard.signIn.bySession(request.headers.cookie, guard.secure(request))) ??
      (candidate && (await tryToken(guard, request, candidate)));
    if (operator) {
      signedIn.set(request, operator);
      return next();
    }
    if (candidate === undefined && request.method === 'GET' && wantsPage(request)) {
      return response.redirect(303, `/sign-in?next=${encodeURIComponent(request.originalUrl)}`);
    }
    throw new Problem(401, 'sign in at /sign-in, or send Authorization: Bearer with the operator’s token', {
      headers: { 'WWW-Authenticate': 'Bearer realm="rollcall operations"' },
    });
  };

/**
 * Looks a token up, and counts it only where it is wrong: an operator is never locked out by what others did at the same address.
 * @returns undefined for a wrong token. @throws Problem 429 in its place where the address has brought too many
 */
export async function tryToken({ signIn, limit, failed }: Guard, request: Request, candidate: string): Promise<Operator | undefined> {
  const operator = await signIn.byToken(candidate);
  if (operator) return operator;
  failed();
  const wait_s = await limit.count(siteOf(request.ip ?? ''));
  if (wait_s > 0) throw new Problem(429, 'too many wrong tokens from this address', { headers: { 'Retry-After': String(wait_s) } });
  return undefined;
}

/**
 * Refuses what another site makes a browser send. Browsers say where a request comes from (Fetch Metadata; on plain http the Origin); what
 * says nothing is no browser of today, and the cookie's SameSite=Strict stands besides.
 */
export const onlySameSite: RequestHandler = (request, _response, next) => {
  if (READS.has(request.method)) return next();
  const site = request.get('Sec-Fetch-Site');
  const origin = request.get('Origin');
  const own =
    site === undefined ? origin === undefined || hostOf(origin) === request.get('Host') : site === 'same-origin' || site === 'none';
  if (!own) throw new Problem(403, 'a request that changes something must come from this site');
  next();
};

/** For every answer; Bull Board styles itself inline, and its web fonts stay away: an internal port calls nobody. */
export const securityHeaders: RequestHandler = (_request, response, next) => {
  response.set({
    'Content-Security-Policy':
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'same-origin', // not no-referrer: it would make the Origin of our own form `null`
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  });
  next();
};

const wantsPage = (request: Request): boolean => request.accepts('json', 'html') === 'html';

const hostOf = (origin: string): string | undefined => (URL.canParse(origin) ? new URL(origin).host : undefined);
