// POST /oauth2/token: client credentials for a short-lived access token (RFC 6749 §4.4).
import { TransientError } from '@rollcall/directory';
import { ScimError } from '@rollcall/scim';
import type { Log } from '@rollcall/telemetry';
import { type FailureLimit, hashToken, isTokenShaped, type Records, type TokenRecord } from '@rollcall/tenancy';
import type { ActivityNotes } from '../authenticate/activity.js';
import { within } from '../deadline.js';
import { ClientGone, type OpenHandler, type ScimRequest, type ScimResponse } from '../exchange.js';
import { CLIENT_CLOSED_REQUEST } from '../respond/errors.js';
import { credentialsOf, parametersOf } from './credentials.js';
import { OAuthError } from './errors.js';

export interface TokenDeps {
  readonly records: Pick<Records, 'token' | 'tenant' | 'writeAccessToken'>;
  /** Shared with the sign-in: who guesses there guesses here. */
  readonly limit: FailureLimit;
  /** How many access tokens a client gets in a minute: each lies in Redis for its life. */
  readonly issued: FailureLimit;
  readonly onFailure: () => void;
  readonly activity: Pick<ActivityNotes, 'used' | 'refused'>;
  readonly newToken: () => string;
  readonly secretsKnownMax: number;
  readonly deadline_ms: number;
  readonly now_ms: () => number;
  readonly log: Log;
}

/** Errors are answered in the form of RFC 6749 §5.2: this endpoint is OAuth's, and no part of SCIM. */
export function makeTokenEndpoint(deps: TokenDeps): OpenHandler {
  const { records, limit } = deps;
  /** Secrets that were good before: they are judged whatever others do at the same address, as identity providers share theirs. */
  const known = new Set<string>();

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      return refusal(error, request, deps.log);
    }
  };

  async function answer(request: ScimRequest): Promise<ScimResponse> {
    const parameters = parametersOf(request.header('content-type'), await request.text());
    const { id, secret, byHeader } = credentialsOf(request.header('authorization'), parameters);
    const hash = isTokenShaped(secret) ? hashToken(secret) : undefined;
    if (hash === undefined || !known.has(hash)) refuseTooMany(request.address);
    const deadline = performance.now() + deps.deadline_ms;
    const record = hash === undefined ? undefined : await within(deadline, records.token(hash));
    if (hash === undefined || !record || record.via !== undefined || record.client !== id || record.revoked) {
      if (hash !== undefined) known.delete(hash);
      throw failed(request, byHeader, 'unknown client, or its secret is not valid');
    }
    if (record.expires_ms <= deps.now_ms()) {
      known.delete(hash);
      const detail = `the client secret expired at ${new Date(record.expires_ms).toISOString()}; regenerate it and enter it at the identity provider`;
      const { method, path: route, id: requestId } = request;
      deps.activity.refused(record.tenant, { status: 401, detail, method, route, requestId });
      throw failed(request, byHeader, detail);
    }
    remember(hash);

    const grant = parameters.get('grant_type');
    if (grant === undefined) throw new OAuthError(400, 'invalid_request', 'grant_type: expected client_credentials, got none');
    if (grant !== 'client_credentials')
      throw new OAuthError(400, 'unsupported_grant_type', 'grant_type: only client_credentials is supported');
    return issue(record, hash, parameters.has('scope'), deadline);
  }

  async function issue(secret: TokenRecord, via: string, scoped: boolean, deadline: number): Promise<ScimResponse> {
    const client = secret.client ?? '';
    const wait_s = deps.issued.wait_s(client);
    if (wait_s > 0)
      throw new OAuthError(429, 'invalid_request', 'too many access tokens for this client: use one until it expires', {
        retryAfter_s: wait_s,
      });
    deps.issued.failed(client);
    const token = deps.newToken();
    const now_ms = deps.now_ms();
    // None outlives its secret.
    const expires_ms = Math.min(now_ms + LIFETIME_S * 1_000, secret.expires_ms);
    const { id, tenant, user } = secret;
    const of = user === undefined ? {} : { user };
    const record: TokenRecord = { id, tenant, expires_ms, revoked: false, revision: 1, client, via, ...of };
    // Kept for a while longer, so that its holder is told that it is expired, and not that it never was.
    await within(deadline, records.writeAccessToken(hashToken(token), record, expires_ms - now_ms + KEPT_MS));
    deps.activity.used(tenant, id);
    const expires_in = Math.max(1, Math.floor((expires_ms - now_ms) / 1_000));
    // There is one right, to provision: what was asked for, if anything, is answered with what is given (§3.3).
    const body = { access_token: token, token_type: 'Bearer', expires_in, ...(scoped ? { scope: 'scim' } : {}) };
    return { status: 200, headers: HEADERS, body, about: { tenant } };
  }

  function refuseTooMany(address: string): void {
    const wait_s = limit.wait_s(address);
    if (wait_s > 0) throw new OAuthError(429, 'invalid_client', 'too many failed sign-ins from this address', { retryAfter_s: wait_s });
  }

  function failed(request: ScimRequest, byHeader: boolean, description: string): OAuthError {
    limit.failed(request.address);
    deps.onFailure();
    return new OAuthError(401, 'invalid_client', description, { challenge: byHeader });
  }

  function remember(hash: string): void {
    if (known.size >= deps.secretsKnownMax) known.delete(known.values().next().value!);
    known.add(hash);
  }
}

function refusal(error: unknown, request: ScimRequest, log: Log): ScimResponse {
  if (error instanceof ClientGone) return { status: CLIENT_CLOSED_REQUEST };
  if (error instanceof OAuthError) {
    const { status, code, message, more } = error;
    const headers = {
      ...HEADERS,
      ...(more.challenge ? { 'WWW-Authenticate': 'Basic realm="rollcall", charset="UTF-8"' } : {}),
      ...(more.retryAfter_s === undefined ? {} : { 'Retry-After': String(more.retryAfter_s) }),
    };
    return { status, headers, body: { error: code, error_description: described(message) } };
  }
  // The body was too large, or no text.
  if (error instanceof ScimError)
    return { status: error.status, headers: HEADERS, body: { error: 'invalid_request', error_description: described(error.detail) } };
  if (error instanceof TransientError) {
    log.warn({ requestId: request.id, away: error.away, reason: error.message }, 'answered 503');
    const headers = { ...HEADERS, 'Retry-After': String(error.retryAfter_s) };
    return { status: 503, headers, body: { error: 'temporarily_unavailable', error_description: 'temporarily unavailable; try again' } };
  }
  log.error({ error, requestId: request.id }, 'internal error');
  return { status: 500, headers: HEADERS, body: { error: 'server_error', error_description: 'internal error; the log has it' } };
}

/** What a description may hold (§5.2): no quotes, no backslash, no letter beyond ASCII. */
const described = (text: string): string => text.replaceAll('"', "'").replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?');

const HEADERS = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', Pragma: 'no-cache' };
const LIFETIME_S = 3_600;
const KEPT_MS = 3_600_000;
