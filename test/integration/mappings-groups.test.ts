// Mappings that ask for groups (docs/decisions/0012): who joins or leaves a group gets what the rules then give.
import { adminOf } from '../support/admin.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(60_000);

const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';
const RULES = { rules: [{ name: 'staff', filter: 'groups.display eq "Staff"', profile: 'staff' }], default: { profile: 'guest' } };

function using(cluster: Cluster) {
  const ask = adminOf(cluster);
  const admin = (method: string, path: string, body?: object) => ask(`${method} /tenants/acme/${path}`, body);
  const scim = cluster.client('acme');
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
    cluster = await startCluster({ tenants: ['acme'] });
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
});

it('moves members, too, where the worker dies between their edges and their accounts', async () => {
  await using cluster = await startCluster({ tenants: ['acme'], faults: { worker: { 'before remap': { kill: 1 } } } });
  const on = using(cluster);
  await on.profiles();
  await on.admin('PUT', 'mappings', RULES);
  const ids = await Promise.all(Array.from({ length: 20 }, (_, n) => on.person(`p${n}`)));
  await on.group('Staff', ids);
  await cluster.worker.ended();
  await cluster.worker.kill();
  await cluster.worker.start({ ROLLCALL_FAULTS: '{}' });
  for (const id of ids) await on.becomes(id, 'staff');
});
