import { BULK_REQUEST_URN, SEARCH_REQUEST_URN, USER_URN } from '@rollcall/scim';
import { adminOf } from '../support/admin.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

/** Each request has another one, so that what is found says where it came. */
const SECRET = 'Sw0rdfish-';
const secret = (where: string) => `${SECRET}${where}`;

/** Everything in Redis under the cluster's prefix, read as it is and not as it is packed. */
async function redisTexts({ redis, prefix }: Cluster): Promise<string[]> {
  const keys = await redis.keys(`*${prefix}*`);
  const contents = keys.map(async (key) => {
    switch (await redis.type(key)) {
      case 'string':
        return redis.get(key);
      case 'hash':
        return redis.hgetall(key);
      case 'list':
        return redis.lrange(key, 0, -1);
      case 'set':
        return redis.smembers(key);
      case 'zset':
        return redis.zrange(key, '0', '-1', 'WITHSCORES');
      case 'stream':
        return redis.xrange(key, '-', '+');
      default:
        return undefined; // ended meanwhile
    }
  });
  return Promise.all(contents.map(async (content, at) => `${keys[at]} ${JSON.stringify(await content)}`));
}

async function mongoTexts({ db }: Cluster): Promise<string[]> {
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  const all = await Promise.all(
    collections.map(async ({ name }) => (await db.collection(name).find().toArray()).map((each) => [name, each])),
  );
  return all.flat().map((each) => JSON.stringify(each));
}

