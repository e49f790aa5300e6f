import http from 'node:http';
import { GROUP_URN, USER_URN } from '@rollcall/scim';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

describe('HEAD (RFC 9110 §9.3.2)', () => {
  let cluster: Cluster;
  let client: Client;
  let id: string;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme'], workers: 0 });
    client = cluster.client('acme');
    id = (await client.create(userBody('ada'))).body.id;
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each([
    '/Users/ID',
    '/Users',
    '/Users?filter=userName%20eq%20%22x%22',
    '/Groups',
    '/Schemas',
    '/ServiceProviderConfig',
    '/Users/x',
    '/Me',
  ])('on %s answers with the status and headers of GET, and no body', async (path) => {
    const [head, get] = [await client.request('HEAD', path.replace('ID', id)), await client.request('GET', path.replace('ID', id))];
    expect(get.text).not.toBe('');
    expect({ status: head.status, text: head.text }).toEqual({ status: get.status, text: '' });
    // What is made while a body is sent may be left out; what is there must be that of GET.
    for (const name of ['content-type', 'etag', 'location', 'allow']) expect(head.headers[name]).toBe(get.headers[name]);
    expect([get.headers['content-length'], undefined]).toContain(head.headers['content-length']);
  });

  it('heeds If-None-Match, asks for a token, and is 405 where there is no GET', async () => {
    const { etag } = (await client.get(id)).headers;
    const known = { headers: { 'If-None-Match': String(etag) } };
    expect((await client.request('HEAD', `/Users/${id}?excludedAttributes=groups`, undefined, known)).status).toBe(304);
    expect((await client.request('HEAD', `/Users/${id}`, undefined, { headers: { Authorization: 'Bearer no' } })).status).toBe(401);
    expect(await client.request('HEAD', '/Bulk')).toMatchObject({ status: 405, text: '', headers: { allow: 'POST' } });
  });

  it('leaves its connection fit for the next request', async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const ask = (method: string) =>
      new Promise<{ status: number | undefined; length: number }>((resolve, reject) => {
        const headers = { Authorization: `Bearer ${cluster.token('acme')}` };
        const request = http.request(`${client.baseUrl}/Users`, { method, agent, headers }, (response) => {
          let length = 0;
          response.on('data', (chunk: Buffer) => {
            length += chunk.length;
          });
          response.on('end', () => resolve({ status: response.statusCode, length }));
        });
        request.on('error', reject).end();
      });
    for (const method of ['HEAD', 'GET', 'HEAD', 'GET'])
      expect(await ask(method)).toEqual({ status: 200, length: method === 'HEAD' ? 0 : expect.any(Number) });
    agent.destroy();
  });
});

