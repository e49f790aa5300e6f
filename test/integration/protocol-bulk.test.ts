import { randomUUID } from 'node:crypto';
import { BULK_REQUEST_URN, BULK_RESPONSE_URN, ENTERPRISE_URN, GROUP_URN, PATCH_OP_URN } from '@rollcall/scim';
import { type Answer, type Client, inParallel } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { userBody } from '../support/users.js';

jest.setTimeout(60_000);

interface Result {
  readonly method?: string;
  readonly bulkId?: string;
  readonly location?: string;
  readonly version?: string;
  readonly status: string;
  readonly response?: { readonly scimType?: string; readonly status?: string; readonly detail?: string };
}
const results = (answer: Answer): Result[] => answer.body.Operations;
const statuses = (answer: Answer): string[] => results(answer).map(({ status }) => status);
const idOf = ({ location = '' }: Result): string => location.slice(location.lastIndexOf('/') + 1);

let made = 0;
const fresh = (name: string): string => {
  made += 1;
  return `${name}${made}`;
};
const post = (bulkId: string, more: object = {}, name = fresh(bulkId)) => ({
  ...{ method: 'POST', path: '/Users', bulkId },
  data: userBody(name, more as Record<string, unknown>),
});
const group = (bulkId: string, members: readonly string[]) => ({
  ...{ method: 'POST', path: '/Groups', bulkId },
  data: { schemas: [GROUP_URN], displayName: fresh(`Group ${bulkId} `), members: members.map((value) => ({ value })) },
});
const managed = (bulkId: string) => ({ [ENTERPRISE_URN]: { manager: { value: bulkId } } });

