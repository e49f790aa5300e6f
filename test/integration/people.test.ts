import { BULK_REQUEST_URN } from '@rollcall/scim';
import { type Admin, adminOf } from '../support/admin.js';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

// Who a person is, and whom an administrator keeps out, over HTTP: by SCIM, Bulk, an import and the admin API, at two ingests.
let cluster: Cluster;
let admin: Admin;
let okta: Client;
beforeAll(async () => {
  cluster = await startCluster({ tenants: ['acme', 'careful', 'hand'], ingests: 2 });
  admin = adminOf(cluster);
  okta = cluster.client('acme');
  const changed = [
    await admin('PATCH /tenants/careful', { settings: { recycledIdentity: 'separate' } }),
    await admin('PATCH /tenants/hand', { settings: { adoption: 'ask' } }),
  ];
  expect(changed.map(({ status }) => status)).toEqual([200, 200]);
});
afterAll(() => cluster?.[Symbol.asyncDispose]());

/** Of Okta's form, and nobody else's. */
const idFor = (name: string) => `00u1${name.replaceAll(/[^a-z0-9]/gi, '').padEnd(16, '0')}`;
const person = (name: string, more: Record<string, unknown> = {}) => userBody(name, { externalId: idFor(name), ...more });
const address = (value: string) => ({ emails: [{ value, primary: true, type: 'work' }] });
const set = (path: string, value: unknown) => patchBody({ op: 'replace', path, value });
const held = async (name: string): Promise<string> => {
  const { id } = (await okta.create(person(name))).body;
  expect((await admin(`POST /tenants/acme/accounts/${id}/preserve`, { reason: 'investigation' })).status).toBe(200);
  return id;
};
const inBulk = async (method: string, path: string, data: unknown) => {
  const operation = { method, path, ...(method === 'POST' ? { bulkId: 'b' } : {}), data };
  const { body } = await okta.request('POST', '/Bulk', { schemas: [BULK_REQUEST_URN], Operations: [operation] });
  const [{ status, response }] = body.Operations;
  return { status: Number(status), body: response };
};
const imported = async (csv: string) => {
  const asked = await fetch(`${cluster.worker.url}/admin/v1/tenants/acme/imports`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'text/csv' },
    body: csv,
  });
  const { id } = (await asked.json()) as { id: string };
  return until(
    'the import',
    async () => (await admin(`GET /tenants/acme/imports/${id}`)).body,
    ({ status }) => status === 'done',
  );
};

type Way = (name: string, id: string) => Promise<{ readonly status: number; readonly body: { readonly detail: string } }>;
const alias = async (name: string, more: object = {}) => (await okta.create(person(`alias-${name}`, { ...more }))).body.id as string;

