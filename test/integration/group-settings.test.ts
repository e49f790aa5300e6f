// What a tenant may settle about its groups. Each rule holds whether the worker has applied what was accepted or not.
import { BULK_REQUEST_URN, GROUP_URN } from '@rollcall/scim';
import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(90_000);

const groupBody = (displayName: string, members: readonly string[] = []) => ({
  schemas: [GROUP_URN],
  displayName,
  members: members.map((value) => ({ value })),
});
const add = (...ids: readonly string[]) => patchBody({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) });
const replace = (path: string, value: unknown) => patchBody({ op: 'replace', path, value });

let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  // A busy machine decides nothing here.
  cluster = await startCluster({ tenants: [], ingests: 2, env: { REQUEST_DEADLINE_MS: '8000' } });
  admin = adminOf(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());

let made = 0;
/** A new tenant with these settings, and what its identity provider asks for. `held`: the worker rests, so that nothing is settled. */
async function tenantWith(settings: Record<string, unknown>, held = false) {
  made += 1;
  const id = `t-${made}`;
  if (cluster.worker.pid() === undefined) await cluster.worker.start();
  expect((await admin('POST /tenants', { id, settings })).status).toBe(201);
  const { body } = await admin(`POST /tenants/${id}/tokens`, { name: 'test' });
  if (held) await cluster.worker.stop();
  const client = (ingest = 0) => new Client(`${cluster.ingests[ingest]!.url}/scim/v2`, body.token);
  const scim = client();
  return {
    id,
    client,
    scim,
    set: (change: Record<string, unknown>) => admin(`PATCH /tenants/${id}`, { settings: change }),
    settled: () => (held ? undefined : cluster.quiet()),
    group: (displayName: string, members: readonly string[] = []) => scim.request('POST', '/Groups', groupBody(displayName, members)),
    get: (group: string) => scim.request('GET', `/Groups/${group}`),
    patch: (group: string, body: unknown, query = '') => scim.request('PATCH', `/Groups/${group}${query}`, body),
    remove: (group: string) => scim.request('DELETE', `/Groups/${group}`),
    find: async (filter: string): Promise<string[]> =>
      ((await scim.request('GET', `/Groups?filter=${encodeURIComponent(filter)}`)).body.Resources ?? [])
        .map(({ id: found }: { id: string }) => found)
        .sort(),
    total: async () => (await scim.request('GET', '/Groups?count=0')).body.totalResults,
    members: async (group: string) => (await scim.request('GET', `/Groups/${group}`)).body.members ?? [],
    memberIds: async (group: string): Promise<string[]> =>
      ((await scim.request('GET', `/Groups/${group}`)).body.members ?? []).map(({ value }: { value: string }) => value).sort(),
    groupsOf: async (user: string) => (await scim.get(user)).body.groups ?? [],
    user: async (name: string): Promise<string> => (await scim.create(userBody(`${name}-${id}`))).body.id,
  };
}

const both = describe.each([
  ['unsettled', true],
  ['settled', false],
] as const);

both('groupNames: shared, %s', (_, held) => {
  it('lets several groups have one name; each is found under it, and counted', async () => {
    const tenant = await tenantWith({ groupNames: 'shared' }, held);
    const ids = [];
    for (const name of ['Staff', 'staff', 'STAFF']) ids.push((await tenant.group(name)).body.id);
    const renamed = (await tenant.group('Other')).body.id;
    await tenant.settled();
    expect((await tenant.patch(renamed, replace('displayName', 'Staff'))).status).toBe(200);
    await tenant.settled();
    expect(await tenant.find('displayName eq "staff"')).toEqual([...ids, renamed].sort());
    expect(await tenant.find('displayName sw "sta"')).toEqual([...ids, renamed].sort());
    expect(await tenant.total()).toBe(4);
    expect((await tenant.remove(ids[0])).status).toBe(204);
    await tenant.settled();
    expect(await tenant.find('displayName eq "staff"')).toEqual([ids[1], ids[2], renamed].sort());
    expect(await tenant.total()).toBe(3);
  });
});

both('groupNames: shared, %s, after Redis has forgotten its index', (_, held) => {
  it('finds each group under its name, counts it, and lets more share it', async () => {
    const tenant = await tenantWith({ groupNames: 'shared' }, held);
    const ids = [];
    for (const name of ['Staff', 'staff', 'Other']) ids.push((await tenant.group(name)).body.id);
    await tenant.settled();
    const [head] = await cluster.redis.keys(`${cluster.prefix}:{p*}:${tenant.id}:head`);
    await cluster.redis.hset(head!, { run: 'another', counter: 1 });
    ids.push((await tenant.group('STAFF')).body.id);
    expect(await cluster.redis.hget(head!, 'epoch')).toBe('2');
    expect((await tenant.patch(ids[2]!, replace('displayName', 'Staff'))).status).toBe(200);
    expect((await tenant.remove(ids[0]!)).status).toBe(204);
    const there = ids.slice(1).sort();
    expect(await tenant.find('displayName eq "staff"')).toEqual(there);
    expect(await tenant.total()).toBe(3);
    // And so it stands once it is in MongoDB, with no dead letter.
    if (held) await cluster.worker.start();
    await cluster.quiet();
    expect(await tenant.find('displayName eq "staff"')).toEqual(there);
    expect(await tenant.total()).toBe(3);
    expect((await admin(`GET /tenants/${tenant.id}/status`)).body.deadLetters).toBe(0);
  });
});