describe('POST /Bulk (RFC 7644 §3.7)', () => {
  let cluster: Cluster;
  let client: Client;
  beforeAll(async () => {
    cluster = await startCluster({ ingests: 2 });
    client = cluster.client('acme');
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const send = (operations: readonly unknown[], more: object = {}, headers: Record<string, string> = {}, by: Client = client) =>
    by.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], ...more, Operations: operations }, { headers, timeout_ms: 30_000 });
  const membersOf = async (id: string): Promise<string[]> =>
    ((await client.request('GET', `/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value).sort();

  it('does each operation, and answers each with status, location and version', async () => {
    const [a, b, c] = await inParallel(['pa', 'pb', 'pc'], 3, (name) => client.create(userBody(fresh(name))));
    const answer = await send([
      post('new'),
      { method: 'PUT', path: `/Users/${a!.body.id}`, data: { ...userBody('x'), userName: a!.body.userName, title: 'put' } },
      {
        method: 'PATCH',
        path: `/Users/${b!.body.id}`,
        data: { schemas: [PATCH_OP_URN], Operations: [{ op: 'replace', path: 'title', value: 'p' }] },
      },
      { method: 'delete', path: `Users/${c!.body.id}` },
    ]);
    expect(answer).toMatchObject({ status: 200, body: { schemas: [BULK_RESPONSE_URN] } });
    const [created, put, patched, deleted] = results(answer);
    expect(created).toEqual({
      ...{ method: 'POST', bulkId: 'new', status: '201', version: expect.stringMatching(/^W\/"\d+"$/) },
      location: `${client.baseUrl}/Users/${idOf(created!)}`,
    });
    expect(put).toMatchObject({ method: 'PUT', status: '200', location: `${client.baseUrl}/Users/${a!.body.id}` });
    expect(patched).toMatchObject({ method: 'PATCH', status: '200', location: `${client.baseUrl}/Users/${b!.body.id}` });
    expect(deleted).toEqual({ method: 'DELETE', status: '204', location: `${client.baseUrl}/Users/${c!.body.id}` });
    expect((await client.get(idOf(created!))).headers.etag).toBe(created!.version);
    expect((await client.get(a!.body.id)).body).toMatchObject({ title: 'put', meta: { version: put!.version } });
    expect((await client.get(c!.body.id)).status).toBe(404);
  });

  it('announces its limits, and refuses what is beyond them with 413', async () => {
    const { bulk } = (await client.request('GET', '/ServiceProviderConfig')).body;
    expect(bulk).toEqual({ supported: true, maxOperations: 1_000, maxPayloadSize: 1_048_576 });
    const many = Array.from({ length: 1_001 }, () => ({ method: 'DELETE', path: `/Users/${randomUUID()}` }));
    expect(await send(many)).toMatchObject({ status: 413, body: { status: '413' } });
    expect(await send([post('big', { nickName: 'x'.repeat(1_048_576) })])).toMatchObject({ status: 413 });
    expect(statuses(await send(many.slice(1))).every((status) => status === '404')).toBe(true);
  });

  it.each([
    [{ schemas: ['urn:wrong'], Operations: [] }, 'invalidSyntax'],
    [{ schemas: [BULK_REQUEST_URN], Operations: {} }, 'invalidSyntax'],
    [{ schemas: [BULK_REQUEST_URN], Operations: [] }, 'invalidSyntax'],
    [{ schemas: [BULK_REQUEST_URN], failOnErrors: 0, Operations: [{}] }, 'invalidValue'],
  ])('is 400 as a whole for %j', async (body, scimType) => {
    expect(await client.request('POST', '/Bulk', body)).toMatchObject({ status: 400, body: { status: '400', scimType } });
  });

  it('answers for each operation that it does not understand, and does the others', async () => {
    const wrong = [
      ['nothing', '400', 'invalidSyntax'],
      [{ method: 'GET', path: '/Users' }, '400', 'invalidSyntax'],
      [{ method: 'POST', path: '/Users', data: userBody(fresh('w')) }, '400', 'invalidValue'],
      [{ method: 'POST', path: '/Users', bulkId: 'w1' }, '400', 'invalidSyntax'],
      [{ method: 'POST', path: '/Users', bulkId: 'w2', data: { schemas: [] } }, '400', 'invalidSyntax'],
      [{ method: 'POST', path: '/Users', bulkId: 'twice', data: {} }, '400', 'invalidValue'],
      [{ method: 'POST', path: '/Users', bulkId: 'twice', data: userBody(fresh('w')) }, '400', 'invalidValue'],
      [{ method: 'POST', path: '/Things', bulkId: 'w3', data: {} }, '404', undefined],
      [{ method: 'PATCH', path: '/Users', data: {} }, '405', undefined],
      [{ method: 'POST', path: `/Users/${randomUUID()}`, bulkId: 'w4', data: {} }, '405', undefined],
      [{ method: 'DELETE', path: '/Users/nobody' }, '404', undefined],
      [{ method: 'DELETE', path: '/Users/a/b' }, '404', undefined],
      [{ method: 'PUT', path: '/Users/bulkId:none', data: userBody(fresh('w')) }, '409', 'invalidValue'],
    ] as const;
    const answer = await send([...wrong.map(([operation]) => operation), post('fine')]);
    for (const [i, [, status, scimType]] of wrong.entries()) {
      expect(results(answer)[i]).toMatchObject({ status, response: { status, ...(scimType ? { scimType } : {}) } });
      expect(results(answer)[i]!.response!.scimType).toBe(scimType);
    }
    expect(results(answer).at(-1)).toMatchObject({ bulkId: 'fine', status: '201' });
  });

  it('says of each operation but a POST that failed where its resource is, whatever was wrong (§3.7)', async () => {
    const { id } = (await client.create(userBody(fresh('where')))).body;
    const patch = [{ op: 'replace', path: 'title', value: 'x' }];
    const answer = await send([
      { method: 'PATCH', path: '/Users/bulkId:q' },
      { method: 'PATCH', path: `/Users/${id}` },
      { method: 'patch', path: `/Users/${id}`, version: 5, data: patch },
      { method: 'PUT', path: `Users/${id}`, data: {} },
      { method: 'DELETE', path: `/Users/${id}`, version: 'W/"1"' },
      { method: 'PATCH', path: '/Users/bulkId:q', data: [{ op: 'replace', path: 'userName', value: '' }] },
      post('q'),
      { ...post('r'), data: {} },
      { method: 'PATCH', path: '/Users/bulkId:r', data: patch },
      { method: 'PATCH', path: '/Users', data: patch },
    ]);
    expect(statuses(answer)).toEqual(['400', '400', '400', '400', '412', '400', '201', '400', '409', '405']);
    const made = idOf(results(answer)[6]!);
    const at = (known: string) => `${client.baseUrl}/Users/${known}`;
    expect(results(answer).map(({ location }) => location)).toEqual([
      ...[at(made), at(id), at(id), at(id), at(id), at(made), at(made)],
      ...[undefined, undefined, undefined],
    ]);
  });

  it('resolves references in any order: members, managers, paths, filters and $refs', async () => {
    const answer = await send([
      { method: 'PATCH', path: '/Groups/bulkId:g', data: [{ op: 'add', path: 'members', value: [{ value: 'bulkId:late' }] }] },
      group('g', ['bulkId:boss', 'bulkId:ada']),
      post('ada', managed('bulkId:boss')),
      post('boss'),
      post('late'),
      { method: 'PATCH', path: '/Groups/bulkId:g', data: [{ op: 'remove', path: 'members[value eq "bulkId:boss"]' }] },
      { ...group('h', []), data: { schemas: [GROUP_URN], displayName: fresh('H'), members: [{ $ref: '../Users/bulkId:ada' }] } },
      { method: 'PUT', path: '/Users/bulkId:late', data: userBody(fresh('renamed')) },
    ]);
    expect(statuses(answer)).toEqual(['200', '201', '201', '201', '201', '200', '201', '200']);
    const [, g, ada, boss, late, , h] = results(answer).map(idOf);
    expect(await membersOf(g!)).toEqual([ada, late].sort());
    expect(await membersOf(h!)).toEqual([ada]);
    expect((await client.get(ada!)).body[ENTERPRISE_URN].manager.value).toBe(boss);
    expect((await client.get(late!)).body.userName).toMatch(/^renamed/);
  });

  it('makes groups that stand in a circle, and refuses people who manage each other (§3.7.1)', async () => {
    const answer = await send([
      group('a', ['bulkId:b', 'bulkId:u']),
      group('b', ['bulkId:c']),
      group('c', ['bulkId:a', 'bulkId:b']),
      group('self', ['bulkId:self']),
      post('u'),
      post('x', managed('bulkId:y')),
      post('y', managed('bulkId:x')),
      post('z', managed('bulkId:z')),
      post('w', managed('bulkId:x')),
      group('half', ['bulkId:other', 'bulkId:x']),
      group('other', ['bulkId:half']),
    ]);
    expect(statuses(answer)).toEqual(['201', '201', '201', '201', '201', '409', '409', '409', '409', '409', '409']);
    const [a, b, c, self, u] = results(answer).map(idOf);
    expect(await membersOf(a!)).toEqual([b, u].sort());
    expect(await membersOf(b!)).toEqual([c]);
    expect(await membersOf(c!)).toEqual([a, b].sort());
    expect(await membersOf(self!)).toEqual([self]);
    for (const result of results(answer).slice(5, 9)) {
      expect(result.response).toMatchObject({ status: '409', scimType: 'invalidValue' });
      expect(result.location).toBeUndefined();
    }
    for (const result of results(answer).slice(0, 4)) {
      expect((await client.request('GET', `/Groups/${idOf(result)}`)).headers.etag).toBe(result.version);
    }
  });

  it('keeps the order of what touches the same, and does nothing twice', async () => {
    const [user] = await inParallel(['o'], 1, (name) => client.create(userBody(fresh(name))));
    const { id, userName } = user!.body;
    const titles = Array.from({ length: 20 }, (_, i) => ({
      ...{ method: 'PATCH', path: `/Users/${id}`, data: [{ op: 'replace', path: 'title', value: `t${i}` }] },
    }));
    const taken = { ...post('again'), data: { ...userBody('again'), userName, emails: [], externalId: 'x1' } };
    const answer = await send([...titles, taken, { method: 'DELETE', path: `/Users/${id}` }, { ...taken, bulkId: 'after' }]);
    expect(statuses(answer)).toEqual([...titles.map(() => '200'), '409', '204', '201']);
    const versions = results(answer).flatMap(({ version }) => (version ? [Number(version.slice(3, -1))] : []));
    expect(versions).toEqual([...versions].sort((one, other) => one - other));
    expect(idOf(results(answer).at(-1)!)).not.toBe('');
  });

  it('stops at so many errors as the client accepts, and answers for what it did', async () => {
    const bad = { method: 'DELETE', path: `/Users/${randomUUID()}` };
    const answer = await send([post('one'), bad, post('two'), { method: 'PUT', path: '/Users' }, post('three')], { failOnErrors: 2 });
    expect(statuses(answer)).toEqual(['201', '404', '201', '405']);
  });

  it('heeds the version of each operation', async () => {
    const { id, meta } = (await client.create(userBody(fresh('v')))).body;
    const change = (version: string, title: string) => ({
      ...{ method: 'PATCH', path: `/Users/${id}`, version, data: [{ op: 'replace', path: 'title', value: title }] },
    });
    const answer = await send([
      change(meta.version, 'a'),
      change(meta.version, 'b'),
      { method: 'DELETE', path: `/Users/${id}`, version: 'W/"1"' },
    ]);
    expect(statuses(answer)).toEqual(['200', '412', '412']);
    expect((await client.get(id)).body.title).toBe('a');
  });

  it('a POST sent again is 409 without Idempotency-Key, and answered as before with it', async () => {
    const { id } = (await client.create(userBody(fresh('i')))).body;
    const gone = (await client.create(userBody(fresh('i')))).body.id;
    const operations = [
      post('a'),
      group('g', ['bulkId:h', 'bulkId:a']),
      group('h', ['bulkId:g']),
      { method: 'PATCH', path: `/Users/${id}`, data: [{ op: 'replace', path: 'title', value: 'a' }] },
      { method: 'PATCH', path: `/Users/${id}`, data: [{ op: 'replace', path: 'title', value: 'b' }] },
      { method: 'DELETE', path: `/Users/${gone}` },
      { method: 'DELETE', path: `/Users/${randomUUID()}` },
    ];
    const key = { 'Idempotency-Key': `key-${randomUUID()}` };
    const first = await send(operations, {}, key);
    expect(statuses(first)).toEqual(['201', '201', '201', '200', '200', '204', '404']);
    const again = await send(operations, {}, key, cluster.client('acme', 1));
    expect(results(again)).toEqual(
      results(first)
        .map((result) => ({ ...result, location: expect.anything() }))
        .map((result, i) => {
          const { location } = results(first)[i]!;
          return location === undefined
            ? results(first)[i]
            : { ...result, location: location.replace(client.baseUrl, cluster.client('acme', 1).baseUrl) };
        }),
    );
    expect(statuses(await send(operations))).toEqual(['409', '409', '409', '200', '200', '404', '404']);
    expect(await send(operations.slice(1), {}, key)).toMatchObject({ status: 422, body: { status: '422' } });
    expect(await send(operations, {}, { 'Idempotency-Key': 'a b' })).toMatchObject({ status: 400 });
    // Another tenant's key is another key.
    expect(statuses(await send([post('t')], {}, key, cluster.client('globex')))).toEqual(['201']);
  });

  it('finds what was done by what is there, where the answers were lost', async () => {
    const known = (await client.create(userBody(fresh('k')))).body;
    await client.delete(known.id);
    const { id } = (await client.create(userBody(fresh('l')))).body;
    const gone = (await client.create(userBody(fresh('l')))).body;
    const revived = {
      ...post('revived'),
      data: { ...userBody('r'), userName: known.userName, emails: known.emails, externalId: known.externalId },
    };
    const operations = [
      post('a'),
      group('g', ['bulkId:h', 'bulkId:a']),
      group('h', ['bulkId:g']),
      { method: 'PATCH', path: `/Users/${id}`, version: '*', data: [{ op: 'replace', path: 'title', value: 'a' }] },
      { method: 'DELETE', path: `/Users/${gone.id}`, version: gone.meta.version },
      revived,
    ];
    const key = { 'Idempotency-Key': `key-${randomUUID()}` };
    const first = await send(operations, {}, key);
    expect(statuses(first)).toEqual(['201', '201', '201', '200', '204', '201']);
    expect(idOf(results(first)[5]!)).toBe(known.id);
    const kept = await cluster.redis.keys(`${cluster.prefix}:{p*}:acme:a:*`);
    expect(kept.length).toBeGreaterThan(0);
    await cluster.redis.del(...kept);
    expect(results(await send(operations, {}, key))).toEqual(results(first));
  });

  // By then it was not known that another request had come under it: what that one had made passed for what this one asks for.
  it('carries out another request under a key whose answers are forgotten', async () => {
    const { id } = (await client.create(userBody(fresh('n')))).body;
    const titled = (value: string) => ({ method: 'PATCH', path: `/Users/${id}`, data: [{ op: 'replace', path: 'title', value }] });
    const key = { 'Idempotency-Key': `key-${randomUUID()}` };
    const first = await send([post('a'), titled('a')], {}, key);
    await cluster.redis.del(...(await cluster.redis.keys(`${cluster.prefix}:{p*}:acme:a:*`)));
    const other = await send([post('b'), titled('b')], {}, key);
    expect([...statuses(first), ...statuses(other)]).toEqual(['201', '200', '201', '200']);
    expect(idOf(results(other)[0]!)).not.toBe(idOf(results(first)[0]!));
    expect((await client.get(id)).body.title).toBe('b');
  });

  it('lets leavers go first', async () => {
    const people = await inParallel(Array.from({ length: 20 }), 8, () => client.create(userBody(fresh('leaver'))));
    await cluster.quiet();
    const leave = people.map(({ body }) => ({
      method: 'PATCH',
      path: `/Users/${body.id}`,
      data: [{ op: 'replace', path: 'active', value: false }],
    }));
    expect(
      statuses(await send([...Array.from({ length: 100 }, (_, i) => post(`b${i}`)), ...leave])).every((status) => status < '300'),
    ).toBe(true);
    await cluster.quiet();
    expect(
      await cluster.db
        .collection('accounts')
        .countDocuments({ _id: { $in: people.map(({ body }) => body.id) }, 'account.preservedBy': 'idp' }),
    ).toBe(20);
  });

  it('takes a thousand operations at once', async () => {
    const users = Array.from({ length: 999 }, (_, i) => post(`u${i}`));
    const answer = await send([
      group(
        'all',
        users.map(({ bulkId }) => `bulkId:${bulkId}`),
      ),
      ...users,
    ]);
    expect(statuses(answer).every((status) => status === '201')).toBe(true);
    expect((await membersOf(idOf(results(answer)[0]!))).length).toBe(999);
    process.stdout.write(`bulk of 1,000: ${Math.round(answer.took_ms)} ms\n`);
  });
});

describe('/Me (RFC 7644 §3.11)', () => {
  it('is 501, as a token is nobody’s own', async () => {
    await using cluster = await startCluster({ workers: 0, tenants: ['acme'] });
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
      expect(await cluster.client('acme').request(method, '/Me')).toMatchObject({ status: 501, body: { status: '501' } });
  });
});
