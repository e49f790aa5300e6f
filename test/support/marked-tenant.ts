// A tenant whose every value says whose it is, so that whoever sees one elsewhere knows.
import { randomBytes } from 'node:crypto';
import { ENTERPRISE_URN, GROUP_URN, SEARCH_REQUEST_URN } from '@rollcall/scim';
import { adminOf } from './admin.js';
import type { Cluster } from './cluster.js';
import { until } from './environment.js';
import { userBody } from './users.js';

/** How every mark begins. No tenant has it in a value of its own but the marked ones. */
export const MARK = 'zq';

export interface Marked {
  readonly tenant: string;
  /** In every value that strangers are never told. It is sent by nobody else, so an answer that holds it is a hit. */
  readonly mark: string;
  readonly token: string;
  /** What a stranger may have got hold of: some of the ids and names, of the users and of the groups. */
  readonly users: readonly Known[];
  readonly groups: readonly Known[];
  /** Ids that nobody was told. */
  readonly hidden: ReadonlySet<string>;
  /** A list, and the cursor that it was given. */
  readonly cursors: readonly { readonly path: string; readonly body?: Readonly<Record<string, unknown>>; readonly cursor: string }[];
  /** A bulk request that was done under a key. */
  readonly bulk: { readonly key: string; readonly body: unknown };
  /** Of the admin API: ids by kind, names, cursors, and words that confirm. */
  readonly admin: {
    readonly tokens: readonly string[];
    readonly clients: readonly string[];
    readonly secrets: readonly string[];
    readonly imports: readonly string[];
    readonly jobs: readonly string[];
    readonly profile: string;
    readonly cursors: Readonly<Record<'accounts' | 'tokens' | 'audit', string>>;
    readonly confirm: string;
    readonly idempotency: { readonly key: string; readonly body: unknown };
  };
}

export interface Known {
  readonly id: string;
  readonly name: string;
  readonly etag: string;
}

/** Fills a tenant by SCIM and by the admin API, and hands out what strangers will use. */
export async function markTenant(cluster: Cluster, tenant: string): Promise<Marked> {
  const mark = `${MARK}${tenant}${randomBytes(6).toString('hex')}`;
  const okta = cluster.client(tenant);
  const hidden = new Set<string>();
  const users: Known[] = [];
  const groups: Known[] = [];
  const own = (name: string) => ({
    title: mark,
    nickName: `${mark}-nick`,
    displayName: `${mark} ${name}`,
    name: { givenName: mark, familyName: name },
    [ENTERPRISE_URN]: { department: mark, employeeNumber: mark, ...(users[0] ? { manager: { value: users[0].id } } : {}) },
  });
  for (let n = 0; n < 2 * PEOPLE; n += 1) {
    const isTold = n % 2 === 0;
    const name = isTold ? `person${n}.${tenant}` : `${mark}-p${n}`;
    const { body, headers } = await okta.create(userBody(name, own(name)));
    if (isTold) users.push({ id: body.id, name, etag: String(headers.etag) });
    else hidden.add(body.id);
  }
  const everybody = [...users.map(({ id }) => id), ...hidden];
  for (let n = 0; n < 2 * GROUPS; n += 1) {
    const isTold = n % 2 === 0;
    const displayName = isTold ? `team${n} ${tenant}` : `${mark} team${n}`;
    const members = everybody.slice(n).map((value) => ({ value }));
    const made = await okta.request('POST', '/Groups', { schemas: [GROUP_URN], displayName, members });
    if (isTold) groups.push({ id: made.body.id, name: displayName, etag: String(made.headers.etag) });
    else hidden.add(made.body.id);
  }
  const bulk = {
    key: `key-${tenant}`,
    body: {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'],
      Operations: [0, 1].map((n) => ({ method: 'POST', path: '/Users', bulkId: `b${n}`, data: userBody(`bulk${n}.${tenant}`) })),
    },
  };
  const done = await okta.request('POST', '/Bulk', bulk.body, { headers: { 'Idempotency-Key': bulk.key } });
  for (const { location } of done.body.Operations) hidden.add(location.slice(location.lastIndexOf('/') + 1));

  const cursors: { path: string; body?: Record<string, unknown>; cursor: string }[] = [];
  for (const path of ['/Users?count=2&cursor=', '/Users?count=2&sortBy=userName&cursor=', '/Groups?count=2&cursor=']) {
    const answer = await okta.request('GET', path);
    cursors.push({ path, cursor: answer.body.nextCursor });
  }
  for (const path of ['/.search', '/Users/.search', '/Groups/.search']) {
    const body = { schemas: [SEARCH_REQUEST_URN], count: 2, cursor: '' };
    cursors.push({ path, body, cursor: (await okta.request('POST', path, body)).body.nextCursor });
  }
  await cluster.quiet();
  const admin = await administered(cluster, tenant, mark, users[1]!.id, hidden);
  await cluster.quiet();
  return { tenant, mark, token: cluster.token(tenant), users, groups, hidden, cursors, bulk, admin };
}

