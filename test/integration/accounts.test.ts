import { randomUUID } from 'node:crypto';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster({ tenants: ['acme', 'globex', 'mapped', 'sourced', 'blocked', 'careful', 'stored', 'dry', 'searched'] });
}, 90_000);
afterAll(() => cluster?.[Symbol.asyncDispose]());

// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came, and says what it expects
type Answered = { status: number; body: any; headers: Headers };
async function admin(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
  const raw = typeof body === 'string';
  const response = await fetch(`${cluster.worker.url}/admin/v1/tenants/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${cluster.operatorToken}`,
      ...(body === undefined ? {} : { 'Content-Type': raw ? 'text/csv' : 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: raw ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json().catch(() => undefined), headers: response.headers };
}

describe('an account preserved by an administrator', () => {
  it('is out, whatever the identity provider says, until an administrator lets the person in again', async () => {
    const okta = cluster.client('acme');
    const { id } = (await okta.create(userBody('ada'))).body;
    const preserved = await admin('POST', `acme/accounts/${id}/preserve`, { reason: 'investigation' });
    expect(preserved).toMatchObject({ status: 200, body: { status: 'preserved', preservedBy: ['administrator'], managedBy: 'scim' } });
    expect((await okta.get(id)).body.active).toBe(false);

    const refused = await okta.patch(id, patchBody({ op: 'replace', path: 'active', value: true }));
    expect([refused.status, refused.body.scimType]).toEqual([403, undefined]);
    expect(refused.body.detail).toMatch(/administrator/);
    const restated = await okta.replace(id, userBody('ada', { title: 'Countess' }));
    expect(restated).toMatchObject({ status: 200, body: { active: false, title: 'Countess' } });

    await okta.delete(id);
    expect((await okta.create(userBody('ada'))).status).toBe(403);
    expect((await admin('GET', `acme/accounts/${id}`)).body).toMatchObject({ deleted: true, preservedBy: ['administrator', 'idp'] });

    expect((await admin('POST', `acme/accounts/${id}/reactivate`)).body).toMatchObject({ deleted: false, preservedBy: ['idp'] });
    expect((await admin('POST', `acme/accounts/${id}/reactivate`)).status).toBe(409);
    expect((await okta.patch(id, patchBody({ op: 'replace', path: 'active', value: 'True' }))).body.active).toBe(true);
  });

  it('tells in its history who did it', async () => {
    const { id } = (await cluster.client('acme').create(userBody('told'))).body;
    await admin('POST', `acme/accounts/${id}/preserve`, { reason: 'x' }, { 'X-Request-Id': 'req-preserve-1' });
    const line = await until('the history', () => cluster.db.collection('history').findOne({ id, 'line.operation': 'preserve' }));
    expect(line?.line).toMatchObject({ by: 'operator', request: 'req-preserve-1', changes: { active: { before: true, after: false } } });
  });

  it('tells why in its history, also where the reason is another one, and whom an administrator said that it is; of a purge nothing of the person', async () => {
    const { id } = (await cluster.client('acme').create(userBody('telling'))).body;
    for (const reason of ['first', 'second', 'second']) await admin('POST', `acme/accounts/${id}/preserve`, { reason });
    await admin('POST', `acme/accounts/${id}/adopt`, { externalId: 'whose' });
    const { confirm } = (await admin('DELETE', `acme/accounts/${id}`)).body;
    await admin('POST', `acme/accounts/${id}/purge`, { confirm });
    await cluster.quiet();
    const lines = (await admin('GET', `acme/audit?account=${id}`)).body.items;
    const why = (reason: string) => ({ administrator: { at: expect.any(String), reason } });
    expect(lines).toMatchObject([
      { action: 'account.purge', changes: { 'account.purged': { after: true } } },
      { action: 'account.expect', changes: { 'account.expects': { after: { externalId: 'whose' } } } },
      { action: 'account.preserve', changes: { 'account.preserved': { before: why('first'), after: why('second') } } },
      { action: 'account.preserve', changes: { 'account.preserved': { after: why('first') } } },
      { action: 'account.create' },
    ]);
    expect(JSON.stringify(lines[0])).not.toMatch(/telling|Test|whose|second/);
  });
});

describe('an account made by hand', () => {
  it('is seen by the identity provider, and adopted with the first POST for that person: same id, profile and storage', async () => {
    expect((await admin('PUT', 'acme/profiles/office', { workloads: ['saasApps', 'endpoint'] })).status).toBe(200);
    const made = await admin('POST', 'acme/accounts', {
      userName: 'grace@example.com',
      emails: ['grace@example.com'],
      profile: 'office',
      storage: { region: 'eu-1', quotaBytes: 10 },
    });
    expect(made).toMatchObject({
      status: 201,
      body: { origin: 'manual', managedBy: 'manual', profile: 'office', profileBy: 'administrator' },
    });
    const okta = cluster.client('acme');
    expect((await okta.find('userName eq "GRACE@example.com"')).body.Resources).toMatchObject([{ id: made.body.id }]);
    const posted = await okta.create(userBody('grace'));
    expect([posted.status, posted.body.id]).toEqual([201, made.body.id]);
    expect((await admin('GET', `acme/accounts/${made.body.id}`)).body).toMatchObject({
      origin: 'manual',
      managedBy: 'scim',
      profile: 'office',
      storage: { region: 'eu-1', quotaBytes: 10 },
    });
    // By now it is the identity provider's: a second POST is a duplicate.
    expect((await okta.create(userBody('grace'))).status).toBe(409);
  });

  it('is refused with a profile that is not there, or storage that it has no workload for, or for a person who has one', async () => {
    const make = (more: object) => admin('POST', 'acme/accounts', { userName: 'refused@example.com', ...more });
    expect(await make({ profile: 'nobody' })).toMatchObject({ status: 400, body: { detail: expect.stringContaining('profile') } });
    await admin('PUT', 'acme/profiles/saasAppsOnly', { workloads: ['saasApps'] });
    expect((await make({ profile: 'saasAppsOnly', storage: { quotaBytes: 1 } })).status).toBe(400);
    const [grace] = (await admin('GET', 'acme/accounts?filter=userName eq "grace@example.com"')).body.items;
    const taken = { status: 409, body: { detail: expect.stringContaining(grace.id) } };
    for (const more of [{}, { emails: ['another@example.com'] }])
      expect(await make({ userName: 'Grace@example.com', ...more })).toMatchObject(taken);
    expect((await admin('GET', 'acme/accounts?filter=userName eq "refused@example.com"')).body.items).toEqual([]);
  });

  it('is refused storage by the profile that it has, and a profile by the storage that it has', async () => {
    await admin('PUT', 'acme/profiles/saasAppsOnly', { workloads: ['saasApps'] });
    await admin('PUT', 'acme/profiles/devices', { workloads: ['endpoint'] });
    const { id } = (await admin('POST', 'acme/accounts', { userName: 'hedy@example.com', profile: 'saasAppsOnly' })).body;
    const change = (wanted: object) => admin('PATCH', `acme/accounts/${id}`, wanted);
    const detail = expect.stringContaining('has no workload that needs storage');
    const refused = { status: 400, body: { errors: [expect.objectContaining({ pointer: '#/storage', detail })] } };
    expect(await change({ storage: { quotaBytes: 1 } })).toMatchObject(refused);
    expect(await change({ profile: 'devices', storage: { quotaBytes: 1 } })).toMatchObject({
      status: 200,
      body: { storage: { quotaBytes: 1 } },
    });
    expect(await change({ profile: 'saasAppsOnly' })).toMatchObject(refused);
    expect(await change({ profile: 'saasAppsOnly', storage: null })).toMatchObject({ status: 200, body: { profile: 'saasAppsOnly' } });
  });

  it('has no storage by a profile that takes none, whatever is asked for at once, and no profile that is no more', async () => {
    await admin('PUT', 'acme/profiles/saasAppsOnly', { workloads: ['saasApps'] });
    await admin('PUT', 'acme/profiles/devices', { workloads: ['endpoint'] });
    for (let round = 0; round < 10; round += 1) {
      const made = await admin('POST', 'acme/accounts', { userName: `race-${round}@example.com`, profile: 'devices' });
      const change = (wanted: object) => admin('PATCH', `acme/accounts/${made.body.id}`, wanted);
      const shown = async () => (await admin('GET', `acme/accounts/${made.body.id}`)).body;
      const answers = await Promise.all([change({ profile: 'saasAppsOnly' }), change({ storage: { region: 'eu' } })]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
      expect([(await shown()).profile, (await shown()).storage !== undefined]).not.toEqual(['saasAppsOnly', true]);

      const name = `short-${round}`;
      await admin('PUT', `acme/profiles/${name}`, { workloads: ['endpoint'] });
      await change({ profile: null, storage: null });
      const [given, deleted] = await Promise.all([change({ profile: name }), admin('DELETE', `acme/profiles/${name}`)]);
      expect([given.status, deleted.status]).toEqual(given.status === 200 ? [200, 409] : [400, 204]);
      expect((await shown()).profile).toBe(given.status === 200 ? name : undefined);
    }
  });

  it('keeps its storage where the mappings would give a profile that takes none: 400 by hand, and left as it is by them', async () => {
    await admin('PUT', 'stored/profiles/saasAppsOnly', { workloads: ['saasApps'] });
    await admin('PUT', 'stored/profiles/devices', { workloads: ['endpoint'] });
    const storage = { region: 'eu' };
    const { id } = (await admin('POST', 'stored/accounts', { userName: 'kept@example.com', profile: 'devices', storage })).body;
    const free = (await admin('POST', 'stored/accounts', { userName: 'free@example.com', storage })).body;
    expect((await admin('PUT', 'stored/mappings', { default: { profile: 'saasAppsOnly' } })).status).toBe(200);
    const refused = { status: 400, body: { errors: [{ pointer: '#/storage', detail: expect.stringContaining('saasAppsOnly') }] } };
    expect(await admin('POST', 'stored/accounts', { userName: 'new@example.com', storage })).toMatchObject(refused);
    expect(await admin('PATCH', `stored/accounts/${id}`, { profile: null })).toMatchObject(refused);
    const job = (await admin('PUT', 'stored/mappings?apply=all', { default: { profile: 'saasAppsOnly' } })).body;
    await until('the job', async () => (await admin('GET', `stored/mappings/jobs/${job.id}`)).body.status === 'done');
    for (const each of [id, free.id]) expect((await admin('GET', `stored/accounts/${each}`)).body.storage).toEqual(storage);
    expect((await admin('GET', `stored/accounts/${free.id}`)).body.profile).toBeUndefined();
    expect((await admin('PATCH', `stored/accounts/${free.id}`, { profile: null, storage: null })).body.profile).toBe('saasAppsOnly');
  });

  it('keeps the workload that its storage needs, and its profile: 409 names who has them, whether MongoDB has them yet or not', async () => {
    const put = (...workloads: string[]) => admin('PUT', 'acme/profiles/vault', { workloads });
    await put('saasApps', 'endpoint');
    const { id } = (await admin('POST', 'acme/accounts', { userName: 'mary@example.com', profile: 'vault', storage: { quotaBytes: 1 } }))
      .body;
    const inTheWay = { status: 409, body: { detail: expect.stringContaining(id) } };
    for (const settled of [false, true]) {
      if (settled) await cluster.quiet();
      expect(await put('saasApps')).toMatchObject(inTheWay);
      expect(await admin('DELETE', 'acme/profiles/vault')).toMatchObject(inTheWay);
    }
    expect((await put('endpoint', 'devices')).status).toBe(200);
    expect((await admin('PATCH', `acme/accounts/${id}`, { storage: null })).status).toBe(200);
    expect((await admin('PUT', 'acme/mappings', { rules: [], default: { profile: 'vault', storage: { region: 'eu' } } })).status).toBe(200);
    expect(await put('saasApps')).toMatchObject({ status: 409, body: { detail: expect.stringContaining('the mapping "the default"') } });
    expect((await admin('PUT', 'acme/mappings', { rules: [] })).status).toBe(200);
    expect((await put('saasApps')).status).toBe(200);
    expect(await admin('DELETE', 'acme/profiles/vault')).toMatchObject(inTheWay);
    expect((await admin('PATCH', `acme/accounts/${id}`, { profile: null })).status).toBe(200);
    expect((await admin('DELETE', 'acme/profiles/vault')).status).toBe(204);
  });
});

it('a recycled address is refused by setting, until an administrator says that it is the same person', async () => {
  await admin('PATCH', 'careful', { settings: { recycledIdentity: 'refuse', externalId: 'stable' } });
  const okta = cluster.client('careful');
  const { id } = (await okta.create(userBody('joan'))).body;
  await okta.delete(id);
  const again = userBody('joan', { externalId: 'another' });
  const refused = await okta.create(again);
  expect([refused.status, refused.body.scimType, refused.body.detail.includes(id)]).toEqual([409, 'uniqueness', false]);
  expect((await admin('POST', `careful/accounts/${id}/adopt`, { externalId: 'another' })).status).toBe(200);
  const revived = await okta.create(again);
  expect([revived.status, revived.body.id]).toEqual([201, id]);
});

it('mappings provide new accounts, say whom they would move, and move all on request', async () => {
  for (const [name, workloads] of [
    ['engineer', ['endpoint']],
    ['basic', ['saasApps']],
  ] as const)
    await admin('PUT', `mapped/profiles/${name}`, { workloads });
  const rules = {
    rules: [{ name: 'engineers', filter: 'title sw "Engineer"', profile: 'engineer', storage: { region: 'eu' } }],
    default: { profile: 'basic' },
  };
  expect((await admin('PUT', 'mapped/mappings', { rules: [{ ...rules.rules[0], filter: 'title is' }] })).status).toBe(400);
  expect((await admin('PUT', 'mapped/mappings', { default: { profile: 'none' } })).status).toBe(400);
  expect((await admin('PUT', 'mapped/mappings', rules)).status).toBe(200);

  const okta = cluster.client('mapped');
  const engineer = (await okta.create(userBody('e', { title: 'Engineer' }))).body.id;
  const clerk = (await okta.create(userBody('c', { title: 'Clerk' }))).body.id;
  const byHand = (await okta.create(userBody('h', { title: 'Clerk' }))).body.id;
  expect((await admin('GET', `mapped/accounts/${engineer}`)).body).toMatchObject({
    profile: 'engineer',
    profileBy: 'mapping',
    storage: { region: 'eu' },
  });
  expect((await admin('PATCH', `mapped/accounts/${byHand}`, { profile: 'engineer' })).body).toMatchObject({ profileBy: 'administrator' });
  await okta.patch(clerk, patchBody({ op: 'replace', path: 'title', value: 'Engineer II' }));
  expect((await admin('GET', `mapped/accounts/${clerk}`)).body.profile).toBe('engineer');
  await cluster.quiet();

  const wanted = { default: { profile: 'basic' } };
  const dry = await admin('POST', 'mapped/mappings/dry-run', wanted);
  expect(dry.body).toMatchObject({
    count: 2,
    accounts: expect.arrayContaining([
      { id: clerk, userName: 'c@example.com', from: 'engineer', to: 'basic', storage: { from: { region: 'eu' } } },
    ]),
  });
  expect((await admin('DELETE', 'mapped/profiles/engineer')).status).toBe(409);
  const all = await admin('PUT', 'mapped/mappings?apply=all', wanted);
  expect(all.status).toBe(202);
  const job = await until(
    'the job',
    async () => (await admin('GET', `mapped/mappings/jobs/${all.body.id}`)).body,
    ({ status }) => status === 'done',
  );
  expect(job).toMatchObject({ failed: 0 });
  expect((await admin('GET', `mapped/accounts/${engineer}`)).body.profile).toBe('basic');
  expect((await admin('GET', `mapped/accounts/${byHand}`)).body.profile).toBe('engineer');
  expect((await admin('GET', 'mapped/accounts?profile=basic')).body.items).toHaveLength(2);
  const filtered = (filter: string) => admin('GET', `mapped/accounts?filter=${encodeURIComponent(filter)}`);
  expect((await filtered('profile eq "basic" and title co "II"')).body.items).toMatchObject([{ id: clerk }]);
  expect((await filtered('status eq "preserved" or managedBy eq "manual"')).body.items).toEqual([]);
  expect((await filtered('profile gt "a"')).status).toBe(400);
  const csv = await fetch(`${cluster.worker.url}/admin/v1/tenants/mapped/accounts`, {
    headers: { Authorization: `Bearer ${cluster.operatorToken}`, Accept: 'text/csv' },
  });
  const lines = (await csv.text()).trim().split('\r\n');
  expect([csv.headers.get('content-type'), lines.length]).toEqual(['text/csv; charset=utf-8', 4]);
  expect(csv.headers.get('content-disposition')).toBe('attachment; filename="accounts-mapped.csv"');
  expect(lines.find((line) => line.startsWith(`"${byHand}"`))).toMatch(
    /,"h@example\.com","h Test","active","","false","scim","scim","engineer",/,
  );
});

// The dry run looked at what MongoDB had, and only at who was not deleted; the job at everybody.
it('a dry run of mappings names whom they move on request, and nobody else: those whom MongoDB has not yet, and who is deactivated, too; who is deleted keeps what they have', async () => {
  await admin('PUT', 'dry/profiles/one', { workloads: ['endpoint'] });
  await admin('PUT', 'dry/profiles/two', { workloads: ['endpoint'] });
  const giving = (profile: string, region: string) => ({ default: { profile, storage: { region } } });
  await admin('PUT', 'dry/mappings', giving('one', 'eu'));
  const okta = cluster.client('dry');
  const people: Record<string, string> = {};
  for (const name of ['stays', 'deactivated', 'deleted', 'kept', 'chosen']) people[name] = (await okta.create(userBody(name))).body.id;
  await okta.patch(people.deactivated!, patchBody({ op: 'replace', path: 'active', value: false }));
  await okta.delete(people.deleted!);
  await admin('POST', `dry/accounts/${people.kept}/preserve`, {});
  await admin('PATCH', `dry/accounts/${people.chosen}`, { profile: 'one' });
  const provision = async () =>
    Object.fromEntries(
      (await admin('GET', 'dry/accounts')).body.items.map((each: Record<string, unknown>) => [each.id, [each.profile, each.storage]]),
    );
  const apply = async (wanted: object) => {
    const { id } = (await admin('PUT', 'dry/mappings?apply=all', wanted)).body;
    await until('the job', async () => (await admin('GET', `dry/mappings/jobs/${id}`)).body.status === 'done');
  };
  for (const [wanted, from, to] of [
    [giving('two', 'eu'), 'one', 'two'],
    [giving('two', 'us'), 'two', 'two'],
  ] as const) {
    const { region } = wanted.default.storage;
    // Nobody waits for MongoDB.
    const late = (await okta.create(userBody(`late-${region}`))).body.id;
    const named = (await admin('POST', 'dry/mappings/dry-run', wanted)).body;
    const before = await provision();
    const storage = from === to ? { storage: { from: { region: 'eu' }, to: { region } } } : {};
    const others = [people.deleted, people.chosen];
    const ids = Object.keys(before).filter((id) => !others.includes(id));
    expect(ids).toContain(late);
    expect([named.count, named.accounts]).toEqual([
      ids.length,
      expect.arrayContaining(ids.map((id) => ({ id, userName: expect.any(String), from, to, ...storage }))),
    ]);
    await apply(wanted);
    const moved = Object.fromEntries(ids.map((id) => [id, [to, { region }]]));
    expect(await provision()).toEqual({ ...before, ...moved });
  }
  // They get it when they come back.
  await okta.create(userBody('deleted'));
  expect((await provision())[people.deleted!]).toEqual(['two', { region: 'us' }]);
});

it('a wrong mapping is refused by the rule that it is in, with what was expected there; all of them at once', async () => {
  await admin('PUT', 'mapped/profiles/basic', { workloads: ['saasApps'] });
  const before = (await admin('GET', 'mapped/mappings')).body;
  const wrong = {
    rules: [
      { name: 'fine', filter: 'title eq "Engineer"', profile: 'basic' },
      { name: 'half', filter: 'title is', profile: 'basic' },
      { name: 'unknown', filter: 'shoeSize gt 40', profile: 'nobody' },
      { name: 'heavy', filter: 'active eq "yes"', profile: 'basic', storage: { quotaBytes: 1 } },
    ],
    default: { profile: 'none' },
  };
  const errors = [
    { pointer: '#/rules/1/filter', detail: expect.stringMatching(/^rule "half": expected an operator.*, got .*column 7/) },
    { pointer: '#/rules/2/profile', detail: 'rule "unknown": there is no profile "nobody"' },
    { pointer: '#/rules/2/filter', detail: expect.stringMatching(/^rule "unknown": unknown attribute "shoeSize" at column 1/) },
    { pointer: '#/rules/3/storage', detail: 'rule "heavy": profile "basic" has no workload that needs storage' },
    { pointer: '#/rules/3/filter', detail: expect.stringMatching(/^rule "heavy": active: expected true or false/) },
    { pointer: '#/default/profile', detail: 'there is no profile "none"' },
  ];
  for (const [method, path] of [
    ['PUT', 'mapped/mappings'],
    ['PUT', 'mapped/mappings?apply=all'],
    ['POST', 'mapped/mappings/dry-run'],
  ] as const) {
    const { status, body, headers } = await admin(method, path, wrong);
    expect([status, headers.get('content-type')]).toEqual([400, expect.stringContaining('application/problem+json')]);
    expect(body.errors).toEqual(errors);
    expect(body.detail).toContain('#/rules/1/filter: rule "half": ');
  }
  expect((await admin('GET', 'mapped/mappings')).body).toEqual(before);
});

describe('the display name of an account follows what the identity provider says, and is never told to it', () => {
  const [givenName, familyName] = ['Ada', 'Lovelace'];
  const COMBINATIONS = [
    ['first and last name', { givenName, familyName }, 'Ada Lovelace'],
    ['the first name alone', { givenName }, 'Ada'],
    ['the last name alone', { familyName }, 'Lovelace'],
    ['neither', undefined, 'named@example.com'],
  ] as const;
  const shown = async (id: string) => (await admin('GET', `acme/accounts/${id}`)).body.displayName;

  it.each(COMBINATIONS)('by POST, PUT and PATCH, of each other combination before: %s', async (what, name, expected) => {
    const okta = cluster.client('acme');
    const user = (given: object | undefined) =>
      userBody(`named-${what.length}`, { userName: 'named@example.com', displayName: undefined, name: given });
    const made = await okta.create(user(name));
    const { id } = made.body;
    expect([made.status, await shown(id)]).toEqual([201, expected]);
    for (const [, before] of COMBINATIONS) {
      await okta.replace(id, user(before));
      const replaced = await okta.replace(id, user(name));
      expect([replaced.status, replaced.body.displayName, replaced.body.name, await shown(id)]).toEqual([200, undefined, name, expected]);
      await okta.replace(id, user(before));
      const operations = (['givenName', 'familyName'] as const).map((part) => {
        const value = name && part in name ? (name as Record<string, string>)[part] : undefined;
        return value === undefined ? { op: 'remove', path: `name.${part}` } : { op: 'replace', path: `name.${part}`, value };
      });
      const patched = await okta.patch(id, patchBody(...operations));
      expect([patched.status, patched.body.displayName, patched.body.name, await shown(id)]).toEqual([200, undefined, name, expected]);
      expect((await okta.get(id)).body).not.toHaveProperty('displayName');
    }
    await okta.patch(id, patchBody({ op: 'add', path: 'displayName', value: 'The Countess' }));
    expect(await shown(id)).toBe('The Countess');
    await okta.patch(id, patchBody({ op: 'remove', path: 'displayName' }));
    expect(await shown(id)).toBe(expected);
    expect((await admin('GET', `acme/accounts?filter=${encodeURIComponent('userName eq "named@example.com"')}`)).body.items).toMatchObject([
      { displayName: expected },
    ]);
    await cluster.quiet();
    // It is stored nowhere.
    const stored = await cluster.db.collection<{ _id: string; attributes: object }>('accounts').findOne({ _id: id });
    expect(stored?.attributes).not.toHaveProperty('displayName');
    const { confirm } = (await admin('DELETE', `acme/accounts/${id}`)).body;
    await admin('POST', `acme/accounts/${id}/purge`, { confirm });
  });
});

it('an import makes each line whole or not at all, and says why', async () => {
  const csv = [
    'userName,givenName,familyName,email,externalId,quotaBytes',
    'i1@example.com,Ida,One,i1@example.com,x1,',
    '"i2@example.com","Ida ""2""",Two,,,5',
    ',No,Name,,,',
    'i1@example.com,Twin,,,,',
    'i3@example.com,,,,,lots',
  ].join('\n');
  const begun = await admin('POST', 'globex/imports', csv);
  expect(begun).toMatchObject({ status: 202, body: { total: 5, kind: 'import' } });
  const done = await until(
    'the import',
    async () => (await admin('GET', `globex/imports/${begun.body.id}`)).body,
    ({ status }) => status === 'done',
  );
  expect(done).toMatchObject({
    done: 5,
    failed: 3,
    failures: [
      { line: 4, reason: expect.stringContaining('userName') },
      { line: 5, reason: expect.stringMatching(/is taken by another User: [0-9a-f-]{36}$/) },
      { line: 6, reason: expect.stringContaining('quotaBytes') },
    ],
  });
  const { items } = (await admin('GET', 'globex/accounts?managedBy=manual')).body;
  expect(items.map(({ userName, origin }: { userName: string; origin: string }) => [userName, origin])).toEqual([
    ['i1@example.com', 'import'],
    ['i2@example.com', 'import'],
  ]);
  expect((await admin('POST', 'globex/imports', 'name\nx')).status).toBe(400);
  // The person comes by SCIM, and is adopted.
  expect((await cluster.client('globex').create(userBody('i1'))).body.id).toBe(items[0].id);
});

it('an import fails the lines that have a cell too few or too many, a region or a quota that is none, and does the others', async () => {
  const lines = ['', 'r1@example.com,eu-1,7', '', 'r2@example.com,bad region!,', 'r3@example.com,,0x10', 'r4@example.com,,1e3'];
  const begun = await admin('POST', 'globex/imports', ['userName,region,quotaBytes', ...lines, 'r5', 'r6@example.com,,,x'].join('\r\n'));
  const done = await until(
    'the import',
    async () => (await admin('GET', `globex/imports/${begun.body.id}`)).body,
    ({ status }) => status === 'done',
  );
  expect(done).toMatchObject({
    total: 6,
    done: 6,
    failures: [
      { line: 5, reason: 'region: expected 1 to 63 letters, digits and hyphens' },
      { line: 6, reason: 'quotaBytes: expected a whole number, in digits' },
      { line: 7, reason: 'quotaBytes: expected a whole number, in digits' },
      { line: 8, reason: 'expected 3 cells, got 1' },
      { line: 9, reason: 'expected 3 cells, got 4' },
    ],
  });
  expect((await admin('GET', `globex/accounts?filter=${encodeURIComponent('userName sw "r"')}`)).body.items).toMatchObject([
    { userName: 'r1@example.com', storage: { region: 'eu-1', quotaBytes: 7 } },
  ]);
});

it('what is no CSV in UTF-8, or no JSON in UTF-8, is refused, and nothing of it is stored', async () => {
  const post = async (path: string, type: string, body: string | Buffer, more: Record<string, string> = {}) => {
    const headers = { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': type, ...more };
    const answer = await fetch(`${cluster.worker.url}/admin/v1/tenants/globex/${path}`, { method: 'POST', headers, body });
    return { status: answer.status, detail: ((await answer.json()) as { detail: string }).detail };
  };
  const latin = (text: string) => Buffer.from(text, 'latin1');
  const utf8 = expect.stringContaining('UTF-8');
  expect(await post('imports', 'text/csv', latin('userName\nzo\xeb\n'))).toEqual({ status: 400, detail: utf8 });
  expect(await post('imports', 'text/csv; charset=iso-8859-1', 'userName\nzoe\n')).toEqual({ status: 415, detail: utf8 });
  expect((await post('imports', 'text/csv', 'userName\nzoe\n', { 'Content-Encoding': 'gzip' })).status).toBe(415);
  expect(await post('imports', 'text/csv', '')).toEqual({ status: 400, detail: expect.stringContaining('the file is empty') });
  expect(await post('accounts', 'application/json', latin('{"userName":"zo\xeb"}'))).toEqual({ status: 400, detail: utf8 });
  expect(await post('accounts', 'application/json; charset=utf-16', Buffer.from('{"userName":"zoe"}', 'utf16le'))).toEqual({
    status: 415,
    detail: utf8,
  });
  expect((await admin('GET', `globex/accounts?filter=${encodeURIComponent('userName sw "zo"')}`)).body.items).toEqual([]);
});

it('lists page by page, in the order of creation, whether or not MongoDB has them', async () => {
  const okta = cluster.client('careful');
  const made = await Promise.all(Array.from({ length: 7 }, (_, n) => okta.create(userBody(`p${n}`))));
  const seen: string[] = [];
  for (let next: string | undefined = ''; next !== undefined; ) {
    const page: Answered = await admin('GET', `careful/accounts?limit=3${next && `&cursor=${next}`}`);
    seen.push(...page.body.items.map(({ id }: { id: string }) => id));
    next = page.body.next;
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(expect.arrayContaining(made.map(({ body }) => body.id)));
});

it('SCIM can be turned on only where nothing of a directory is left: every blocker is listed and counted', async () => {
  const okta = cluster.client('sourced');
  expect((await okta.list()).status).toBe(200);
  expect((await admin('PUT', 'sourced/directory/accounts/main', { kind: 'ad' })).status).toBe(409);
  expect((await admin('PUT', 'sourced/source', { source: 'directory' })).status).toBe(200);
  const off = await okta.list();
  expect([off.status, off.body.detail]).toEqual([403, expect.stringMatching(/SCIM/)]);
  await admin('PUT', 'sourced/directory/accounts/main', { kind: 'ad' });
  await admin('PUT', 'sourced/directory/mappings/all', { accounts: ['main'] });
  const user = await admin('POST', 'sourced/accounts', { userName: 'dir@example.com', managedBy: 'directory' });
  expect(user).toMatchObject({ status: 201, body: { origin: 'directory', managedBy: 'directory' } });
  await admin('POST', `sourced/accounts/${user.body.id}/preserve`, {});
  const blocked = await admin('PUT', 'sourced/source', { source: 'scim' });
  expect(blocked.status).toBe(409);
  expect(blocked.body.blockers).toEqual([
    { kind: 'directoryAccount', count: 1, examples: ['main'] },
    { kind: 'directoryMapping', count: 1, examples: ['all'] },
    { kind: 'directoryUser', count: 1, examples: [user.body.id] },
  ]);
  await admin('DELETE', 'sourced/directory/accounts/main');
  await admin('DELETE', 'sourced/directory/mappings/all');
  const { confirm } = (await admin('DELETE', `sourced/accounts/${user.body.id}`)).body;
  expect((await admin('POST', `sourced/accounts/${user.body.id}/purge`, { confirm: 'no' })).status).toBe(409);
  expect((await admin('POST', `sourced/accounts/${user.body.id}/purge`, { confirm })).status).toBe(204);
  expect((await admin('GET', `sourced/accounts/${user.body.id}`)).status).toBe(404);
  expect((await admin('PUT', 'sourced/source', { source: 'scim' })).status).toBe(200);
  expect((await okta.list()).status).toBe(200);
});

it('each kind of what stands in the way of SCIM is counted in whole, with ten examples; of people, whoever is the directory’s, active or preserved by whomever', async () => {
  await admin('PUT', 'blocked/source', { source: 'directory' });
  const names = Array.from({ length: 12 }, (_, n) => `d${n}`);
  for (const name of names) {
    await admin('PUT', `blocked/directory/accounts/${name}`, { kind: name === 'd0' ? 'ldap' : 'ad' });
    await admin('PUT', `blocked/directory/mappings/${name}`, { accounts: [name] });
  }
  const ids: string[] = [];
  for (const name of names) ids.push((await admin('POST', 'blocked/accounts', { userName: name, managedBy: 'directory' })).body.id);
  // Somebody made by hand is none of the directory's.
  expect((await admin('POST', 'blocked/accounts', { userName: 'hand' })).body).toMatchObject({ managedBy: 'manual' });
  const blockers = async () => (await admin('PUT', 'blocked/source', { source: 'scim' })).body.blockers;
  const some = (all: readonly string[]) => {
    const examples = expect.arrayContaining([expect.any(String)]);
    return { count: all.length, examples: all.length > 10 ? examples : expect.arrayContaining(all) };
  };
  for (const settled of [false, true]) {
    if (settled) await cluster.quiet();
    const found = await blockers();
    expect(found).toEqual([
      { kind: 'directoryAccount', ...some(names) },
      { kind: 'directoryMapping', ...some(names) },
      { kind: 'directoryUser', ...some(ids) },
    ]);
    for (const { kind, examples } of found) {
      expect([kind, new Set(examples).size]).toEqual([kind, 10]);
      expect(kind === 'directoryUser' ? ids : names).toEqual(expect.arrayContaining(examples));
    }
  }
  for (const name of names)
    for (const kind of ['accounts', 'mappings']) expect((await admin('DELETE', `blocked/directory/${kind}/${name}`)).status).toBe(204);

  // What a connector's earlier release may have left: nobody but it takes access away or deletes while people come from a directory.
  const [active, kept, byIdp, byBoth, deleted] = ids as [string, string, string, string, string];
  for (const id of [kept, byBoth])
    expect((await admin('POST', `blocked/accounts/${id}/preserve`, {})).body.preservedBy).toEqual(['administrator']);
  await cluster.quiet();
  const accounts = cluster.db.collection<{ _id: string }>('accounts');
  await accounts.updateMany({ _id: { $in: [byIdp, deleted] } }, { $set: { 'account.preservedBy': ['idp'] } });
  await accounts.updateOne({ _id: byBoth }, { $set: { 'account.preservedBy': ['administrator', 'idp'] } });
  await accounts.updateOne({ _id: deleted }, { $set: { live: false }, $unset: { nameKey: true } });
  const purge = async (id: string) => {
    const { confirm } = (await admin('DELETE', `blocked/accounts/${id}`)).body;
    expect((await admin('POST', `blocked/accounts/${id}/purge`, { confirm })).status).toBe(204);
  };
  for (const id of ids.slice(5)) await purge(id);
  let left = [active, kept, byIdp, byBoth, deleted];
  for (const gone of [active, kept, byIdp, byBoth, deleted]) {
    expect(await blockers()).toEqual([{ kind: 'directoryUser', ...some(left) }]);
    await purge(gone);
    left = left.filter((id) => id !== gone);
  }
  expect((await admin('PUT', 'blocked/source', { source: 'scim' })).status).toBe(200);
});

it('an administrator’s PATCH under If-Match is done only to the version that was seen: else 412, and nothing is changed', async () => {
  const made = await admin('POST', 'globex/accounts', { userName: 'matched@example.com' });
  const at = `globex/accounts/${made.body.id}`;
  const seen = made.headers.get('etag')!;
  expect(seen).toBe(`W/"${made.body.version}"`);
  const set = (quotaBytes: number, ifMatch: string) => admin('PATCH', at, { storage: { quotaBytes } }, { 'If-Match': ifMatch });
  const first = await set(1, seen);
  expect(first).toMatchObject({ status: 200, body: { storage: { quotaBytes: 1 } } });
  const now = first.headers.get('etag')!;
  expect(now).not.toBe(seen);
  for (const stale of [seen, seen.replace('W/', ''), 'W/"1"', `${seen}, W/"1"`]) {
    const refused = await set(2, stale);
    expect([refused.status, refused.headers.get('content-type')]).toEqual([412, expect.stringContaining('application/problem+json')]);
    expect(refused.body).toMatchObject({ title: 'Precondition Failed', status: 412, detail: expect.stringContaining(now) });
  }
  // Also where it would change nothing.
  expect((await set(1, seen)).status).toBe(412);
  expect((await admin('GET', at)).body).toEqual({ ...first.body, newestChange: expect.objectContaining({ state: expect.any(String) }) });
  for (const [quotaBytes, good] of [
    [3, '*'],
    [4, `W/"1", ${now}`],
  ] as const) {
    const etag = (await admin('GET', at)).headers.get('etag')!;
    expect((await set(quotaBytes, good.replace(now, etag))).body.storage).toEqual({ quotaBytes });
  }
  const strong = (await admin('GET', at)).headers.get('etag')!.replace('W/', '');
  expect((await set(5, strong)).status).toBe(200);
  // Of ten who saw the same, one is first.
  const etag = (await admin('GET', at)).headers.get('etag')!;
  const raced = await Promise.all(Array.from({ length: 10 }, (_, n) => set(100 + n, etag)));
  expect(raced.map(({ status }) => status).sort()).toEqual([200, ...Array.from({ length: 9 }, () => 412)]);
  // Nobody is there.
  expect((await admin('PATCH', `globex/accounts/${randomUUID()}`, {}, { 'If-Match': '*' })).status).toBe(404);
});

// MongoDB kept nothing of deleted people that a filter looks at: whom an administrator has to reactivate, adopt or purge was found by hand alone.
it('a person who was deleted is found by what they were, whether MongoDB has that yet or not; by the identity provider they are not', async () => {
  const okta = cluster.client('searched');
  const { id } = (await okta.create(userBody('u3', { title: 'Engineer' }))).body;
  await okta.create(userBody('u1'));
  const found = async (filter: string) =>
    (await admin('GET', `searched/accounts?filter=${encodeURIComponent(filter)}`)).body.items.map((each: { id: string }) => each.id);
  await okta.delete(id);
  for (const settled of [false, true]) {
    if (settled) await cluster.quiet();
    for (const filter of [
      'userName eq "U3@example.com"',
      'title sw "eng" and status eq "preserved"',
      'emails[value eq "u3@example.com"]',
      'active eq false',
      'not (userName eq "u1@example.com")',
    ])
      expect([settled, filter, await found(filter)]).toEqual([settled, filter, [id]]);
    expect((await okta.find('userName eq "u3@example.com"')).body.totalResults).toBe(0);
    expect((await okta.find('title pr')).body.totalResults).toBe(0);
  }
  const { confirm } = (await admin('DELETE', `searched/accounts/${id}`)).body;
  await admin('POST', `searched/accounts/${id}/purge`, { confirm });
  await cluster.quiet();
  expect(await found('userName sw "u3"')).toEqual([]);
  expect(JSON.stringify(await cluster.db.collection<{ _id: string }>('accounts').findOne({ _id: id }))).not.toContain('u3');
});

it('another tenant’s account is as unknown as none', async () => {
  const { id } = (await cluster.client('acme').create(userBody('ours'))).body;
  for (const [method, path] of [
    ['GET', `globex/accounts/${id}`],
    ['POST', `globex/accounts/${id}/preserve`],
    ['POST', `globex/accounts/${id}/reactivate`],
    ['DELETE', `globex/accounts/${id}`],
  ] as const) {
    expect((await admin(method, path, method === 'POST' ? {} : undefined)).status).toBe(404);
  }
});
