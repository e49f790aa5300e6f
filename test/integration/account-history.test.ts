import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { commandLine } from '../support/command-line.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster();
  admin = adminOf(cluster);
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

interface Line {
  readonly action: string;
  readonly changes: Record<string, { before?: unknown; after?: unknown }>;
  readonly who: { readonly id: string; readonly name?: string };
}
const lines = async (tenant: string, id: string): Promise<Line[]> =>
  (await admin(`GET /tenants/${tenant}/audit?account=${id}&limit=100`)).body.items;
/** What a create set, as the history tells it. */
const firstOf = async (tenant: string, id: string): Promise<Record<string, unknown>> => {
  const line = (await lines(tenant, id)).find(({ action }) => /\.(create|make)$/.test(action));
  return Object.fromEntries(Object.entries(line!.changes).map(([name, { after }]) => [name, after]));
};

describe('the history of what was created', () => {
  const URN = 'urn:example:door';

  // A create said nothing of its values, and they were lost once an attribute had changed twice.
  it('holds the first values, also after later changes, and while these are not yet in MongoDB', async () => {
    const okta = cluster.client('acme');
    const { id } = (await okta.create(userBody('ada', { title: 'Dr', password: 'hunter2-hunter2' }))).body;
    await cluster.quiet();
    const first = await firstOf('acme', id);
    expect(first).toMatchObject({ userName: 'ada@example.com', title: 'Dr', active: true, externalId: '00uada', 'account.origin': 'scim' });
    for (const title of ['Prof', 'Dean'])
      await okta.patch(
        id,
        patchBody({ op: 'replace', path: 'title', value: title }, { op: 'replace', path: 'name.givenName', value: title }),
      );
    // At once: the lines may still be in Redis alone.
    expect(await firstOf('acme', id)).toEqual(first);
    await okta.patch(id, patchBody({ op: 'remove', path: 'title' }, { op: 'add', path: 'nickName', value: 'A' }));
    await okta.patch(id, patchBody({ op: 'replace', path: 'active', value: false }));
    await cluster.quiet();
    expect(await firstOf('acme', id)).toEqual(first);
    await okta.delete(id);
    await cluster.quiet();
    expect(await firstOf('acme', id)).toEqual(first);
    expect(JSON.stringify(await lines('acme', id))).not.toContain('hunter2');
  });

  it('holds those of a group, and of an account that was made by hand', async () => {
    const okta = cluster.client('acme');
    const group = (await okta.request('POST', '/Groups', { displayName: 'One' })).body;
    await okta.request('PATCH', `/Groups/${group.id}`, patchBody({ op: 'replace', path: 'displayName', value: 'Two' }));
    const made = (await admin('POST /tenants/acme/accounts', { userName: 'hand', displayName: 'By Hand' })).body;
    await admin(`POST /tenants/acme/accounts/${made.id}/preserve`, {});
    await cluster.quiet();
    expect(await firstOf('acme', group.id)).toMatchObject({ displayName: 'One' });
    expect(await firstOf('acme', made.id)).toMatchObject({
      userName: 'hand',
      displayName: 'By Hand',
      'account.origin': 'manual',
      active: true,
    });
    const { items } = (await admin('GET /tenants/acme/audit?limit=500')).body;
    for (const { action, changes } of items as Line[]) if (/\.(create|make)$/.test(action) && changes) expect(changes).not.toEqual({});
  });

  it('holds no value that is returned never, neither of a create nor of a change', async () => {
    const attributes = [
      { name: 'level', type: 'string' },
      { name: 'pin', type: 'string', returned: 'never', mutability: 'writeOnly' },
    ];
    const put = await admin('PUT /tenants/globex/extensions', { User: [{ id: URN, name: 'Door', attributes }], Group: [] });
    expect(put.status).toBe(200);
    const okta = cluster.client('globex');
    const { id } = (await okta.create(userBody('eve', { [URN]: { level: '1', pin: 'secret-one' } }))).body;
    await okta.patch(
      id,
      patchBody({ op: 'replace', path: `${URN}:pin`, value: 'secret-two' }, { op: 'replace', path: `${URN}:level`, value: '2' }),
    );
    await cluster.quiet();
    expect((await firstOf('globex', id))[URN]).toEqual({ level: '1' });
    expect(JSON.stringify(await lines('globex', id))).not.toContain('secret-');
  });

  it('holds nothing of a person that was purged', async () => {
    const { id } = (await cluster.client('acme').create(userBody('gone'))).body;
    await cluster.quiet();
    const { confirm } = (await admin(`DELETE /tenants/acme/accounts/${id}`)).body;
    expect((await admin(`POST /tenants/acme/accounts/${id}/purge`, { confirm })).status).toBe(204);
    await cluster.quiet();
    expect(await firstOf('acme', id)).toEqual({});
    expect(JSON.stringify(await lines('acme', id))).not.toContain('gone@example.com');
  });
});

