// No good token is refused for what others did at the same address. Each test has an address of its own, which all of its clients share.
import { randomUUID } from 'node:crypto';
import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { userBody } from '../support/users.js';

jest.setTimeout(90_000);

const FAILURES_MAX = 5;
let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster({
    ...{ ownServers: true, tenants: ['acme', 'globex'], ingests: 2 },
    env: { SIGN_IN_FAILURES_MAX: String(FAILURES_MAX), TRUST_PROXY: '1', SWEEP_INTERVAL_MS: '200' },
  });
  admin = adminOf(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());
let tests = 0;
let address = {};
beforeEach(() => {
  tests += 1;
  address = { 'X-Forwarded-For': `198.51.100.${tests}` };
});

const list = (token: string, ingest = 0) =>
  new Client(`${cluster.ingests[ingest]!.url}/scim/v2`, token).list('count=0', { headers: address });
const guess = (ingest = 0) => list(`wrong_${randomUUID()}`, ingest);
const operations = (token: string) => adminOf(cluster, token)('GET /backlog', undefined, address);
const oauth = (id: string, secret: string, ingest = 0, more = '') =>
  fetch(`${cluster.ingests[ingest]!.url}/oauth2/token`, {
    method: 'POST',
    body: `grant_type=client_credentials${more}`,
    headers: {
      ...address,
      'Content-Type': 'application/x-www-form-urlencoded',
      Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
    },
  });

describe('while strangers fail at the same address', () => {
  /** Each process has answered 429 itself. */
  async function fail(): Promise<void> {
    for (const ingest of [0, 1])
      await until(
        '429',
        () => guess(ingest),
        ({ status }) => status === 429,
      );
    await until(
      '429 of the operations port',
      () => operations(`wrong${'x'.repeat(40)}`),
      ({ status }) => status === 429,
    );
  }

  it('a good token works at each ingest, whether the process has seen it before or not', async () => {
    await fail();
    for (const ingest of [0, 1]) expect((await list(cluster.token('acme'), ingest)).status).toBe(200);
    const { token } = (await admin('POST /tenants/acme/tokens', { name: 'fresh' })).body;
    for (const ingest of [0, 1]) expect((await list(token, ingest)).status).toBe(200);
  });

  it('an OAuth client gets an access token, and may use it at each ingest', async () => {
    const { clientId, clientSecret } = (await admin('POST /tenants/acme/clients', { name: 'Entra' })).body;
    await fail();
    const answer = await oauth(clientId, clientSecret, 1);
    expect(answer.status).toBe(200);
    const { access_token } = (await answer.json()) as { access_token: string };
    for (const ingest of [0, 1]) expect((await list(access_token, ingest)).status).toBe(200);
    expect((await oauth(clientId, `rcs_${'x'.repeat(43)}`)).status).toBe(429);
  });

  it('the operators sign in', async () => {
    const { token } = (await admin('POST /operators', { name: 'Eve', role: 'viewer' })).body;
    await fail();
    expect((await operations(token)).status).toBe(200);
    expect((await operations(cluster.operatorToken)).status).toBe(200);
  });
});

describe('the limit of wrong tokens', () => {
  it('is one for all processes: what one has counted, the others know', async () => {
    for (let n = 0; n < FAILURES_MAX; n += 1) expect((await guess(n % 2)).status).toBe(401);
    const refused = await guess(1);
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': expect.stringMatching(/^([1-9]|[1-5]\d|60)$/) } });
    expect((await guess(0)).status).toBe(429);
    expect((await operations('wrong')).status).toBe(429);
  });

  // A provider that went on using its revoked token locked out all tenants that share its address.
  it.each(['revoked', 'expired'])('does not count a token that was ours: %s', async (what) => {
    const { id, token } = (await admin('POST /tenants/globex/tokens', { name: what })).body;
    if (what === 'revoked') await admin(`DELETE /tenants/globex/tokens/${id}`);
    else {
      const change = { $set: { expiresAt: new Date(), carry: true as const }, $inc: { revision: 1 } };
      await cluster.db.collection('tokens').updateOne({ _id: id as never }, change);
      await until(
        'the end',
        () => list(token),
        ({ status }) => status === 401,
      );
    }
    for (let n = 0; n < FAILURES_MAX * 2; n += 1)
      expect(await list(token)).toMatchObject({ status: 401, body: { detail: expect.stringContaining(what) } });
    expect((await guess()).status).toBe(401);
  });

  it('counts nothing where the token is good', async () => {
    for (let n = 0; n < 3; n += 1) await list(cluster.token('acme'));
    expect(await cluster.redis.keys(`${cluster.prefix}:{auth}:failures:198.51.100.${tests}`)).toEqual([]);
    await guess();
    expect(await cluster.redis.keys(`${cluster.prefix}:{auth}:failures:198.51.100.${tests}`)).toHaveLength(1);
  });

  it('holds no one up and locks no one out while Redis does not answer', async () => {
    await cluster.redisServer!.freeze();
    try {
      const answer = await guess();
      expect(answer.status).toBe(503);
      expect(answer.took_ms).toBeLessThan(5_000);
      for (let n = 0; n < 3; n += 1) expect((await operations('wrong')).status).toBe(401);
    } finally {
      await cluster.redisServer!.thaw();
    }
    await until(
      'Redis',
      () => list(cluster.token('acme')),
      ({ status }) => status === 200,
    );
  });
});

