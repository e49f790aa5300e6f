// POST /oauth2/token: client credentials for a short-lived access token (RFC 6749 §4.4).
import { TransientError } from '@rollcall/directory';
import { ScimError } from '@rollcall/scim';
import { hashToken, isTokenShaped, type Records, siteOf, type TokenRecord, type WindowLimit } from '@rollcall/tenancy';
import type { ActivityNotes } from '../authenticate/activity.js';
import { atTime } from '../authenticate/authenticate.js';
import { within } from '../deadline.js';
import { ClientGone, type OpenHandler, type ScimRequest, type ScimResponse } from '../exchange.js';
import { CLIENT_CLOSED_REQUEST, transientFault } from '../respond/errors.js';
import { type ClientCredentials, credentialsOf, FORM_BYTES_MAX, parametersOf } from './credentials.js';
import { OAuthError } from './errors.js';

export interface TokenDeps {
  readonly records: Pick<Records, 'token' | 'tenant' | 'writeAccessToken'>;
  /** Shared with the sign-in: a guess here is a guess there. */
  readonly limit: Pick<WindowLimit, 'count'>;
  /** How many access tokens a client gets in a minute: each lies in Redis for its life. */
  readonly given: Pick<WindowLimit, 'count'>;
  /** Told of each secret that was refused, and why. */
  readonly onFailure: (reason: string) => void;
  readonly activity: Pick<ActivityNotes, 'used' | 'refused'>;
  readonly newToken: () => string;
  readonly deadline_ms: number;
  readonly now_ms: () => number;
}

/**
 * Errors are answered in the form of RFC 6749 §5.2: this endpoint is OAuth's, and no part of SCIM. As at the sign-in, a secret is looked up before
 * anything is counted, and only one that was never ours is counted as a guess.
 */
export function makeTokenEndpoint(deps: TokenDeps): OpenHandler {
  const { records, limit } = deps;

  return async (request) => {
    try {
      return await answer(request);
    } catch (error) {
      return refusal(error);
    }
  };

  async function answer(request: ScimRequest): Promise<ScimResponse> {
    if (Number(request.header('content-length')) > FORM_BYTES_MAX) throw tooLong();
    const text = await request.text(FORM_BYTES_MAX).catch((error: unknown) => {
      throw error instanceof ScimError && error.status === 413 ? tooLong() : error;
    });
    const parameters = parametersOf(request.header('content-type'), text);
    const credentials = credentialsOf(request.header('authorization'), parameters);
    const deadline = performance.now() + deps.deadline_ms;
    const { record, hash } = await judged(request, credentials, deadline);

    const grant = parameters.get('grant_type');
    if (grant === undefined) throw new OAuthError(400, 'invalid_request', 'grant_type: expected client_credentials, got none');
    if (grant !== 'client_credentials')
      throw new OAuthError(400, 'unsupported_grant_type', 'grant_type: only client_credentials is supported');
    return issue(record, hash, parameters.has('scope'), deadline);
  }

  /** @throws OAuthError 401 for a client or a secret that is not valid; 429 in its place where the address guesses too often */
  async function judged(
    request: ScimRequest,
    { id, secret, byHeader }: ClientCredentials,
    deadline: number,
  ): Promise<{ readonly record: TokenRecord; readonly hash: string }> {
    const unknown = 'unknown client, or its secret is not valid';
    if (!isTokenShaped(secret)) throw failed(byHeader, { reason: 'secret_malformed' }, unknown);
    const hash = hashToken(secret);
    const record = await within(deadline, records.token(hash));
    if (!record) {
      const wait_s = await limit.count(siteOf(request.address));
      if (wait_s === 0) throw failed(byHeader, { reason: 'secret_unknown' }, unknown);
      deps.onFailure('too_many_sign_ins');
      const more = { retryAfter_s: wait_s, reason: 'too_many_sign_ins' };
      throw new OAuthError(429, 'invalid_client', 'too many wrong secrets from this address', more);
    }
    const { tenant, id: credential } = record;
    // A credential of ours at the wrong place is no guess, and tells its holder nothing.
    if (record.via !== undefined || record.client !== id) throw failed(byHeader, { reason: 'secret_of_another_client' }, unknown);
    const refuse = (reason: string, detail: string) => {
      const { method, path: route, id: requestId } = request;
      deps.activity.refused(tenant, { status: 401, detail, reason, method, route, requestId });
      return failed(byHeader, { reason, tenant, credential }, detail);
    };
    if (record.revoked)
      throw refuse(
        'secret_revoked',
        `the client secret was revoked${atTime(record.revoked_ms)}; make a new one and enter it at the identity provider`,
      );
    if (record.expires_ms <= deps.now_ms())
      throw refuse(
        'secret_expired',
        `the client secret expired${atTime(record.expires_ms)}; regenerate it and enter it at the identity provider`,
      );
    return { record, hash };
  }

  async function issue(secret: TokenRecord, via: string, scoped: boolean, deadline: number): Promise<ScimResponse> {
    const client = secret.client ?? '';
    const { id, tenant, user, scope } = secret;
    const wait_s = await deps.given.count(client);
    if (wait_s > 0)
      throw new OAuthError(429, 'invalid_request', 'too many access tokens for this client: use one until it expires', {
        ...{ retryAfter_s: wait_s, reason: 'too_many_access_tokens', tenant, credential: id },
      });
    const token = deps.newToken();
    const now_ms = deps.now_ms();
    // None outlives its secret.
    const expires_ms = Math.min(now_ms + LIFETIME_S * 1_000, secret.expires_ms);
    const of = { ...(user === undefined ? {} : { user }), ...(scope === undefined ? {} : { scope }) };
    const record: TokenRecord = { id, tenant, expires_ms, revoked: false, revision: 1, client, via, ...of };
    // Kept for a while longer, so that its holder is told that it is expired, and not that it never was.
    await within(deadline, records.writeAccessToken(hashToken(token), record, expires_ms - now_ms + KEPT_MS));
    deps.activity.used(tenant, id);
    const expires_in = Math.max(1, Math.floor((expires_ms - now_ms) / 1_000));
    // There is one right, to provision: what was asked for, if anything, is answered with what is given (§3.3).
    const body = { access_token: token, token_type: 'Bearer', expires_in, ...(scoped ? { scope: 'scim' } : {}) };
    return { status: 200, headers: HEADERS, body, about: { tenant } };
  }

  function failed(byHeader: boolean, about: Pick<OAuthError['more'], 'reason' | 'tenant' | 'credential'>, description: string): OAuthError {
    deps.onFailure(about.reason ?? 'secret_unknown');
    return new OAuthError(401, 'invalid_client', description, { ...about, challenge: byHeader });
  }
}