describe('who stands in the history', () => {
  it('has a name: of the token and how it begins, also once it is revoked; of the client; of the operator', async () => {
    const { id: tokenId, token, prefix } = (await admin('POST /tenants/acme/tokens', { name: 'Okta' })).body;
    const made = await new Client(`${cluster.ingests[0]!.url}/scim/v2`, token).create(userBody('named'));
    expect(made.status).toBe(201);
    const { id } = made.body;
    await admin(`POST /tenants/acme/accounts/${id}/preserve`, {});
    const grace = (await admin('POST /operators', { name: 'Grace', role: 'operator' })).body;
    await adminOf(cluster, grace.token)(`POST /tenants/acme/accounts/${id}/reactivate`);
    await admin(`DELETE /tenants/acme/tokens/${tokenId}`);
    await admin(`DELETE /operators/${grace.id}`);
    await cluster.quiet();
    expect((await lines('acme', id)).map(({ action, who }) => [action, who])).toEqual([
      ['account.reactivate', { id: `operator:${grace.id}`, name: 'Grace' }],
      ['account.preserve', { id: 'operator', name: 'ROLLCALL_OPERATOR_TOKEN' }],
      ['account.create', { id: tokenId, name: 'Okta', prefix }],
    ]);
    const { items } = (await admin('GET /tenants/acme/audit?limit=500')).body;
    for (const { who } of items as Line[]) expect(who.name).toEqual(expect.any(String));

    const { rollcall } = commandLine(cluster);
    const told = await rollcall('account history acme NAMED@example.com');
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(told.out).toMatch(/^AT +WHO +ACTION +CHANGES\n\d{4}-\S+ +Grace +account\.reactivate +.*active: false → true/);
    expect(told.out).toMatch(new RegExp(`Okta \\(${prefix}…\\) +account\\.create +.*userName: named@example\\.com`));
    expect((await rollcall('tenant audit acme --limit 3')).out).toMatch(/^AT +WHO +ACTION +TARGET +CHANGES\n/);
    expect(await rollcall('account history acme no-one')).toMatchObject({ code: 1, err: 'rollcall: no account has the userName no-one\n' });
  });
});

describe('whether the newest change of an account is applied', () => {
  // A pending or dead account looked exactly like one that is in MongoDB.
  it('is told, and since when: pending, applied, dead with its cause, and applied again', async () => {
    await using own = await startCluster({ workers: 1, tenants: ['acme'] });
    const ask = adminOf(own);
    const okta = own.client('acme');
    const { id } = (await okta.create(userBody('ada'))).body;
    const change = async () => (await ask(`GET /tenants/acme/accounts/${id}`)).body.newestChange;
    const applied = await until('it to be applied', change, ({ state }) => state === 'applied');
    expect(Math.abs(Date.parse(applied.since) - Date.now())).toBeLessThan(60_000);

    const validator = { validator: { 'attributes.title': { $ne: 'Forbidden' } }, validationLevel: 'strict', validationAction: 'error' };
    await own.db.command({ collMod: 'accounts', ...validator });
    const before_ms = Date.now();
    await okta.patch(id, patchBody({ op: 'replace', path: 'title', value: 'Forbidden' }));
    const dead = await until('it to be dead', change, ({ state }) => state === 'dead');
    expect(dead).toEqual({ state: 'dead', since: expect.any(String), cause: expect.stringContaining('validator') });
    expect(Date.parse(dead.since)).toBeGreaterThan(before_ms - 5_000);
    const { rollcall } = commandLine(own);
    expect((await rollcall(`account show acme ${id}`)).out).toMatch(/\nnewestChange +dead since \d{4}-.*: .*validator/);

    await own.db.command({ collMod: 'accounts', validator: {}, validationLevel: 'off' });
    await okta.patch(id, patchBody({ op: 'replace', path: 'title', value: 'Countess' }));
    const again = await until('it to be applied again', change, ({ state }) => state === 'applied');
    expect(Date.parse(again.since)).toBeGreaterThanOrEqual(Date.parse(applied.since));
  });

  it('is pending since it was accepted, while no worker applies it', async () => {
    await using own = await startCluster({ ownServers: true, tenants: ['acme'] });
    const ask = adminOf(own);
    const okta = own.client('acme');
    const { id } = (await okta.create(userBody('ada'))).body;
    await own.quiet();
    await own.mongoServer!.stop();
    const changed = await okta.patch(id, patchBody({ op: 'replace', path: 'active', value: false }));
    expect(changed.status).toBe(200);
    const { body } = await ask(`GET /tenants/acme/accounts/${id}`);
    expect(body).toMatchObject({ status: 'preserved', reason: 'deactivated', newestChange: { state: 'pending', since: body.updatedAt } });
    await own.mongoServer!.start();
    await own.quiet(60_000);
    expect((await ask(`GET /tenants/acme/accounts/${id}`)).body.newestChange.state).toBe('applied');
  });
});

describe('why an account is preserved', () => {
  it('is told: deactivated, blocked, deleted; a deleted one that is blocked too is deleted, by both', async () => {
    const okta = cluster.client('acme');
    const page = async (id: string) => {
      const { status, reason, preservedBy } = (await admin(`GET /tenants/acme/accounts/${id}`)).body;
      return [status, reason, preservedBy];
    };
    const { id } = (await okta.create(userBody('off'))).body;
    expect(await page(id)).toEqual(['active', undefined, []]);
    await okta.patch(id, patchBody({ op: 'replace', path: 'active', value: false }));
    expect(await page(id)).toEqual(['preserved', 'deactivated', ['idp']]);
    await admin(`POST /tenants/acme/accounts/${id}/preserve`, {});
    expect(await page(id)).toEqual(['preserved', 'blocked', ['idp', 'administrator']]);
    await okta.delete(id);
    expect(await page(id)).toEqual(['preserved', 'deleted', ['administrator', 'idp']]);
  });
});
