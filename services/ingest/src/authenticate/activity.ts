// Who was heard of, and whom an administrator must decide about, written down now and then: no request waits for it, and none costs more than two look-ups in a map.
import type { StoredActivity } from '@rollcall/store';
import { type Log, oneAtATime, type Service } from '@rollcall/telemetry';
import { type Heard, type Undecided, type UndecidedPerson, undecidedKey } from '@rollcall/tenancy';
import type { Fault, ScimRequest } from '../exchange.js';
import { CLIENT_CLOSED_REQUEST } from '../respond/errors.js';
import type { Resolved } from '../routes.js';

export interface ActivityOptions {
  readonly note: (heard: Heard) => Promise<void>;
  readonly now_ms: () => number;
  readonly log: Log;
}

type LastError = NonNullable<StoredActivity['lastError']>;

/** Notes when each credential was last used (to the minute) and each tenant last heard of (to ten seconds), and what it was last refused. */
export class ActivityNotes implements Service {
  readonly name = 'activity';
  readonly #inTurn = oneAtATime();
  /** When each was last written down, so that one that asks all the time is not written all the time. */
  readonly #written = { credentials: new Map<string, number>(), tenants: new Map<string, number>(), succeeded: new Map<string, number>() };
  #credentials = new Map<string, Date>();
  #tenants = new Map<string, { lastRequestAt?: Date; lastError?: LastError }>();
  /** Kinds of requests that succeeded, by tenant: an error of such a kind is over. */
  #succeeded = new Map<string, { kinds: Set<string>; at: Date; endsError: boolean }>();
  /** Kinds of errors that this process has noted and not seen to be over, by tenant: their end is written down at once. */
  readonly #open = new Map<string, string>();
  /** By whom it is about; undefined: it is decided. */
  #undecided = new Map<string, Undecided>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(readonly options: ActivityOptions) {}