describe('attributes and excludedAttributes on writes (RFC 7644 §3.9)', () => {
  let cluster: Cluster;
  let client: Client;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme'], workers: 0 });
    client = cluster.client('acme');
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it.each(['application/scim+json', 'application/json', 'application/json, text/plain, */*', 'text/html'])(
    'are application/scim+json to Accept: %s (§3.8)',
    async (Accept) => {
      for (const [path, status] of [
        ['/Users', 200],
        ['/Users/none', 404],
        ['/Schemas', 200],
      ] as const) {
        const answer = await client.request('GET', path, undefined, { headers: { Accept } });
        expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/scim+json; charset=utf-8']);
      }
    },
  );

  it('say what POST, PUT and PATCH answer with, and nothing of what is stored', async () => {
    const only = '?attributes=userName,name.givenName';
    const made = await client.request('POST', `/Users${only}`, userBody('ada', { title: 'Countess' }));
    expect(made).toMatchObject({ status: 201, headers: { location: expect.stringMatching(/\/Users\/[^/?]+$/), etag: expect.any(String) } });
    const { id } = made.body;
    const shown = { schemas: [USER_URN], id, userName: 'ada@example.com', name: { givenName: 'ada' } };
    expect(made.body).toEqual(shown);
    expect((await client.get(id)).body).toMatchObject({ title: 'Countess', displayName: 'ada Test', active: true });

    const put = await client.request('PUT', `/Users/${id}${only}`, userBody('ada', { title: 'Lady' }));
    expect([put.status, put.body]).toEqual([200, shown]);
    const patched = await client.request('PATCH', `/Users/${id}${only}`, patchBody({ op: 'replace', path: 'nickName', value: 'Ada' }));
    expect([patched.status, patched.body]).toEqual([200, shown]);
    expect((await client.get(id)).body).toMatchObject({ title: 'Lady', nickName: 'Ada' });

    const without = '?excludedAttributes=emails,userName,id,meta';
    const whole = (await client.get(id)).body;
    const { emails: _, userName: __, meta: ___, ...rest } = whole;
    for (const answer of [
      await client.request('PUT', `/Users/${id}${without}`, userBody('ada', { title: 'Lady', nickName: 'Ada' })),
      await client.request('PATCH', `/Users/${id}${without}`, patchBody({ op: 'replace', path: 'nickName', value: 'Ada' })),
    ])
      expect([answer.status, answer.body]).toEqual([200, rest]); // id is returned always
  });

  it('on a group leave its members out of the answer, and in the group', async () => {
    const { id: value } = (await client.create(userBody('grace'))).body;
    const group = { schemas: [GROUP_URN], displayName: 'Staff', members: [{ value }] };
    const made = await client.request('POST', '/Groups?excludedAttributes=members', group);
    expect([made.status, made.body.displayName, made.body.members]).toEqual([201, 'Staff', undefined]);
    const path = `/Groups/${made.body.id}`;
    const put = await client.request('PUT', `${path}?attributes=displayName`, { ...group, displayName: 'Crew' });
    expect([put.status, put.body]).toEqual([200, { schemas: [GROUP_URN], id: made.body.id, displayName: 'Crew' }]);
    const patch = patchBody({ op: 'replace', path: 'displayName', value: 'Team' });
    const patched = await client.request('PATCH', `${path}?excludedAttributes=members`, patch);
    expect([patched.status, patched.body.displayName, patched.body.members]).toEqual([200, 'Team', undefined]);
    expect((await client.request('GET', path)).body.members).toEqual([expect.objectContaining({ value })]);
  });

  it('both at once are refused before anything is written', async () => {
    const both = '?attributes=userName&excludedAttributes=emails';
    expect(await client.request('POST', `/Users${both}`, userBody('twice'))).toMatchObject({ status: 400 });
    expect((await client.find('userName eq "twice@example.com"')).body.totalResults).toBe(0);
  });
});

describe('a list that MongoDB needs too long for', () => {
  it('is 400 tooMany, also as a search and sorted; what is narrow is answered all the while', async () => {
    await using cluster = await startCluster({ tenants: ['acme'], env: { MONGO_TIMEOUT_MS: '500' } });
    const client = cluster.client('acme');
    const { id } = (await client.create(userBody('ada', { title: 'a'.repeat(16_000) }))).body;
    await cluster.quiet();
    // A tenant of 1,000 people with long titles, copied by MongoDB itself: looking through all of them sixteen times takes it many times as long as it may.
    const own = (field: string) => ({ [field]: { $concat: [`$${field}`, '-', { $toString: '$n' }] } });
    await cluster.db
      .collection('accounts')
      .aggregate([
        { $match: { _id: id } },
        { $set: { n: { $range: [0, 1_000] } } },
        { $unwind: '$n' },
        { $set: { ...own('_id'), ...own('nameKey'), ...own('externalId'), identityKeys: [] } },
        { $unset: 'n' },
        { $merge: { into: 'accounts' } },
      ])
      .toArray();
    const slow = Array.from({ length: 16 }, (_, n) => `title co "aaaaaaaa${n}"`).join(' or ');
    const tooMany = { status: 400, body: { status: '400', scimType: 'tooMany', detail: expect.stringContaining('narrow it down') } };
    expect(await client.find(slow)).toMatchObject(tooMany);
    expect(await client.find(slow, '&sortBy=displayName')).toMatchObject(tooMany);
    const search = { schemas: ['urn:ietf:params:scim:api:messages:2.0:SearchRequest'], filter: slow };
    expect(await client.request('POST', '/Users/.search', search)).toMatchObject(tooMany);
    expect((await client.find('userName eq "ada@example.com"')).body).toMatchObject({ totalResults: 1, Resources: [{ id }] });
  });
});
