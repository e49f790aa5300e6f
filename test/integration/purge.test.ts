import { adminOf } from '../support/admin.js';
import type { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';

jest.setTimeout(180_000);

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const BULK = 'urn:ietf:params:scim:api:messages:2.0:BulkRequest';
/** Part of each value of the person, and of nothing else. */
const MARK = 'zqxmark';

let cluster: Cluster;
let okta: Client;
beforeAll(async () => {
  cluster = await startCluster({ tenants: ['acme'] });
  okta = cluster.client('acme');
});
afterAll(() => cluster[Symbol.asyncDispose]());

/** Sends to the admin API as a browser's page would, with headers of its own. */
async function admin(method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${cluster.worker.url}/admin/v1/tenants/acme${path}`, {
    method,
    headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, replayed: answer.headers.get('idempotency-replayed'), text, body: text === '' ? {} : JSON.parse(text) };
}

const person = (name: string) => ({
  schemas: [USER, ENTERPRISE],
  userName: `${MARK}-${name}@example.com`,
  externalId: `${MARK}-x-${name}`,
  name: { givenName: `${MARK}-given`, familyName: `${MARK}-family`, formatted: `${MARK}-formatted` },
  displayName: `${MARK}-display`,
  nickName: `${MARK}-nick`,
  title: `${MARK}-title`,
  emails: [{ value: `${MARK}-${name}@example.com`, type: 'work', primary: true }],
  phoneNumbers: [{ value: `${MARK}-phone` }],
  addresses: [{ streetAddress: `${MARK}-street` }],
  [ENTERPRISE]: { department: `${MARK}-department`, employeeNumber: `${MARK}-number` },
});

/** Where the mark stands: `<collection> <id>` and `<key>`. */
async function places(): Promise<string[]> {
  const found: string[] = [];
  for (const { name } of await cluster.db.listCollections().toArray()) {
    for await (const document of cluster.db.collection(name).find())
      if (JSON.stringify(document).toLowerCase().includes(MARK)) found.push(`${name} ${String(document._id)}`);
  }
  for (const key of await cluster.redis.keys(`*${cluster.prefix}*`)) {
    const dumped = await cluster.redis.dumpBuffer(key);
    const texts = await textsOf(key);
    if (key.includes(MARK) || texts.toLowerCase().includes(MARK) || dumped?.includes(MARK)) found.push(key);
  }
  return found;
}

async function textsOf(key: string): Promise<string> {
  const { redis } = cluster;
  switch (await redis.type(key)) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return JSON.stringify(await redis.hgetall(key));
    case 'set':
      return JSON.stringify(await redis.smembers(key));
    case 'zset':
      return JSON.stringify(await redis.zrange(key, '0', '-1'));
    case 'list':
      return JSON.stringify(await redis.lrange(key, 0, -1));
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'));
    default:
      return '';
  }
}

async function imported(csv: string) {
  const { status, body } = await admin('POST', '/imports', csv, { 'Content-Type': 'text/csv' });
  expect(status).toBe(202);
  return until(
    'the import',
    async () => (await admin('GET', `/imports/${body.id}`, undefined)).body,
    ({ status }) => status === 'done',
    60_000,
  );
}

async function purge(id: string): Promise<void> {
  const { body } = await admin('DELETE', `/accounts/${id}`, undefined);
  expect((await admin('POST', `/accounts/${id}/purge`, { confirm: body.confirm })).status).toBe(204);
}

// Reasons of failed lines, outcomes under an Idempotency-Key, a Bulk's answers and the tenant's last error named people after their purge.
describe('a purge', () => {
  it('leaves nothing of the person in any collection or key, but for the lines of the history', async () => {
    const ada = (await okta.create(person('ada'))).body;
    // Where a copy can be: each of these named the person.
    const dan = await admin(
      'POST',
      '/accounts',
      { userName: `${MARK}-dan@example.com`, displayName: `${MARK}-dan` },
      { 'Idempotency-Key': 'make' },
    );
    expect(dan.status).toBe(201);
    const blocked = await admin('POST', `/accounts/${ada.id}/preserve`, { reason: `${MARK}-reason` }, { 'Idempotency-Key': 'block' });
    expect([blocked.status, blocked.text.includes(MARK)]).toEqual([200, true]);
    const lines = [`${MARK}-ada@example.com,`, `${MARK}-eve@example.com,${MARK}-profile`, `${MARK}-row@example.com,,${MARK}-toomany`];
    const { failures } = await imported(`userName,profile\n${lines.join('\n')}\n`);
    expect(failures.map(({ line }: { line: number }) => line)).toEqual([2, 3, 4]);
    expect(JSON.stringify(failures)).toContain('userName');
    expect(JSON.stringify(failures)).not.toContain(MARK);
    const bulk = {
      schemas: [BULK],
      Operations: [{ method: 'POST', path: '/Users', bulkId: 'b1', data: person('ada') }],
    };
    const first = await okta.request('POST', '/Bulk', bulk, { headers: { 'Idempotency-Key': 'bulk-1' } });
    expect(JSON.stringify(first.body)).toContain('"status":"4');
    expect((await okta.create(person('ada'))).status).toBeGreaterThanOrEqual(400);
    await until('the last error', async () => (await admin('GET', '/status', undefined)).body.lastError?.status >= 400);
    await cluster.quiet();
    expect((await places()).length).toBeGreaterThan(3);

    await purge(ada.id);
    await purge(dan.body.id);
    await cluster.quiet();

    const left = (await until('the purge in MongoDB', places, (found) => found.every((place) => place.startsWith('history ')))) as string[];
    // The exception: who was what and when stays for HISTORY_DAYS, as it does of anybody.
    expect(left.map((place) => place.split('/')[1])).toEqual(left.map(() => expect.stringMatching(`^(${ada.id}|${dan.body.id})$`)));
  });

  it('is seen by a repeated request under its Idempotency-Key: 404, as before it the account as it is by then', async () => {
    const body = { userName: 'grace@example.com', displayName: 'Grace' };
    const made = await admin('POST', '/accounts', body, { 'Idempotency-Key': 'anew' });
    const { id } = made.body;
    await adminOf(cluster)(`POST /tenants/acme/accounts/${id}/preserve`, {});
    const again = await admin('POST', '/accounts', body, { 'Idempotency-Key': 'anew' });
    expect([again.status, again.replayed, again.body.id, again.body.status]).toEqual([201, 'true', id, 'preserved']);
    await purge(id);
    const gone = await admin('POST', '/accounts', body, { 'Idempotency-Key': 'anew' });
    expect([gone.status, gone.text.includes('Grace')]).toEqual([404, false]);
    expect((await admin('POST', '/accounts', { ...body, displayName: 'Other' }, { 'Idempotency-Key': 'anew' })).status).toBe(422);
  });

  it('lets jobs end with the history: MongoDB removes them HISTORY_DAYS after their end', async () => {
    const indexes = await cluster.db.collection('jobs').indexes();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { finishedAt: 1 }, expireAfterSeconds: 30 * 86_400 }));
  });
});
