import { type Admin, adminOf } from '../support/admin.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { runModule } from '../support/module.js';

jest.setTimeout(90_000);

let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster({ tenants: ['acme'], ingests: 0 });
  admin = adminOf(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());

let made = 0;
async function operator(role: 'viewer' | 'operator') {
  made += 1;
  const { status, body } = await admin('POST /operators', { name: `${role} ${made}`, role });
  expect(status).toBe(201);
  return { id: body.id as string, token: body.token as string, ask: adminOf(cluster, body.token) };
}
const signIn = (token: string) =>
  fetch(`${cluster.worker.url}/sign-in`, { method: 'POST', body: new URLSearchParams({ token }), redirect: 'manual' });
const cookieOf = async (token: string) => (await signIn(token)).headers.getSetCookie()[0]!.split(';')[0]!;

describe('operators', () => {
  it('are made with a token that is shown once, and listed without', async () => {
    const { body } = await admin('POST /operators', { name: 'Grace', role: 'operator' });
    expect(body).toMatchObject({
      id: expect.any(String),
      name: 'Grace',
      role: 'operator',
      token: expect.stringMatching(/^rco_[\w-]{43}$/),
    });
    const list = await admin('GET /operators');
    expect(list.body.items).toContainEqual({
      id: body.id,
      name: 'Grace',
      role: 'operator',
      prefix: body.token.slice(0, 7),
      createdAt: expect.any(String),
    });
    const kept = await Promise.all(['operators', 'audit'].map((name) => cluster.db.collection(name).find().toArray()));
    expect(JSON.stringify([list.body, kept])).not.toContain(body.token);
    expect((await admin('POST /operators', { name: 'Grace', role: 'viewer' })).status).toBe(409);
    expect((await admin('POST /operators', { name: 'x', role: 'admin' })).status).toBe(400);
  });

  it('change what they like, under their own name in the trail', async () => {
    const { id, ask } = await operator('operator');
    expect((await ask('POST /tenants', { id: 'by-operator' })).status).toBe(201);
    expect((await admin('GET /tenants/by-operator/audit')).body.items[0]).toMatchObject({
      who: { id: `operator:${id}`, name: `operator ${made}` },
    });
  });

  it('that are removed are out at once: token and session', async () => {
    const { id, token, ask } = await operator('operator');
    const cookie = await cookieOf(token);
    const backlog = () => fetch(`${cluster.worker.url}/admin/v1/backlog`, { headers: { cookie } });
    expect([(await ask('GET /backlog')).status, (await backlog()).status]).toEqual([200, 200]);
    expect((await admin(`DELETE /operators/${id}`)).status).toBe(204);
    expect([(await ask('GET /backlog')).status, (await backlog()).status]).toEqual([401, 401]);
    expect((await signIn(token)).status).toBe(401);
    expect((await admin(`DELETE /operators/${id}`)).status).toBe(404);
  });

  // A signed-out cookie was good for the rest of its 12 hours.
  it('that sign out are out, also after a restart of the worker', async () => {
    const { token } = await operator('operator');
    const headers = { cookie: await cookieOf(token) };
    const backlog = async () => (await fetch(`${cluster.worker.url}/admin/v1/backlog`, { headers })).status;
    expect(await backlog()).toBe(200);
    const out = await fetch(`${cluster.worker.url}/sign-out`, { method: 'POST', headers, redirect: 'manual' });
    expect(out.status).toBe(303);
    expect(await backlog()).toBe(401);
    await cluster.worker.stop();
    await cluster.worker.start();
    expect(await backlog()).toBe(401);
    const [key] = await cluster.redis.keys(`${cluster.prefix}:{auth}:ended:*`);
    expect(await cluster.redis.ttl(key!)).toBeGreaterThan(11 * 3_600);
  });

  it('come and go in a trail of the deployment', async () => {
    const { id } = await operator('viewer');
    await admin(`DELETE /operators/${id}`);
    const { body } = await admin('GET /audit');
    expect(body.items.slice(0, 2)).toMatchObject([
      { action: 'operator.remove', target: { id }, before: { role: 'viewer' } },
      { action: 'operator.create', target: { id }, after: { role: 'viewer' } },
    ]);
  });
});

