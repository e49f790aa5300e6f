import { BULK_REQUEST_URN, ROLLCALL_USER_URN, USER_URN } from '@rollcall/scim';
import { type Admin, adminOf } from '../support/admin.js';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

const NAME = 'userPrincipalName';
const FULL = `${ROLLCALL_USER_URN}:${NAME}`;
const DECLARED = 'urn:example:person';
const goBy = async (admin: Admin, tenant: string, identityAttribute: string) =>
  expect((await admin(`PATCH /tenants/${tenant}`, { settings: { identityAttribute } })).status).toBe(200);
const idsOf = ({ body }: { body: { Resources?: { id: string }[] } }) => body.Resources?.map(({ id }) => id);

describe('a tenant whose people are known by userPrincipalName', () => {
  let cluster: Cluster;
  let admin: Admin;
  let upn: Client;
  let email: Client;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['upn', 'email', 'switched', 'raced'] });
    admin = adminOf(cluster);
    await goBy(admin, 'upn', NAME);
    const declared = { User: [{ id: DECLARED, name: 'Person', attributes: [{ name: 'UserPrincipalName' }] }] };
    expect((await admin('PUT /tenants/upn/extensions', declared)).status).toBe(200);
    [upn, email] = [cluster.client('upn'), cluster.client('email')];
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it('is told of it in /Schemas, as an extension of ours, and no other tenant is', async () => {
    const { body } = await upn.request('GET', `/Schemas/${ROLLCALL_USER_URN}`);
    expect(body.attributes).toMatchObject([{ name: NAME, type: 'string', caseExact: false, mutability: 'readWrite', returned: 'default' }]);
    const [user] = (await upn.request('GET', '/ResourceTypes')).body.Resources;
    expect(user.schemaExtensions).toContainEqual({ schema: ROLLCALL_USER_URN, required: false });
    const core = (await upn.request('GET', `/Schemas/${USER_URN}`)).body.attributes.map(({ name }: { name: string }) => name);
    expect(core).not.toContain(NAME);
    expect((await upn.request('GET', '/openapi.json')).body.components.schemas.UserInput.properties).toHaveProperty([NAME]);
    expect((await email.request('GET', `/Schemas/${ROLLCALL_USER_URN}`)).status).toBe(404);
    expect((await email.create(userBody('u', { [NAME]: 'u@corp' }))).body).not.toHaveProperty([NAME]);
    expect((await email.find(`${NAME} eq "u@corp"`)).status).toBe(400);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['at the top level', { [NAME]: 'Where@corp' }, NAME],
    ['in the extension of ours', { [ROLLCALL_USER_URN]: { [NAME]: 'Where@corp' } }, FULL],
    ['in an extension of the tenant’s own', { [DECLARED]: { UserPrincipalName: 'Where@corp' } }, `${DECLARED}:${NAME}`],
  ])('has it stored, shown and found where it came: %s', async (where, more, path) => {
    const user = userBody(`where-${where.length}`, more);
    const { status, body } = await upn.create(user);
    expect([status, body]).toEqual([201, expect.objectContaining(more)]);
    expect((await upn.get(body.id)).body).toMatchObject(more);
    for (const settled of [false, true]) {
      if (settled) await cluster.quiet();
      expect(idsOf(await upn.find(`${path} eq "where@CORP"`))).toEqual([body.id]);
      // Who asks need not know where it came.
      for (const any of [NAME, FULL]) {
        expect(idsOf(await upn.find(`${any} eq "where@CORP"`))).toEqual([body.id]);
        expect(idsOf(await upn.find(`${any} co "here@" and ${any} pr`))).toEqual([body.id]);
        expect(idsOf(await upn.find(`${any} ne "where@corp" and userName eq "where-${where.length}@example.com"`))).toEqual([]);
      }
      expect(idsOf(await upn.find(`${path} sw "where@"`))).toEqual([body.id]);
      expect(idsOf(await upn.find(`${path} eq "where@corp" and active eq true`))).toEqual([body.id]);
      expect(idsOf(await upn.find(`${path} eq "nowhere@corp"`))).toEqual([]);
    }
    // It is one, wherever it stands: the next one to come with it is this person.
    await upn.delete(body.id);
    const back = await upn.create(userBody('back', { [NAME]: 'where@corp' }));
    expect([back.status, back.body.id]).toEqual([201, body.id]);
    await upn.patch(body.id, patchBody({ op: 'replace', path: NAME, value: `gone-${where.length}@corp` }));
    await upn.replace(body.id, userBody(`gone-${where.length}`, { [NAME]: `gone-${where.length}@corp` }));
  });

  it('takes it by each form of PATCH that Entra has', async () => {
    const { id } = (await upn.create(userBody('patched', { [NAME]: '0@corp' }))).body;
    const operations = [
      { op: 'Replace', path: NAME, value: '1@corp' },
      { op: 'Add', path: NAME, value: [{ value: '2@corp' }] },
      { op: 'replace', value: { [NAME]: '3@corp' } },
      { op: 'Replace', path: FULL, value: '4@corp' },
      { op: 'Add', value: { [FULL]: '5@corp' } },
      { op: 'Add', value: { [ROLLCALL_USER_URN]: { [NAME]: '6@corp' } } },
    ];
    for (const [at, operation] of operations.entries()) {
      const { body } = await upn.patch(id, patchBody(operation));
      expect(body[NAME]).toBe(`${at + 1}@corp`); // whichever place was named: a person has one
      expect(idsOf(await upn.find(`${NAME} eq "${at + 1}@corp"`))).toEqual([id]);
      expect(idsOf(await upn.find(`${NAME} eq "${at}@corp"`))).toEqual([]);
    }
    expect((await upn.patch(id, patchBody({ op: 'Remove', path: NAME }))).body).not.toHaveProperty([NAME]);
    const twice = await upn.create(userBody('twice', { [NAME]: 'a@corp', [ROLLCALL_USER_URN]: { [NAME]: 'b@corp' } }));
    expect([twice.status, twice.body.scimType]).toEqual([400, 'invalidValue']);
  });

  it('has a person who was made by hand adopted by it, and by nothing else; another tenant goes by the address', async () => {
    const shared = { emails: ['shared@example.com'] };
    const made = await admin('POST /tenants/upn/accounts', { userName: 'grace', [NAME]: 'grace@corp', ...shared });
    expect(made).toMatchObject({ status: 201, body: { managedBy: 'manual', user: { [NAME]: 'grace@corp' } } });
    const byEmail = await admin('POST /tenants/email/accounts', { userName: 'grace', ...shared });
    const body = (name: string, more: object) => userBody(name, { emails: [{ value: 'shared@example.com', primary: true }], ...more });

    expect((await upn.create(body('other', { [NAME]: 'other@corp' }))).body.id).not.toBe(made.body.id);
    const posted = await upn.create(body('g.hopper', { [NAME]: 'GRACE@corp' }));
    expect([posted.status, posted.body.id]).toEqual([201, made.body.id]);
    expect((await admin(`GET /tenants/upn/accounts/${made.body.id}`)).body.managedBy).toBe('scim');
    expect((await email.create(body('g.hopper', { [NAME]: 'x@corp' }))).body.id).toBe(byEmail.body.id);
    expect((await admin('POST /tenants/upn/accounts', { userName: 'another', [NAME]: 'grace@corp' })).status).toBe(409);
    expect((await admin('POST /tenants/email/accounts', { userName: 'another', [NAME]: 'x@corp' })).status).toBe(400);
  });

  it('makes one account of a person who comes under 20 names at once', async () => {
    const made = await admin('POST /tenants/upn/accounts', { userName: 'once@corp' });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => upn.create(userBody(`once${n}`, { [NAME]: 'once@corp' }))));
    expect(answers.filter(({ body }) => body.id === made.body.id).map(({ status }) => status)).toEqual([201]);
  });

  it('has a bulk request end as if done one by one', async () => {
    const { id } = (await upn.create(userBody('bulk', { [NAME]: 'bulk@corp' }))).body;
    await upn.delete(id);
    const posts = [{ [NAME]: 'bulk@corp' }, { [ROLLCALL_USER_URN]: { [NAME]: 'BULK@corp' } }, { [FULL]: 'bulk@corp' }].map((more, n) => ({
      ...{ method: 'POST', path: '/Users', bulkId: `b${n}` },
      data: userBody(`bulk${n}`, more),
    }));
    const { body } = await upn.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations: posts });
    const locations = body.Operations.map(({ location }: { location: string }) => location.split('/').at(-1));
    expect([locations[0], new Set(locations).size]).toEqual([id, 3]);
  });

  it('may have been one that goes by email: who was there is known by the userName until more is told', async () => {
    const switched = cluster.client('switched');
    const [ada, bob, cyd] = await Promise.all(['ada', 'bob', 'cyd'].map(async (name) => (await switched.create(userBody(name))).body.id));
    await switched.delete(ada);
    await cluster.quiet();
    await switched.delete(bob);
    await goBy(admin, 'switched', NAME);
    const elsewhere = { emails: [{ value: 'elsewhere@example.com', primary: true }] };
    for (const [name, id] of [
      ['ada', ada],
      ['bob', bob],
    ]) {
      const back = await switched.create(userBody(`new-${name}`, { ...elsewhere, [NAME]: `${name}@example.com` }));
      expect([back.status, back.body.id]).toEqual([201, id]);
    }
    expect((await switched.patch(cyd, patchBody({ op: 'add', path: NAME, value: 'cyd@corp' }))).status).toBe(200);
    await switched.delete(cyd);
    // And back again: the address says who it is, and what was taken stays shown.
    await goBy(admin, 'switched', 'email');
    const back = await switched.create(
      userBody('new-cyd', { emails: [{ value: 'cyd@example.com', primary: true }], [NAME]: 'changed@corp' }),
    );
    expect([back.body.id, back.body[NAME]]).toEqual([cyd, 'changed@corp']);
    expect((await switched.get(ada)).body[NAME]).toBe('ada@example.com');
  });

  it('may become one, and be one no more, under writes: nobody gets a second account', async () => {
    const raced = cluster.client('raced');
    const people = Array.from({ length: 40 }, (_, n) => `p${n}@example.com`);
    const hands = new Map<string, string>();
    for (const userName of people)
      hands.set(userName, (await admin('POST /tenants/raced/accounts', { userName, emails: [userName] })).body.id);
    const switching = (async () => {
      for (const by of [NAME, 'email', NAME, 'email', NAME]) await goBy(admin, 'raced', by);
    })();
    // By either attribute it is the same person.
    const answers = await Promise.all(
      people.map((address, n) =>
        raced
          .create(userBody(`came${n}`, { [NAME]: address, emails: [{ value: address, primary: true }] }))
          .then((answer) => ({ address, answer })),
      ),
    );
    await switching;
    expect(answers.map(({ answer }) => [answer.status, answer.body.id])).toEqual(people.map((address) => [201, hands.get(address)]));
  });
});

