import { type ResourceTypeName, TransientError } from '@rollcall/directory';
import type { Reader } from '@rollcall/store';
import type { Log } from '@rollcall/telemetry';
import type { Authenticate } from './authenticate/authenticate.js';
import type { Caller, Handler, OpenHandler, ScimRequest, ScimResponse } from './exchange.js';
import { type BulkDeps, postBulk } from './handlers/bulk.js';
import { createResource } from './handlers/create-resource.js';
import { deleteResource } from './handlers/delete-resource.js';
import type { Execute } from './handlers/execute.js';
import { getResource } from './handlers/get-resource.js';
import type { Health } from './handlers/health.js';
import { healthz, readyz } from './handlers/health.js';
import { type ListDeps, listResources, searchResources } from './handlers/list-resources.js';
import { me } from './handlers/me.js';
import { getOpenApi } from './handlers/openapi.js';
import { patchResource } from './handlers/patch-resource.js';
import { replaceResource } from './handlers/replace-resource.js';
import { getResourceType, getResourceTypes } from './handlers/resource-types.js';
import { getSchema, getSchemas } from './handlers/schemas.js';
import { getServiceProviderConfig } from './handlers/service-provider-config.js';
import type { TypesDeps } from './handlers/types.js';
import { unlessKnown } from './handlers/unless-known.js';
import { pick } from './pick.js';
import { errorResponse, NoEndpoint, Refusal } from './respond/errors.js';
import type { Show } from './respond/show.js';

export interface RouteDeps {
  readonly authenticate: Authenticate;
  readonly execute: Execute;
  readonly reader: ListDeps['reader'] & Pick<Reader, 'resource'>;
  readonly lister: ListDeps['lister'];
  readonly memberships: ListDeps['memberships'];
  readonly showsIndirect: ListDeps['showsIndirect'];
  readonly types: TypesDeps['types'];
  readonly answers: BulkDeps['answers'];
  readonly bulk: BulkDeps['bulk'];
  readonly bulkSlots: BulkDeps['bulkSlots'];
  readonly listSlots: ListDeps['listSlots'];
  readonly show: Show;
  readonly page: ListDeps['page'];
  readonly cursors: ListDeps['cursors'];
  /** How long a resource may be read for. */
  readonly deadline_ms: number;
  readonly health: Health;
  /** POST /oauth2/token. */
  readonly token: OpenHandler;
  readonly log: Log;
}

/** Every route on one page. What stands under /scim/v2 is authenticated first; `:` stands for one part of the path, handed to the handler. */
const table = (deps: RouteDeps): { readonly open: Table<Methods<OpenHandler>>; readonly scim: Table<Methods<Scim> | Scim> } => ({
  open: {
    '/healthz': { GET: healthz() },
    '/readyz': { GET: readyz(deps.health) },
    '/oauth2/token': { POST: deps.token },
  },
  scim: {
    '/Users': { GET: always(listResources('User', deps)), POST: always(createResource('User', deps)) },
    '/Users/.search': { POST: always(searchResources(['User'], deps)) },
    '/Users/:': one('User', deps),
    '/Groups': { GET: always(listResources('Group', deps)), POST: always(createResource('Group', deps)) },
    '/Groups/.search': { POST: always(searchResources(['Group'], deps)) },
    '/Groups/:': one('Group', deps),
    '/.search': { POST: always(searchResources(['User', 'Group'], deps)) },
    '/Bulk': { POST: always(postBulk(deps)) },
    '/Me': always(me(one('User', deps))), // by which methods hangs on whom the token stands for
    '/ServiceProviderConfig': { GET: always(getServiceProviderConfig(deps)) },
    '/ResourceTypes': { GET: always(getResourceTypes(deps)) },
    '/ResourceTypes/:': { GET: getResourceType(deps) },
    '/Schemas': { GET: always(getSchemas(deps)) },
    '/Schemas/:': { GET: getSchema(deps) },
    '/openapi.json': { GET: always(getOpenApi(deps)) },
  },
});

const one = (type: ResourceTypeName, deps: RouteDeps): Methods<Scim> => ({
  GET: getResource(type, deps),
  PUT: unlessKnown(type, deps, replaceResource(type, deps)),
  PATCH: unlessKnown(type, deps, patchResource(type, deps)),
  DELETE: unlessKnown(type, deps, deleteResource(type, deps)),
});

type Scim = (part: string) => Handler;
const always =
  (handler: Handler): Scim =>
  () =>
    handler;
type Methods<Made> = Readonly<Partial<Record<string, Made>>>;
type Table<Route> = Readonly<Record<string, Route>>;

