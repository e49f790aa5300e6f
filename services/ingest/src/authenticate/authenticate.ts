// Who asks: a bearer token (RFC 6750) decides the tenant, and nothing else does.
import { ScimError } from '@rollcall/scim';
import { type FailureLimit, hashToken, isTokenShaped, type Records, type TenantRecord, type TokenRecord } from '@rollcall/tenancy';
import { within } from '../deadline.js';
import type { Caller, ScimRequest } from '../exchange.js';
import { Unauthenticated } from '../respond/errors.js';
import type { ActivityNotes } from './activity.js';

export interface AuthenticateDeps {
  readonly records: Pick<Records, 'token' | 'tenant'>;
  readonly limit: FailureLimit;
  /** Told of each token that was none of ours, or is no longer. */
  readonly onFailure: () => void;
  /** Notes who was heard of, and what was refused to them. */
  readonly activity?: Pick<ActivityNotes, 'used' | 'refused'>;
  readonly tokenCacheMax: number;
  /** How long anybody waits to be judged. */
  readonly deadline_ms: number;
  /** Wall clock: tokens expire by the calendar. */
  readonly now_ms: () => number;
}

export type Authenticate = (request: ScimRequest) => Promise<Caller>;

/**
 * Makes the step that every request under /scim/v2 begins with. A token's tenant never changes, so it is remembered, and token and tenant are
 * read at once; whether they still hold is asked each time, so that a revocation holds at the next request.
 *
 * The step throws `Unauthenticated` (401) for a token that is missing, malformed, unknown, revoked or expired, ScimError 403 for a tenant that
 * may not provision, 429 for an address that failed too often, and TransientError where nobody can tell: never 401 on a guess.
 */
export function makeAuthenticate(deps: AuthenticateDeps): Authenticate {
  const { records, limit } = deps;
  const tenants = new Map<string, string>();

  return async (request) => {
    const given = request.header('authorization');
    if (given === undefined) throw new Unauthenticated('Authorization: expected a bearer token, got none', false);
    const token = bearerOf(given);
    const hash = token === undefined ? undefined : hashToken(token);
    const known = hash === undefined ? undefined : tenants.get(hash);
    // A token that was good before is asked about again, whatever others do at the same address: identity providers share theirs.
    if (known === undefined) refuseTooMany(request.address);
    if (hash === undefined) throw failed(request.address, 'Authorization: expected "Bearer" and a token');

    const reading = known === undefined ? undefined : records.tenant(known);
    reading?.catch(() => undefined); // the token is judged first
    const deadline = performance.now() + deps.deadline_ms;
    const record = await within(deadline, records.token(hash));
    if (!record || record.revoked) {
      tenants.delete(hash);
      throw failed(request.address, 'the token is not valid');
    }
    const fault = record.via === undefined ? tokenFault(record) : await accessTokenFault(record, record.via, deadline);
    if (fault !== undefined) {
      tenants.delete(hash);
      noted(request, record.tenant, 401, fault);
      throw failed(request.address, fault);
    }
    const tenant = await within(deadline, reading ?? records.tenant(record.tenant));
    if (!tenant) throw failed(request.address, 'the token is not valid');
    if (known === undefined) remember(hash, record.tenant);
    try {
      admit(tenant);
    } catch (error) {
      if (error instanceof ScimError) noted(request, tenant.id, error.status, error.detail);
      throw error;
    }
    deps.activity?.used(tenant.id, record.id);
    const user = record.user === undefined ? {} : { user: record.user };
    return { tenant: tenant.id, credential: record.id, settings: tenant.revision, ...user };
  };

  /** Why a token that is known does not hold: said to its holder, who must do something about it. */
  function tokenFault({ client, expires_ms }: TokenRecord): string | undefined {
    if (client !== undefined) return 'this is the secret of an OAuth client: get an access token for it at /oauth2/token';
    if (expires_ms > deps.now_ms()) return undefined;
    return `the token expired at ${new Date(expires_ms).toISOString()}; make a new one and enter it at the identity provider`;
  }

  /** The same of an access token, which ends with the secret that it was given for. */
  async function accessTokenFault({ expires_ms }: TokenRecord, via: string, deadline: number): Promise<string | undefined> {
    if (expires_ms <= deps.now_ms()) return 'the access token expired; get a new one at /oauth2/token';
    const secret = await within(deadline, records.token(via));
    if (!secret || secret.revoked) return 'the client secret that this access token was given for is no longer valid';
    if (secret.expires_ms > deps.now_ms()) return undefined;
    return `the client secret that this access token was given for expired at ${new Date(secret.expires_ms).toISOString()}; regenerate it and enter it at the identity provider`;
  }

  function noted(request: ScimRequest, tenant: string, status: number, detail: string): void {
    deps.activity?.refused(tenant, { status, detail, method: request.method, route: 'sign-in', requestId: request.id });
  }

  function refuseTooMany(address: string): void {
    const wait_s = limit.wait_s(address);
    if (wait_s > 0) throw new ScimError(429, undefined, 'too many failed sign-ins from this address', wait_s);
  }

  function failed(address: string, detail: string): Unauthenticated {
    limit.failed(address);
    deps.onFailure();
    return new Unauthenticated(detail, true);
  }

  function remember(hash: string, tenant: string): void {
    if (tenants.size >= deps.tokenCacheMax) tenants.delete(tenants.keys().next().value!);
    tenants.set(hash, tenant);
  }
}

/** @throws ScimError 403 where the tenant may not provision by SCIM now */
export function admit(tenant: TenantRecord): void {
  if (tenant.status === 'suspended') throw new ScimError(403, undefined, 'this tenant is suspended; ask the operator of the service');
  if (tenant.status === 'deleting') throw new ScimError(403, undefined, 'this tenant is being deleted; ask the operator of the service');
  if (tenant.source !== 'scim')
    throw new ScimError(403, undefined, `SCIM is not turned on for this tenant: ${FROM_ELSEWHERE[tenant.source]}`);
}

/** Why SCIM is off, by the source of people. */
const FROM_ELSEWHERE = {
  directory: 'its people come from a directory; an administrator can make SCIM their source',
  manual: 'its people are made by hand; an administrator can make SCIM their source',
};

/** The token, where the header is a bearer's and the token can be one of ours at all. The scheme's case does not matter (RFC 9110 §11.1). */
function bearerOf(header: string): string | undefined {
  const token = /^bearer +(\S+) *$/i.exec(header)?.[1];
  return token !== undefined && isTokenShaped(token) ? token : undefined;
}
