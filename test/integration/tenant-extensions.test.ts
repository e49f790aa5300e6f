import { GROUP_URN, USER_URN } from '@rollcall/scim';
import { type Admin, adminOf } from '../support/admin.js';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

const BADGE = 'urn:ietf:params:scim:schemas:extension:badge:2.0:User';
const ROOM = 'urn:example:room';
const ofUsers = (...attributes: object[]) => [{ id: BADGE, name: 'Badge', description: 'The badge of a person', attributes }];
const NUMBER = { name: 'number', type: 'string', caseExact: true, description: 'Printed on it' };
const LEVEL = { name: 'level', type: 'integer', description: 'How far it opens' };
const DOORS = {
  name: 'doors',
  type: 'complex',
  multiValued: true,
  description: 'What it opens',
  subAttributes: [{ name: 'value' }, { name: 'type' }],
};
const DECLARED = {
  User: ofUsers(NUMBER, LEVEL, { name: 'pin', mutability: 'writeOnly', returned: 'never', description: 'Never shown' }, DOORS),
  Group: [{ id: ROOM, name: 'Room', attributes: [{ name: 'floor', type: 'integer', description: 'Where it sits' }] }],
};

let cluster: Cluster;
let admin: Admin;
let acme: Client;
let globex: Client;
const names = ({ body }: { body: { Resources?: { name: { givenName: string } }[] } }) => body.Resources?.map(({ name }) => name.givenName);
const declare = (tenant: string, extensions: object) => admin(`PUT /tenants/${tenant}/extensions`, extensions);