describe('groupNames', () => {
  it('says 409 to a second group of one name by default, and lets it be once names are shared', async () => {
    const tenant = await tenantWith({});
    const first = (await tenant.group('Staff')).body.id;
    await tenant.settled();
    expect(await tenant.group('staff')).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
    expect((await tenant.set({ groupNames: 'shared' })).body.settings.groupNames).toBe('shared');
    const second = await tenant.group('staff');
    expect(second.status).toBe(201);
    await tenant.settled();
    expect(await tenant.find('displayName eq "Staff"')).toEqual([first, second.body.id].sort());
    // Both are in MongoDB: none is a dead letter.
    expect((await admin(`GET /tenants/${tenant.id}/status`)).body.deadLetters).toBe(0);
  });

  it('is refused to be unique again while names are of several groups: 409 lists them, and nothing is changed', async () => {
    const tenant = await tenantWith({ groupNames: 'shared' });
    const first = (await tenant.group('Staff')).body.id;
    await tenant.settled();
    const second = (await tenant.group('STAFF')).body.id;
    await tenant.group('Other');
    for (const wait of [false, true]) {
      if (wait) await tenant.settled();
      const answer = await tenant.set({ groupNames: 'unique', recycledIdentity: 'refuse' });
      expect(answer.status).toBe(409);
      expect(answer.body.detail).toMatch(/groupNames.*"staff".*duplicates/i);
      expect(answer.body.duplicates).toEqual([{ displayName: expect.stringMatching(/^staff$/i), groups: expect.any(Array) }]);
      expect([...answer.body.duplicates[0].groups].sort()).toEqual([first, second].sort());
    }
    expect((await admin(`GET /tenants/${tenant.id}`)).body.settings).toMatchObject({
      groupNames: 'shared',
      recycledIdentity: 'reactivate',
    });
    expect((await tenant.group('staff')).status).toBe(201);
  });

  it('becomes unique again once no name is of several groups', async () => {
    const tenant = await tenantWith({ groupNames: 'shared' });
    const [first, second, third] = [
      (await tenant.group('A')).body.id,
      (await tenant.group('A')).body.id,
      (await tenant.group('A')).body.id,
    ];
    await tenant.settled();
    await tenant.patch(first, replace('displayName', 'B'));
    await tenant.remove(second);
    expect((await tenant.set({ groupNames: 'unique' })).status).toBe(200);
    expect((await tenant.group('a')).status).toBe(409);
    expect((await tenant.patch(third, replace('displayName', 'C'))).status).toBe(200);
    expect((await tenant.group('a')).status).toBe(201);
    await tenant.settled();
    expect((await admin(`GET /tenants/${tenant.id}/status`)).body.deadLetters).toBe(0);
  });

  // Goal: no pair is left over that was made while the setting was turned. Method: creations at both ingests all the while.
  it('leaves no two groups of one name where it is turned to unique under load', async () => {
    const tenant = await tenantWith({ groupNames: 'shared' });
    for (let round = 0; round < 10; round += 1) {
      await tenant.set({ groupNames: 'shared' });
      const name = `Race ${round}`;
      const creations = [0, 1, 0, 1].map((ingest) => tenant.client(ingest).request('POST', '/Groups', groupBody(name)));
      const turned = await tenant.set({ groupNames: 'unique' });
      const created = (await Promise.all(creations)).filter(({ status }) => status === 201);
      expect([200, 409]).toContain(turned.status);
      const groups = await tenant.find(`displayName eq "${name}"`);
      expect(groups).toHaveLength(created.length);
      if (turned.status === 200) expect(groups.length).toBeLessThanOrEqual(1);
      else {
        expect((await admin(`GET /tenants/${tenant.id}`)).body.settings.groupNames).toBe('shared');
        for (const group of groups) await tenant.remove(group);
      }
    }
  });

  it('is the same after Redis has forgotten its index', async () => {
    const tenant = await tenantWith({ groupNames: 'shared' });
    const ids = [(await tenant.group('Staff')).body.id, (await tenant.group('Staff')).body.id];
    await tenant.settled();
    const [head] = await cluster.redis.keys(`${cluster.prefix}:{p*}:${tenant.id}:head`);
    await cluster.redis.del(head!);
    await until(
      'the groups',
      () => tenant.find('displayName eq "staff"'),
      (found) => found.length === 2,
    );
    ids.push((await tenant.group('Staff')).body.id);
    await until('an index', async () => (await cluster.redis.hget(head!, 'complete')) === '1');
    expect(await tenant.find('displayName eq "staff"')).toEqual([...ids].sort());
    expect(await tenant.total()).toBe(3);
  });
});

