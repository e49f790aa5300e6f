import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster({ tenants: ['acme', 'globex'] });
  admin = adminOf(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());

const make = (user: string, tenant = 'acme') => admin(`POST /tenants/${tenant}/tokens`, { name: 'own', user });
const clientOf = (token: string) => new Client(`${cluster.ingests[0]!.url}/scim/v2`, token);
const created = async (name: string) => (await cluster.client('acme').create(userBody(name))).body;

// A token for a user could do all that the tenant's could: read, change and delete everybody else.
describe('the scope of a token that is made for a user', () => {
  const others = (id: string): [method: string, path: string, body?: unknown][] => [
    ...(['GET', 'DELETE'] as const).map((method): [string, string] => [method, `/Users/${id}`]),
    ...(['PUT', 'PATCH'] as const).map((method): [string, string, unknown] => [method, `/Users/${id}`, userBody('other')]),
    ...(['/Users', '/Groups'] as const).flatMap((path): [string, string, unknown?][] => [
      ['GET', path],
      ['POST', path, userBody('new')],
    ]),
    ...(['/Users/.search', '/Groups/.search', '/.search', '/Bulk'] as const).map((path): [string, string, unknown] => ['POST', path, {}]),
    ['GET', '/Groups/some-id'],
  ];

  it('is me by default: /Me and discovery, and 403 for all else, the own /Users/{id} too', async () => {
    const [own, other] = [await created('scoped'), await created('scoped-other')];
    const made = (await make(own.id)).body;
    expect(made.scope).toBe('me');
    const client = clientOf(made.token);
    for (const id of [own.id, other.id]) {
      for (const [method, path, body] of others(id)) {
        const answer = await client.request(method, path, body);
        expect([method, path, answer.status, answer.body.detail]).toEqual([method, path, 403, expect.stringContaining('expected /Me')]);
      }
    }
    for (const path of ['/Me', '/ServiceProviderConfig', '/ResourceTypes', '/ResourceTypes/User', '/Schemas', '/openapi.json'])
      expect([path, (await client.request('GET', path)).status]).toEqual([path, 200]);
    expect((await cluster.client('acme').get(other.id)).body).toEqual(other);
  });

  it('is the tenant’s where the administrator says so, and for a token without a user; me without a user is 400', async () => {
    const own = await created('wide');
    const wide = (await admin('POST /tenants/acme/tokens', { name: 'own', user: own.id, scope: 'tenant' })).body;
    expect(wide.scope).toBe('tenant');
    expect((await clientOf(wide.token).request('GET', '/Users')).status).toBe(200);
    expect((await clientOf(wide.token).request('GET', '/Me')).body.id).toBe(own.id);
    expect((await admin('POST /tenants/acme/tokens', { name: 'idp' })).body.scope).toBe('tenant');
    expect(await admin('POST /tenants/acme/tokens', { name: 'x', scope: 'me' })).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('#/scope') },
    });
  });

  it('stays with a regenerated token; a token of an earlier release keeps all rights, also when it is regenerated', async () => {
    const own = await created('kept');
    const made = (await make(own.id)).body;
    const again = (await admin(`POST /tenants/acme/tokens/${made.id}/regenerate`, {})).body;
    expect([again.scope, (await clientOf(again.token).request('GET', '/Users')).status]).toEqual(['me', 403]);
    // As an earlier release stored it: for a user, without a scope.
    await cluster.db.collection<{ _id: string }>('tokens').updateOne({ _id: again.id }, { $unset: { scope: '' } });
    const old = (await admin(`POST /tenants/acme/tokens/${again.id}/regenerate`, {})).body;
    expect([old.scope, old.user, (await clientOf(old.token).request('GET', '/Users')).status]).toEqual(['tenant', own.id, 200]);
  });

  it('goes with the access tokens of an OAuth client', async () => {
    const own = await created('oauth-scoped');
    const { clientId, clientSecret, scope } = (await admin('POST /tenants/acme/clients', { name: 'own', user: own.id })).body;
    const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret });
    const given = await fetch(`${cluster.ingests[0]!.url}/oauth2/token`, { method: 'POST', body });
    const client = clientOf(((await given.json()) as { access_token: string }).access_token);
    expect([scope, (await client.request('GET', '/Me')).status, (await client.request('GET', '/Users')).status]).toEqual(['me', 200, 403]);
  });
});