beforeAll(async () => {
  cluster = await startCluster({ ingests: 2, tenants: ['acme', 'globex', 'third', 'mapped', 'grown', 'raced'] });
  admin = adminOf(cluster);
  [acme, globex] = [cluster.client('acme'), cluster.client('globex', 1)];
  expect(await declare('acme', DECLARED)).toMatchObject({ status: 200, body: DECLARED });
}, 60_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

describe('extension attributes of a tenant (RFC 7643 §7)', () => {
  it('are announced to that tenant, at every replica at once, and to no other', async () => {
    expect((await admin('GET /tenants/acme/extensions')).body).toMatchObject(DECLARED);
    expect((await admin('GET /tenants/globex/extensions')).body).toEqual({ User: [], Group: [] });
    for (const [client, announced] of [
      [cluster.client('acme', 0), true],
      [cluster.client('acme', 1), true],
      [globex, false],
    ] as const) {
      expect((await client.request('GET', `/Schemas/${BADGE}`)).status).toBe(announced ? 200 : 404);
      const schemas = (await client.request('GET', '/Schemas')).body.Resources.map(({ id }: { id: string }) => id);
      expect([schemas.includes(BADGE), schemas.includes(ROOM)]).toEqual([announced, announced]);
      const [user, group] = (await client.request('GET', '/ResourceTypes')).body.Resources;
      const extensions = [...user.schemaExtensions, ...group.schemaExtensions].map(({ schema }: { schema: string }) => schema);
      expect([extensions.includes(BADGE), extensions.includes(ROOM)]).toEqual([announced, announced]);
      const { schemas: described } = (await client.request('GET', '/openapi.json')).body.components;
      expect(Object.hasOwn(described.User.properties, BADGE)).toBe(announced);
    }
    const { body } = await acme.request('GET', `/Schemas/${BADGE}`);
    expect(body.attributes.map(({ name }: { name: string }) => name)).toEqual(['number', 'level', 'pin', 'doors']);
  });

  it('are stored, shown, patched, replaced, sorted by and found, whether applied or not, in that tenant alone', async () => {
    await cluster.worker.stop(); // nothing is applied until it is started again
    const badge = { number: 'A7', level: 3, pin: '1234', doors: [{ value: 'Front', type: 'in' }] };
    const { pin: _, ...shown } = badge;
    const ada = await acme.create(userBody('ada', { schemas: [USER_URN, BADGE], [BADGE]: { ...badge, unknown: 1 } }));
    expect(ada).toMatchObject({ status: 201, body: { schemas: [USER_URN, BADGE], [BADGE]: shown } });
    expect(ada.body[BADGE]).not.toHaveProperty('pin');
    expect(ada.body[BADGE]).not.toHaveProperty('unknown');
    await acme.create(userBody('bob', { [`${BADGE}:number`]: 'a7', [`${BADGE}:level`]: 1 }));
    await acme.create(userBody('eve'));
    const wrong = await acme.create(userBody('wrong', { [BADGE]: { level: 'high' } }));
    expect([wrong.status, wrong.body.scimType, wrong.body.detail]).toEqual([400, 'invalidValue', expect.stringContaining('level')]);
    // To another tenant it is an extension like any that nobody knows.
    const stranger = await globex.create(userBody('ada', { [BADGE]: { level: 'high' } }));
    expect(stranger.status).toBe(201);
    expect(stranger.body).not.toHaveProperty([BADGE]);

    const filters: [string, string[]][] = [
      [`${BADGE}:level gt 1`, ['ada']],
      [`${BADGE}:number eq "A7"`, ['ada']],
      [`${BADGE}:doors[value eq "front" and type eq "in"]`, ['ada']],
      [`${BADGE}:number pr`, ['ada', 'bob']],
      [`not (${BADGE}:level pr)`, ['eve']],
      [`schemas eq "${BADGE}"`, ['ada', 'bob']],
    ];
    for (const settled of [false, true]) {
      if (settled) {
        await cluster.worker.start();
        await cluster.quiet();
      }
      for (const [filter, found] of filters) expect([filter, names(await acme.find(filter))]).toEqual([filter, found]);
      expect(names(await acme.list(`sortBy=${BADGE}:level`))).toEqual(['bob', 'ada', 'eve']);
      expect(await globex.find(`${BADGE}:level gt 1`)).toMatchObject({ status: 400, body: { scimType: 'invalidFilter' } });
      expect((await globex.request('POST', '/.search', { filter: `${BADGE}:level gt 1 or userName pr` })).body.totalResults).toBe(1);
      expect((await acme.request('GET', `/Users/${ada.body.id}?attributes=${BADGE}:number`)).body[BADGE]).toEqual({ number: 'A7' });
    }

    const patched = await acme.patch(
      ada.body.id,
      patchBody(
        { op: 'Replace', path: `${BADGE}:level`, value: 4 },
        { op: 'Add', path: `${BADGE}:doors`, value: [{ value: 'Back', type: 'out' }] },
        { op: 'Remove', path: `${BADGE}:doors[value eq "Front"]` },
      ),
    );
    expect(patched.body[BADGE]).toMatchObject({ level: 4, doors: [{ value: 'Back', type: 'out' }] });
    const refused = await globex.patch(stranger.body.id, patchBody({ op: 'replace', path: `${BADGE}:level`, value: 4 }));
    expect([refused.status, refused.body.scimType]).toEqual([400, 'invalidPath']);
    const ignored = await globex.patch(stranger.body.id, patchBody({ op: 'replace', value: { title: 'x', [BADGE]: { level: 4 } } }));
    expect([ignored.status, ignored.body.title, Object.hasOwn(ignored.body, BADGE)]).toEqual([200, 'x', false]);
    expect((await acme.replace(ada.body.id, userBody('ada', { [BADGE]: { level: 9 } }))).body[BADGE]).toEqual({ level: 9 });
    await cluster.quiet();
    expect(names(await acme.find(`${BADGE}:level eq 9`))).toEqual(['ada']);
  });

  it('are for groups and for bulk, too', async () => {
    const made = await acme.request('POST', '/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'POST', path: '/Groups', bulkId: 'g', data: { schemas: [GROUP_URN], displayName: 'Upstairs', [ROOM]: { floor: 2 } } },
        { method: 'PATCH', path: '/Groups/bulkId:g', data: [{ op: 'replace', path: `${ROOM}:floor`, value: 3 }] },
      ],
    });
    expect(made.body.Operations.map(({ status }: { status: string }) => status)).toEqual(['201', '200']);
    const found = () => acme.request('GET', `/Groups?filter=${encodeURIComponent(`${ROOM}:floor eq 3`)}`);
    expect((await found()).body.Resources[0]).toMatchObject({ displayName: 'Upstairs', [ROOM]: { floor: 3 } });
    await cluster.quiet();
    expect((await found()).body.totalResults).toBe(1);
  });

  it('may have one URN and mean other things in two tenants', async () => {
    expect((await declare('third', { User: ofUsers({ ...LEVEL, type: 'string' }) })).status).toBe(200);
    const third = cluster.client('third');
    expect((await third.create(userBody('c', { [BADGE]: { level: 'high' } }))).body[BADGE]).toEqual({ level: 'high' });
    await cluster.quiet();
    expect((await third.find(`${BADGE}:level sw "hi"`)).body.totalResults).toBe(1);
    expect((await acme.find(`${BADGE}:level sw "hi"`)).status).toBe(400);
  });
});