both('membersAnsweredMax, %s', (_, held) => {
  it('is up to how many members a PATCH answers with the group, and beyond it 204', async () => {
    const tenant = await tenantWith({ membersAnsweredMax: 2 }, held);
    const [a, b, c] = [await tenant.user('a'), await tenant.user('b'), await tenant.user('c')];
    const { id } = (await tenant.group('Staff', [a])).body;
    await tenant.settled();
    const second = await tenant.patch(id, add(b));
    expect([second.status, second.body.members.length]).toEqual([200, 2]);
    await tenant.settled();
    const third = await tenant.patch(id, add(c));
    expect([third.status, third.text, third.headers.etag]).toEqual([204, '', expect.stringMatching(/^W\//)]);
    expect((await tenant.patch(id, replace('externalId', 'e'), '?attributes=displayName')).status).toBe(200);
    expect((await tenant.patch(id, replace('externalId', 'f'))).status).toBe(204);
    expect((await tenant.patch(id, patchBody({ op: 'remove', path: `members[value eq "${a}"]` }))).status).toBe(200);
  });
});

it('membersAnsweredMax holds from the answer of the admin API on, at every ingest', async () => {
  const tenant = await tenantWith({});
  const { id } = (await tenant.group('Staff', [await tenant.user('a')])).body;
  const touch = async (ingest: number, value: string) =>
    (await tenant.client(ingest).request('PATCH', `/Groups/${id}`, replace('externalId', value))).status;
  expect([await touch(0, '1'), await touch(1, '2')]).toEqual([200, 200]);
  expect((await tenant.set({ membersAnsweredMax: 0 })).status).toBe(200);
  expect([await touch(0, '3'), await touch(1, '4')]).toEqual([204, 204]);
});

both('unknownMembers: keep, %s', (_, held) => {
  const STRANGER = '019a0000-0000-7000-8000-000000000000';

  it('keeps and shows whoever is not there, by value alone, beside those who are; PUT and PATCH take them away again', async () => {
    const tenant = await tenantWith({ unknownMembers: 'keep' }, held);
    const ada = await tenant.user('ada');
    const { id, ...created } = (await tenant.group('Staff', [ada, STRANGER])).body;
    expect(created.members).toHaveLength(2);
    await tenant.settled();
    const odd = ['nobody', '__proto__', 'a b/c:d "e"'];
    expect((await tenant.patch(id, add(...odd))).status).toBe(200);
    await tenant.settled();
    expect(await tenant.memberIds(id)).toEqual([ada, STRANGER, ...odd].sort());
    expect((await tenant.members(id)).filter(({ value }: { value: string }) => value !== ada)).toEqual(
      expect.arrayContaining([STRANGER, ...odd].map((value) => ({ value }))),
    );
    expect(await tenant.find(`members.value eq "${STRANGER}"`)).toEqual([id]);
    expect(await tenant.find('members.value eq "nowhere"')).toEqual([]);

    const { version } = (await tenant.get(id)).body.meta;
    expect((await tenant.patch(id, add(STRANGER, 'nobody'))).body.meta.version).toBe(version);
    expect((await tenant.patch(id, patchBody({ op: 'remove', path: 'members[value eq "nobody"]' }))).status).toBe(200);
    expect(await tenant.memberIds(id)).toEqual([ada, STRANGER, ...odd.slice(1)].sort());
    expect((await tenant.scim.request('PUT', `/Groups/${id}`, groupBody('Staff', [STRANGER]))).status).toBe(200);
    await tenant.settled();
    expect(await tenant.memberIds(id)).toEqual([STRANGER]);
    expect(await tenant.find('members.value eq "nobody"')).toEqual([]);
  });

  it('makes a member of whoever was named while deleted, as soon as they come back', async () => {
    const tenant = await tenantWith({ unknownMembers: 'keep' }, held);
    const ada = await tenant.user('ada');
    const body = (await tenant.scim.get(ada)).body;
    const before = (await tenant.group('Before', [ada])).body.id;
    await tenant.settled();
    await tenant.scim.delete(ada);
    await tenant.settled();
    expect(await tenant.memberIds(before)).toEqual([]);
    const meanwhile = (await tenant.group('Meanwhile', [ada])).body.id;
    await tenant.settled();
    expect(await tenant.members(meanwhile)).toEqual([{ value: ada }]);
    const back = await tenant.scim.create(body);
    expect([back.status, back.body.id]).toEqual([201, ada]);
    for (const wait of [false, true]) {
      if (wait) await tenant.settled();
      expect(await tenant.members(meanwhile)).toEqual([
        { value: ada, type: 'User', display: body.displayName, $ref: expect.stringMatching(new RegExp(`/Users/${ada}$`)) },
      ]);
      expect(await tenant.memberIds(before)).toEqual([]);
      expect((await tenant.groupsOf(ada)).map(({ value }: { value: string }) => value)).toEqual([meanwhile]);
    }
    // From here on it is a membership like any other: the next deletion ends it.
    await tenant.scim.delete(ada);
    expect(await tenant.memberIds(meanwhile)).toEqual([]);
    await tenant.settled();
    await tenant.scim.create(body);
    await tenant.settled();
    expect(await tenant.memberIds(meanwhile)).toEqual([]);
    expect(await tenant.groupsOf(ada)).toEqual([]);
  });

  it('keeps them by the thousand', async () => {
    const tenant = await tenantWith({ unknownMembers: 'keep' }, held);
    const ids = Array.from({ length: 2_500 }, (_each, i) => `stranger-${String(i).padStart(4, '0')}`);
    const { id } = (await tenant.group('Staff')).body;
    expect((await tenant.patch(id, add(...ids))).status).toBe(204);
    expect(await tenant.memberIds(id)).toEqual(ids);
    await tenant.settled();
    expect(await tenant.memberIds(id)).toEqual(ids);
  });

  it('is about ids: one that is longer than any is 400', async () => {
    const tenant = await tenantWith({ unknownMembers: 'keep' }, held);
    const { id } = (await tenant.group('Staff')).body;
    expect(await tenant.patch(id, add('x'.repeat(257)))).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect((await tenant.patch(id, add('x'.repeat(256)))).status).toBe(200);
  });
});

// One unknown member refused a whole push of a group, which identity providers do not send again.
both('unknownMembers: skip, %s', (_, held) => {
  const STRANGER = '019a0000-0000-7000-8000-000000000000';
  const putMembers = (tenant: Awaited<ReturnType<typeof tenantWith>>, id: string, ids: readonly string[]) =>
    tenant.scim.request('PUT', `/Groups/${id}`, groupBody('Staff', ids));

  it('applies the known members, shows and finds no skipped one, and the same again costs no version', async () => {
    const tenant = await tenantWith({ unknownMembers: 'skip' }, held);
    const [ada, bob] = [await tenant.user('ada'), await tenant.user('bob')];
    const created = (await tenant.group('Staff', [ada, STRANGER])).body;
    expect(created.members.map(({ value }: { value: string }) => value)).toEqual([ada]);
    await tenant.settled();
    const patched = await tenant.patch(created.id, add(bob, STRANGER, 'bob@example.com'));
    expect(patched).toMatchObject({ status: 200 });
    for (const wait of [false, true]) {
      if (wait) await tenant.settled();
      expect(await tenant.memberIds(created.id)).toEqual([ada, bob].sort());
      expect(await tenant.find(`members.value eq "${STRANGER}"`)).toEqual([]);
    }
    const { version } = (await tenant.get(created.id)).body.meta;
    expect((await tenant.patch(created.id, add(STRANGER))).body.meta.version).toBe(version);
    expect((await putMembers(tenant, created.id, [ada, bob, STRANGER, 'bob@example.com'])).body.meta.version).toBe(version);
    const told = (await cluster.ingests[0]!.log()).split('\n').filter((line) => line.includes('group.members.skipped'));
    const mine = told.map((line) => JSON.parse(line)).filter((line) => line.tenant === tenant.id);
    expect(mine[0]).toMatchObject({ id: created.id, count: 1, skipped: [STRANGER] });
    expect(mine.at(-1)).toMatchObject({ count: 2, notIds: 1, skipped: [STRANGER] });
    expect(told.join()).not.toContain('bob@example.com');
  });

  it('makes a member of a skipped one as soon as it is there, and not of one that was removed again meanwhile', async () => {
    const tenant = await tenantWith({ unknownMembers: 'skip' }, held);
    const [ada, bob] = [await tenant.user('ada'), await tenant.user('bob')];
    const body = (await tenant.scim.get(ada)).body;
    await tenant.settled();
    await tenant.scim.delete(ada);
    await tenant.settled();
    const joined = (await tenant.group('Joined', [bob])).body.id;
    const removed = (await tenant.group('Removed', [bob, ada])).body.id;
    expect((await tenant.patch(joined, add(ada))).status).toBe(200);
    expect((await tenant.patch(removed, patchBody({ op: 'remove', path: `members[value eq "${ada}"]` }))).status).toBe(200);
    await tenant.settled();
    for (const id of [joined, removed]) expect(await tenant.memberIds(id)).toEqual([bob]);
    expect((await tenant.scim.create(body)).body.id).toBe(ada);
    for (const wait of [false, true]) {
      if (wait) await tenant.settled();
      expect(await tenant.memberIds(joined)).toEqual([ada, bob].sort());
      expect(await tenant.memberIds(removed)).toEqual([bob]);
      expect((await tenant.groupsOf(ada)).map(({ value }: { value: string }) => value)).toEqual([joined]);
      expect(await tenant.find(`members.value eq "${ada}"`)).toEqual([joined]);
    }
    // From here on it is a membership like any other: the next deletion ends it.
    await tenant.scim.delete(ada);
    await tenant.settled();
    await tenant.scim.create(body);
    await tenant.settled();
    expect(await tenant.memberIds(joined)).toEqual([bob]);
  });

  it('does not let a replacement that names only unknown members empty a group', async () => {
    const tenant = await tenantWith({ unknownMembers: 'skip' }, held);
    const ada = await tenant.user('ada');
    const { id } = (await tenant.group('Staff', [ada])).body;
    await tenant.settled();
    const only = [{ value: STRANGER }];
    for (const answer of [
      await putMembers(tenant, id, [STRANGER]),
      await tenant.patch(id, replace('members', only)),
      await putMembers(tenant, id, ['bob@example.com']),
    ])
      expect(answer).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect(await tenant.memberIds(id)).toEqual([ada]);
    expect((await putMembers(tenant, id, [])).status).toBe(200);
    expect((await putMembers(tenant, id, [STRANGER])).status).toBe(200);
    await tenant.settled();
    expect(await tenant.memberIds(id)).toEqual([]);
    expect((await tenant.patch(id, add('bob@example.com'))).status).toBe(400);
  });

  it('makes no new group that names only unknown members, and one that names none', async () => {
    const tenant = await tenantWith({ unknownMembers: 'skip' }, held);
    const other = await tenantWith({}, held);
    for (const id of [STRANGER, await other.user('eve')])
      expect(await tenant.group('Staff', [id])).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect((await tenant.group('Staff', [])).status).toBe(201);
  });

  it('skips members of another tenant, and tells nothing of them', async () => {
    const [tenant, other] = [await tenantWith({ unknownMembers: 'skip' }, held), await tenantWith({}, held)];
    const [ada, eve] = [await tenant.user('ada'), await other.user('eve')];
    const { id } = (await tenant.group('Staff', [ada])).body;
    expect((await tenant.patch(id, add(eve))).status).toBe(200);
    await tenant.settled();
    expect(await tenant.memberIds(id)).toEqual([ada]);
    expect(await other.groupsOf(eve)).toEqual([]);
  });
});

describe('unknownMembers', () => {
  it('is skip for a new tenant, and refuse for one that was there before and never chose', async () => {
    const tenant = await tenantWith({});
    expect((await admin(`GET /tenants/${tenant.id}`)).body.settings.unknownMembers).toBe('skip');
    await cluster.db.collection<{ _id: string }>('tenants').updateOne({ _id: tenant.id }, { $unset: { 'settings.unknownMembers': 1 } });
    expect((await admin(`GET /tenants/${tenant.id}`)).body.settings.unknownMembers).toBe('refuse');
  });

  it('set back to refuse, a skipped one is 400 again, and stays out when it comes', async () => {
    const tenant = await tenantWith({ unknownMembers: 'skip' });
    const ada = await tenant.user('ada');
    const body = (await tenant.scim.get(ada)).body;
    await tenant.scim.delete(ada);
    const { id } = (await tenant.group('Staff', [ada])).body;
    await tenant.settled();
    await tenant.set({ unknownMembers: 'refuse' });
    await tenant.scim.create(body);
    await tenant.settled();
    expect(await tenant.memberIds(id)).toEqual([]);
  });

  it('set back to refuse: 400 for a new one; those that are kept stay, may be named again, and may be removed', async () => {
    const tenant = await tenantWith({ unknownMembers: 'keep' });
    const { id } = (await tenant.group('Staff', ['one', 'two'])).body;
    await tenant.settled();
    await tenant.set({ unknownMembers: 'refuse' });
    expect(await tenant.patch(id, add('three'))).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    expect((await tenant.patch(id, add('two'))).status).toBe(200);
    expect((await tenant.scim.request('PUT', `/Groups/${id}`, groupBody('Staff', ['two']))).status).toBe(200);
    expect(await tenant.memberIds(id)).toEqual(['two']);
    expect((await tenant.patch(id, patchBody({ op: 'remove', path: 'members' }))).status).toBe(200);
    await tenant.settled();
    expect(await tenant.memberIds(id)).toEqual([]);
  });

  it('refuse: an unknown member is 400 invalidValue, and nothing is changed', async () => {
    const [tenant, other] = [await tenantWith({ unknownMembers: 'refuse' }), await tenantWith({})];
    const { id } = (await tenant.group('Staff')).body;
    for (const stranger of ['019a0000-0000-7000-8000-000000000000', 'nobody', '__proto__', await other.user('stranger')]) {
      const answer = await tenant.patch(id, add(stranger));
      expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
      expect(answer.body.detail).toMatch(/members/);
    }
    expect(await tenant.memberIds(id)).toEqual([]);
  });

  it('refuse: whoever comes back is in no group, whatever was asked for meanwhile', async () => {
    const tenant = await tenantWith({ unknownMembers: 'refuse' });
    const ada = await tenant.user('ada');
    const body = (await tenant.scim.get(ada)).body;
    const { id } = (await tenant.group('Staff', [ada])).body;
    await tenant.scim.delete(ada);
    expect((await tenant.patch(id, add(ada))).status).toBe(400);
    await tenant.scim.create(body);
    await tenant.settled();
    expect(await tenant.groupsOf(ada)).toEqual([]);
  });

  it('keep: a deleted group that is named is shown, and its members stay gone', async () => {
    const tenant = await tenantWith({ unknownMembers: 'keep' });
    const ada = await tenant.user('ada');
    const inner = (await tenant.group('Inner', [ada])).body.id;
    const before = (await tenant.group('Before', [inner])).body.id;
    await tenant.remove(inner);
    const outer = (await tenant.group('Outer', [inner])).body.id;
    for (const wait of [false, true]) {
      if (wait) await tenant.settled();
      expect(await tenant.members(outer)).toEqual([{ value: inner }]);
      expect(await tenant.members(before)).toEqual([]);
      expect(await tenant.groupsOf(ada)).toEqual([]);
    }
  });
});

both('groupCycles: refuse, %s', (_, held) => {
  it('refuses the member that closes a circle, by name, whatever its length, and changes nothing', async () => {
    const tenant = await tenantWith({ groupCycles: 'refuse' }, held);
    const ada = await tenant.user('ada');
    const ids: string[] = [(await tenant.group('G0', [ada])).body.id];
    for (let n = 1; n <= 5; n += 1) ids.push((await tenant.group(`G${n}`, [ids[n - 1]!])).body.id);
    await tenant.settled();
    const closing = (group: string, member: string) =>
      [
        ['PATCH', patchBody({ op: 'add', path: 'members', value: [{ value: member }] })],
        ['PUT', groupBody('G0', [member])],
        ['PATCH', patchBody({ op: 'replace', path: 'members', value: [{ value: member }] })],
      ].map(([method, body]) => tenant.scim.request(String(method), `/Groups/${group}`, body));
    for (const member of [ids[5]!, ids[1]!, ids[0]!]) {
      for (const answer of await Promise.all(closing(ids[0]!, member))) {
        expect([answer.status, answer.body.scimType]).toEqual([400, 'invalidValue']);
        expect(answer.body.detail).toContain(member);
      }
    }
    expect(await tenant.memberIds(ids[0]!)).toEqual([ada]);
    // What closes none is taken: a second way to the same group, and a group that is taken out of the line.
    expect((await tenant.patch(ids[5]!, add(ids[0]!))).status).toBe(200);
    expect((await tenant.patch(ids[3]!, patchBody({ op: 'remove', path: `members[value eq "${ids[2]}"]` }))).status).toBe(200);
    expect((await tenant.patch(ids[0]!, add(ids[5]!))).status).toBe(400); // by the second way
    expect((await tenant.patch(ids[0]!, add(ids[3]!))).status).toBe(200);
    expect((await tenant.patch(ids[0]!, add(ids[2]!))).status).toBe(400);
    expect((await tenant.patch(ids[2]!, add(ids[5]!))).status).toBe(200);
  });
});

describe('groupCycles', () => {
  // It was made without the member that it was refused for, and nobody was told where it was.
  it('refuse: a Bulk request makes no group that would be in itself, alone or by others of the request, and all others', async () => {
    const tenant = await tenantWith({ groupCycles: 'refuse' });
    const post = (bulkId: string, members: readonly string[]) => ({
      ...{ method: 'POST', path: '/Groups', bulkId },
      data: groupBody(
        bulkId,
        members.map((member) => `bulkId:${member}`),
      ),
    });
    const operations = [
      ...[post('self', ['self']), post('one', ['other']), post('other', ['one', 'plain'])],
      ...[post('around', ['plain']), post('plain', []), post('late', ['self'])],
    ];
    const bulk = async (asked: readonly unknown[]) =>
      (await tenant.scim.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations: asked })).body.Operations;
    const results = await bulk(operations);
    expect(results.map(({ status }: { status: string }) => status)).toEqual(['400', '400', '400', '201', '201', '409']);
    for (const { response, location } of results.slice(0, 3)) {
      expect(response).toMatchObject({ scimType: 'invalidValue', detail: expect.stringContaining('would be in itself') });
      expect(location).toBeUndefined();
    }
    expect(await tenant.total()).toBe(2);
    await tenant.set({ groupCycles: 'accept' });
    const accepted = await bulk([post('self', ['self']), post('one', ['other']), post('other', ['one'])]);
    expect(accepted.map(({ status }: { status: string }) => status)).toEqual(['201', '201', '201']);
  });

  // Goal: no circle, whatever comes at once. Method: both halves of one at two ingests, many times; then a ring of four.
  it('of writes that close a circle together, one is refused', async () => {
    const tenant = await tenantWith({ groupCycles: 'refuse' });
    for (let round = 0; round < 15; round += 1) {
      const size = round < 10 ? 2 : 4;
      const ids: string[] = [];
      for (let n = 0; n < size; n += 1) ids.push((await tenant.group(`R${round}-${n}`)).body.id);
      const answers = await Promise.all(
        ids.map((id, n) => tenant.client(n % 2).request('PATCH', `/Groups/${id}`, add(ids[(n + 1) % size]!))),
      );
      const statuses = answers.map(({ status }) => status).sort();
      expect(statuses).toEqual([...new Array(size - 1).fill(200), 400]);
    }
  });

  it('of many writes at once that close none, each is taken', async () => {
    const tenant = await tenantWith({ groupCycles: 'refuse' });
    const [outer, inner] = [await groups(tenant, 'Outer'), await groups(tenant, 'Inner')];
    const answers = await Promise.all(outer.map((id, n) => tenant.client(n % 2).request('PATCH', `/Groups/${id}`, add(inner[n]!))));
    expect(answers.map(({ status }) => status)).toEqual(new Array(outer.length).fill(200));

    async function groups({ group }: typeof tenant, name: string): Promise<string[]> {
      return Promise.all(Array.from({ length: 60 }, async (_, n) => (await group(`${name} ${n}`)).body.id));
    }
  });

  it('set to refuse: circles that are there stay, may be restated, and are taken apart', async () => {
    const tenant = await tenantWith({});
    const outer = (await tenant.group('Outer')).body.id;
    const inner = (await tenant.group('Inner', [outer])).body.id;
    await tenant.patch(outer, add(inner, outer));
    await tenant.settled();
    await tenant.set({ groupCycles: 'refuse' });
    expect(await tenant.memberIds(outer)).toEqual([inner, outer].sort());
    expect((await tenant.scim.request('PUT', `/Groups/${outer}`, groupBody('Outer', [inner]))).status).toBe(200);
    expect(await tenant.patch(outer, add(outer))).toMatchObject({ status: 400, body: { scimType: 'invalidValue' } });
    await tenant.patch(outer, patchBody({ op: 'remove', path: 'members' }));
    expect((await tenant.patch(outer, add(inner))).status).toBe(400);
    await tenant.patch(inner, patchBody({ op: 'remove', path: 'members' }));
    expect((await tenant.patch(outer, add(inner))).status).toBe(200);
  });
});

both('userGroups: all, %s', (_, held) => {
  const shown = ({ groups = [] }: { groups?: { value: string; type: string }[] }) => groups.map(({ value, type }) => [value, type]).sort();

  it('shows the groups that a user’s groups are in as indirect, each once, also in lists and circles', async () => {
    const tenant = await tenantWith({ userGroups: 'all' }, held);
    const [ada, eve, sid] = [await tenant.user('ada'), await tenant.user('eve'), await tenant.user('sid')];
    const team = (await tenant.group('Team', [ada])).body.id;
    const unit = (await tenant.group('Unit', [team, eve])).body.id;
    const firm = (await tenant.group('Firm', [unit, ada])).body.id;
    await tenant.settled();
    const [direct, indirect] = [(id: string) => [id, 'direct'], (id: string) => [id, 'indirect']];
    expect((await tenant.groupsOf(ada)).find(({ value }: { value: string }) => value === unit)).toEqual({
      ...{ value: unit, display: 'Unit', type: 'indirect' },
      $ref: expect.stringMatching(new RegExp(`/Groups/${unit}$`)),
    });
    const expected: [string, string[][]][] = [
      [ada, [direct(team), indirect(unit), direct(firm)].sort()],
      [eve, [direct(unit), indirect(firm)].sort()],
      [sid, []],
    ];
    const listed = (await tenant.scim.list()).body.Resources as { id: string; groups?: { value: string; type: string }[] }[];
    for (const [user, groups] of expected) {
      expect(shown((await tenant.scim.get(user)).body)).toEqual(groups);
      expect(shown(listed.find(({ id }) => id === user)!)).toEqual(groups);
    }
    // A circle: everybody is in all of them.
    await tenant.patch(team, add(firm));
    await tenant.settled();
    expect(shown((await tenant.scim.get(eve)).body)).toEqual([indirect(team), direct(unit), indirect(firm)].sort());
    await tenant.patch(unit, patchBody({ op: 'remove', path: `members[value eq "${team}"]` }));
    expect(shown((await tenant.scim.get(ada)).body)).toEqual([direct(team), direct(firm)].sort());
    await tenant.remove(firm);
    expect(shown((await tenant.scim.get(eve)).body)).toEqual([direct(unit)]);
  });
});

both('userGroups: all, %s', (_, held) => {
  it('lets filters find people by the groups that are shown, also by name, negated, beside others, and in circles', async () => {
    const tenant = await tenantWith({ userGroups: 'all' }, held);
    const [ada, eve, sid] = [await tenant.user('ada'), await tenant.user('eve'), await tenant.user('sid')];
    const team = (await tenant.group('Team', [ada])).body.id;
    const unit = (await tenant.group('Unit', [team, eve])).body.id;
    const firm = (await tenant.group('Firm', [unit])).body.id;
    await tenant.settled();
    const found = async (filter: string) =>
      ((await tenant.scim.find(filter)).body.Resources ?? []).map(({ id }: { id: string }) => id).sort();
    const both = [ada, eve].sort();
    expect(await found(`groups.value eq "${firm}"`)).toEqual(both);
    expect(await found(`groups[value eq "${unit}"]`)).toEqual(both);
    expect(await found(`groups.value eq "${team}"`)).toEqual([ada]);
    expect(await found('groups.display eq "firm"')).toEqual(both);
    expect(await found(`groups[value eq "${unit}" and type eq "indirect"]`)).toEqual([ada]);
    expect(await found(`groups[value eq "${unit}" and type eq "direct"]`)).toEqual([eve]);
    expect(await found('groups.type eq "indirect"')).toEqual(both);
    expect(await found('groups.display eq "team" or groups.display eq "unit"')).toEqual(both);
    expect(await found(`not (groups.value eq "${firm}")`)).toEqual([sid]);
    expect(await found(`groups.value eq "${firm}" and not (groups.value eq "${team}")`)).toEqual([eve]);
    expect(await found('groups pr')).toEqual(both);
    // A circle: everybody is in all of them.
    await tenant.patch(team, add(firm));
    await tenant.settled();
    expect(await found(`groups.value eq "${team}"`)).toEqual(both);
    // A group that is no more leads to nobody, and none that is in it.
    await tenant.remove(unit);
    expect(await found(`groups.value eq "${firm}"`)).toEqual([]);
    expect(await found(`groups.value eq "${team}"`)).toEqual([ada]);
    // What a filter finds of groups are members, as they are shown.
    expect(await tenant.find(`members.value eq "${ada}"`)).toEqual([team]);
  });
});

it('userGroups: direct by default, and from the answer of the admin API on as it is set', async () => {
  const tenant = await tenantWith({});
  const ada = await tenant.user('ada');
  const team = (await tenant.group('Team', [ada])).body.id;
  const unit = (await tenant.group('Unit', [team])).body.id;
  const found = async () => (await tenant.scim.find(`groups.value eq "${unit}"`)).body.totalResults;
  expect([(await tenant.groupsOf(ada)).length, await found()]).toEqual([1, 0]);
  await tenant.set({ userGroups: 'all' });
  expect([(await tenant.groupsOf(ada)).length, await found()]).toEqual([2, 1]);
});

describe('a group that is in 2,000 others', () => {
  it('is looked through up to 2,000 groups, itself included; one more is 400 tooMany, and what does not ask for it is answered', async () => {
    const tenant = await tenantWith({ userGroups: 'all', groupCycles: 'refuse' });
    const ada = await tenant.user('ada');
    const team = (await tenant.group('Team', [ada])).body.id;
    for (const part of [1_000, 999]) {
      const operations = Array.from({ length: part }, (_, n) => ({
        ...{ method: 'POST', path: '/Groups', bulkId: `b${n}`, data: groupBody(`Unit ${part}-${n}`, [team]) },
      }));
      expect((await tenant.scim.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations: operations })).status).toBe(200);
    }
    const other = (await tenant.group('Other')).body.id;
    expect(await tenant.groupsOf(ada)).toHaveLength(2_000);
    expect((await tenant.patch(team, add(other))).status).toBe(200);
    await tenant.group('One more', [team]);
    for (const answer of [await tenant.scim.get(ada), await tenant.patch(team, add((await tenant.group('Another')).body.id))])
      expect([answer.status, answer.body.scimType]).toEqual([400, 'tooMany']);
    expect((await tenant.scim.request('GET', `/Users/${ada}?excludedAttributes=groups`)).body.userName).toMatch(/^ada/);
    expect(await tenant.memberIds(team)).toEqual([ada, other].sort());
    // Direct ones have no such bound.
    await tenant.set({ userGroups: 'direct' });
    expect(await tenant.groupsOf(ada)).toHaveLength(1);
  });
});
