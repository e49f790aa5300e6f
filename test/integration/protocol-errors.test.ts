import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { GROUP_URN } from '@rollcall/scim';
import { type Answer, Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

/** The one form of every error (RFC 7644 §3.12). */
function expectError(answer: Answer, status: number, scimType?: string): void {
  expect(answer.status).toBe(status);
  expect(answer.headers['content-type']).toBe('application/scim+json; charset=utf-8');
  expect(answer.headers['x-request-id']).toEqual(expect.any(String));
  expect(answer.body).toEqual({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(status),
    ...(scimType === undefined ? {} : { scimType }),
    detail: expect.stringMatching(/\S/),
  });
}

describe('errors, each in one form', () => {
  let cluster: Cluster;
  let client: Client;
  let ada: Answer;
  beforeAll(async () => {
    cluster = await startCluster({ workers: 0, env: { BACKLOG_MAX: '3', OVERLAY_MAX: '2', SIGN_IN_FAILURES_MAX: '2' } });
    client = cluster.client('acme');
    ada = await client.create(userBody('ada'));
    expect(ada.status).toBe(201);
    await client.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Staff' });
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each([
    ['invalidSyntax', 'POST', '/Users', '{'],
    ['invalidValue', 'POST', '/Users', JSON.stringify({ ...userBody('x'), userName: ' ' })],
    ['invalidFilter', 'GET', '/Users?filter=userName', undefined],
    ['invalidPath', 'PATCH', '/Users/ID', JSON.stringify(patchBody({ op: 'replace', path: '1x', value: 'a' }))],
    ['noTarget', 'PATCH', '/Users/ID', JSON.stringify(patchBody({ op: 'remove' }))],
    ['mutability', 'PATCH', '/Users/ID', JSON.stringify(patchBody({ op: 'replace', path: 'groups', value: [] }))],
    ['invalidCursor', 'GET', '/Users?cursor=x', undefined],
    ['invalidCount', 'GET', '/Users?cursor=&count=x', undefined],
  ])('400 %s', async (scimType, method, path, raw) => {
    expectError(await client.request(method, path.replace('ID', ada.body.id), undefined, raw === undefined ? {} : { raw }), 400, scimType);
  });

  it('403: what the service says about itself is not filtered', async () => {
    for (const path of ['/Schemas', '/ResourceTypes', '/ServiceProviderConfig'])
      expectError(await client.request('GET', `${path}?filter=id%20pr`), 403);
  });

  it('404: none, another tenant’s, another type’s, no such endpoint', async () => {
    for (const path of [`/Users/${randomUUID()}`, `/Groups/${ada.body.id}`, '/Users/x', '/Nothing', '/Users/a/b'])
      expectError(await client.request('GET', path), 404);
    expectError(await cluster.client('globex').get(ada.body.id), 404);
    expectError(await client.delete(randomUUID()), 404);
  });

  it.each([
    ['PUT', '/Users', 'GET, HEAD, POST'],
    ['POST', '/Users/x', 'GET, HEAD, PUT, PATCH, DELETE'],
    ['DELETE', '/ServiceProviderConfig', 'GET, HEAD'],
    ['POST', '/Schemas', 'GET, HEAD'],
    ['GET', '/Bulk', 'POST'],
    ['GET', '/.search', 'POST'],
  ])('405: %s %s', async (method, path, allow) => {
    const answer = await client.request(method, path);
    expectError(answer, 405);
    expect(answer.headers.allow).toBe(allow);
  });

  it('409 uniqueness', async () => {
    expectError(await client.create(userBody('Ada', { externalId: 'other' })), 409, 'uniqueness');
  });

  it('412: If-Match that does not, If-None-Match that does', async () => {
    const { id, meta } = ada.body;
    const title = patchBody({ op: 'replace', path: 'title', value: 'x' });
    const wrong = [
      { 'If-Match': 'W/"1"' },
      { 'If-None-Match': '*' },
      { 'If-None-Match': meta.version },
      { 'If-None-Match': `"z", ${meta.version}` },
    ];
    for (const headers of wrong as Record<string, string>[]) {
      expectError(await client.patch(id, title, { headers }), 412);
      expectError(await client.replace(id, userBody('ada'), { headers }), 412);
      expectError(await client.delete(id, { headers }), 412);
    }
    expect((await client.get(id)).headers.etag).toBe(meta.version);
    const others = { 'If-Match': `W/"1", ${meta.version}`, 'If-None-Match': 'W/"1"' };
    expect(await client.replace(id, userBody('ada'), { headers: others })).toMatchObject({ status: 200, headers: { etag: meta.version } });
    expectError(await client.patch(randomUUID(), title, { headers: { 'If-None-Match': '*' } }), 404);
  });

  it('412: a GET under an If-Match that does not, whatever else it asks', async () => {
    const { id, meta } = ada.body;
    const get = (headers: Record<string, string>) => client.get(`${id}?excludedAttributes=groups`, { headers });
    for (const tag of ['W/"1"', '"x"', 'W/"1", W/"2"']) expectError(await get({ 'If-Match': tag }), 412);
    expectError(await get({ 'If-Match': 'W/"1"', 'If-None-Match': meta.version }), 412);
    expectError(await client.get(randomUUID(), { headers: { 'If-Match': '*' } }), 404);
    for (const tag of [meta.version, '*', `W/"1", ${meta.version}`]) expect((await get({ 'If-Match': tag })).status).toBe(200);
    expect((await get({ 'If-Match': meta.version, 'If-None-Match': meta.version })).status).toBe(304);
  });

  it('413: a body that is too long', async () => {
    expectError(await client.create(userBody('big', { nickName: 'x'.repeat(1_048_576) })), 413);
    expectError(await client.request('POST', '/.search', { filter: 'x'.repeat(1_048_576) }), 413);
  });

  it('415: no JSON by its own word', async () => {
    for (const path of ['/Users', '/Bulk', '/.search'])
      expectError(await client.request('POST', path, undefined, { raw: '<x/>', headers: { 'Content-Type': 'text/xml' } }), 415);
  });

  it('501: /Me', async () => {
    expectError(await client.request('GET', '/Me'), 501);
  });

  it('429 with Retry-After: a backlog at its cap, but not for leavers', async () => {
    expect((await client.create(userBody('third'))).status).toBe(201);
    const full = await client.create(userBody('fourth'));
    expectError(full, 429);
    expect(Number(full.headers['retry-after'])).toBeGreaterThan(0);
    expect((await client.patch(ada.body.id, patchBody({ op: 'replace', path: 'active', value: false }))).status).toBe(200);
  });

  it('503 with Retry-After: a list that would have to wait too long for what is unsettled', async () => {
    const late = await client.list();
    expectError(late, 503);
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('401, then 429, for who has no token or a wrong one', async () => {
    const origin = cluster.ingests[0]!.url;
    const nobody = await new Client(`${origin}/scim/v2`, undefined).list();
    expectError(nobody, 401);
    expect(nobody.headers['www-authenticate']).toBe('Bearer realm="rollcall"');
    const stranger = new Client(`${origin}/scim/v2`, `rc_${'x'.repeat(43)}`);
    const wrong = await stranger.list();
    expectError(wrong, 401);
    expect(wrong.headers['www-authenticate']).toContain('error="invalid_token"');
    await stranger.list();
    const tooOften = await stranger.list();
    expectError(tooOften, 429);
    expect(Number(tooOften.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('what is no HTTP at all, too', async () => {
    const { port } = new URL(cluster.ingests[0]!.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const request = http.request({ port, path: '/', headers: { 'X-Long': 'x'.repeat(20_000) } });
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () => resolve(text));
      });
      request.end();
    });
    expect(JSON.parse(answer)).toMatchObject({ status: '431', schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'] });
  });
});

describe('versions (RFC 7644 §3.14)', () => {
  it('are on everything that is shown: creations, changes, reads, lists, searches; weak, and the same everywhere', async () => {
    await using cluster = await startCluster({ tenants: ['acme'] });
    const client = cluster.client('acme');
    const created = await client.create(userBody('v'));
    const { id } = created.body;
    const group = await client.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'G' });
    for (const answer of [created, group]) {
      expect(answer.headers.etag).toMatch(/^W\/"\d+"$/);
      expect(answer.body.meta.version).toBe(answer.headers.etag);
    }
    const patched = await client.patch(id, patchBody({ op: 'replace', path: 'title', value: 't' }));
    const replaced = await client.replace(id, userBody('v', { title: 'u' }));
    for (const answer of [patched, replaced]) expect(answer.body.meta.version).toBe(answer.headers.etag);
    for (const settled of [false, true]) {
      if (settled) await cluster.quiet();
      const version = replaced.headers.etag;
      const list = await client.list();
      const search = await client.request('POST', '/.search', { filter: `id eq "${id}"` });
      const found = await client.find('userName eq "v@example.com"');
      for (const { body } of [list, search, found]) expect(body.Resources[0].meta.version).toBe(version);
      expect(
        (await client.request('GET', `/Users/${id}?excludedAttributes=groups`, undefined, { headers: { 'If-None-Match': version! } }))
          .status,
      ).toBe(304);
      expect((await client.get(id, { headers: { 'If-None-Match': version! } })).status).toBe(200);
      const groups = await client.request('GET', '/Groups');
      expect(groups.body.Resources[0].meta.version).toBe(group.headers.etag);
    }
    const unchanged = await client.replace(id, userBody('v', { title: 'u' }));
    expect(unchanged.headers.etag).toBe(replaced.headers.etag);
    await client.request('PATCH', `/Groups/${group.body.id}`, patchBody({ op: 'add', path: 'members', value: [{ value: id }] }));
    expect((await client.request('GET', `/Groups/${group.body.id}`)).headers.etag).not.toBe(group.headers.etag);
  });
});