async function administered(cluster: Cluster, tenant: string, mark: string, account: string, hidden: Set<string>) {
  const admin = adminOf(cluster);
  const at = `/tenants/${tenant}`;
  const profile = `plan-${tenant}`;
  await admin(`PUT ${at}/profiles/${profile}`, { workloads: ['endpoint', mark] });
  await admin(`PUT ${at}/mappings`, { rules: [{ name: mark, filter: `title eq "${mark}"`, profile }] });
  const tokens = [];
  const clients = [];
  const secrets = [];
  for (let n = 0; n < 3; n += 1) {
    const client = await admin(`POST ${at}/clients`, { name: `${mark} client${n}` });
    clients.push(client.body.clientId, client.body.id);
    secrets.push(client.body.clientSecret);
    tokens.push((await admin(`POST ${at}/tokens`, { name: `${mark} token${n}` })).body.id);
  }
  const revoked = (await admin(`POST ${at}/tokens`, { name: `${mark} revoked` })).body;
  await admin(`DELETE ${at}/tokens/${revoked.id}`);
  secrets.push(revoked.token);
  tokens.push(revoked.id);
  const begun = await fetch(`${cluster.worker.url}/admin/v1${at}/imports`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'text/csv' },
    body: `userName,givenName,quotaBytes\n${mark}-i1,${mark},\n${mark}-i2,${mark},${mark}\n`,
  });
  const imported = (await begun.json()) as { id: string };
  const moved = (await admin(`PUT ${at}/mappings?apply=all`, (await admin(`GET ${at}/mappings`)).body)).body;
  for (const path of [`imports/${imported.id}`, `mappings/jobs/${moved.id}`])
    await until(
      path,
      () => admin(`GET ${at}/${path}`),
      ({ body }) => body.status === 'done',
    );
  const idempotency = { key: `admin-${tenant}`, body: { userName: `byhand.${tenant}` } };
  const made = await admin(`POST ${at}/accounts`, idempotency.body, { 'Idempotency-Key': idempotency.key });
  hidden.add(made.body.id);
  for (const { id, userName } of (await admin(`GET ${at}/accounts?filter=${encodeURIComponent(`userName co "${mark}"`)}`)).body.items)
    if (String(userName).startsWith(mark)) hidden.add(id);
  const next = async (list: string) => String((await admin(`GET ${at}/${list}?limit=1`)).body.next);
  return {
    ...{ tokens, clients, secrets, profile, idempotency },
    imports: [imported.id],
    jobs: [String(moved.id)],
    cursors: { accounts: await next('accounts'), tokens: await next('tokens'), audit: await next('audit') },
    confirm: String((await admin(`DELETE ${at}/accounts/${account}`)).body.confirm),
  };
}

const PEOPLE = 12;
const GROUPS = 4;
