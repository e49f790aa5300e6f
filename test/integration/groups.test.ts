import { GROUP_URN } from '@rollcall/scim';
import { inParallel } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

const groupBody = (displayName: string, members: readonly string[] = []) => ({
  schemas: [GROUP_URN],
  displayName,
  members: members.map((value) => ({ value })),
});
const add = (...ids: readonly string[]) => patchBody({ op: 'add', path: 'members', value: ids.map((value) => ({ value })) });
const removeOne = (id: string) => patchBody({ op: 'remove', path: `members[value eq "${id}"]` });

jest.setTimeout(60_000);

// Every rule holds whether the worker has applied what was accepted or not.
describe.each([
  ['unsettled', 0],
  ['settled', 1],
] as const)('groups, %s', (_, workers) => {
  let cluster: Cluster;
  beforeAll(async () => {
    // A busy machine decides nothing here.
    cluster = await startCluster({ workers, env: { REQUEST_DEADLINE_MS: '8000' } });
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());
  const settled = () => (workers === 1 ? cluster.quiet() : undefined);

  const scim = () => {
    const client = cluster.client('acme');
    return {
      create: client.create,
      get: client.get,
      patch: client.patch,
      delete: client.delete,
      request: client.request.bind(client),
      createGroup: (body: unknown) => client.request('POST', '/Groups', body),
      getGroup: (id: string, query = '') => client.request('GET', `/Groups/${id}${query}`),
      putGroup: (id: string, body: unknown) => client.request('PUT', `/Groups/${id}`, body),
      patchGroup: (id: string, body: unknown, query = '') => client.request('PATCH', `/Groups/${id}${query}`, body),
      deleteGroup: (id: string) => client.request('DELETE', `/Groups/${id}`),
      findGroups: (filter: string, more = '') => client.request('GET', `/Groups?filter=${encodeURIComponent(filter)}${more}`),
      findUsers: (filter: string) => client.find(filter),
      memberIds: async (id: string) =>
        ((await client.request('GET', `/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value).sort(),
      groupIds: async (id: string) => ((await client.get(id)).body.groups ?? []).map(({ value }: { value: string }) => value).sort(),
    };
  };
  let made = 0;
  const next = () => {
    made += 1;
    return made;
  };
  const users = async (count: number): Promise<string[]> => {
    const answers = await inParallel(Array.from({ length: count }), 16, () =>
      cluster.client('acme').create(userBody(`m${next()}-${workers}`)),
    );
    return answers.map(({ body }) => body.id).sort();
  };
  const name = () => `Group ${next()}`;

  it('members are shown with type, display and where they are; their groups are shown with them', async () => {
    const client = scim();
    const [ada] = (await users(1)) as [string];
    const child = (await client.createGroup(groupBody(name()))).body.id;
    const group = await client.createGroup(groupBody('Engineers', [ada, child]));
    expect(group.status).toBe(201);
    await settled();
    const seen = await client.getGroup(group.body.id);
    expect(seen.body.members).toHaveLength(2);
    expect(seen.body.members).toEqual(
      expect.arrayContaining([
        { value: ada, type: 'User', display: expect.any(String), $ref: expect.stringMatching(new RegExp(`/scim/v2/Users/${ada}$`)) },
        { value: child, type: 'Group', display: expect.any(String), $ref: expect.stringMatching(new RegExp(`/scim/v2/Groups/${child}$`)) },
      ]),
    );
    expect((await client.get(ada)).body.groups).toEqual([
      {
        value: group.body.id,
        display: 'Engineers',
        type: 'direct',
        $ref: expect.stringMatching(new RegExp(`/scim/v2/Groups/${group.body.id}$`)),
      },
    ]);
    expect((await client.request('GET', `/Users/${ada}?excludedAttributes=groups`)).body.groups).toBeUndefined();
    expect((await client.getGroup(group.body.id, '?excludedAttributes=members')).body.members).toBeUndefined();
  });

  it('a change that changes nothing is a success and no new version: adding who is there, removing who is not', async () => {
    const client = scim();
    const [a, b] = (await users(2)) as [string, string];
    const { id } = (await client.createGroup(groupBody(name(), [a, a]))).body;
    expect(await client.memberIds(id)).toEqual([a]);
    await settled();
    const { version } = (await client.getGroup(id)).body.meta;
    for (const body of [add(a), removeOne(b), patchBody({ op: 'remove', path: 'members', value: [{ value: b }] })]) {
      const answer = await client.patchGroup(id, body);
      expect([answer.status, answer.body.meta.version]).toEqual([200, version]);
    }
    expect((await client.patchGroup(id, add(b))).body.meta.version).not.toBe(version);
    expect(await client.memberIds(id)).toEqual([a, b].sort());
    expect((await client.patchGroup(id, removeOne(a))).status).toBe(200);
    expect(await client.memberIds(id)).toEqual([b]);
    await settled();
    expect(await client.memberIds(id)).toEqual([b]);
    expect(await client.groupIds(a)).toEqual([]);
    expect(await client.groupIds(b)).toEqual([id]);
  });

  it('PUT says who is in; the same PUT again changes nothing', async () => {
    const client = scim();
    const [a, b, c] = (await users(3)) as [string, string, string];
    const body = groupBody(name(), [a, b]);
    const { id } = (await client.createGroup(body)).body;
    await settled();
    const put = await client.putGroup(id, { ...body, members: [{ value: b }, { value: c }] });
    expect(put.status).toBe(200);
    expect(await client.memberIds(id)).toEqual([b, c].sort());
    expect(await client.groupIds(a)).toEqual([]);
    await settled();
    expect(await client.memberIds(id)).toEqual([b, c].sort());
    const again = await client.putGroup(id, { ...body, members: [{ value: c }, { value: b }] });
    expect(again.body.meta.version).toBe(put.body.meta.version);
    expect((await client.putGroup(id, groupBody(body.displayName))).body.members).toBeUndefined();
    expect(await client.memberIds(id)).toEqual([]);
  });

  it('replacing the members of a PATCH, and clearing them', async () => {
    const client = scim();
    const [a, b] = (await users(2)) as [string, string];
    const { id } = (await client.createGroup(groupBody(name(), [a]))).body;
    await settled();
    await client.patchGroup(id, patchBody({ op: 'replace', path: 'members', value: [{ value: b }] }));
    expect(await client.memberIds(id)).toEqual([b]);
    await settled();
    expect(await client.memberIds(id)).toEqual([b]);
    await client.patchGroup(id, patchBody({ op: 'remove', path: 'members' }));
    expect(await client.memberIds(id)).toEqual([]);
  });

  // It was left out with success, and a replacement by nobody else emptied the group.
  it('a member without an id is 400 invalidValue, and nothing is changed', async () => {
    const { createGroup, putGroup, patchGroup, memberIds } = scim();
    const [member] = await users(1);
    const displayName = name();
    const { body: group } = await createGroup(groupBody(displayName, [member!]));
    const members = [{ value: '' }];
    for (const refused of [
      await createGroup({ ...groupBody(name()), members }),
      await putGroup(group.id, { ...groupBody(displayName), members }),
      await patchGroup(group.id, patchBody({ op: 'replace', path: 'members', value: members })),
      await patchGroup(group.id, patchBody({ op: 'add', value: { members } })),
    ])
      expect(refused).toMatchObject({
        status: 400,
        body: { scimType: 'invalidValue', detail: expect.stringContaining('members[0].value') },
      });
    expect(await memberIds(group.id)).toEqual([member]);
  });

  it('deleting a user removes it from its groups; coming back, it is in none, and may join anew', async () => {
    const client = scim();
    const [a, b] = (await users(2)) as [string, string];
    const { id } = (await client.createGroup(groupBody(name(), [a, b]))).body;
    await settled();
    const body = (await client.get(a)).body;
    await client.delete(a);
    expect(await client.memberIds(id)).toEqual([b]);
    const back = await client.create(body);
    expect([back.status, back.body.id]).toEqual([201, a]);
    expect(back.body.groups).toBeUndefined();
    expect(await client.memberIds(id)).toEqual([b]);
    await settled();
    expect([await client.memberIds(id), await client.groupIds(a)]).toEqual([[b], []]);
    await client.patchGroup(id, add(a));
    expect([await client.memberIds(id), await client.groupIds(a)]).toEqual([[a, b].sort(), [id]]);
    await settled();
    expect([await client.memberIds(id), await client.groupIds(a)]).toEqual([[a, b].sort(), [id]]);
  });

  it('deactivating a user leaves its memberships', async () => {
    const client = scim();
    const [a] = (await users(1)) as [string];
    const { id } = (await client.createGroup(groupBody(name(), [a]))).body;
    await client.patch(a, patchBody({ op: 'replace', path: 'active', value: false }));
    await settled();
    expect([await client.memberIds(id), await client.groupIds(a)]).toEqual([[a], [id]]);
  });

  it('deleting a group removes it from its members’ groups, and its name is free', async () => {
    const client = scim();
    const [a] = (await users(1)) as [string];
    const body = groupBody(name(), [a]);
    const { id } = (await client.createGroup(body)).body;
    await settled();
    expect((await client.deleteGroup(id)).status).toBe(204);
    expect(await client.groupIds(a)).toEqual([]);
    expect((await client.getGroup(id)).status).toBe(404);
    expect((await client.createGroup(body)).status).toBe(201);
    await settled();
    expect(await client.groupIds(a)).toHaveLength(1);
  });

  it('displayName is unique in the tenant without regard to case', async () => {
    const client = scim();
    const title = name();
    await client.createGroup(groupBody(title));
    const twin = await client.createGroup(groupBody(title.toUpperCase()));
    expect([twin.status, twin.body.scimType]).toEqual([409, 'uniqueness']);
    expect((await cluster.client('globex').request('POST', '/Groups', groupBody(title))).status).toBe(201);
  });

  it('filters see who is in which group', async () => {
    const client = scim();
    const [a, b] = (await users(2)) as [string, string];
    const [one, two] = [name(), name()];
    const first = (await client.createGroup(groupBody(one, [a]))).body.id;
    const second = (await client.createGroup(groupBody(two, [a, b]))).body.id;
    await settled();
    const ids = (answer: { body: { Resources?: { id: string }[] } }) => (answer.body.Resources ?? []).map(({ id }) => id).sort();
    expect(ids(await client.findGroups(`members.value eq "${a}"`))).toEqual([first, second].sort());
    expect(ids(await client.findGroups(`members[value eq "${b}"]`))).toEqual([second]);
    expect(ids(await client.findGroups(`displayName eq "${one}" and members eq "${b}"`))).toEqual([]);
    expect(ids(await client.findUsers(`groups.value eq "${second}"`))).toEqual([a, b].sort());
    expect(ids(await client.findUsers(`groups.display eq "${one.toUpperCase()}"`))).toEqual([a]);
    await client.patchGroup(second, removeOne(b));
    expect(ids(await client.findUsers(`groups.value eq "${second}"`))).toEqual([a]);
    expect(ids(await client.findGroups(`displayName eq "${two.toLowerCase()}"`, '&excludedAttributes=members'))).toEqual([second]);
  });

  it('a group may contain itself by way of another, and everything still ends', async () => {
    const client = scim();
    const outer = (await client.createGroup(groupBody(name()))).body.id;
    const inner = (await client.createGroup(groupBody(name(), [outer]))).body.id;
    expect((await client.patchGroup(outer, add(inner))).status).toBe(200);
    await settled();
    expect([await client.memberIds(outer), await client.memberIds(inner)]).toEqual([[inner], [outer]]);
  });

  it('100 concurrent changes of members commute: none is lost, none conflicts', async () => {
    const client = scim();
    const ids = await users(100);
    const { id } = (await client.createGroup(groupBody(name(), ids.slice(0, 50)))).body;
    await settled();
    const answers = await Promise.all(ids.map((user, i) => client.patchGroup(id, i < 50 ? removeOne(user) : add(user))));
    expect(answers.map(({ status }) => status)).toEqual(new Array(100).fill(200));
    expect(await client.memberIds(id)).toEqual(ids.slice(50).sort());
    await settled();
    expect(await client.memberIds(id)).toEqual(ids.slice(50).sort());
  });

  it('are filtered by all that is shown of a member, and of a group: value paths, sub-attributes, every operator', async () => {
    const client = scim();
    const [ada, bob, eve] = await users(3);
    const unique = name();
    const inner = (await client.createGroup(groupBody(`${unique} inner`, [eve!]))).body.id;
    const outer = (await client.createGroup(groupBody(`${unique} outer`, [ada!, inner]))).body.id;
    const empty = (await client.createGroup(groupBody(`${unique} empty`))).body.id;
    await settled();
    const ref = (await client.getGroup(outer)).body.members.find(({ value }: { value: string }) => value === ada).$ref;
    const groups = async (filter: string) => {
      const { status, body } = await client.findGroups(`displayName sw "${unique}" and (${filter})`);
      return [status, (body.Resources ?? []).map(({ id }: { id: string }) => id).sort()];
    };
    for (const [filter, found] of [
      [`members[value eq "${ada}" and type eq "User"]`, [outer]],
      [`members[value eq "${ada}" and type eq "Group"]`, []],
      [`members[value eq "${ada}" or value eq "${eve}"]`, [inner, outer]],
      ['members.type eq "group"', [outer]],
      ['members[type eq "User" and not (value eq "x")]', [inner, outer]],
      [`members.$ref eq "${ref}"`, [outer]],
      [`members.$ref eq "${ref}x"`, []],
      [`members.$ref ew "/Users/${eve}"`, [inner]],
      [`members.value sw "${inner.slice(0, 30)}"`, [outer]],
      [`members.display co "${unique} INN"`, [outer]],
      [`members.display pr`, [outer, inner]],
      [`members.type ne "User"`, [empty]],
      [`members pr`, [inner, outer]],
      [`members.value eq null`, [empty]],
    ] as [string, string[]][])
      expect([filter, await groups(filter)]).toEqual([filter, [200, [...found].sort()]]);

    const people = async (filter: string) => {
      const { status, body } = await client.findUsers(`(id eq "${ada}" or id eq "${bob}" or id eq "${eve}") and (${filter})`);
      return [status, (body.Resources ?? []).map(({ id }: { id: string }) => id).sort()];
    };
    for (const [filter, found] of [
      [`groups[value eq "${outer}" and display eq "${unique} OUTER"]`, [ada]],
      [`groups[value eq "${outer}" and display eq "${unique} inner"]`, []],
      [`groups[value eq "${outer}" or display eq "${unique} inner"]`, [ada, eve]],
      [`groups.display sw "${unique}"`, [ada, eve]],
      [`groups[type eq "direct" and display sw "${unique}"]`, [ada, eve]],
      [`groups[type eq "indirect" and display sw "${unique}"]`, []],
      [`groups.$ref ew "/Groups/${outer}"`, [ada]],
      [`groups.value ne "${outer}" and groups.display sw "${unique}"`, [eve]],
    ] as [string, string[]][])
      expect([filter, await people(filter)]).toEqual([filter, [200, [...found].sort()]]);
  });

  it.each([
    ['$ref eq', (ref: string) => `$ref eq "${ref}"`],
    [
      '$ref eq at another host',
      (ref: string) => `$ref eq "https://elsewhere.example.com/scim/v2/Users/${ref.slice(ref.lastIndexOf('/') + 1)}"`,
    ],
    ['$ref eq and type', (ref: string) => `$ref eq "${ref}" and type eq "User"`],
    ['$ref ew', (ref: string) => `$ref ew "${ref.slice(-20)}"`],
  ])('a PATCH takes out the member that its filter names: %s', async (_, filter) => {
    const client = scim();
    const [ada, bob] = await users(2);
    const { id, members } = (await client.createGroup(groupBody(name(), [ada!, bob!]))).body;
    await settled();
    const ref = members.find(({ value }: { value: string }) => value === ada).$ref;
    expect((await client.patchGroup(id, patchBody({ op: 'remove', path: `members[${filter(ref)}]` }))).status).toBe(200);
    expect(await client.memberIds(id)).toEqual([bob]);
    expect((await client.patchGroup(id, patchBody({ op: 'remove', path: 'members[$ref pr]' }))).status).toBe(200);
    expect(await client.memberIds(id)).toEqual([]);
  });

  it('60 concurrent replacements of all members take turns: each is taken, and the last one stands', async () => {
    const client = scim();
    const ids = await users(60);
    const { id } = (await client.createGroup(groupBody(name()))).body;
    const answers = await Promise.all(
      ids.map((value) => client.patchGroup(id, patchBody({ op: 'replace', path: 'members', value: [{ value }] }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(new Array(60).fill(200));
    expect(await client.memberIds(id)).toHaveLength(1);
  });

  it('thousands of members at once become visible at once, and a PATCH on so many answers 204 unless attributes are asked for', async () => {
    const client = scim();
    const ids = await users(2_500);
    const { id } = (await client.createGroup(groupBody(name()))).body;
    const patched = await client.patchGroup(id, add(...ids));
    expect([patched.status, patched.text]).toEqual([204, '']);
    expect(await client.memberIds(id)).toEqual(ids);
    expect(await client.groupIds(ids[1_234]!)).toEqual([id]);
    await settled();
    expect(await client.memberIds(id)).toEqual(ids);
    expect(await client.groupIds(ids[1_234]!)).toEqual([id]);
    const asked = await client.patchGroup(id, removeOne(ids[0]!), '?attributes=displayName');
    expect([asked.status, asked.body.members]).toEqual([200, undefined]);
    expect(
      (await client.patchGroup(id, patchBody({ op: 'remove', path: 'members', value: ids.slice(1, 2_000).map((value) => ({ value })) })))
        .status,
    ).toBe(200);
    expect(await client.memberIds(id)).toEqual(ids.slice(2_000));
    await settled();
    expect(await client.memberIds(id)).toEqual(ids.slice(2_000));
    if (workers === 1) {
      await until(
        'changes to be forgotten',
        async () => (await cluster.redis.keys(`${cluster.prefix}:{p*}:acme:[msg]:*`)).length,
        (keys) => keys === 0,
      );
    }
  });
});