describe('a person whom an administrator keeps out', () => {
  // Six of the ways by SCIM made an active account.
  it.each<[string, Way]>([
    ['POST under another userName', (name) => okta.create(person(`other-${name}`, address(`${name}@example.com`)))],
    [
      'POST under another name and address, the same externalId',
      (name) => okta.create(person(`else-${name}`, { externalId: idFor(name) })),
    ],
    [
      'POST at another ingest, in other letters',
      (name) => cluster.client('acme', 1).create(person(`up-${name}`, address(`${name.toUpperCase()}@EXAMPLE.com`))),
    ],
    [
      'PATCH of the userName, then POST',
      async (name, id) => {
        expect((await okta.patch(id, set('userName', `${name}-gone`))).status).toBe(200);
        return okta.create(person(name, { externalId: 'x', ...address(`${name}-new@example.com`) }));
      },
    ],
    [
      'PUT with another name and address, DELETE, then POST',
      async (name, id) => {
        expect((await okta.replace(id, person(`${name}-gone`))).status).toBe(200);
        await okta.delete(id);
        return okta.create(person(`once-${name}`, address(`${name}@example.com`)));
      },
    ],
    [
      'DELETE, then POST',
      async (name, id) => {
        await okta.delete(id);
        return okta.create(person(name));
      },
    ],
    [
      'POST under an alias, then PATCH of its address',
      async (name) => okta.patch(await alias(name), set('emails[type eq "work"].value', `${name}@example.com`)),
    ],
    [
      'POST under an alias, then PUT',
      async (name) => okta.replace(await alias(name), person(`alias-${name}`, address(`${name}@example.com`))),
    ],
    [
      'POST deactivated, then PATCH of active',
      async (name) => okta.patch(await alias(name, { ...address(`${name}@example.com`), active: false }), set('active', true)),
    ],
    ['POST in Bulk', (name) => inBulk('POST', '/Users', person(`bulk-${name}`, address(`${name}@example.com`)))],
    [
      'PATCH in Bulk',
      async (name) => inBulk('PATCH', `/Users/${await alias(name)}`, set('emails[type eq "work"].value', `${name}@example.com`)),
    ],
  ])('is out by every way: %s', async (what, way) => {
    for (const settled of [false, true]) {
      const name = `out-${what.length}-${what.replaceAll(/\W/g, '').slice(-14)}-${settled}`.toLowerCase();
      const id = await held(name);
      if (settled) await cluster.quiet();
      const { status, body } = await way(name, id);
      expect([status, body.detail]).toEqual([
        403,
        'active: an administrator preserved this account; only an administrator can reactivate it',
      ]);
    }
  });

  it('is not let in by an import, or an account made by hand, which names the one that is held', async () => {
    const id = await held('imported');
    const job = await imported('userName,email\nimported-two@example.com,imported-two@x.example\nother@example.com,imported@example.com\n');
    expect(job).toMatchObject({ done: 2, failed: 1 });
    await okta.delete(id);
    const made = await admin('POST /tenants/acme/accounts', { userName: 'imported@example.com', emails: ['else@x.example'] });
    expect([made.status, made.body.detail]).toEqual([403, expect.stringContaining(id)]);
  });

  it('leaves alone who shares the address, and lets in who is somebody else by an administrator’s word', async () => {
    const mate = (await okta.create(person('mate', address('front@example.com')))).body.id;
    const { id } = (await okta.create(person('front', address('front@example.com')))).body;
    await admin(`POST /tenants/acme/accounts/${id}/preserve`, {});
    expect((await okta.patch(mate, set('title', 'T'))).status).toBe(200);
    expect((await okta.replace(mate, person('mate', address('front@example.com')))).status).toBe(200);
    expect((await okta.create(person('third', address('front@example.com')))).status).toBe(403);
    const at = `/tenants/acme/accounts/${id}/separate`;
    for (const wrong of [{}, { userName: 'a', externalId: 'b' }, { userName: '' }])
      expect((await admin(`POST ${at}`, wrong)).status).toBe(400);
    expect(await admin(`POST ${at}`, { externalId: idFor('third') })).toMatchObject({
      status: 200,
      body: { status: 'preserved', separate: [{ externalId: idFor('third') }] },
    });
    expect((await okta.create(person('third', address('front@example.com')))).status).toBe(201);
    expect((await okta.create(person('fourth', address('front@example.com')))).status).toBe(403);
    await cluster.quiet();
    const { items } = (await admin(`GET /tenants/acme/audit?account=${id}`)).body;
    expect(items[0]).toMatchObject({
      action: 'account.separate',
      changes: { 'account.separate': { after: [{ externalId: idFor('third') }] } },
    });
  });

  // Goal: no POST that was under way when the hold was set ends active after it.
  it('a hold set while 40 POSTs are under way lets in only those before it', async () => {
    const { id, ...held } = (await okta.create(person('raced'))).body;
    const posts = Array.from({ length: 40 }, (_, n) => cluster.client('acme', n % 2).create(person(`raced-${n}`, { emails: held.emails })));
    const set = await admin(`POST /tenants/acme/accounts/${id}/preserve`, {});
    expect(set.status).toBe(200);
    const answers = await Promise.all(posts);
    expect(new Set(answers.map(({ status }) => status))).toEqual(
      new Set(answers.some(({ status }) => status === 201) ? [201, 403] : [403]),
    );
    for (const { status, headers } of answers)
      if (status === 201) expect(Number(/\d+/.exec(headers.etag ?? '')?.[0])).toBeLessThan(set.body.version);
    expect((await okta.create(person('raced-late', { emails: held.emails }))).status).toBe(403);
  });
});

