import { TransientError } from '@rollcall/directory';
import { CORE_TYPES, ScimError } from '@rollcall/scim';
import { silentLog } from '@rollcall/telemetry';
import { Unauthenticated } from './respond/errors.js';
import { makeRoutes, type RouteDeps } from './routes.js';
import { Slots } from './slots.js';
import { type Given, request } from './testing.js';

const never = async (): Promise<never> => Promise.reject(new Error('not expected to be asked'));
const HEALTH = { ready: () => true, draining: () => false, details: async () => ({ redis: 'up' }) };

/** Everything behind the routes fails by `error`, but for what `more` says. */
function setUp(more: Partial<RouteDeps> = {}) {
  const page = { count: 100, max: 200 };
  const deps: RouteDeps = {
    token: async () => ({ status: 200 }),
    authenticate: async () => ({ tenant: 'acme', credential: 't1', settings: 1 }),
    execute: never,
    reader: { view: never, resource: never, resources: never, entries: never },
    lister: { page: never, merged: never },
    memberships: {} as RouteDeps['memberships'],
    showsIndirect: never,
    cursors: {} as RouteDeps['cursors'],
    types: async () => CORE_TYPES,
    answers: {} as RouteDeps['answers'],
    listSlots: new Slots({ of: 'lists', perTenantMax: 4, wait_ms: 1_000 }),
    bulkSlots: new Slots({ of: 'Bulk requests', perTenantMax: 4, wait_ms: 1_000 }),
    bulk: { operationsMax: 10, payloadBytesMax: 1_000, begin_ms: 1_000 },
    show: {} as RouteDeps['show'],
    ...{ page, health: HEALTH, deadline_ms: 1_000, log: silentLog(), ...more },
  };
  const resolve = makeRoutes(deps);
  return { resolve, send: (line: string, given?: Given) => resolve(request(line, given)).answer() };
}

const error = (status: number) =>
  expect.objectContaining({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), detail: expect.any(String) });
const strangers = { authenticate: async () => Promise.reject(new Unauthenticated('the token is not valid', true)) };

describe('routes', () => {
  it.each([
    'GET /',
    'GET /nothing',
    'POST /scim/v2',
    'GET /scim/v2/Users/a/b',
    'GET /scim/v2/__proto__',
    'GET /__proto__',
    'GET /scim/v22',
  ])('%s: 404', async (line) => {
    expect(await setUp().send(line)).toMatchObject({ status: 404, body: error(404) });
  });

  it.each([
    ['PUT /scim/v2/Users', 'GET, HEAD, POST'],
    ['POST /scim/v2/Users/x', 'GET, HEAD, PUT, PATCH, DELETE'],
    ['DELETE /scim/v2/Schemas', 'GET, HEAD'],
    ['HEAD /scim/v2/Bulk', 'POST'],
    ['POST /healthz', 'GET, HEAD'],
    ['__proto__ /scim/v2/Users', 'GET, HEAD, POST'],
  ])('%s: 405, Allow: %s', async (line, allow) => {
    expect(await setUp().send(line)).toMatchObject({ status: 405, headers: { Allow: allow }, body: error(405) });
  });

  it.each([
    'GET /scim/v2/Users',
    'GET /scim/v2',
    'GET /scim/v2/nothing',
    'PUT /scim/v2/Users',
    'GET /scim/v2/ServiceProviderConfig',
    'GET /scim/v2/Schemas',
  ])('%s reveals nothing to a stranger: 401', async (line) => {
    const answer = await setUp(strangers).send(line);
    expect(answer).toMatchObject({ status: 401, headers: { 'WWW-Authenticate': 'Bearer realm="rollcall", error="invalid_token"' } });
  });

  it('names routes as declared, so that no id becomes a label', () => {
    const { resolve } = setUp();
    expect(resolve(request('GET /scim/v2/Users/ada')).route).toBe('/Users/{id}');
    expect(resolve(request('GET /scim/v2/ada')).route).toBe('unknown');
  });

  it.each([
    ['GET /scim/v2//Users/', '/Users'],
    ['GET //scim/v2/users', '/Users'],
    ['GET /scim//v2/GROUPS//ada', '/Groups/{id}'],
    ['POST /scim/v2/users/.SEARCH', '/Users/.search'],
    ['POST /scim/v2/.Search', '/.search'],
    ['POST /scim/v2/bulk', '/Bulk'],
    ['GET /scim/v2/me', '/Me'],
    ['GET /scim/v2/serviceproviderconfig', '/ServiceProviderConfig'],
    ['GET /scim/v2/resourcetypes/user', '/ResourceTypes/{id}'],
    ['GET /scim/v2/schemas', '/Schemas'],
    ['GET /scim/v2/OpenAPI.json', '/openapi.json'],
  ])('%s goes to %s, as empty parts and case in names mean nothing', (line, route) => {
    expect(setUp().resolve(request(line)).route).toBe(route);
  });

  it.each([
    ['POST /scim/v2/Users', { body: '{', headers: {} }, 400],
    ['POST /scim/v2/Users', { body: '{}', headers: { 'content-type': 'text/plain' } }, 415],
    ['GET /scim/v2/Users?count=x', {}, 400],
    ['GET /scim/v2/Users/not-an-id', {}, 404],
    ['GET /scim/v2/Users/%zz', {}, 404],
    ['GET /scim/v2/ResourceTypes?filter=id pr', {}, 403],
    ['GET /scim/v2/ResourceTypes?Filter=id pr', {}, 403],
    ['GET /scim/v2/Schemas/urn:none', {}, 404],
  ])('%s with %j: %d', async (line, given, status) => {
    expect(await setUp().send(line, given)).toMatchObject({ status, body: error(status), about: { tenant: 'acme' } });
  });

  it.each([
    'ServiceProviderConfig',
    'ResourceTypes',
    'ResourceTypes/User',
    'resourceTypes/USER',
    'Schemas',
    'Schemas/urn%3Aietf%3Aparams%3Ascim%3Aschemas%3Acore%3A2.0%3AUser',
  ])('GET /scim/v2/%s: 200, with locations under the base', async (name) => {
    const answer = await setUp().send(`GET /scim/v2/${name}`);
    expect(answer.status).toBe(200);
    expect(JSON.stringify(answer.body)).toContain('"https://scim.example/scim/v2/');
  });
});

