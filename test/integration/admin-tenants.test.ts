import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { userBody } from '../support/users.js';

jest.setTimeout(90_000);

let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster({ tenants: ['seeded'] });
  admin = adminOf(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());

let made = 0;
/** A new tenant with a token, and a client that signs in with it. */
async function tenant(more: Record<string, unknown> = {}) {
  made += 1;
  const id = `t-${made}`;
  expect(await admin('POST /tenants', { id, ...more })).toMatchObject({ status: 201 });
  const { body } = await admin(`POST /tenants/${id}/tokens`, { name: 'test' });
  return { id, client: new Client(`${cluster.ingests[0]!.url}/scim/v2`, body.token) };
}

describe('POST /tenants', () => {
  it('makes a tenant with defaults: active, by SCIM, people known by email, recycled addresses reactivated', async () => {
    const answer = await admin('POST /tenants', { id: 'acme', name: 'Acme' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe('/admin/v1/tenants/acme');
    const expected = {
      ...{ id: 'acme', name: 'Acme', status: 'active', source: 'scim', createdAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      settings: {
        identityAttribute: 'email',
        externalId: 'auto',
        recycledIdentity: 'reactivate',
        adoption: 'auto',
        unknownAttributes: 'ignore',
        groupNames: 'unique',
        unknownMembers: 'skip',
        groupCycles: 'accept',
        userGroups: 'direct',
        membersAnsweredMax: 1_000,
        webhook: null,
      },
    };
    expect(answer.body).toEqual(expected);
    expect((await admin('GET /tenants/acme')).body).toEqual(expected);
  });

  it('refuses an id that is taken: 409', async () => {
    const { id } = await tenant();
    expect(await admin('POST /tenants', { id })).toMatchObject({
      status: 409,
      body: { title: 'Conflict', detail: expect.stringContaining(id) },
    });
  });

  it('makes one of many that ask for one id at once', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => admin('POST /tenants', { id: 'race' })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409, 409, 409]);
  });

  it.each([
    [{}, 'id'],
    [{ id: 'Acme' }, 'id'],
    [{ id: 'x', source: 'ldap' }, 'source'],
    [{ id: 'x', settings: { identityAttribute: 'phone' } }, 'settings/identityAttribute'],
    [{ id: 'x', settings: { webhook: { url: 'file:///etc/passwd' } } }, 'settings/webhook/url'],
    [{ id: 'x', settings: { groupNames: 'many' } }, 'settings/groupNames'],
    [{ id: 'x', settings: { membersAnsweredMax: -1 } }, 'settings/membersAnsweredMax'],
    [{ id: 'x', unknown: 1 }, ''],
  ])('refuses %j as problem+json that names the member', async (body, pointer) => {
    const answer = await admin('POST /tenants', body);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([400, 'application/problem+json; charset=utf-8']);
    expect(answer.body.errors[0].pointer).toBe(`#/${pointer}`);
  });
});

describe('GET /tenants', () => {
  it('lists all, a page at a time, each once', async () => {
    for (const id of ['page-a', 'page-b', 'page-c']) await admin('POST /tenants', { id });
    const ids: string[] = [];
    let next: string | undefined;
    do {
      const { body } = await admin(`GET /tenants?limit=2${next ? `&cursor=${next}` : ''}`);
      expect(body.items.length).toBeLessThanOrEqual(2);
      ids.push(...body.items.map(({ id }: { id: string }) => id));
      next = body.next;
    } while (next);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toEqual(expect.arrayContaining(['page-a', 'page-b', 'page-c', 'seeded']));
  });
});