describe('a person who comes back', () => {
  it('under another name and address, with the externalId as ever, is the same, from another ingest too', async () => {
    const { id } = (await okta.create(person('before'))).body;
    await okta.patch(id, set('active', false));
    const again = await cluster.client('acme', 1).create(person('after', { externalId: idFor('before') }));
    expect([again.status, again.body]).toMatchObject([201, { id, active: true, userName: 'after@example.com' }]);
    expect((await okta.find(`externalId eq "${idFor('before')}"`)).body).toMatchObject({ totalResults: 1, Resources: [{ id }] });
    // It is one account: to come once more as somebody active is an error.
    const twice = await okta.create(person('twice', { externalId: idFor('before') }));
    expect([twice.status, twice.body.scimType, twice.body.detail]).toEqual([409, 'uniqueness', expect.stringMatching(/^externalId: /)]);
    await okta.delete(id);
    expect((await okta.find(`externalId eq "${idFor('before')}"`)).body.totalResults).toBe(0);
    expect((await okta.create(person('third-name', { externalId: idFor('before') }))).body.id).toBe(id);
  });

  it('of 40 POSTs at once under 40 names and one externalId gets one account', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => cluster.client('acme', n % 2).create(person(`many-${n}`, { externalId: idFor('many') }))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.scimType}`))).toEqual(new Set(['201 undefined', '409 uniqueness']));
  });

  // An address with the Kelvin sign took over the account of the address with a k.
  it('is nobody whose name or address only looks the same', async () => {
    const made = await admin('POST /tenants/acme/accounts', { userName: 'kim@example.com', emails: ['kim@example.com'] });
    const other = await okta.create(person('other-kim', { userName: '\u212aim@example.com', ...address('\u212aim@example.com') }));
    expect([other.status, other.body.id === made.body.id]).toEqual([201, false]);
    expect((await okta.find('userName eq "\u212aim@example.com"')).body.Resources).toMatchObject([{ id: other.body.id }]);
    expect((await okta.find('userName eq "KIM@example.com"')).body.Resources).toMatchObject([{ id: made.body.id }]);
    await cluster.quiet();
    expect((await okta.find('emails.value eq "\u212aim@example.com"')).body.Resources).toMatchObject([{ id: other.body.id }]);
  });
});

describe('what was judged of a person', () => {
  const metric = async (outcome: string) => {
    const text = await (await fetch(`${cluster.ingestMetricsUrl}/metrics`)).text();
    return Number(new RegExp(`^rollcall_identity_judgements_total\\{outcome="${outcome}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0);
  };
  const noted = async (tenant: string, userName: string) =>
    until(
      `${userName} to be listed`,
      async () =>
        (await admin(`GET /tenants/${tenant}/status`)).body.undecided.find((each: { userName: string }) => each.userName === userName),
      (entry) => entry !== undefined,
    );
  const said = async (event: string, id: string) =>
    (await cluster.ingests[0]!.log()).split('\n').filter((line) => line.includes(event) && line.includes(id));

  it.each<[string, string, string, string, (name: string) => Promise<{ tenant: string; account: string; status: number }>]>([
    [
      'an account came back under another externalId',
      'revived',
      'revived_other_external_id',
      'identity.revived_other_external_id',
      async (name) => {
        const { id } = (await okta.create(person(name))).body;
        await okta.delete(id);
        const again = await okta.create(person(name, { externalId: idFor(`${name}new`) }));
        expect(again.body.id).toBe(id);
        return { tenant: 'acme', account: id, status: again.status };
      },
    ],
    [
      'a new account beside one of the same name and address, by recycledIdentity: separate',
      'separated',
      'separated',
      'identity.separated',
      async (name) => {
        const client = cluster.client('careful');
        const { id } = (await client.create(person(name))).body;
        await client.delete(id);
        const again = await client.create(person(name, { externalId: idFor(`${name}new`) }));
        expect(again.body.id).not.toBe(id);
        return { tenant: 'careful', account: id, status: again.status };
      },
    ],
    [
      'an account made by hand of which the administrator is asked',
      'asked',
      'asked',
      'identity.undecided',
      async (name) => {
        const made = await admin('POST /tenants/hand/accounts', { userName: `hand-${name}`, emails: [`${name}@example.com`] });
        const { status } = await cluster.client('hand').create(person(name));
        return { tenant: 'hand', account: made.body.id, status };
      },
    ],
  ])('is listed, logged and counted: %s', async (what, reason, outcome, event, come) => {
    const before = await metric(outcome);
    const name = `judged-${what.length}`;
    const { tenant, account, status } = await come(name);
    expect(status).toBe(reason === 'asked' ? 409 : 201);
    expect(await noted(tenant, `${name}@example.com`)).toMatchObject({ reason, accounts: [account] });
    expect(await metric(outcome)).toBe(before + 1);
    const lines = await said(event, account);
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('example.com');
    // An administrator's word takes it from the list.
    const known = (await admin(`POST /tenants/${tenant}/accounts/${account}/separate`, { userName: `${name}@example.com` })).body;
    expect(known.separate).toEqual([{ userName: `${name}@example.com` }]);
    const { undecided } = (await admin(`GET /tenants/${tenant}/status`)).body;
    expect(undecided.filter(({ userName }: { userName: string }) => userName === `${name}@example.com`)).toEqual([]);
    if (reason === 'asked') expect((await cluster.client(tenant).create(person(name))).status).toBe(201);
  });

  it.each([
    ['never', 201],
    ['adopt', 201],
    ['ask', 409],
    ['auto', 409],
  ])('the address alone of an account with a profile by hand, by adoption: %s', async (adoption, status) => {
    await admin('PUT /tenants/hand/profiles/gold', { workloads: ['endpoint'] });
    await admin('PATCH /tenants/hand', { settings: { adoption } });
    const name = `boss-${adoption}`;
    const made = await admin('POST /tenants/hand/accounts', {
      userName: `by-hand-${name}`,
      emails: [`${name}@example.com`],
      profile: 'gold',
    });
    const came = await cluster.client('hand').create(person(name));
    expect([came.status, came.body.id === made.body.id]).toEqual([status, adoption === 'adopt']);
  });
});