/** A request's way through the service, known before it is gone: its route as declared (for metrics, spans, logs) and how it is answered. */
export interface Resolved {
  readonly route: string;
  answer(): Promise<ScimResponse>;
}

/**
 * Finds the way of a request. Under /scim/v2 nothing is revealed to whom is not authenticated, not even which routes there are; that goes for the
 * discovery endpoints too: RFC 7644 §4 lets them be open, but what a tenant may do will differ by tenant, and the identity providers send
 * their token there as everywhere.
 */
export function makeRoutes(deps: RouteDeps): (request: ScimRequest) => Resolved {
  const { open, scim } = table(deps);
  const spelled = new Map(Object.keys(scim).map((pattern) => [pattern.toLowerCase(), pattern]));

  return (request) => {
    const path = withoutEmptyParts(request.path);
    if (path !== BASE && !path.startsWith(`${BASE}/`)) {
      const methods = Object.hasOwn(open, path) ? open[path] : undefined;
      return answering(methods ? path : UNKNOWN, request, async (noted) => {
        // A base URL that was typed wrongly is told of to the tenant's administrator, where the token says which tenant it is.
        if (!methods && request.header('authorization') !== undefined) await deps.authenticate(request).then(noted, () => undefined);
        return pick(methods, request)(request);
      });
    }
    const [, first = '', ...rest] = path.slice(BASE.length).split('/');
    const pattern = patternOf(spelled, first, rest);
    const found = Object.hasOwn(scim, pattern) ? scim[pattern] : undefined;
    return answering(found ? pattern.replace('/:', '/{id}') : UNKNOWN, request, async (noted) => {
      const caller = await deps.authenticate(request);
      noted(caller);
      if (caller.scope === 'me' && found !== undefined && !OF_ONE_USER.has(pattern)) throw notForOneUser();
      const make = typeof found === 'function' ? found : pick(found, request);
      return make(decoded(rest[0] ?? '', request))(request, caller);
    });
  };

  function answering(route: string, request: ScimRequest, run: (noted: (caller: Caller) => void) => Promise<ScimResponse>): Resolved {
    let tenant: string | undefined;
    const answer = async (): Promise<ScimResponse> => {
      try {
        if (request.fault) throw request.fault;
        return await run((caller) => {
          tenant = caller.tenant;
        });
      } catch (error) {
        if (error instanceof Refusal) tenant ??= error.about.tenant;
        else if (error instanceof TransientError) tenant ??= deps.authenticate.tenantBefore?.(request);
        const id = route.endsWith('/{id}') ? idOf(request.path) : undefined;
        return { about: { tenant, ...(id === undefined ? {} : { id }) }, ...errorResponse(error, request.id) };
      }
    };
    return { route, answer };
  }
}

/** What a credential of the scope `me` may use: the user that it stands for, and what describes the service. */
const OF_ONE_USER: ReadonlySet<string> = new Set([
  ...['/Me', '/ServiceProviderConfig', '/ResourceTypes', '/ResourceTypes/:', '/Schemas', '/Schemas/:', '/openapi.json'],
]);

const notForOneUser = (): Refusal =>
  new Refusal(403, 'this token stands for one user: expected /Me or a discovery endpoint; for all else create a token of scope tenant', {
    reason: 'token_scope',
  });

/** A path without empty parts: a base URL that was typed with a slash at its end gives `/scim/v2//Users`. */
function withoutEmptyParts(path: string): string {
  return path.includes('//') ? path.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '') : path;
}

/**
 * The route that a path means, its names in any case. One that is declared by its whole path goes before one that takes a part of it.
 * @param spelled the routes as they are declared, by their spelling in lower case
 */
function patternOf(spelled: ReadonlyMap<string, string>, first: string, [second, ...deeper]: readonly string[]): string {
  const declared = (path: string) => spelled.get(path.toLowerCase()) ?? UNKNOWN;
  if (second === undefined) return declared(`/${first}`);
  if (deeper.length > 0) return UNKNOWN;
  const whole = declared(`/${first}/${second}`);
  return second !== ':' && whole !== UNKNOWN ? whole : declared(`/${first}/:`);
}

function decoded(part: string, request: ScimRequest): string {
  if (!part.includes('%')) return part;
  try {
    return decodeURIComponent(part);
  } catch {
    throw new NoEndpoint(request);
  }
}

/** The resource's id at the end of a path, where it has our form: nothing else of a path is for the log. */
const idOf = (path: string): string | undefined => ID.exec(path)?.[1];

const ID = /\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i;
const BASE = '/scim/v2';
const UNKNOWN = 'unknown';