describe('PATCH /tenants/{tenant}', () => {
  it('changes what is named, and leaves the rest', async () => {
    const { id } = await tenant({ name: 'before', settings: { identityAttribute: 'userPrincipalName' } });
    expect(await admin(`PATCH /tenants/${id}`, { settings: { recycledIdentity: 'refuse' } })).toMatchObject({
      status: 200,
      body: { name: 'before', settings: { identityAttribute: 'userPrincipalName', recycledIdentity: 'refuse' } },
    });
    expect((await admin(`PATCH /tenants/${id}`, { name: 'after' })).body).toMatchObject({
      name: 'after',
      settings: { recycledIdentity: 'refuse' },
    });
  });

  it('takes settings with and without `settings` around them, and refuses what is none', async () => {
    const { id } = await tenant();
    expect((await admin(`PATCH /tenants/${id}`, { recycledIdentity: 'refuse' })).body.settings.recycledIdentity).toBe('refuse');
    expect((await admin(`PATCH /tenants/${id}`, { settings: { recycledIdentity: 'reactivate' } })).body.settings.recycledIdentity).toBe(
      'reactivate',
    );
    for (const body of [{ status: 'active' }, { settings: { unknown: 1 } }, { recycledIdentity: 'maybe' }])
      expect((await admin(`PATCH /tenants/${id}`, body)).status).toBe(400);
  });

  it('takes another identity attribute at any time', async () => {
    const { id, client } = await tenant();
    await client.create(userBody('ada'));
    for (const identityAttribute of ['userPrincipalName', 'email', 'userPrincipalName'])
      expect(await admin(`PATCH /tenants/${id}`, { settings: { identityAttribute } })).toMatchObject({
        status: 200,
        body: { settings: { identityAttribute } },
      });
  });

  it('answers 404 for a tenant that is not there, whatever its id looks like', async () => {
    for (const id of ['none', 'N%20one', '..%2Facme']) {
      expect((await admin(`PATCH /tenants/${id}`, {})).status).toBe(404);
      expect((await admin(`GET /tenants/${id}`)).status).toBe(404);
    }
  });
});

describe('suspend and resume', () => {
  it('SCIM answers 403 that says so, from the answer on; nothing is taken and dropped; resume lets it in again', async () => {
    const { id, client } = await tenant();
    const ada = await client.create(userBody('ada'));
    expect(await admin(`POST /tenants/${id}/suspend`)).toMatchObject({ status: 200, body: { status: 'suspended' } });
    const refused = {
      status: 403,
      body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '403', detail: expect.stringContaining('suspended') },
    };
    expect(await client.create(userBody('grace'))).toMatchObject(refused);
    expect(await client.get(ada.body.id)).toMatchObject(refused);
    expect(await client.delete(ada.body.id)).toMatchObject(refused);
    expect((await admin(`POST /tenants/${id}/suspend`)).status).toBe(200);
    expect(await admin(`POST /tenants/${id}/resume`)).toMatchObject({ status: 200, body: { status: 'active' } });
    expect((await client.get(ada.body.id)).status).toBe(200);
    expect((await client.find('userName eq "grace@example.com"')).body.totalResults).toBe(0);
  });

  it('holds after Redis has forgotten everything', async () => {
    const { id, client } = await tenant();
    await admin(`POST /tenants/${id}/suspend`);
    const keys = await cluster.redis.keys(`${cluster.prefix}:*`);
    await cluster.redis.del(...keys);
    expect((await client.list()).status).toBe(403);
  });
});

