// Mappings that ask for groups (docs/decisions/0012): who joins or leaves a group gets what the rules then give.
import { adminOf } from '../support/admin.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const RULES = { rules: [{ name: 'staff', filter: 'groups.display eq "Staff"', profile: 'staff' }], default: { profile: 'guest' } };

function using(cluster: Cluster, tenant = 'acme') {
  const ask = adminOf(cluster);
  const admin = (method: string, path: string, body?: object) => ask(`${method} /tenants/${tenant}/${path}`, body);
  const scim = cluster.client(tenant);
  const profiles = () => Promise.all(['staff', 'guest'].map((name) => admin('PUT', `profiles/${name}`, { workloads: ['saasApps'] })));
  const person = async (name: string): Promise<string> => (await scim.create(userBody(name))).body.id;
  const members = (ids: readonly string[]) => ids.map((value) => ({ value }));
  const group = async (displayName: string, ids: readonly string[]): Promise<string> =>
    (await scim.request('POST', '/Groups', { schemas: [GROUP], displayName, members: members(ids) })).body.id;
  const profile = async (id: string) => (await admin('GET', `accounts/${id}`)).body.profile;
  const becomes = (id: string, wanted: string) =>
    until(
      `${id} gets ${wanted}`,
      () => profile(id),
      (is) => is === wanted,
    );
  return { admin, scim, profiles, person, members, group, profile, becomes };
}