describe('POST /oauth2/token', () => {
  it('reads no more than 8 kB of a form, announced or not', async () => {
    const { clientId, clientSecret } = (await admin('POST /tenants/acme/clients', { name: 'Entra' })).body;
    expect((await oauth(clientId, clientSecret, 0, `&a=${'x'.repeat(8_000)}`)).status).toBe(200);
    const answer = await oauth(clientId, clientSecret, 0, `&a=${'x'.repeat(8_200)}`);
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ error: 'invalid_request' })]);
    const stream = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 10; n += 1) controller.enqueue(new TextEncoder().encode('x'.repeat(1_000)));
        controller.close();
      },
    });
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const init = { method: 'POST', body: stream, duplex: 'half', headers } as RequestInit;
    expect((await fetch(`${cluster.ingests[0]!.url}/oauth2/token`, init)).status).toBe(400);
  });
});

describe('the metrics port of ingest', () => {
  it('tells of what is behind the process at /readyz, and the SCIM port its state alone', async () => {
    const readyz = async (url: string) => (await fetch(`${url}/readyz`)).json();
    expect(await readyz(cluster.ingestMetricsUrl)).toMatchObject({
      status: 'ready',
      redis: 'up',
      mongodb: 'up',
      redisMemoryUsed: expect.any(Number),
    });
    expect(await readyz(cluster.ingests[0]!.url)).toEqual({ status: 'ready' });
  });

  it('answers 431 to more than a hundred headers', async () => {
    const headers = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`X-${n}`, 'x']));
    expect((await fetch(`${cluster.ingestMetricsUrl}/healthz`, { headers })).status).toBe(431);
    expect((await fetch(`${cluster.ingestMetricsUrl}/healthz`)).status).toBe(200);
  });
});