describe('DELETE /tenants/{tenant}', () => {
  it('takes two steps: SCIM answers 403 from the first on, and resume takes it back', async () => {
    const { id, client } = await tenant();
    const ada = await client.create(userBody('ada'));
    const first = await admin(`DELETE /tenants/${id}`);
    expect(first).toMatchObject({ status: 202, body: { status: 'deleting', confirm: expect.any(String), deletion: { confirmed: false } } });
    const { askedAt, after } = first.body.deletion;
    expect(Date.parse(after) - Date.parse(askedAt)).toBe(7 * 86_400_000);
    expect(await client.list()).toMatchObject({ status: 403, body: { detail: expect.stringContaining('being deleted') } });
    expect((await admin(`POST /tenants/${id}/tokens`, { name: 'x' })).status).toBe(409);
    expect((await admin(`PATCH /tenants/${id}`, { name: 'x' })).status).toBe(409);
    expect((await admin(`POST /tenants/${id}/purge`, { confirm: 'guessed' })).status).toBe(409);
    const second = await admin(`POST /tenants/${id}/purge`, { confirm: first.body.confirm });
    expect(second).toMatchObject({ status: 202, body: { deletion: { confirmed: true } } });
    expect(second.body.confirm).toBeUndefined();
    expect((await admin(`DELETE /tenants/${id}`)).status).toBe(409);
    // The grace period is a week: it can be taken back, and nothing is lost.
    expect((await admin(`POST /tenants/${id}/resume`)).body).toMatchObject({ status: 'active' });
    expect((await client.get(ada.body.id)).status).toBe(200);
  });

  // `resume` let in whom an operator had suspended before.
  it('is taken back by resume, which leaves a tenant suspended that was so before; a second resume lets it in', async () => {
    const { id, client } = await tenant();
    await admin(`POST /tenants/${id}/suspend`);
    await admin(`DELETE /tenants/${id}`);
    await admin(`DELETE /tenants/${id}`);
    expect((await admin(`POST /tenants/${id}/resume`)).body).toMatchObject({ status: 'suspended' });
    expect(await client.list()).toMatchObject({ status: 403, body: { detail: expect.stringContaining('suspended') } });
    const { body } = await admin(`GET /tenants/${id}`);
    expect(body).not.toHaveProperty('deletion');
    expect((await admin(`POST /tenants/${id}/resume`)).body).toMatchObject({ status: 'active' });
    expect((await client.list()).status).toBe(200);
  });

  it('removes nothing that is not confirmed, though the grace period is over', async () => {
    const { id, client } = await tenant();
    const ada = await client.create(userBody('ada'));
    await admin(`DELETE /tenants/${id}?graceHours=0`);
    await cluster.quiet();
    expect(await cluster.db.collection('accounts').countDocuments({ tenant: id })).toBe(1);
    expect((await admin(`POST /tenants/${id}/resume`)).status).toBe(200);
    expect((await client.get(ada.body.id)).status).toBe(200);
  });
});

describe('a tenant whose deletion is confirmed', () => {
  it('is removed when its grace period is over: people, tokens, keys; its trail stays, and its id is nobody’s again', async () => {
    const { id, client } = await tenant();
    await client.create(userBody('ada'));
    await cluster.quiet();
    // What an import left behind whose worker died while its lines came in.
    await cluster.db.collection('jobLines').insertOne({ tenant: id, job: 'unfinished', first: 1, rows: [] });
    const { body } = await admin(`DELETE /tenants/${id}?graceHours=0`);
    await admin(`POST /tenants/${id}/purge`, { confirm: body.confirm });
    await until(
      'the tenant to be gone',
      () => admin(`GET /tenants/${id}`),
      ({ status }) => status === 404,
      20_000,
    );
    for (const name of ['accounts', 'groups', 'history', 'tokens', 'memberships', 'jobs', 'jobLines'])
      expect([name, await cluster.db.collection(name).countDocuments({ tenant: id })]).toEqual([name, 0]);
    expect(await cluster.redis.keys(`${cluster.prefix}:*:${id}:*`)).toEqual([]);
    expect((await client.list()).status).toBe(401);
    expect((await admin('POST /tenants', { id })).status).toBe(409);
    expect((await admin('GET /tenants?limit=500')).body.items.map((item: { id: string }) => item.id)).not.toContain(id);
    const trail = await admin(`GET /tenants/${id}/audit`);
    expect(trail.body.items.map(({ action }: { action: string }) => action)).toEqual(
      expect.arrayContaining(['tenant.create', 'tenant.purge', 'tenant.removed']),
    );
    for (const never of ['never-was', 'N%20one']) expect((await admin(`GET /tenants/${never}/audit`)).status).toBe(404);
  });
});