describe('errors', () => {
  const body = { schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'], userName: 'ada' };
  const failing = (cause: unknown) => setUp({ execute: async () => Promise.reject(cause) }).send('POST /scim/v2/Users', { body });

  it('of a client are sent as they are', async () => {
    expect(await failing(ScimError.of('uniqueness', 'taken'))).toMatchObject({
      status: 409,
      body: { scimType: 'uniqueness', detail: 'taken' },
    });
  });

  it('that pass are 503 with Retry-After, and tell nothing of our servers', async () => {
    const answer = await failing(new TransientError('Redis does not answer', { away: 'redis', retryAfter_s: 2 }));
    expect(answer).toMatchObject({ status: 503, headers: { 'Retry-After': '2' } });
    expect(answer.body?.detail).not.toContain('Redis');
  });

  it('of ours are 500 with the request id, and tell nothing else', async () => {
    const answer = await failing(new TypeError('ada is undefined'));
    expect(answer).toMatchObject({ status: 500, body: { detail: 'internal error; the log has it under request r1' } });
  });
});

describe('a path that leads to no endpoint', () => {
  it.each(['GET /scim/v2', 'GET /scim/v2/v2/Users', 'GET /scim/Users', 'POST /Users'])(
    '%s says what the base URL and the endpoints are, and whose the token is',
    async (line) => {
      const { status, body, about, fault } = await setUp().send(line, { headers: { authorization: 'Bearer x' } });
      expect(status).toBe(404);
      expect(body?.detail).toMatch(/no SCIM endpoint is at .* the base URL is https:\/\/scim\.example\/scim\/v2, .* \/Users, \/Groups/);
      expect([about, fault]).toEqual([{ tenant: 'acme' }, { reason: 'no_endpoint', path: line.split(' ')[1] }]);
    },
  );

  it('outside the API is 404 to a stranger, too, and asks nobody without a token', async () => {
    const headers = { authorization: 'Bearer x' };
    expect(await setUp(strangers).send('GET /Users', { headers })).toMatchObject({ status: 404, about: {} });
    expect((await setUp({ authenticate: never }).send('GET /Users')).status).toBe(404);
  });
});

describe('health', () => {
  it('/readyz is 503 before the first success and while draining, whatever is behind', async () => {
    const ready = (health: Partial<RouteDeps['health']>) => setUp({ health: { ...HEALTH, ...health } }).send('GET /readyz');
    // Strangers reach this port: it told them how full Redis is.
    expect(await ready({})).toMatchObject({ status: 200, body: { status: 'ready' } });
    expect(Object.keys((await ready({})).body ?? {})).toEqual(['status']);
    expect(await ready({ ready: () => false })).toMatchObject({ status: 503, body: { status: 'starting' } });
    expect(await ready({ draining: () => true })).toMatchObject({ status: 503, body: { status: 'draining' } });
  });
});
