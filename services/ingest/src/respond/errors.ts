// The one place that turns errors into answers (RFC 7644 §3.12).
import { TransientError, Withheld } from '@rollcall/directory';
import { errorBody, quote, ScimError } from '@rollcall/scim';
import { UnknownTenantError } from '@rollcall/store';
import { ClientGone, type Fault, type ScimRequest, type ScimResponse } from '../exchange.js';

/** What the log is told of a refusal, besides its answer. */
export interface RefusalAbout {
  /** A stable code, `snake_case`: what alarms and searches go by. */
  readonly reason: string;
  /** Whose the credential is, where that is known. */
  readonly tenant?: string;
  /** Id of the credential, where it is known. */
  readonly credential?: string;
}

/** A refusal with a reason of its own: `scimType` and status alone would not tell it from others. */
export class Refusal extends ScimError {
  constructor(
    status: number,
    detail: string,
    readonly about: RefusalAbout,
    retryAfter_s?: number,
  ) {
    super(status, undefined, detail, retryAfter_s);
  }
}

/** 401, with what the client must bring (RFC 6750 §3). */
export class Unauthenticated extends Refusal {
  constructor(
    detail: string,
    /** False: nothing was brought at all. */
    readonly tokenGiven: boolean,
    about: RefusalAbout = { reason: tokenGiven ? 'token_unknown' : 'token_missing' },
  ) {
    super(401, detail, about);
  }
}

/** 405: the path is right, the method is not (RFC 9110 §15.5.6). */
export class MethodNotAllowed extends Refusal {
  constructor(
    method: string,
    path: string,
    readonly allowed: readonly string[],
  ) {
    super(405, `method ${method} is not allowed at ${path}; allowed: ${allowed.join(', ')}`, { reason: 'method_not_allowed' });
  }
}

/** 404: the path leads to no endpoint. Most often it is the base URL that was typed wrongly, so the answer says what that is. */
export class NoEndpoint extends Refusal {
  /** For the log: the path as far as it can hold no person and no secret. */
  readonly path: string;
  constructor({ path, baseUrl }: Pick<ScimRequest, 'path' | 'baseUrl'>) {
    const shown = shownPath(path);
    super(404, `no SCIM endpoint is at ${quote(shown)}: the base URL is ${baseUrl}, and its endpoints are ${ENDPOINTS.join(', ')}`, {
      reason: 'no_endpoint',
    });
    this.path = shown;
  }
}

/**
 * A path as the log may hold it. Left out is what may be a value: each part after the name of an endpoint, and each part that is longer than a name or
 * has other characters.
 * @example shownPath('/scim/v2/v2/Users/ada') → '/scim/v2/v2/Users/…'
 */
export function shownPath(path: string): string {
  const parts = path.split('/');
  const endpoint = parts.findIndex((part) => isEndpoint(part));
  const isName = (part: string, at: number) => PATH_PART.test(part) && (endpoint < 0 || at <= endpoint || part === '' || isEndpoint(part));
  const shown = parts.slice(0, PATH_PARTS_MAX).map((part, at) => (isName(part, at) ? part : '…'));
  return (parts.length > PATH_PARTS_MAX ? [...shown, '…'] : shown).join('/');
}

const isEndpoint = (part: string): boolean => ENDPOINTS.some((endpoint) => endpoint.slice(1).toLowerCase() === part.toLowerCase());

const PATH_PARTS_MAX = 8;
const PATH_PART = /^[A-Za-z0-9._-]{0,40}$/;
const ENDPOINTS = ['/Users', '/Groups', '/Bulk', '/Me', '/.search', '/ServiceProviderConfig', '/ResourceTypes', '/Schemas'];

/**
 * The answer to an error. What a client may know is in `body`, what only the log may know in `fault`: causes of what is transient, and, as a bug,
 * everything else with its stack. A 500 is what alarms look at.
 * @example errorResponse(ScimError.of('uniqueness', …), 'r1') → { status: 409, body: …, fault: { reason: 'uniqueness', scimType: 'uniqueness' } }
 */
export function errorResponse(error: unknown, requestId: string): ScimResponse {
  if (error instanceof ClientGone) return { status: CLIENT_CLOSED_REQUEST, fault: { reason: 'client_gone' } };
  const scim = toScimError(error, requestId);
  return { status: scim.status, headers: headersOf(scim), body: errorBody(scim), fault: faultOf(scim) };
}

function toScimError(error: unknown, requestId: string): ScimError {
  if (error instanceof ScimError) return error;
  if (error instanceof TransientError) {
    // What is away is no client's business; that its own changes are still being applied is.
    const detail = error.away === undefined ? error.message : 'temporarily unavailable';
    return new ScimError(503, undefined, `${detail}; try again`, error.retryAfter_s, { cause: error });
  }
  // A token outlived its tenant.
  if (error instanceof UnknownTenantError) return new Unauthenticated('the token is not valid', true, { reason: 'tenant_unknown' });
  return new ScimError(500, undefined, `internal error; the log has it under request ${requestId}`, undefined, { cause: error });
}

function faultOf(error: ScimError): Fault {
  const { scimType, status, cause } = error;
  const type = scimType === undefined ? {} : { scimType };
  if (error instanceof Refusal) {
    const { reason, credential, tenant } = error.about;
    const noted = tenant === undefined ? {} : { noted: true };
    const path = error instanceof NoEndpoint ? { path: error.path } : {};
    return { reason, ...type, ...path, ...noted, ...(credential === undefined ? {} : { credential }) };
  }
  if (cause instanceof TransientError) return transientFault(cause);
  if (cause instanceof Withheld) return { reason: `account_${cause.reason}`, ...type };
  if (status === 500) return { reason: 'internal_error', error: cause };
  return { reason: scimType === undefined ? (REASONS[status] ?? `status_${status}`) : snakeCase(scimType), ...type };
}

/** What the log is told of a store that is away, or of work that was not done in time. */
export const transientFault = ({ away, message }: TransientError): Fault =>
  away === undefined ? { reason: 'not_now', cause: message } : { reason: `${away}_away`, away, cause: message };

/** Reasons of refusals that have no `scimType`, by status. */
const REASONS: Readonly<Record<number, string>> = {
  400: 'bad_request',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  409: 'conflict',
  412: 'precondition_failed',
  413: 'too_large',
  415: 'unsupported_media_type',
  422: 'idempotency_key_reused',
  429: 'too_many_requests',
  501: 'not_implemented',
  503: 'not_now',
};

const snakeCase = (text: string): string => text.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

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

/** No client reads it; the log line has it. */
export const CLIENT_CLOSED_REQUEST = 499;
