// The one place that turns errors into answers (RFC 7644 §3.12).
import { TransientError } from '@rollcall/directory';
import { errorBody, ScimError } from '@rollcall/scim';
import { UnknownTenantError } from '@rollcall/store';
import type { Log } from '@rollcall/telemetry';
import { ClientGone, type ScimResponse } from '../exchange.js';

/** 401, with what the client must bring (RFC 6750 §3). */
export class Unauthenticated extends ScimError {
  constructor(
    detail: string,
    /** False: nothing was brought at all. */
    readonly tokenGiven: boolean,
  ) {
    super(401, undefined, detail);
  }
}

export class MethodNotAllowed extends ScimError {
  constructor(
    method: string,
    path: string,
    readonly allowed: readonly string[],
  ) {
    super(405, undefined, `${method} is not for ${path}: ${allowed.join(', ')}`);
  }
}

/**
 * The answer to an error. What a client may know is in it; the rest goes to the log: causes of what is transient, and, as a bug, everything
 * else with its stack. A 500 is what alarms look at.
 */
export function errorResponse(error: unknown, requestId: string, log: Log): ScimResponse {
  if (error instanceof ClientGone) return { status: CLIENT_CLOSED_REQUEST };
  const scim = toScimError(error, requestId);
  if (scim.status === 500) log.error({ error, requestId }, 'internal error');
  else if (error instanceof TransientError) log.warn({ requestId, away: error.away, reason: error.message }, 'answered 503');
  return { status: scim.status, headers: headersOf(scim), body: errorBody(scim) };
}

function toScimError(error: unknown, requestId: string): ScimError {
  if (error instanceof ScimError) return error;
  if (error instanceof TransientError) {
    // What is away is no client's business; that its own changes are still being applied is.
    const detail = error.away === undefined ? error.message : 'temporarily unavailable';
    return new ScimError(503, undefined, `${detail}; try again`, error.retryAfter_s, { cause: error });
  }
  // A token outlived its tenant.
  if (error instanceof UnknownTenantError) return new Unauthenticated('the token is not valid', true);
  return new ScimError(500, undefined, `internal error; the log has it under request ${requestId}`, undefined, { cause: error });
}

function headersOf(error: ScimError): Record<string, string> {
  const headers: Record<string, string> = {};
  if (error.retryAfter_s !== undefined) headers['Retry-After'] = String(Math.max(1, Math.ceil(error.retryAfter_s)));
  if (error instanceof MethodNotAllowed) headers.Allow = error.allowed.join(', ');
  if (error.status === 401) {
    const invalid = error instanceof Unauthenticated && error.tokenGiven ? ', error="invalid_token"' : '';
    headers['WWW-Authenticate'] = `Bearer realm="rollcall"${invalid}`;
  }
  return headers;
}

/** Nobody reads it; the log line has it. */
export const CLIENT_CLOSED_REQUEST = 499;