describe('a rule that asks for groups', () => {
  let cluster: Cluster;
  let on: ReturnType<typeof using>;
  beforeAll(async () => {
    cluster = await startCluster({ tenants: ['acme', 'many', 'kept', 'later', 'bare'] });
    on = using(cluster);
    await on.profiles();
    expect((await on.admin('PUT', 'mappings', RULES)).status).toBe(200);
  }, 90_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  it('moves who joins or leaves, as Okta and Entra push it: the person first, then the group; each move is in the history', async () => {
    const [ada, bea] = [await on.person('ada'), await on.person('bea')];
    expect(await on.profile(ada)).toBe('guest');
    const id = await on.group('Staff', [ada]);
    await on.becomes(ada, 'staff');
    await on.scim.request('PATCH', `/Groups/${id}`, patchBody({ op: 'add', path: 'members', value: on.members([bea]) }));
    await on.becomes(bea, 'staff');
    await on.scim.request('PATCH', `/Groups/${id}`, patchBody({ op: 'remove', path: `members[value eq "${ada}"]` }));
    await on.becomes(ada, 'guest');
    expect(await on.profile(bea)).toBe('staff');
    await on.scim.request('PUT', `/Groups/${id}`, { schemas: [GROUP], displayName: 'Staff', members: on.members([ada]) });
    await Promise.all([on.becomes(ada, 'staff'), on.becomes(bea, 'guest')]);
    await cluster.quiet();
    const lines = await cluster.db.collection('history').find({ id: ada, 'line.operation': 'remap' }).toArray();
    expect(lines).toHaveLength(3);
    await on.scim.request('DELETE', `/Groups/${id}`);
    await on.becomes(ada, 'guest');
  });

  it('moves all members of a group that is renamed or deleted', async () => {
    const [eva, fay] = [await on.person('eva'), await on.person('fay')];
    const id = await on.group('Interns', [eva, fay]);
    await cluster.quiet();
    expect(await on.profile(eva)).toBe('guest');
    await on.scim.request('PATCH', `/Groups/${id}`, patchBody({ op: 'replace', path: 'displayName', value: 'Staff' }));
    await Promise.all([on.becomes(eva, 'staff'), on.becomes(fay, 'staff')]);
    await cluster.quiet();
    await on.scim.request('DELETE', `/Groups/${id}`);
    await Promise.all([on.becomes(eva, 'guest'), on.becomes(fay, 'guest')]);
  });

  it('never moves an account that was set by hand, until that is taken back; and holds through changes of the person', async () => {
    const [gil, hal] = [await on.person('gil'), await on.person('hal')];
    await on.admin('PATCH', `accounts/${gil}`, { profile: 'guest' });
    const id = await on.group('Staff', [gil, hal]);
    await on.becomes(hal, 'staff');
    await on.scim.patch(hal, patchBody({ op: 'replace', path: 'title', value: 'x' }));
    await cluster.quiet();
    expect([await on.profile(gil), await on.profile(hal)]).toEqual(['guest', 'staff']);
    await on.admin('PATCH', `accounts/${gil}`, { profile: null });
    await on.becomes(gil, 'staff');
    await on.scim.request('DELETE', `/Groups/${id}`);
    await on.becomes(gil, 'guest');
  });

  it('says whom it would move, and moves all on request', async () => {
    const [ida, joy] = [await on.person('ida'), await on.person('joy')];
    await on.group('Board', [ida, joy]);
    await cluster.quiet();
    const wanted = { ...RULES, rules: [{ name: 'board', filter: 'groups[display eq "Board"]', profile: 'staff' }] };
    expect((await on.admin('POST', 'mappings/dry-run', wanted)).body).toMatchObject({ count: 2 });
    const all = await on.admin('PUT', 'mappings?apply=all', wanted);
    expect(all.status).toBe(202);
    await Promise.all([on.becomes(ida, 'staff'), on.becomes(joy, 'staff')]);
  });

  it('moves all whom one PATCH names, also more than a commit takes at once', async () => {
    const many = using(cluster, 'many');
    await many.profiles();
    await many.admin('PUT', 'mappings', RULES);
    const ids = await Promise.all(Array.from({ length: 1_100 }, (_, n) => many.person(`m${n}`)));
    const id = await many.group('Staff', []);
    const counted = (wanted: number) =>
      until(
        `${wanted} are staff`,
        () => cluster.db.collection('accounts').countDocuments({ tenant: 'many', 'account.profile': 'staff' }),
        (count) => count === wanted,
        30_000,
      );
    await many.scim.request('PATCH', `/Groups/${id}`, patchBody({ op: 'add', path: 'members', value: many.members(ids) }));
    await counted(ids.length);
    await many.scim.request('PATCH', `/Groups/${id}`, patchBody({ op: 'remove', path: 'members' }));
    await counted(0);
  });

  it('leaves a deactivated account what it has while it is taken out of its groups, and looks at it when it is active again', async () => {
    const kept = using(cluster, 'kept');
    await kept.profiles();
    const rules = [{ ...RULES.rules[0], storage: { region: 'eu' } }];
    await kept.admin('PUT', 'profiles/staff', { workloads: ['endpoint'] });
    expect((await kept.admin('PUT', 'mappings', { ...RULES, rules })).status).toBe(200);
    const [quin, ray] = [await kept.person('quin'), await kept.person('ray')];
    const id = await kept.group('Staff', [quin, ray]);
    await Promise.all([kept.becomes(quin, 'staff'), kept.becomes(ray, 'staff')]);
    const setActive = (active: boolean) => kept.scim.patch(quin, patchBody({ op: 'replace', path: 'active', value: active }));
    await setActive(false);
    await kept.scim.request('DELETE', `/Groups/${id}`);
    await kept.becomes(ray, 'guest');
    await cluster.quiet();
    expect((await kept.admin('GET', `accounts/${quin}`)).body).toMatchObject({
      ...{ status: 'preserved', profile: 'staff', storage: { region: 'eu' } },
    });
    await setActive(true);
    await kept.becomes(quin, 'guest');
  });

  it('moves nobody who changes in what no rule reads, also after other rules were saved; who changes in what they read is moved', async () => {
    const later = using(cluster, 'later');
    await later.profiles();
    const [kim, lea] = [await later.person('kim'), await later.person('lea')];
    await later.admin('PUT', 'mappings', RULES);
    const mia = await later.person('mia');
    await cluster.quiet();
    const rules = [{ name: 'named', filter: 'groups.display eq "Board" or title eq "Clerk"', profile: 'staff' }];
    await later.admin('PUT', 'mappings', { rules, default: { profile: 'staff' } });
    for (const id of [kim, mia]) await later.scim.patch(id, patchBody({ op: 'replace', path: 'nickName', value: 'x' }));
    await cluster.quiet();
    expect([await later.profile(kim), await later.profile(mia)]).toEqual([undefined, 'guest']);
    for (const id of [kim, mia]) await later.scim.patch(id, patchBody({ op: 'replace', path: 'title', value: 'Clerk' }));
    await later.group('Board', [lea]);
    await Promise.all([later.becomes(mia, 'staff'), later.becomes(lea, 'staff')]);
    await cluster.quiet();
    expect(await later.profile(kim)).toBeUndefined();
  });

  it('gives its profile to members who had none, where no default ends the list; by Bulk as by all else', async () => {
    const bare = using(cluster, 'bare');
    await bare.profiles();
    await bare.admin('PUT', 'mappings', { rules: RULES.rules });
    const [ned, ola] = [await bare.person('ned'), await bare.person('ola')];
    await cluster.quiet();
    expect(await bare.profile(ned)).toBeUndefined();
    const { status, body } = await bare.scim.request('POST', '/Bulk', {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [
        { method: 'POST', path: '/Users', bulkId: 'pia', data: userBody('pia') },
        {
          ...{ method: 'POST', path: '/Groups', bulkId: 'staff' },
          data: { schemas: [GROUP], displayName: 'Staff', members: [...bare.members([ned]), { value: 'bulkId:pia' }] },
        },
      ],
    });
    expect(status).toBe(200);
    const pia = body.Operations[0].location.split('/').at(-1);
    await Promise.all([bare.becomes(ned, 'staff'), bare.becomes(pia, 'staff')]);
    expect(await bare.profile(ola)).toBeUndefined();
  });
});

it.each(['before remap', 'after remap'])(
  'moves members, each once, where the worker dies between their edges and the document of their group (%s)',
  async (point) => {
    await using cluster = await startCluster({ tenants: ['acme'], faults: { worker: { [point]: { kill: 1 } } } });
    const on = using(cluster);
    await on.profiles();
    await on.admin('PUT', 'mappings', RULES);
    const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => on.person(`p${n}`)));
    await on.group('Staff', ids);
    await cluster.worker.ended();
    await cluster.worker.kill();
    await cluster.worker.start({ ROLLCALL_FAULTS: '{}' });
    for (const id of ids) await on.becomes(id, 'staff');
    await cluster.quiet();
    expect(await cluster.db.collection('history').countDocuments({ 'line.operation': 'remap' })).toBe(ids.length);
  },
);

// They were looked at with the batch that had both, and had what nobody's groups give: a quick deactivation moved them.
it('leaves who was deactivated what their group gave, also where MongoDB did not have that yet', async () => {
  await using cluster = await startCluster({ tenants: ['acme'] });
  const on = using(cluster);
  await on.profiles();
  await on.admin('PUT', 'mappings', RULES);
  const [sam, tom] = [await on.person('sam'), await on.person('tom')];
  await cluster.quiet();
  await cluster.worker.kill();
  await cluster.worker.start({ ROLLCALL_FAULTS: JSON.stringify({ 'after remap': { kill: 1 } }) });
  const id = await on.group('Staff', [sam, tom]);
  await cluster.worker.ended();
  const setActive = (active: boolean) => on.scim.patch(sam, patchBody({ op: 'replace', path: 'active', value: active }));
  await setActive(false);
  await on.scim.request('DELETE', `/Groups/${id}`);
  await cluster.worker.kill();
  await cluster.worker.start({ ROLLCALL_FAULTS: '{}' });
  await on.becomes(tom, 'guest');
  await cluster.quiet();
  expect(await on.profile(sam)).toBe('staff');
  await setActive(true);
  await on.becomes(sam, 'guest');
});
