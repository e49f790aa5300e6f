import { BULK_REQUEST_URN } from '@rollcall/scim';
import { type Admin, adminOf } from '../support/admin.js';
import { checkAll, type Told, versionOf } from '../support/check.js';
import type { Answer, Client } from '../support/client.js';
import { type Cluster, type Service, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

/** What a process logged under a request id, beside its line for the request itself. */
async function said(service: Service, requestId: string): Promise<Record<string, unknown>[]> {
  const lines = (await service.log()).split('\n').filter((line) => line.includes(`"${requestId}"`));
  return lines.map((line) => JSON.parse(line)).filter(({ message }) => message !== 'request');
}

const under = (requestId: string) => ({ headers: { 'X-Request-Id': requestId } });

describe('an account made by hand', () => {
  let cluster: Cluster;
  let admin: Admin;
  let okta: Client;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme'], ingests: 2 });
    admin = adminOf(cluster);
    okta = cluster.client('acme');
    for (const profile of ['office', 'basic']) await admin(`PUT /tenants/acme/profiles/${profile}`, { workloads: ['endpoint'] });
    await admin('PUT /tenants/acme/mappings', { default: { profile: 'basic', storage: { region: 'eu-1' } } });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const byHand = async (name: string): Promise<string> => {
    const provided = { profile: 'office', storage: { region: 'us-1', quotaBytes: 7 } };
    const made = await admin('POST /tenants/acme/accounts', {
      userName: `${name}@example.com`,
      emails: [`${name}@example.com`],
      ...provided,
    });
    expect(made).toMatchObject({ status: 201, body: { managedBy: 'manual', origin: 'manual', ...provided } });
    return made.body.id;
  };

  it.each<[string, string, (id: string, name: string, requestId: string) => Promise<Answer>]>([
    ['POST', 'adopt', (_, name, requestId) => okta.create(userBody(name), under(requestId))],
    ['PUT', 'replace', (id, name, requestId) => okta.replace(id, userBody(name), under(requestId))],
    [
      'PATCH',
      'patch',
      (id, _, requestId) => okta.patch(id, patchBody({ op: 'add', path: 'title', value: 'Rear Admiral' }), under(requestId)),
    ],
    [
      'PATCH that takes access away',
      'patch',
      (id, _, requestId) => okta.patch(id, patchBody({ op: 'replace', value: { active: 'False' } }), under(requestId)),
    ],
  ])('is adopted by a first %s: it keeps id, profile and storage, and the log and the history say so', async (what, operation, write) => {
    for (const settled of [false, true]) {
      const name = `first-${what.length}-${settled}`;
      const requestId = `req-${name}`;
      const id = await byHand(name);
      if (settled) await cluster.quiet();
      // Identity providers look a person up before they write.
      expect((await okta.find(`userName eq "${name.toUpperCase()}@example.com"`)).body.Resources).toMatchObject([{ id }]);
      const answer = await write(id, name, requestId);
      expect([answer.status, answer.body.id]).toEqual([what === 'POST' ? 201 : 200, id]);
      const account = (await admin(`GET /tenants/acme/accounts/${id}`)).body;
      expect(account).toMatchObject({
        ...{ id, origin: 'manual', managedBy: 'scim', profile: 'office', profileBy: 'administrator' },
        storage: { region: 'us-1', quotaBytes: 7 },
      });

      const version = versionOf(answer.headers.etag);
      const lines = await said(cluster.ingests[0]!, requestId);
      expect(lines).toEqual([
        expect.objectContaining({ message: 'account adopted', level: 'info', tenant: 'acme', id, version, requestId }),
      ]);
      expect(JSON.stringify(lines)).not.toMatch(/example\.com|Rear|00ufirst/);
      const line = await until('the history', () => cluster.db.collection('history').findOne({ id, version }));
      expect(line?.line).toMatchObject({
        operation,
        request: requestId,
        changes: { 'account.managedBy': { before: 'manual', after: 'scim' } },
      });
      // It is adopted once.
      const again = await okta.patch(id, patchBody({ op: 'add', path: 'nickName', value: 'Amazing' }), under(`${requestId}-again`));
      expect([again.status, await said(cluster.ingests[0]!, `${requestId}-again`)]).toEqual([200, []]);
    }
  });

  it('is adopted by one of 50 POSTs for the person at once, under any of their names and at any ingest: nobody gets a second account', async () => {
    const id = await byHand('raced');
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => {
        const body = userBody('raced', { externalId: '00uraced', emails: [{ value: 'RACED@example.com', primary: true }] });
        return cluster
          .client('acme', n % 2)
          .create(n % 5 === 0 ? body : { ...body, userName: n % 2 ? 'Raced@Example.com' : 'raced@example.com' });
      }),
    );
    const took = answers.filter(({ status }) => status === 201);
    expect(took.map(({ body }) => body.id)).toEqual([id]);
    const others = answers.filter(({ status }) => status !== 201);
    expect(new Set(others.map(({ status, body }) => `${status} ${body.scimType}`))).toEqual(new Set(['409 uniqueness']));
    const { items } = (await admin(`GET /tenants/acme/accounts?filter=${encodeURIComponent('emails.value eq "raced@example.com"')}`)).body;
    expect(items).toMatchObject([{ id, managedBy: 'scim', profile: 'office' }]);
    await cluster.quiet();
    await checkAll(cluster, 'acme', [{ id, version: versionOf(took[0]!.headers.etag) }]);
    expect(await cluster.db.collection('accounts').countDocuments({ identityKey: 'raced@example.com' })).toBe(1);
  });
});