describe('the audit trail', () => {
  it('has who, when, what, before and after of each change, the newest first, and of nothing that changed nothing', async () => {
    const { id } = await tenant();
    await admin(`PATCH /tenants/${id}`, { name: 'new' }, { 'X-Request-Id': 'req-rename' });
    await admin(`PATCH /tenants/${id}`, { name: 'new' });
    await admin(`POST /tenants/${id}/suspend`);
    await admin(`POST /tenants/${id}/suspend`);
    const { body } = await admin(`GET /tenants/${id}/audit`);
    expect(body.items.map(({ action }: { action: string }) => action)).toEqual([
      'tenant.suspend',
      'tenant.change',
      'token.generate',
      'tenant.create',
    ]);
    expect(body.items[1]).toEqual({
      id: expect.any(String),
      at: expect.stringMatching(/Z$/),
      who: { id: 'operator', name: 'ROLLCALL_OPERATOR_TOKEN' },
      action: 'tenant.change',
      target: { kind: 'tenant', id },
      before: expect.not.objectContaining({ name: 'new' }),
      after: expect.objectContaining({ name: 'new', status: 'active' }),
      requestId: 'req-rename',
    });
  });

  it('has what was and what is of settings, profiles, mappings and the directory’s records, and nothing of the others', async () => {
    const { id } = await tenant();
    await admin(`PATCH /tenants/${id}`, { settings: { recycledIdentity: 'refuse' } });
    await admin(`PUT /tenants/${id}/profiles/staff`, { workloads: ['endpoint'] });
    await admin(`PUT /tenants/${id}/profiles/staff`, { workloads: ['saasApps'] });
    await admin(`PUT /tenants/${id}/mappings`, { rules: [], default: { profile: 'staff' } });
    await admin(`PUT /tenants/${id}/source`, { source: 'directory' });
    await admin(`PUT /tenants/${id}/directory/accounts/main`, { kind: 'ad' });
    await admin(`DELETE /tenants/${id}/directory/accounts/main`);
    const { body } = await admin(`GET /tenants/${id}/audit?limit=7`);
    const staff = (workloads: string[]) => ({ profiles: { staff: { workloads } } });
    const main = { directory: { accounts: { main: { kind: 'ad' } }, mappings: {} } };
    const none = { directory: { accounts: {}, mappings: {} } };
    expect(
      body.items.map(({ action, before, after }: Record<'action' | 'before' | 'after', Record<string, unknown>>) => [
        action,
        before.settings,
        after.settings,
      ]),
    ).toEqual([
      ['directory.accounts.delete', main, none],
      ['directory.accounts.put', {}, main],
      ['source.put', {}, {}],
      ['mappings.put', {}, { mappings: { rules: [], default: { profile: 'staff' } } }],
      ['profile.put', staff(['endpoint']), staff(['saasApps'])],
      ['profile.put', {}, staff(['endpoint'])],
      ['tenant.change', { recycledIdentity: 'reactivate' }, { recycledIdentity: 'refuse' }],
    ]);
    expect(body.items[2]).toMatchObject({ before: { source: 'scim' }, after: { source: 'directory' } });
  });

  it('lays operators’ changes and writes to accounts together, pages without gap or repetition, and narrows to one account', async () => {
    const { id, client } = await tenant();
    const ada = await client.create(userBody('ada'));
    await client.create(userBody('grace'));
    await client.patch(ada.body.id, {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
      Operations: [{ op: 'replace', path: 'displayName', value: 'Ada L' }],
    });
    await cluster.quiet();
    await admin(`POST /tenants/${id}/suspend`);
    const all: { action: string; at: string; id: string }[] = [];
    let next: string | undefined;
    do {
      const { body } = await admin(`GET /tenants/${id}/audit?limit=2${next ? `&cursor=${next}` : ''}`);
      all.push(...body.items);
      next = body.next;
    } while (next);
    expect(all.map(({ action }) => action)).toEqual(
      ['tenant.suspend', 'account.replace', 'account.create', 'account.create', 'token.generate', 'tenant.create'].map((action) =>
        action === 'account.replace' ? expect.stringMatching(/^account\./) : action,
      ),
    );
    expect(new Set(all.map((line) => line.id)).size).toBe(all.length);
    expect(all.map(({ at }) => at)).toEqual(
      all
        .map(({ at }) => at)
        .sort()
        .reverse(),
    );
    const { body } = await admin(`GET /tenants/${id}/audit?account=${ada.body.id}`);
    expect(body.items).toHaveLength(2);
    expect(body.items[0]).toMatchObject({ target: { kind: 'account', id: ada.body.id }, changes: { displayName: { after: 'Ada L' } } });
  });

  it('of one tenant never shows another’s, whatever the cursor', async () => {
    const [one, other] = [await tenant(), await tenant()];
    await admin(`PATCH /tenants/${one.id}`, { name: 'x' });
    const { body } = await admin(`GET /tenants/${one.id}/audit?limit=1`);
    const answer = await admin(`GET /tenants/${other.id}/audit?cursor=${body.next}`);
    expect(answer.body.items.every(({ target }: { target: { id: string } }) => target.id !== one.id)).toBe(true);
    expect((await admin(`GET /tenants/${other.id}/audit?cursor=none`)).status).toBe(400);
  });
});