describe('what an administrator is told', () => {
  const asOf = async (tenant: string) => (await admin(`GET /tenants/${tenant}/status`)).body.lastError;
  const lastError = (tenant: string, expected: object | null) =>
    until(
      `the last error ${JSON.stringify(expected)}`,
      () => asOf(tenant),
      (seen) => (expected === null ? seen === null : seen !== null && isLike(seen, expected)),
    );
  const isLike = (seen: Record<string, unknown>, expected: object) =>
    Object.entries(expected).every(([name, value]) => seen[name] === value);
  /** The lines of requests with this id. */
  const linesOf = async (requestId: string): Promise<Record<string, unknown>[]> => {
    const text = await until(
      'the log line',
      () => cluster.ingests[0]!.log(),
      (log) => log.includes(requestId),
    );
    return text
      .split('\n')
      .filter((line) => line.includes(requestId))
      .map((line) => JSON.parse(line));
  };
  const fresh = async () => {
    const id = `t-${randomUUID()}`;
    await admin('POST /tenants', { id });
    const { id: tokenId, token } = (await admin(`POST /tenants/${id}/tokens`, { name: 'Okta' })).body;
    const client = new Client(`${cluster.ingests[0]!.url}/scim/v2`, token);
    return { tenant: id, token: token as string, tokenId: tokenId as string, client };
  };

  // A base URL that was typed wrongly left no trace but a 404 without its path.
  it('a wrong base URL is in lastError until a request meets an endpoint', async () => {
    const { tenant, token, client } = await fresh();
    const wrong = new Client(`${cluster.ingests[0]!.url}/scim`, token);
    const answer = await wrong.list('', { headers: { 'X-Request-Id': `wrong-${tenant}` } });
    expect(answer).toMatchObject({
      status: 404,
      body: { detail: expect.stringContaining(`the base URL is ${cluster.ingests[0]!.url}/scim/v2`) },
    });
    await lastError(tenant, { status: 404, reason: 'no_endpoint', path: '/scim/Users' });
    expect(await linesOf(`wrong-${tenant}`)).toMatchObject([
      { event: 'http.request', tenant, status: 404, path: '/scim/Users', reason: 'no_endpoint' },
    ]);
    await client.list();
    await lastError(tenant, null);
  });

  it('a revoked token is in lastError, in the list of all tokens and in the log, each with its tenant', async () => {
    const { tenant, token, tokenId, client } = await fresh();
    const other = (await admin(`POST /tenants/${tenant}/tokens`, { name: 'new' })).body.token;
    expect(Object.keys((await admin(`POST /tenants/${tenant}/tokens`, { name: 'third' })).body)[0]).toBe('token');
    await admin(`DELETE /tenants/${tenant}/tokens/${tokenId}`);
    await client.list('', { headers: { 'X-Request-Id': `revoked-${tenant}` } });
    await lastError(tenant, { status: 401, reason: 'token_revoked', route: 'sign-in' });
    const [line, ...more] = await linesOf(`revoked-${tenant}`);
    expect([line, more]).toMatchObject([{ level: 'info', status: 401, tenant, reason: 'token_revoked', credential: tokenId }, []]);
    expect(JSON.stringify(line)).not.toContain(token);
    const ids = async (query: string) => (await admin(`GET /tenants/${tenant}/tokens${query}`)).body.items;
    expect((await ids('')).map(({ id }: { id: string }) => id)).not.toContain(tokenId);
    expect((await ids('?revoked=true')).find(({ id }: { id: string }) => id === tokenId)).toMatchObject({ revokedAt: expect.any(String) });
    expect((await list(other)).status).toBe(200);
    await lastError(tenant, null);
  });

  it('a revoked client secret is in lastError with the words of its answer', async () => {
    const { tenant } = await fresh();
    const { clientId, clientSecret } = (await admin(`POST /tenants/${tenant}/clients`, { name: 'Entra' })).body;
    await admin(`DELETE /tenants/${tenant}/clients/${clientId}`);
    const answer = await oauth(clientId, clientSecret);
    const { error_description: detail } = (await answer.json()) as { error_description: string };
    expect([answer.status, detail]).toEqual([401, expect.stringContaining('was revoked at')]);
    await lastError(tenant, { reason: 'secret_revoked', route: '/oauth2/token', detail });
  });

  it('a refused create is in lastError with its scimType until another succeeds', async () => {
    const { tenant, client } = await fresh();
    await client.create(userBody('ada'));
    await client.create(userBody('ada'), { headers: { 'X-Request-Id': `twice-${tenant}` } });
    await lastError(tenant, { status: 409, scimType: 'uniqueness', route: '/Users' });
    expect(await linesOf(`twice-${tenant}`)).toMatchObject([
      { level: 'info', status: 409, scimType: 'uniqueness', reason: expect.any(String) },
    ]);
    await client.create(userBody('bob'));
    await lastError(tenant, null);
  });

  it('a refused change is in the log and in lastError with the resource', async () => {
    const { tenant, client } = await fresh();
    const { id } = (await client.create(userBody('ada'))).body;
    await client.patch(id, { Operations: [] }, { headers: { 'X-Request-Id': `patch-${tenant}` } });
    await lastError(tenant, { status: 400, id });
    expect(await linesOf(`patch-${tenant}`)).toMatchObject([{ status: 400, id, tenant, reason: expect.stringMatching(/^invalid_/) }]);
  });

  it('a store that is away is one line, with tenant and route', async () => {
    const { tenant, client } = await fresh();
    await client.list();
    await cluster.redisServer!.freeze();
    try {
      expect((await client.list('', { headers: { 'X-Request-Id': `away-${tenant}` } })).status).toBe(503);
    } finally {
      await cluster.redisServer!.thaw();
    }
    expect(await linesOf(`away-${tenant}`)).toMatchObject([{ event: 'http.request', level: 'warn', status: 503, tenant, route: '/Users' }]);
    await until(
      'Redis',
      () => client.list(),
      ({ status }) => status === 200,
    );
    await lastError(tenant, null);
  });
});