describe('a declaration', () => {
  it.each<[string, unknown, string]>([
    ['of another type', { Users: [] }, 'Users'],
    ['that is no schema', { User: [{ id: BADGE }] }, '#/User/0/name'],
    ['of an unknown type of attribute', { User: ofUsers({ name: 'a', type: 'text' }) }, '#/User/0/attributes/0/type'],
    ['of something required', { User: ofUsers({ name: 'a', required: true }) }, 'a: required: expected false'],
    ['of something unique', { User: ofUsers({ name: 'a', uniqueness: 'server' }) }, 'a: uniqueness: expected "none"'],
    ['of what nobody could set', { User: ofUsers({ name: 'a', mutability: 'readOnly' }) }, 'a: mutability'],
    ['of a name that no attribute may have', { User: ofUsers({ name: '__proto__' }) }, 'the name is not allowed'],
    ['of one name twice', { User: ofUsers({ name: 'a' }, { name: 'A' }) }, 'given twice'],
    ['under the URN of the core', { User: [{ id: USER_URN, name: 'User', attributes: [{ name: 'a' }] }] }, 'given twice'],
    [
      'under our own',
      { User: [{ id: 'urn:ietf:params:scim:schemas:extension:rollcall:2.0:User', name: 'R', attributes: [{ name: 'a' }] }] },
      'own',
    ],
    ['of too many', { User: ofUsers(...Array.from({ length: 101 }, (_, n) => ({ name: `a${n}` }))) }, 'at most 100 attributes'],
    ['of too much', { User: ofUsers({ name: 'a', description: 'x'.repeat(20_000) }) }, 'at most 16384 bytes'],
  ])('%s is 400, and says what is wrong', async (_, body, said) => {
    const refused = await declare('grown', body as object);
    expect([refused.status, refused.body.detail]).toEqual([400, expect.stringContaining(said)]);
    expect((await admin('GET /tenants/grown/extensions')).body).toEqual({ User: [], Group: [] });
  });

  it('under a URN that all tenants have is 409', async () => {
    const enterprise = 'URN:ietf:params:scim:schemas:extension:enterprise:2.0:User';
    expect(await declare('grown', { User: [{ id: enterprise, name: 'E', attributes: [NUMBER] }] })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('all tenants') },
    });
  });

  it('may grow at any time, and shrink only by what nobody has a value of, applied or not', async () => {
    const grown = cluster.client('grown');
    expect((await declare('grown', { User: ofUsers(NUMBER, DOORS) })).status).toBe(200);
    const { id } = (await grown.create(userBody('ada', { [BADGE]: { number: '1', level: 2 } }))).body;
    expect((await grown.get(id)).body[BADGE]).toEqual({ number: '1' });

    expect((await declare('grown', { User: ofUsers(LEVEL, { ...NUMBER, description: 'In words' }, DOORS) })).status).toBe(200);
    expect((await grown.patch(id, patchBody({ op: 'add', value: { [BADGE]: { level: 2 } } }))).body[BADGE]).toEqual({
      level: 2,
      number: '1',
    });

    const shrunken = [
      { User: ofUsers(LEVEL, DOORS) },
      { User: ofUsers(NUMBER, DOORS, { ...LEVEL, type: 'string' }) },
      { User: ofUsers(LEVEL, DOORS, { ...NUMBER, caseExact: false }) },
      { User: [] },
      {},
    ];
    for (const settled of [false, true]) {
      if (settled) await cluster.quiet();
      for (const declared of shrunken) {
        const refused = await declare('grown', declared);
        expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining(`User ${id} has a value`)]);
      }
      expect((await grown.get(id)).body[BADGE]).toEqual({ level: 2, number: '1' });
    }
    // What is deleted may come back.
    await grown.delete(id);
    expect((await declare('grown', {})).status).toBe(409);

    const other = (await grown.create(userBody('bob', { [BADGE]: { number: '1' } }))).body.id;
    expect((await declare('grown', { User: ofUsers(NUMBER, LEVEL) })).status).toBe(200); // nobody had doors
    expect((await grown.get(other)).body[BADGE]).toEqual({ number: '1' });
    expect((await grown.find(`${BADGE}:doors pr`)).status).toBe(400);
  });

  // Goal: whoever writes at that moment, a value that was taken has its declaration.
  // Method: users who have one come while the schema is taken away; both outcomes are right, and each means something for what is stored.
  it('is taken away wholly or not at all, whatever is written meanwhile', async () => {
    const urn = (round: number) => `urn:example:raced:${round}`;
    const [raced, outcomes] = [cluster.client('raced', 1), new Set<number>()];
    for (let round = 0; round < 8; round += 1) {
      const schema = { id: urn(round), name: 'Raced', attributes: [{ name: 'level', type: 'integer' }] };
      const { User } = (await admin('GET /tenants/raced/extensions')).body;
      expect((await declare('raced', { User: [...User, schema] })).status).toBe(200);
      const coming = Array.from({ length: 20 }, async (_, n) => {
        await new Promise((resolve) => setTimeout(resolve, n));
        return raced.create(userBody(`r${round}n${n}`, { [urn(round)]: { level: n } }));
      });
      const taking = await declare('raced', { User });
      outcomes.add(taking.status);
      const answers = await Promise.all(coming);
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
      await cluster.quiet();
      const kept = await cluster.db
        .collection('accounts')
        .countDocuments({ tenant: 'raced', [`attributes.${urn(round)}`]: { $exists: true } });
      const declared = (await admin('GET /tenants/raced/extensions')).body.User.map(({ id }: { id: string }) => id);
      expect([round, declared.includes(urn(round)) || kept === 0]).toEqual([round, true]);
    }
    expect([...outcomes].filter((status) => status !== 200 && status !== 409)).toEqual([]);
  });

  it('stands in the audit trail', async () => {
    const { items } = (await admin('GET /tenants/grown/audit')).body;
    expect(items.map(({ action }: { action: string }) => action)).toContain('extensions.put');
  });
});