describe('Idempotency-Key', () => {
  it('lets a repeated POST do nothing again, and answers it as the first time', async () => {
    const key = { 'Idempotency-Key': 'k-1' };
    const first = await admin('POST /tenants', { id: 'once' }, key);
    const again = await admin('POST /tenants', { id: 'once' }, key);
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe('/admin/v1/tenants/once');
  });

  it('refuses the key for another request: 422', async () => {
    await admin('POST /tenants', { id: 'twice' }, { 'Idempotency-Key': 'k-2' });
    expect((await admin('POST /tenants', { id: 'thrice' }, { 'Idempotency-Key': 'k-2' })).status).toBe(422);
  });

  it('keeps no refusal: what was mended may be tried again under its key', async () => {
    const key = { 'Idempotency-Key': 'k-3' };
    expect((await admin('POST /tenants/late/suspend', undefined, key)).status).toBe(404);
    await admin('POST /tenants', { id: 'late' });
    expect((await admin('POST /tenants/late/suspend', undefined, key)).status).toBe(200);
  });

  it('does one of many that come at once; the others are told to wait, or the same', async () => {
    const key = { 'Idempotency-Key': 'k-4' };
    const answers = await Promise.all(Array.from({ length: 6 }, () => admin('POST /tenants/seeded/tokens', { name: 'many' }, key)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(5);
  });

  it('never keeps a secret: a repeated generate answers 409 that says so', async () => {
    const key = { 'Idempotency-Key': 'k-5' };
    const first = await admin('POST /tenants/seeded/tokens', { name: 'kept' }, key);
    expect(await admin('POST /tenants/seeded/tokens', { name: 'kept' }, key)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('secret') },
    });
    const stored = await cluster.db.collection('idempotency').find().toArray();
    expect(JSON.stringify(stored)).not.toContain(first.body.token);
  });
});

describe('nothing that was changed', () => {
  it('is only in MongoDB for long: what Redis did not get is carried to it', async () => {
    const { id, client } = await tenant();
    const change = { $set: { status: 'suspended', carry: true }, $inc: { revision: 1 } };
    await cluster.db.collection('tenants').updateOne({ _id: id as never }, change as never);
    await until(
      'the suspension to hold',
      () => client.list(),
      ({ status }) => status === 403,
    );
  });
});