function refusal(error: unknown): ScimResponse {
  if (error instanceof ClientGone) return { status: CLIENT_CLOSED_REQUEST, fault: { reason: 'client_gone' } };
  if (error instanceof OAuthError) {
    const { status, code, message, more } = error;
    const headers = {
      ...HEADERS,
      ...(more.challenge ? { 'WWW-Authenticate': 'Basic realm="rollcall", charset="UTF-8"' } : {}),
      ...(more.retryAfter_s === undefined ? {} : { 'Retry-After': String(more.retryAfter_s) }),
    };
    const { tenant, credential, reason = code } = more;
    const body = { error: code, error_description: described(message) };
    const noted = tenant !== undefined && status === 401 ? { noted: true } : {};
    return { status, headers, body, about: { tenant }, fault: { reason, ...noted, ...(credential === undefined ? {} : { credential }) } };
  }
  // The body is no text.
  if (error instanceof ScimError) {
    const body = { error: 'invalid_request', error_description: described(error.detail) };
    return { status: error.status, headers: HEADERS, body, fault: { reason: 'invalid_request' } };
  }
  if (error instanceof TransientError) {
    const headers = { ...HEADERS, 'Retry-After': String(error.retryAfter_s) };
    const body = { error: 'temporarily_unavailable', error_description: 'temporarily unavailable; try again' };
    return { status: 503, headers, body, fault: transientFault(error) };
  }
  const body = { error: 'server_error', error_description: 'internal error; the log has it' };
  return { status: 500, headers: HEADERS, body, fault: { reason: 'internal_error', error } };
}

const tooLong = () => new OAuthError(400, 'invalid_request', `the form is longer than ${FORM_BYTES_MAX} bytes`);

/** What a description may hold (§5.2): no quotes, no backslash, no letter beyond ASCII. */
const described = (text: string): string => text.replaceAll('"', "'").replaceAll(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?');

const HEADERS = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', Pragma: 'no-cache' };
const LIFETIME_S = 3_600;
const KEPT_MS = 3_600_000;