describe('what an administrator must decide', () => {
  let cluster: Cluster;
  let admin: Admin;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme', 'careful'] });
    admin = adminOf(cluster);
    await admin('PATCH /tenants/careful', { settings: { recycledIdentity: 'refuse', externalId: 'stable' } });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const undecided = async (tenant: string, count: number) =>
    until(
      `${count} to be undecided`,
      async () => (await admin(`GET /tenants/${tenant}/status`)).body.undecided,
      (items) => items.length === count,
    );

  it('two accounts that could be the person are named to the administrator, not to the client; who is adopted then is whom the administrator said', async () => {
    const okta = cluster.client('acme');
    const shared = { emails: [{ value: 'shared@example.com', primary: true }] };
    const ids: string[] = [];
    for (const name of ['first', 'second']) ids.push((await okta.create(userBody(name, { ...shared, title: name }))).body.id);
    for (const id of ids) await okta.delete(id);
    expect(await undecided('acme', 0)).toEqual([]);

    const come = { ...userBody('third', shared), emails: [{ value: 'SHARED@example.com', primary: true }] };
    const refused = await okta.create(come, under('req-ambiguous'));
    expect([refused.status, refused.body.scimType]).toEqual([409, 'uniqueness']);
    expect(refused.body.detail).toMatch(/administrator/);
    for (const id of ids) expect(refused.text).not.toContain(id);

    const [line, ...more] = await said(cluster.ingests[0]!, 'req-ambiguous');
    expect([line, more]).toEqual([
      expect.objectContaining({
        level: 'warn',
        tenant: 'acme',
        requestId: 'req-ambiguous',
        reason: 'ambiguous',
        accounts: expect.arrayContaining(ids),
      }),
      [],
    ]);
    expect(JSON.stringify(line)).not.toContain('example.com');
    const entry = { reason: 'ambiguous', userName: 'third@example.com', externalId: '00uthird', accounts: expect.arrayContaining(ids) };
    expect(await undecided('acme', 1)).toEqual([{ at: expect.any(String), requestId: 'req-ambiguous', ...entry }]);

    // The identity provider tries again and again, also in bulk: it is one person.
    const operation = { method: 'POST', path: '/Users', bulkId: 'b', data: come };
    const bulk = await okta.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations: [operation] }, under('req-bulk'));
    expect(bulk.body.Operations).toMatchObject([{ status: '409', response: { scimType: 'uniqueness' } }]);
    for (const id of ids) expect(bulk.text).not.toContain(id);
    expect(await said(cluster.ingests[0]!, 'req-bulk')).toMatchObject([{ reason: 'ambiguous' }]);
    await until(
      'the newest attempt',
      () => undecided('acme', 1),
      ([{ requestId }]) => requestId === 'req-bulk',
    );

    const [chosen, other] = [ids[1]!, ids[0]!];
    expect((await admin(`POST /tenants/acme/accounts/${chosen}/adopt`, { userName: 'THIRD@example.com' })).status).toBe(200);
    await undecided('acme', 0);
    const posted = await okta.create(come, under('req-decided'));
    expect([posted.status, posted.body.id]).toEqual([201, chosen]);
    expect((await admin(`GET /tenants/acme/accounts/${chosen}`)).body).toMatchObject({ status: 'active', deleted: false });
    expect((await admin(`GET /tenants/acme/accounts/${other}`)).body).toMatchObject({ status: 'preserved', deleted: true });
    // Decided is decided: once that account is deleted, too, there is nothing to say before the person comes again.
    await okta.delete(chosen);
    await until('it to be forgotten', async () => (await cluster.db.collection('undecided').countDocuments({ tenant: 'acme' })) === 0);
    expect(await undecided('acme', 0)).toEqual([]);
  });

  it('a recycled address: whose it was is named to the administrator, and it is decided by who comes', async () => {
    const okta = cluster.client('careful');
    const { id } = (await okta.create(userBody('joan'))).body;
    await okta.delete(id);
    const again = userBody('joan', { externalId: 'another' });
    expect((await okta.create(again, under('req-recycled'))).status).toBe(409);
    const entry = { reason: 'recycled', userName: 'joan@example.com', externalId: 'another', accounts: [id], requestId: 'req-recycled' };
    expect(await undecided('careful', 1)).toEqual([{ at: expect.any(String), ...entry }]);
    expect(await said(cluster.ingests[0]!, 'req-recycled')).toMatchObject([{ tenant: 'careful', reason: 'recycled', accounts: [id] }]);
    expect((await admin(`POST /tenants/careful/accounts/${id}/adopt`, { externalId: 'another' })).status).toBe(200);
    await undecided('careful', 0);
    expect((await okta.create(again, under('req-came'))).body.id).toBe(id);
    // By default such a person comes back by themselves, and the log says so.
    expect(await said(cluster.ingests[0]!, 'req-came')).toMatchObject([{ id, message: expect.stringContaining('another externalId') }]);
  });

  it('nothing of who is purged stays among what is undecided', async () => {
    const okta = cluster.client('careful');
    const { id } = (await okta.create(userBody('purged'))).body;
    await okta.delete(id);
    await okta.create(userBody('purged', { externalId: 'of another' }));
    await undecided('careful', 1);
    const { confirm } = (await admin(`DELETE /tenants/careful/accounts/${id}`)).body;
    expect((await admin(`POST /tenants/careful/accounts/${id}/purge`, { confirm })).status).toBe(204);
    expect(await undecided('careful', 0)).toEqual([]);
    expect(await cluster.db.collection('undecided').countDocuments({ accounts: id })).toBe(0);
  });

  it('what an administrator has decided otherwise is in the log, with the account: reactivated by nobody else', async () => {
    const okta = cluster.client('acme');
    const { id } = (await okta.create(userBody('kept'))).body;
    await admin(`POST /tenants/acme/accounts/${id}/preserve`, {});
    expect((await okta.patch(id, patchBody({ op: 'replace', path: 'active', value: true }), under('req-kept'))).status).toBe(403);
    expect(await said(cluster.ingests[0]!, 'req-kept')).toMatchObject([{ tenant: 'acme', reason: 'preserved', accounts: [id] }]);
    expect(await undecided('acme', 0)).toEqual([]);
  });

  it('whose name was taken meanwhile, who has it is told to the administrator alone', async () => {
    const okta = cluster.client('acme');
    const { id } = (await okta.create(userBody('name', { emails: [{ value: 'one@example.com' }] }))).body;
    await okta.delete(id);
    await admin(`POST /tenants/acme/accounts/${id}/preserve`, {});
    // Nobody of that name gets in, unless an administrator says that it is somebody else.
    expect((await okta.create(userBody('name', { emails: [{ value: 'two@example.com' }] }))).status).toBe(403);
    expect((await admin(`POST /tenants/acme/accounts/${id}/separate`, { userName: 'NAME@example.com' })).status).toBe(200);
    const holder = (await okta.create(userBody('name', { emails: [{ value: 'two@example.com' }] }))).body.id;
    const reactivated = await admin(`POST /tenants/acme/accounts/${id}/reactivate`);
    expect([reactivated.status, reactivated.body.detail]).toEqual([409, expect.stringContaining(holder)]);
    const renamed = (await okta.create(userBody('renamed'))).body.id;
    const refused = await okta.replace(renamed, userBody('name', { emails: [{ value: 'three@example.com' }] }), under('req-taken'));
    expect([refused.status, refused.text.includes(holder)]).toEqual([409, false]);
    expect(await said(cluster.ingests[0]!, 'req-taken')).toMatchObject([{ reason: 'taken', accounts: [holder] }]);
  });
});