  /** A request signed in. */
  used(tenant: string, credential: string): void {
    const now_ms = this.options.now_ms();
    if (isDue(this.#written.credentials, credential, now_ms, CREDENTIAL_EVERY_MS)) this.#credentials.set(credential, new Date(now_ms));
    if (isDue(this.#written.tenants, tenant, now_ms, TENANT_EVERY_MS)) {
      this.#tenants.set(tenant, { ...this.#tenants.get(tenant), lastRequestAt: new Date(now_ms) });
    }
    this.#succeed(tenant, [SIGN_IN]);
  }

  /** A request of this tenant was refused, or could not be answered. */
  refused(tenant: string, error: Omit<LastError, 'at' | 'kind'>): void {
    if (!this.#tenants.has(tenant) && this.#tenants.size >= NOTED_MAX) return;
    const at = new Date(this.options.now_ms());
    const detail = error.detail.slice(0, DETAIL_MAX);
    const kind = kindOf(error);
    this.#succeeded.get(tenant)?.kinds.delete(kind); // an earlier success says nothing of it
    if (this.#open.has(tenant) || this.#open.size < NOTED_MAX) this.#open.set(tenant, kind);
    this.#tenants.set(tenant, { ...this.#tenants.get(tenant), lastError: { at, ...error, detail, kind } });
  }

  /** A request of this tenant was answered as it wished. */
  succeeded(tenant: string, { method, route, id }: Pick<LastError, 'method' | 'route' | 'id'>): void {
    this.#succeed(tenant, [ENDPOINT, `${method} ${route}`, ...(id === undefined ? [] : [`${method} ${route} ${id}`])]);
  }

  #succeed(tenant: string, kinds: readonly string[]): void {
    const at = new Date(this.options.now_ms());
    const { lastError, ...noted } = this.#tenants.get(tenant) ?? {};
    if (lastError?.kind !== undefined && kinds.includes(lastError.kind)) {
      if (noted.lastRequestAt === undefined) this.#tenants.delete(tenant);
      else this.#tenants.set(tenant, noted);
    }
    const open = this.#open.get(tenant);
    const endsError = open !== undefined && kinds.includes(open);
    if (endsError) this.#open.delete(tenant);
    const known = this.#succeeded.get(tenant);
    if (known === undefined) {
      if (this.#succeeded.size < NOTED_MAX) this.#succeeded.set(tenant, { kinds: new Set(kinds), at, endsError });
      return;
    }
    known.at = at;
    known.endsError ||= endsError;
    if (known.kinds.size < KINDS_MAX || endsError) for (const kind of kinds) known.kinds.add(kind);
  }

  /** What succeeded, of tenants for which it is time to write it down. */
  #takeSucceeded(all: boolean): Map<string, { kinds: readonly string[]; at: Date }> {
    const now_ms = this.options.now_ms();
    const taken = new Map<string, { kinds: readonly string[]; at: Date }>();
    for (const [tenant, { kinds, at, endsError }] of this.#succeeded) {
      if (!all && !endsError && !isDue(this.#written.succeeded, tenant, now_ms, TENANT_EVERY_MS)) continue;
      this.#succeeded.delete(tenant);
      if (kinds.size > 0) taken.set(tenant, { kinds: [...kinds], at });
    }
    return taken;
  }

  /** An administrator must decide who somebody is. */
  undecided(tenant: string, { userName, ...rest }: Omit<UndecidedPerson, 'at'>): void {
    const key = undecidedKey(tenant, userName);
    if (!this.#undecided.has(key) && this.#undecided.size >= NOTED_MAX) return;
    this.#undecided.set(key, { tenant, person: { at: new Date(this.options.now_ms()), userName, ...rest } });
  }

  /** This person has an account now: there is nothing to decide any more. */
  decided(tenant: string, userName: string): void {
    const key = undecidedKey(tenant, userName);
    if (this.#undecided.has(key) || this.#undecided.size < NOTED_MAX) this.#undecided.set(key, { tenant });
  }

  /** Watches what is answered. A look-up that finds nothing is no error. */
  watching(resolve: (request: ScimRequest) => Resolved): (request: ScimRequest) => Resolved {
    return (request) => {
      const { route, answer } = resolve(request);
      return {
        route,
        answer: async () => {
          const response = await answer();
          const { status, body, about, fault } = response;
          if (isFailure(status, fault) && about?.tenant !== undefined) {
            const said = body?.detail ?? body?.error_description; // the latter is OAuth's
            const detail = typeof said === 'string' ? said : '';
            const { reason, scimType, path } = fault ?? {};
            this.refused(about.tenant, {
              ...{ status, detail, method: request.method, route, requestId: request.id },
              ...(reason === undefined ? {} : { reason }),
              ...(scimType === undefined ? {} : { scimType }),
              ...(path === undefined ? {} : { path }),
              ...(about.id === undefined ? {} : { id: about.id }),
            });
          } else if (status < 400 && about?.tenant !== undefined) {
            this.succeeded(about.tenant, { method: request.method, route, ...(about.id === undefined ? {} : { id: about.id }) });
          }
          return response;
        },
      };
    };
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      this.#timer ??= setInterval(() => void this.#flush(), FLUSH_MS);
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      clearInterval(this.#timer);
      this.#timer = undefined;
      await this.#flush(true);
    });
  }

  #flush(all = false): Promise<void> {
    this.#flushing ??= this.#write(all).finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #write(all: boolean): Promise<void> {
    const [credentials, tenants, undecided] = [this.#credentials, this.#tenants, this.#undecided];
    const succeeded = this.#takeSucceeded(all);
    if (credentials.size + tenants.size + undecided.size + succeeded.size === 0) return;
    this.#credentials = new Map();
    this.#tenants = new Map();
    this.#undecided = new Map();
    try {
      await this.options.note({ credentials, tenants, undecided, succeeded });
    } catch (error) {
      this.options.log.debug({ event: 'activity.note.failed', error }, 'what was heard of tenants is written down later');
      // What came meanwhile is newer.
      this.#credentials = new Map([...credentials, ...this.#credentials]);
      this.#undecided = new Map([...undecided, ...this.#undecided]);
      for (const [tenant, heard] of tenants) {
        const { lastError, ...rest } = heard;
        const over = lastError?.kind !== undefined && this.#succeeded.get(tenant)?.kinds.has(lastError.kind);
        this.#tenants.set(tenant, { ...(over ? rest : heard), ...this.#tenants.get(tenant) });
      }
      for (const [tenant, { kinds }] of succeeded)
        this.#succeed(
          tenant,
          kinds.filter((kind) => kind !== this.#tenants.get(tenant)?.lastError?.kind),
        );
    }
  }
}

/**
 * What an error is of. It is over once a request of the same kind succeeds: a sign-in, a request that meets an endpoint, the same method on the same
 * route, and for a refused change of a resource the same on that resource.
 */
function kindOf({ method, route, status, reason, id }: Omit<LastError, 'at' | 'kind' | 'detail' | 'requestId'>): string {
  if (reason === 'no_endpoint') return ENDPOINT;
  if (route === SIGN_IN || (route === '/oauth2/token' && status < 429)) return SIGN_IN;
  const isOfResource = status < 429 && id !== undefined;
  return isOfResource ? `${method} ${route} ${id}` : `${method} ${route}`;
}

const SIGN_IN = 'sign-in';
const ENDPOINT = 'endpoint';
/** Kinds of one tenant between two writings; resources beyond it clear their errors the next time. */
const KINDS_MAX = 500;

/** A look-up that finds no resource is an answer like any other; a path that leads to no endpoint is a mistake. A client that went away is told nothing. */
const isFailure = (status: number, fault: Fault | undefined): boolean =>
  status >= 400 && status !== CLIENT_CLOSED_REQUEST && !fault?.noted && (status !== 404 || fault?.reason === 'no_endpoint');

/** Whether it is time to write one down again; then it counts as written. */
function isDue(written: Map<string, number>, id: string, now_ms: number, every_ms: number): boolean {
  if (now_ms - (written.get(id) ?? Number.NEGATIVE_INFINITY) < every_ms) return false;
  if (written.size >= NOTED_MAX) written.delete(written.keys().next().value!);
  written.delete(id); // the oldest stand first
  written.set(id, now_ms);
  return true;
}

const FLUSH_MS = 1_000;
const CREDENTIAL_EVERY_MS = 60_000;
const TENANT_EVERY_MS = 10_000;
const NOTED_MAX = 20_000;
const DETAIL_MAX = 500;