describe('administrators know the extension attributes of the tenant', () => {
  it('in mappings, which keep them from being taken away', async () => {
    for (const name of ['guest', 'staff']) await admin(`PUT /tenants/mapped/profiles/${name}`, { workloads: ['endpoint'] });
    const mappings = { rules: [{ name: 'high', filter: `${BADGE}:level ge 5`, profile: 'staff' }], default: { profile: 'guest' } };
    expect((await admin('PUT /tenants/mapped/mappings', mappings)).status).toBe(400);
    expect((await declare('mapped', DECLARED)).status).toBe(200);
    expect((await admin('PUT /tenants/mapped/mappings', mappings)).status).toBe(200);
    const client = cluster.client('mapped');
    const profileOf = async (id: string) => (await admin(`GET /tenants/mapped/accounts/${id}`)).body.profile;
    const { id } = (await client.create(userBody('m', { [BADGE]: { level: 7 } }))).body;
    expect(await profileOf(id)).toBe('staff');
    await client.patch(id, patchBody({ op: 'replace', path: `${BADGE}:level`, value: 1 }));
    expect(await profileOf(id)).toBe('guest');
    await cluster.quiet();
    const tried = { ...mappings, rules: [{ ...mappings.rules[0], filter: `${BADGE}:level lt 5` }] };
    expect((await admin('POST /tenants/mapped/mappings/dry-run', tried)).body).toMatchObject({ count: 1, accounts: [{ id, to: 'staff' }] });

    await client.patch(id, patchBody({ op: 'remove', path: BADGE }));
    const refused = await declare('mapped', { User: ofUsers(NUMBER) });
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('the mapping "high"')]);
    expect((await admin('POST /tenants/globex/mappings/dry-run', { rules: [{ ...mappings.rules[0], profile: 'x' }] })).status).toBe(400);
  });

  it('in filters over accounts, and in what they show', async () => {
    const client = cluster.client('mapped');
    const { id } = (await client.create(userBody('f', { [BADGE]: { number: 'F', level: 3 } }))).body;
    const found = async (filter: string, tenant = 'mapped') =>
      admin(`GET /tenants/${tenant}/accounts?filter=${encodeURIComponent(filter)}`);
    for (const settled of [false, true]) {
      if (settled) await cluster.quiet();
      expect((await found(`${BADGE}:level eq 3 and status eq "active"`)).body.items).toMatchObject([
        { id, user: { schemas: [USER_URN, BADGE], [BADGE]: { number: 'F' } } },
      ]);
    }
    expect((await found(`${BADGE}:level eq 3`, 'globex')).status).toBe(400);
  });

  it('when they make accounts by hand, and import them', async () => {
    const made = await admin('POST /tenants/mapped/accounts', { userName: 'hand@example.com', [BADGE]: { level: 6 } });
    expect(made).toMatchObject({ status: 201, body: { profile: 'staff', user: { [BADGE]: { level: 6 } } } });
    const refused = await admin('POST /tenants/globex/accounts', { userName: 'hand@example.com', [BADGE]: { level: 6 } });
    expect([refused.status, refused.body.detail]).toEqual([400, expect.stringContaining(BADGE)]);

    const importing = async (tenant: string, csv: string) => {
      const answer = await fetch(`${cluster.worker.url}/admin/v1/tenants/${tenant}/imports`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'text/csv' },
        body: csv,
      });
      return { status: answer.status, body: (await answer.json()) as { id: string; detail: string } };
    };
    const csv = `userName,${BADGE}:number,${BADGE}:level\ni1@example.com,0815,8\ni2@example.com,,\ni3@example.com,,many\n`;
    const begun = await importing('mapped', csv);
    expect(begun.status).toBe(202);
    const job = await until(
      'the import',
      async () => (await admin(`GET /tenants/mapped/imports/${begun.body.id}`)).body,
      ({ status }) => status === 'done',
    );
    expect(job.failures).toEqual([{ line: 4, reason: expect.stringContaining(`${BADGE}:level`) }]);
    const { items } = (await admin(`GET /tenants/mapped/accounts?filter=${encodeURIComponent('userName sw "i1@"')}`)).body;
    expect(items).toMatchObject([{ profile: 'staff', user: { [BADGE]: { number: '0815', level: 8 } } }]);
    expect(await importing('globex', csv)).toMatchObject({ status: 400, body: { detail: expect.stringContaining('unknown columns') } });
  });
});