describe('a viewer', () => {
  it('reads all, and changes nothing: 403', async () => {
    const { ask } = await operator('viewer');
    for (const path of [
      '/tenants',
      '/tenants/acme',
      '/tenants/acme/tokens',
      '/tenants/acme/status',
      '/tenants/acme/audit',
      '/operators',
      '/dead-letters',
      '/backlog',
      '/openapi.json',
    ])
      expect([path, (await ask(`GET ${path}`)).status]).toEqual([path, 200]);
    // It changes nothing, whatever its method.
    expect((await ask('POST /tenants/acme/mappings/dry-run', { rules: [] })).status).toBe(200);
    for (const request of [
      'POST /tenants',
      'PATCH /tenants/acme',
      'DELETE /tenants/acme',
      'POST /tenants/acme/suspend',
      'POST /tenants/acme/tokens',
      'POST /operators',
      'PUT /tenants/acme/mappings',
      'POST /tenants/acme/imports',
      'POST /dead-letters/redrive',
      'POST /dead-letters/discard',
    ])
      expect([request, (await ask(request, {})).status]).toEqual([request, 403]);
    expect((await admin('GET /tenants/acme')).body.status).toBe('active');
  });

  it('is one behind a cookie, too, on the board of the queues', async () => {
    const { token } = await operator('viewer');
    const headers = { cookie: await cookieOf(token) };
    expect((await fetch(`${cluster.worker.url}/queues/api/queues`, { headers })).status).toBe(200);
    expect((await fetch(`${cluster.worker.url}/queues/api/queues/pause`, { method: 'PUT', headers })).status).toBe(403);
    expect((await fetch(`${cluster.worker.url}/tenants`, { headers })).status).toBe(200);
  });
});

describe('a session', () => {
  it('is of nobody else: its operator can’t be exchanged', async () => {
    const { token } = await operator('viewer');
    const [name, value] = (await cookieOf(token)).split('=') as [string, string];
    const [expiry, nonce, , signature] = value.split('.');
    const forged = [expiry, nonce, Buffer.from('operator').toString('base64url'), signature].join('.');
    const headers = { cookie: `${name}=${forged}` };
    expect((await fetch(`${cluster.worker.url}/admin/v1/backlog`, { headers })).status).toBe(401);
  });
});

describe('GET /admin/v1/openapi.json', () => {
  it('is OpenAPI 3.1, as another’s validator judges', async () => {
    const { body } = await admin('GET /openapi.json');
    expect(body.openapi).toBe('3.1.0');
    const script = `import { Validator } from '@seriousme/openapi-schema-validator';
      console.log(JSON.stringify(await new Validator().validate(INPUT)));`;
    expect(await runModule(script, body)).toEqual({ valid: true });
  });

  it('has every path and method, and what they take and give', async () => {
    const { body } = await admin('GET /openapi.json');
    const methods = Object.entries(body.paths as Record<string, object>).flatMap(([path, at]) =>
      Object.keys(at).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(methods).toEqual(
      expect.arrayContaining([
        ...['POST /tenants', 'GET /tenants', 'GET /tenants/{tenant}', 'PATCH /tenants/{tenant}', 'DELETE /tenants/{tenant}'],
        ...[
          'POST /tenants/{tenant}/suspend',
          'POST /tenants/{tenant}/resume',
          'POST /tenants/{tenant}/tokens',
          'GET /tenants/{tenant}/tokens',
        ],
        ...['DELETE /tenants/{tenant}/tokens/{id}', 'POST /tenants/{tenant}/tokens/{id}/regenerate', 'POST /tenants/{tenant}/clients'],
        ...['GET /tenants/{tenant}/audit', 'GET /tenants/{tenant}/status', 'POST /operators', 'GET /operators', 'DELETE /operators/{id}'],
        ...['GET /dead-letters', 'POST /dead-letters/redrive', 'GET /openapi.json'],
      ]),
    );
    const generate = body.paths['/tenants/{tenant}/tokens'].post;
    expect(generate.requestBody.content['application/json'].schema).toMatchObject({
      required: ['name'],
      properties: { expiresInDays: { default: 365 } },
    });
    expect(generate.responses['201'].content['application/json'].schema.properties).toHaveProperty('token');
    expect(generate.parameters.map(({ name }: { name: string }) => name)).toEqual(['tenant', 'Idempotency-Key']);
  });
});