// Goal: who was made by hand is adopted by the address also while MongoDB is away, by each first write, once, and nobody gets a second account.
it('MongoDB away: people are adopted by email, by POST, PUT and PATCH', async () => {
  await using cluster = await startCluster({ ownServers: true, tenants: ['acme'] });
  const admin = adminOf(cluster);
  const okta = cluster.client('acme');
  // They bear what an administrator gave: otherwise he would be asked.
  await admin('PATCH /tenants/acme', { settings: { adoption: 'adopt' } });
  const made = new Map<string, string>();
  for (const name of ['posted', 'put', 'patched', 'raced', 'later']) {
    const account = await admin('POST /tenants/acme/accounts', {
      userName: name,
      emails: [`${name}@example.com`],
      storage: { region: 'eu-1' },
    });
    made.set(name, account.body.id);
  }
  await cluster.quiet();
  const told: Told[] = [];
  const took = (answer: Answer, status: number, name: string) => {
    expect([answer.status, answer.body.id]).toEqual([status, made.get(name)]);
    told.push({ id: answer.body.id, version: versionOf(answer.headers.etag) });
  };
  // Another name, the same address, in other letters.
  const person = (name: string) => ({
    ...userBody(`${name}.other`),
    emails: [{ value: `${name.toUpperCase()}@example.com`, primary: true }],
  });

  await cluster.mongoServer!.stop();
  took(await okta.create(person('posted')), 201, 'posted');
  took(await okta.replace(made.get('put')!, person('put')), 200, 'put');
  took(await okta.patch(made.get('patched')!, patchBody({ op: 'add', path: 'title', value: 'Lady' })), 200, 'patched');
  const raced = await Promise.all(Array.from({ length: 20 }, () => okta.create(person('raced'))));
  expect(raced.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  took(raced.find(({ status }) => status === 201)!, 201, 'raced');
  expect((await okta.create(person('posted'))).status).toBe(409);

  await cluster.mongoServer!.start();
  await cluster.quiet(60_000);
  took(await okta.create(person('later')), 201, 'later');
  await cluster.quiet();
  await checkAll(cluster, 'acme', told);
  const accounts = await cluster.db.collection('accounts').find({ tenant: 'acme' }).toArray();
  expect(accounts.map(({ _id, account }) => [String(_id), account.managedBy, account.origin, account.storage]).sort()).toEqual(
    [...made.values()].map((id) => [id, 'scim', 'manual', { region: 'eu-1' }]).sort(),
  );
});