// Goal: a password that an identity provider sends is in no log and in nothing stored, at any time, however it was sent, and whatever was wrong with it.
// Method: every form of request that can carry one; logs at their most talkative level, Redis and MongoDB searched before the worker begins and after it is done.
it('a password is in no log, and in nothing that is stored', async () => {
  await using cluster = await startCluster({ tenants: ['acme'], workers: 0, env: { LOG_LEVEL: 'trace' } });
  const okta = cluster.client('acme');
  const raw = (method: string, path: string, body: string) =>
    okta.request(method, path, undefined, { raw: body, headers: { 'Content-Type': 'application/json' } });
  const quoted = (where: string) => `password eq "${secret(where)}"`;
  const { id } = (await okta.create(userBody('ada', { password: secret('post') }))).body;
  const statuses = {
    postAgain: await okta.create(userBody('ada', { password: secret('post-again') })),
    postBad: await okta.create(userBody('bad', { password: secret('post-bad'), emails: 'none' })),
    postObject: await okta.create(userBody('object', { password: { value: secret('post-object') } })),
    postList: await okta.create(userBody('list', { PassWord: [secret('post-list')] })),
    postUrn: await okta.create(
      userBody('urn', { [`${USER_URN}:password`]: secret('post-urn'), [USER_URN]: { password: secret('post-core') } }),
    ),
    put: await okta.replace(id, userBody('ada', { password: secret('put') })),
    putMissing: await okta.replace(id.replace(/^./, 'f'), userBody('ada', { password: secret('put-missing') })),
    patchPath: await okta.patch(id, patchBody({ op: 'replace', path: 'password', value: secret('patch-path') })),
    patchUrn: await okta.patch(id, patchBody({ op: 'Add', path: `${USER_URN}:password`, value: secret('patch-urn') })),
    patchPathless: await okta.patch(id, patchBody({ op: 'replace', value: { title: 'Countess', password: secret('patch-pathless') } })),
    patchDotted: await okta.patch(id, patchBody({ op: 'replace', value: { 'password.value': secret('patch-dotted') } })),
    patchUrnKey: await okta.patch(id, patchBody({ op: 'replace', value: { [`${USER_URN}:password`]: secret('patch-urn-key') } })),
    patchSub: await okta.patch(id, patchBody({ op: 'replace', path: 'password.value', value: secret('patch-sub') })),
    patchValuePath: await okta.patch(id, patchBody({ op: 'remove', path: `password[value eq "${secret('patch-value-path')}"]` })),
    patchFilter: await okta.patch(id, patchBody({ op: 'remove', path: `emails[password eq "${secret('patch-filter')}"]` })),
    patchOp: await okta.patch(id, patchBody({ op: secret('patch-op'), path: 'password', value: secret('patch-op') })),
    bulk: await okta.request(
      'POST',
      '/Bulk',
      {
        schemas: [BULK_REQUEST_URN],
        Operations: [
          { method: 'POST', path: '/Users', bulkId: 'b', data: userBody('bulk', { password: secret('bulk-post') }) },
          { method: 'PUT', path: `/Users/${id}`, data: userBody('ada', { title: 'Lady', password: secret('bulk-put') }) },
          { method: 'PATCH', path: `/Users/${id}`, data: patchBody({ op: 'add', path: 'password', value: secret('bulk-patch') }) },
          {
            method: 'PATCH',
            path: `/Users/${id}`,
            data: patchBody({ op: 'add', value: { nickName: 'A', password: secret('bulk-pathless') } }),
          },
          { method: 'POST', path: '/Users', bulkId: 'c', data: userBody('ada', { password: secret('bulk-taken') }) },
        ],
      },
      { headers: { 'Idempotency-Key': 'bulk-1' } },
    ),
    list: await okta.find(quoted('list')),
    listNested: await okta.find(`not (${quoted('list-nested')}) or userName eq "ada@example.com"`),
    listSort: await okta.list(`sortBy=password&filter=${encodeURIComponent(quoted('list-sort'))}`),
    search: await okta.request('POST', '/.search', { schemas: [SEARCH_REQUEST_URN], filter: quoted('search') }),
    searchUsers: await okta.request('POST', '/Users/.search', {
      schemas: [SEARCH_REQUEST_URN],
      filter: quoted('search-users'),
      attributes: ['password'],
    }),
    searchUnknown: await okta.request('POST', '/Users/.search', { schemas: [SEARCH_REQUEST_URN], password: secret('search-unknown') }),
    group: await okta.request('POST', '/Groups', { displayName: 'Staff', password: secret('group') }),
    noJson: await raw('POST', '/Users', `{"userName":"x","password":"${secret('no-json')}"`),
    noJsonEarly: await raw('POST', '/Users', `"${secret('no-json-early')}" {`),
    twice: await raw(
      'POST',
      '/Users',
      `{"userName":"twice@example.com","password":"${secret('twice-1')}","password":"${secret('twice-2')}"}`,
    ),
    path: await okta.request('POST', `/Users/password/${secret('path')}`, {}),
  };
  // None of them is a fault of ours, nor is any that takes a password refused for it.
  const told = Object.entries(statuses).map(([name, { status }]) => [name, status]);
  expect(told.filter(([, status]) => Number(status) >= 500)).toEqual([]);
  expect(Object.fromEntries(told)).toMatchObject({ put: 200, patchPath: 200, patchUrn: 200, patchPathless: 200, bulk: 200, twice: 201 });
  expect(statuses.bulk.body.Operations.map(({ status }: { status: string }) => status)).toEqual(['201', '200', '200', '200', '409']);
  expect(statuses.patchPathless.body).toMatchObject({ title: 'Countess' });
  for (const [name, { body }] of Object.entries(statuses))
    expect({ name, text: JSON.stringify(body?.password ?? body?.Resources ?? '') }).toEqual({
      name,
      text: expect.not.stringContaining(SECRET),
    });

  const admin = async () => {
    const ask = adminOf(cluster);
    await ask('POST /tenants/acme/accounts', { userName: 'hand@example.com', password: secret('admin') });
    await ask(`GET /tenants/acme/accounts?filter=${encodeURIComponent(quoted('admin-filter'))}`);
    await ask('PUT /tenants/acme/mappings', { rules: [{ name: 'p', filter: quoted('admin-mapping'), profile: 'none' }] });
    await ask('POST /tenants/acme/mappings/dry-run', { rules: [{ name: 'p', filter: quoted('admin-dry-run'), profile: 'none' }] });
    const csv = { method: 'POST', headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'text/csv' } };
    const columns = await fetch(`${cluster.worker.url}/admin/v1/tenants/acme/imports`, {
      ...csv,
      body: `userName,password\nx@example.com,${secret('import')}\n`,
    });
    expect(columns.status).toBe(400);
  };
  const traces = async (when: string) => {
    const logs = await Promise.all([...cluster.ingests, ...cluster.workers].map((service) => service.log()));
    const lines = logs.flatMap((log) => log.split('\n'));
    const [redis, mongo] = [await redisTexts(cluster), await mongoTexts(cluster)];
    // It is looked for where it could be: there is something of these requests in each.
    for (const [where, texts] of Object.entries({ redis, mongo, lines }))
      expect({ when, where, found: texts.some((text) => text.includes('acme')) }).toMatchObject({ found: true });
    return [...lines, ...redis, ...mongo].filter((text) => text.includes(SECRET));
  };
  // What was refused last is written down within a second.
  await until('the last refusal', () => cluster.db.collection('activity').findOne({ _id: 'acme' as never, lastError: { $exists: true } }));
  expect(await traces('accepted')).toEqual([]);
  await cluster.worker.start();
  await admin();
  await cluster.quiet();
  await until('the history', () => cluster.db.collection('history').findOne({ id }));
  expect(await traces('applied')).toEqual([]);
});
