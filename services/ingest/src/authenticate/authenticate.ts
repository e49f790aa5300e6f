// Whose a request is: a bearer token (RFC 6750) decides the tenant, and nothing else does.
import {
  hashToken,
  isTokenShaped,
  type Records,
  siteOf,
  type TenantRecord,
  TOKEN_LENGTH_MAX,
  TOKEN_LENGTH_MIN,
  type TokenRecord,
  type WindowLimit,
} from '@rollcall/tenancy';
import { within } from '../deadline.js';
import type { Caller, ScimRequest } from '../exchange.js';
import { Refusal, type RefusalAbout, Unauthenticated } from '../respond/errors.js';
import type { ActivityNotes } from './activity.js';

export interface AuthenticateDeps {
  readonly records: Pick<Records, 'token' | 'tenant'>;
  /** Counts tokens that are none of ours, by address. */
  readonly limit: Pick<WindowLimit, 'count'>;
  /** Told of each token that was refused, and why. */
  readonly onFailure: (reason: string) => void;
  /** Notes tenants and credentials that were heard of, and what was refused to them. */
  readonly activity?: Pick<ActivityNotes, 'used' | 'refused'>;
  readonly tokenCacheMax: number;
  /** Longest wait for a judgement. */
  readonly deadline_ms: number;
  /** Wall clock: tokens expire by the calendar. */
  readonly now_ms: () => number;
}

export interface Authenticate {
  (request: ScimRequest): Promise<Caller>;
  /** The tenant of a token that was good before, without asking anything: for the log, where a store is away. It lets nobody in. */
  readonly tenantBefore?: (request: ScimRequest) => string | undefined;
}

/**
 * Makes the step that every request under /scim/v2 begins with. A token's tenant never changes, so it is remembered, and token and tenant are
 * read at once; whether they still hold is asked each time, so that a revocation holds at the next request.
 *
 * A token is looked up before anything is counted: identity providers share their addresses with strangers, and a good token must not be refused
 * for what others did there. Only a token that was never ours is a guess, and is counted; one that was revoked or has expired is not.
 *
 * The step throws `Unauthenticated` (401) for a token that is missing, malformed, unknown, revoked or expired, `Refusal` 403 for a tenant that
 * may not provision, 429 in place of 401 for a guess from an address with too many of them, and TransientError where it can't be told: never 401 on a guess of ours.
 */
export function makeAuthenticate(deps: AuthenticateDeps): Authenticate {
  const { records, limit } = deps;
  const tenants = new Map<string, string>();

  const authenticate = async (request: ScimRequest): Promise<Caller> => {
    const given = request.header('authorization');
    if (given === undefined) throw new Unauthenticated('Authorization: expected a bearer token, got none', false);
    const token = bearerOf(given);
    if (token instanceof Unauthenticated) throw failed(token);
    const hash = hashToken(token);
    const known = tenants.get(hash);
    const reading = known === undefined ? undefined : records.tenant(known);
    reading?.catch(() => undefined); // the token is judged first
    const deadline = performance.now() + deps.deadline_ms;
    const record = await within(deadline, records.token(hash));
    if (!record) {
      tenants.delete(hash);
      throw await guessed(request);
    }
    const fault = record.via === undefined ? tokenFault(record) : await accessTokenFault(record, record.via, deadline);
    if (fault !== undefined) {
      tenants.delete(hash);
      noted(request, record.tenant, { status: 401, ...fault });
      throw failed(new Unauthenticated(fault.detail, true, { reason: fault.reason, tenant: record.tenant, credential: record.id }));
    }
    const tenant = await within(deadline, reading ?? records.tenant(record.tenant));
    if (!tenant) throw failed(new Unauthenticated('the token is not valid: its tenant was deleted', true, { reason: 'tenant_unknown' }));
    if (known === undefined) remember(hash, record.tenant);
    const closed = closedTo(tenant);
    if (closed) {
      noted(request, tenant.id, { status: closed.status, detail: closed.detail, reason: closed.about.reason });
      throw closed;
    }
    deps.activity?.used(tenant.id, record.id);
    const { user, scope } = record;
    return {
      tenant: tenant.id,
      credential: record.id,
      settings: tenant.revision,
      ...(user === undefined ? {} : { user }),
      ...(scope === undefined ? {} : { scope }),
    };
  };
  const tenantBefore = (request: ScimRequest) => {
    const token = bearerOf(request.header('authorization') ?? '');
    return typeof token === 'string' ? tenants.get(hashToken(token)) : undefined;
  };
  return Object.assign(authenticate, { tenantBefore });

  /** Why a token that is known is not valid: its holder is told, who must do something about it. */
  function tokenFault({ client, expires_ms, revoked, revoked_ms }: TokenRecord): TokenFault | undefined {
    if (revoked)
      return {
        reason: 'token_revoked',
        detail: `the token was revoked${atTime(revoked_ms)}; make a new one and enter it at the identity provider`,
      };
    if (client !== undefined)
      return {
        reason: 'token_is_client_secret',
        detail: 'this is the secret of an OAuth client: get an access token for it at /oauth2/token',
      };
    if (expires_ms > deps.now_ms()) return undefined;
    return {
      reason: 'token_expired',
      detail: `the token expired${atTime(expires_ms)}; make a new one and enter it at the identity provider`,
    };
  }

  /** The same of an access token, which ends with the secret that it was given for. */
  async function accessTokenFault({ expires_ms }: TokenRecord, via: string, deadline: number): Promise<TokenFault | undefined> {
    if (expires_ms <= deps.now_ms()) return { reason: 'token_expired', detail: 'the access token expired; get a new one at /oauth2/token' };
    const secret = await within(deadline, records.token(via));
    const what = 'the client secret that this access token was given for';
    if (!secret) return { reason: 'secret_unknown', detail: `${what} is no longer valid` };
    if (secret.revoked)
      return { reason: 'secret_revoked', detail: `${what} is no longer valid: it was revoked${atTime(secret.revoked_ms)}` };
    if (secret.expires_ms > deps.now_ms()) return undefined;
    return {
      reason: 'secret_expired',
      detail: `${what} expired${atTime(secret.expires_ms)}; regenerate it and enter it at the identity provider`,
    };
  }

  function noted(request: ScimRequest, tenant: string, refusal: TokenFault & { readonly status: number }): void {
    deps.activity?.refused(tenant, { ...refusal, method: request.method, route: 'sign-in', requestId: request.id });
  }

  /** A token that was never ours. */
  async function guessed({ address }: ScimRequest): Promise<Refusal> {
    const wait_s = await limit.count(siteOf(address));
    if (wait_s > 0) {
      deps.onFailure('too_many_sign_ins');
      return new Refusal(429, 'too many wrong tokens from this address', { reason: 'too_many_sign_ins' }, wait_s);
    }
    return failed(new Unauthenticated('the token is not valid', true));
  }

  function failed(refusal: Unauthenticated): Unauthenticated {
    deps.onFailure(refusal.about.reason);
    return refusal;
  }

  function remember(hash: string, tenant: string): void {
    if (tenants.size >= deps.tokenCacheMax) tenants.delete(tenants.keys().next().value!);
    tenants.set(hash, tenant);
  }
}