// Goal: who is known by userPrincipalName is known also while MongoDB is away, and after Redis has forgotten everything.
it('MongoDB away: people are adopted, revived and found by userPrincipalName; Redis emptied: they are still known', async () => {
  await using cluster = await startCluster({ ownServers: true, tenants: ['acme'] });
  const admin = adminOf(cluster);
  await goBy(admin, 'acme', NAME);
  const client = cluster.client('acme');
  const gone = (await client.create(userBody('gone', { [NAME]: 'gone@corp' }))).body.id;
  const again = (await client.create(userBody('again', { [ROLLCALL_USER_URN]: { [NAME]: 'again@corp' } }))).body.id;
  const nameless = (await client.create(userBody('nameless'))).body.id;
  for (const id of [gone, again, nameless]) await client.delete(id);
  const made = (await admin('POST /tenants/acme/accounts', { userName: 'hand@corp' })).body.id;
  await cluster.quiet();

  await cluster.mongoServer!.stop();
  const come = (name: string, principal: string) => client.create(userBody(name, { [NAME]: principal }));
  expect(await come('back', 'GONE@corp')).toMatchObject({ status: 201, body: { id: gone } });
  expect(await come('hand', 'hand@corp')).toMatchObject({ status: 201, body: { id: made } });
  expect(idsOf(await client.find(`${NAME} eq "gone@corp"`, '&excludedAttributes=groups'))).toEqual([gone]);
  await cluster.mongoServer!.start();
  await cluster.quiet(60_000);

  await cluster.redis.flushall();
  // The worker is back: ingest looks for MongoDB on its own, each second. A 503 is a no.
  const second = await until(
    'ingest to reach MongoDB',
    () => come('second', 'again@corp'),
    ({ status }) => status !== 503,
  );
  expect(second).toMatchObject({ status: 201, body: { id: again } });
  expect(await come('named', 'nameless@example.com')).toMatchObject({ status: 201, body: { id: nameless } });
  expect(idsOf(await client.find(`${NAME} eq "gone@corp"`))).toEqual([gone]);
});