describe('/Me (RFC 7644 §3.11) for a token that is made for a user', () => {
  it('is the user whom the token stands for: read, replaced, patched, deleted; each answer says where it is', async () => {
    const ada = await created('ada');
    const made = await make(ada.id);
    expect([made.status, made.body.user]).toEqual([201, ada.id]);
    const own = clientOf(made.body.token);
    const location = ada.meta.location;
    const ask = async (method: string, body?: unknown, query = '') => {
      const answer = await own.request(method, `/Me${query}`, body);
      expect([method, answer.status, answer.headers.location]).toEqual([method, answer.status, location]);
      return answer;
    };
    expect((await ask('GET')).body).toEqual(ada);
    expect((await ask('GET', undefined, '?attributes=userName')).body.emails).toBeUndefined();
    expect((await ask('PUT', userBody('ada', { title: 'Countess' }))).body.title).toBe('Countess');
    const patched = await ask('PATCH', patchBody({ op: 'replace', path: 'title', value: 'Lady' }));
    expect([patched.status, patched.body.title]).toEqual([200, 'Lady']);
    expect((await ask('PATCH', patchBody({ op: 'replace', path: 'id', value: 'x' }))).status).toBe(400);
    for (const method of ['POST', 'OPTIONS']) {
      const refused = await ask(method, method === 'POST' ? userBody('other') : undefined);
      expect([method, refused.status, refused.headers.allow]).toEqual([method, 405, 'GET, HEAD, PUT, PATCH, DELETE']);
    }
    expect((await ask('HEAD')).status).toBe(200);
    expect((await cluster.client('acme').get(ada.id)).body.title).toBe('Lady');
    expect((await ask('DELETE')).status).toBe(204);
    expect((await ask('GET')).status).toBe(404);
  });

  it('is described as what it is for the token that asks', async () => {
    const bob = await created('bob');
    const own = clientOf((await make(bob.id)).body.token);
    const described = (await own.request('GET', '/openapi.json')).body.paths['/Me'];
    expect(Object.keys(described).sort()).toEqual(['delete', 'get', 'patch', 'put']);
    expect(described.get.responses).toHaveProperty('200');
    const others = (await cluster.client('acme').request('GET', '/openapi.json')).body.paths['/Me'];
    expect(others.get.responses).toHaveProperty('501');
  });

  it('stays theirs when the token is regenerated, and is listed with it', async () => {
    const eve = await created('eve');
    const { id } = (await make(eve.id)).body;
    const again = (await admin(`POST /tenants/acme/tokens/${id}/regenerate`, {})).body;
    expect((await clientOf(again.token).request('GET', '/Me')).body.id).toBe(eve.id);
    const { items } = (await admin('GET /tenants/acme/tokens')).body;
    expect(items.find((item: { id: string }) => item.id === again.id).user).toBe(eve.id);
  });

  it('is theirs with an access token, too, where an OAuth client is made for them, also with its next secret', async () => {
    const joe = await created('joe');
    const made = (await admin('POST /tenants/acme/clients', { name: 'own', user: joe.id })).body;
    expect(made.user).toBe(joe.id);
    const secrets = [made, (await admin(`POST /tenants/acme/clients/${made.clientId}/regenerate`, { overlapHours: 1 })).body];
    for (const { clientId, clientSecret } of secrets) {
      const body = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret });
      const given = await fetch(`${cluster.ingests[0]!.url}/oauth2/token`, { method: 'POST', body });
      const own = clientOf(((await given.json()) as { access_token: string }).access_token);
      expect((await own.request('GET', '/Me')).body.id).toBe(joe.id);
      expect((await own.request('GET', '/openapi.json')).body.paths['/Me'].get.responses).toHaveProperty('200');
    }
    expect(await admin('POST /tenants/acme/clients', { name: 'own', user: 'nobody' })).toMatchObject({ status: 400 });
  });

  it('is made for a live user of the tenant, and for nobody else: 400', async () => {
    const sid = await created('sid');
    expect((await make(sid.id, 'globex')).status).toBe(400);
    expect((await make('nobody')).status).toBe(400);
    await cluster.client('acme').delete(sid.id);
    expect(await make(sid.id)).toMatchObject({ status: 400, body: { detail: expect.stringContaining('#/user') } });
  });
});