interface TokenFault {
  readonly reason: string;
  readonly detail: string;
}

/** The end of a sentence that says when something happened, where that is known. */
export const atTime = (ms: number | undefined): string => (ms === undefined ? '' : ` at ${new Date(ms).toISOString()}`);

/** @throws Refusal 403 where the tenant may not provision by SCIM now */
export function admit(tenant: TenantRecord): void {
  const refusal = closedTo(tenant);
  if (refusal) throw refusal;
}

function closedTo({ id, status, source }: TenantRecord): Refusal | undefined {
  const refuse = (reason: string, detail: string) => new Refusal(403, detail, { reason, tenant: id });
  if (status === 'suspended') return refuse('tenant_suspended', 'this tenant is suspended; ask the operator of the service');
  if (status === 'deleting') return refuse('tenant_deleting', 'this tenant is being deleted; ask the operator of the service');
  if (source !== 'scim') return refuse('scim_off', `SCIM is not turned on for this tenant: ${FROM_ELSEWHERE[source]}`);
  return undefined;
}

/** Why SCIM is off, by the source of people. */
const FROM_ELSEWHERE = {
  directory: 'its people come from a directory; an administrator can make SCIM their source',
  manual: 'its people are made by hand; an administrator can make SCIM their source',
};

/**
 * The token of the header, where it can be one of ours at all; else what is wrong with it, in words for the person who has entered it.
 * The scheme's case does not matter (RFC 9110 §11.1). What comes is never repeated: it may be a part of a secret.
 */
function bearerOf(header: string): string | Unauthenticated {
  const [scheme = '', ...words] = header.trim().split(/ +/);
  if (scheme.toLowerCase() !== 'bearer') return malformed('Authorization: expected the word "Bearer", then the token');
  const [token = '', ...more] = words;
  if (token === '') return malformed('Authorization: expected a token after "Bearer", got none');
  if (token.toLowerCase() === 'bearer') return malformed('the token begins with the word "Bearer": enter it without that word');
  if (more.length > 0) return malformed('Authorization: expected one token after "Bearer", got several words');
  if (isTokenShaped(token)) return token;
  const { length } = token;
  if (length < TOKEN_LENGTH_MIN) return malformed(`the token is incomplete: it has ${length} characters; enter all of it`);
  if (length > TOKEN_LENGTH_MAX) return malformed(`the token is too long: it has ${length} characters; enter the token alone`);
  return malformed('the token has characters that no token has: enter it as it was shown');
}

const malformed = (detail: string) => new Unauthenticated(detail, true, { reason: 'token_malformed' } satisfies RefusalAbout);
