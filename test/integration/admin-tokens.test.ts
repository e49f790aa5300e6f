import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { userBody } from '../support/users.js';

jest.setTimeout(90_000);

const DAY_MS = 86_400_000;
let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster({
    tenants: ['acme', 'globex'],
    ingests: 2,
    env: { WEBHOOK_PRIVATE_ADDRESSES: '127.0.0.1', TOKEN_CHECK_INTERVAL_MS: '200', SWEEP_INTERVAL_MS: '200' },
  });
  admin = adminOf(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());

const as = (token: string, ingest = 0) => new Client(`${cluster.ingests[ingest]!.url}/scim/v2`, token);
const generate = async (tenant = 'acme', more: Record<string, unknown> = {}) =>
  (await admin(`POST /tenants/${tenant}/tokens`, { name: 'test', ...more })).body as { id: string; token: string; expiresAt: string };
/** As if time had passed: the token was made for a year, and ends then. */
const endsIn = (id: string, ms: number) =>
  cluster.db.collection('tokens').updateOne(
    { _id: id as never },
    {
      $set: { createdAt: new Date(Date.now() + ms - 365 * DAY_MS), expiresAt: new Date(Date.now() + ms), carry: true },
      $inc: { revision: 1 },
    },
  );

describe('generating a token', () => {
  it('shows it once, for 365 days unless asked otherwise, and keeps its hash alone', async () => {
    const answer = await admin('POST /tenants/acme/tokens', { name: 'Okta' });
    expect(answer).toMatchObject({
      status: 201,
      body: {
        id: expect.any(String),
        name: 'Okta',
        token: expect.stringMatching(/^rc_[\w-]{43}$/),
        prefix: expect.stringMatching(/^rc_.{4}$/),
      },
    });
    const { id, token, createdAt, expiresAt } = answer.body;
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(365 * DAY_MS);
    expect((await as(token).list()).status).toBe(200);
    expect((await as(token, 1).list()).status).toBe(200);
    const listed = await admin('GET /tenants/acme/tokens');
    expect(listed.body.items.find((item: { id: string }) => item.id === id)).toMatchObject({ id, name: 'Okta', createdAt, expiresAt });
    expect(JSON.stringify(listed.body)).not.toContain(token);
    const everything = await Promise.all(['tokens', 'audit', 'tenants'].map((name) => cluster.db.collection(name).find().toArray()));
    expect(JSON.stringify(everything)).not.toContain(token);
    expect(await cluster.worker.log()).not.toContain(token);
  });

  it('takes other days, and refuses too many or too few', async () => {
    const { expiresAt } = await generate('acme', { expiresInDays: 10 });
    expect(Math.round((Date.parse(expiresAt) - Date.now()) / DAY_MS)).toBe(10);
    for (const expiresInDays of [0, -1, 1.5, 3_651, '30'])
      expect((await admin('POST /tenants/acme/tokens', { name: 'x', expiresInDays })).status).toBe(400);
    expect((await admin('POST /tenants/acme/tokens', {})).status).toBe(400);
    expect((await admin('POST /tenants/none/tokens', { name: 'x' })).status).toBe(404);
  });

  it('gives several that hold at once', async () => {
    const tokens = await Promise.all([1, 2, 3].map(() => generate()));
    for (const { token } of tokens) expect((await as(token).list()).status).toBe(200);
  });

  it('lists a page at a time, each once', async () => {
    for (let i = 0; i < 3; i += 1) await generate('globex');
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const { body } = await admin(`GET /tenants/globex/tokens?limit=2${next ? `&cursor=${next}` : ''}`);
      seen.push(...body.items.map(({ id }: { id: string }) => id));
      next = body.next;
    } while (next);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBe(4);
  });
});

describe('revoking a token', () => {
  it('holds at the next request, at every ingest, and may be repeated', async () => {
    const { id, token } = await generate();
    for (const ingest of [0, 1]) expect((await as(token, ingest).list()).status).toBe(200);
    expect((await admin(`DELETE /tenants/acme/tokens/${id}`)).status).toBe(204);
    for (const ingest of [0, 1])
      expect(await as(token, ingest).list()).toMatchObject({
        status: 401,
        body: { detail: expect.stringMatching(/^the token was revoked at \d{4}-/) },
      });
    expect((await admin(`DELETE /tenants/acme/tokens/${id}`)).status).toBe(204);
    expect((await admin('GET /tenants/acme/tokens?limit=500')).body.items.map((item: { id: string }) => item.id)).not.toContain(id);
  });

  it('of another tenant is 404, and harms nobody', async () => {
    const { id, token } = await generate();
    expect((await admin(`DELETE /tenants/globex/tokens/${id}`)).status).toBe(404);
    expect((await admin(`POST /tenants/globex/tokens/${id}/regenerate`, {})).status).toBe(404);
    expect((await as(token).list()).status).toBe(200);
  });
});

describe('regenerating a token', () => {
  // The line showed the previous one as it was after the change, and did not say which it was.
  it.each([
    ['tokens', 'token', 0],
    ['tokens', 'token', 24],
    ['clients', 'client', 1],
  ])(
    'is in the trail with both ids, and the previous one as it was: %s, %s, with an overlap of %d hours',
    async (kind, word, overlapHours) => {
      const old = (await admin(`POST /tenants/acme/${kind}`, { name: 'trailed', expiresInDays: 90 })).body;
      const made = (await admin(`POST /tenants/acme/${kind}/${old.id}/regenerate`, { overlapHours })).body;
      const [line] = (await admin(`GET /tenants/acme/audit?limit=1&account=${made.id}`)).body.items;
      expect([line.action, line.target]).toEqual([`${word}.regenerate`, { kind: word, id: made.id }]);
      expect(line.before).toMatchObject({ id: old.id, name: 'trailed', expiresAt: old.expiresAt });
      expect(line.before).not.toHaveProperty('revokedAt');
      expect(line.after).toMatchObject({ id: made.id, name: 'trailed', expiresAt: made.expiresAt });
      expect(Date.parse(line.after.previousEnds) - Date.parse(line.at)).toBe(overlapHours * 3_600_000);
    },
  );

  it('makes another of the same name and life, and the previous one is invalid at once', async () => {
    const old = await generate('acme', { name: 'rotated', expiresInDays: 90 });
    const { status, body } = await admin(`POST /tenants/acme/tokens/${old.id}/regenerate`);
    expect([status, body.name, body.id === old.id, body.token === old.token]).toEqual([201, 'rotated', false, false]);
    expect(Math.round((Date.parse(body.expiresAt) - Date.now()) / DAY_MS)).toBe(90);
    expect((await as(old.token).list()).status).toBe(401);
    expect((await as(body.token).list()).status).toBe(200);
    expect((await admin(`POST /tenants/acme/tokens/${old.id}/regenerate`)).status).toBe(409);
  });

  it('leaves the previous one for an overlap, on request, and not longer', async () => {
    const old = await generate();
    const { body } = await admin(`POST /tenants/acme/tokens/${old.id}/regenerate`, { overlapHours: 24 });
    for (const { token } of [old, body]) expect((await as(token).list()).status).toBe(200);
    const { items } = (await admin('GET /tenants/acme/tokens?limit=500')).body;
    const shown = items.find((item: { id: string }) => item.id === old.id);
    expect(shown.replacedBy).toBe(body.id);
    expect(Math.round((Date.parse(shown.expiresAt) - Date.now()) / 3_600_000)).toBe(24);
    // A day later.
    await cluster.db
      .collection('tokens')
      .updateOne({ _id: old.id as never }, { $set: { expiresAt: new Date(), carry: true }, $inc: { revision: 1 } });
    await until(
      'the old one to end',
      () => as(old.token).list(),
      ({ status }) => status === 401,
    );
    expect((await as(body.token).list()).status).toBe(200);
    for (const overlapHours of [25, -1])
      expect((await admin(`POST /tenants/acme/tokens/${body.id}/regenerate`, { overlapHours })).status).toBe(400);
  });

  it('is done once of many that ask at once', async () => {
    const old = await generate();
    const answers = await Promise.all(Array.from({ length: 5 }, () => admin(`POST /tenants/acme/tokens/${old.id}/regenerate`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });
});

describe('an expired token', () => {
  it('is answered 401, and its holder told that it is expired', async () => {
    const { id, token } = await generate();
    await endsIn(id, -1_000);
    const answer = await until(
      'the end',
      () => as(token).list(),
      ({ status }) => status === 401,
    );
    expect(answer.body.detail).toMatch(/^the token expired at \d{4}-/);
    expect((await admin('GET /tenants/acme/status')).status).toBe(200);
  });
});

describe('lastUsedAt', () => {
  it('is known a moment after a token is used, and absent before', async () => {
    const { id, token } = await generate();
    const find = async () => (await admin('GET /tenants/acme/tokens?limit=500')).body.items.find((item: { id: string }) => item.id === id);
    expect((await find()).lastUsedAt).toBeUndefined();
    await as(token).list();
    const { lastUsedAt } = await until('lastUsedAt', find, (item) => item.lastUsedAt !== undefined);
    expect(Math.abs(Date.parse(lastUsedAt) - Date.now())).toBeLessThan(10_000);
  });
});

describe('GET …/status', () => {
  it('says whether it is working: last request, last error, what is pending and dead', async () => {
    await admin('POST /tenants', { id: 'fresh' });
    expect((await admin('GET /tenants/fresh/status')).body).toEqual({
      ...{
        tenant: 'fresh',
        status: 'active',
        redis: { status: 'up' },
        mongodb: { status: 'up' },
        lastRequestAt: null,
        lastError: null,
        credentials: [],
        users: { active: 0, deactivated: 0, blocked: 0, deleted: 0 },
        groups: 0,
        undecided: [],
        pending: 0,
        oldestPendingMs: 0,
        deadLetters: 0,
        indexComplete: expect.any(Boolean),
        unknown: [],
      },
    });
    const { token } = await generate('fresh');
    await as(token).create(userBody('ada'));
    await as(token).create(userBody('ada'), { headers: { 'X-Request-Id': 'req-twice' } });
    const { body } = await until(
      'the status',
      () => admin('GET /tenants/fresh/status'),
      (answer) => answer.body.lastError && answer.body.lastRequestAt,
    );
    expect(body).toMatchObject({
      indexComplete: true,
      lastError: { status: 409, method: 'POST', route: '/Users', requestId: 'req-twice' },
    });
    await admin('POST /tenants/fresh/suspend');
    await as(token).list();
    await until(
      'the refusal',
      () => admin('GET /tenants/fresh/status'),
      (answer) => answer.body.lastError.status === 403,
    );
    expect((await admin('GET /tenants/none/status')).status).toBe(404);
  });
});

describe('reminders of expiry', () => {
  interface Got {
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }
  let hook: Server;
  let url: string;
  const got: Got[] = [];
  let answers: number[] = [];
  beforeAll(async () => {
    hook = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        got.push({ headers: request.headers, body });
        response.writeHead(answers.shift() ?? 200).end();
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/hook?x=1`;
  });
  afterAll(() => hook.close());
  beforeEach(() => {
    got.length = 0;
    answers = [];
  });
  const about = (id: string) => got.map(({ body }) => JSON.parse(body)).filter(({ data }) => data.id === id);

  it('come at 30, 14, 7 and 1 days and at the end, each once: to the log, a metric, and the webhook, signed', async () => {
    const made = await admin('POST /tenants', { id: 'hooked', settings: { webhook: { url } } });
    const secret: string = made.body.webhookSecret;
    expect(secret).toMatch(/^whsec_/);
    expect((await admin('GET /tenants/hooked')).body.webhookSecret).toBeUndefined();
    const { id } = await generate('hooked', { name: 'Entra' });
    for (const [index, days] of [30, 14, 7, 1, 0].entries()) {
      await endsIn(id, days * DAY_MS - 1_000);
      await until(
        `the reminder of ${days} days`,
        () => about(id),
        (events) => events.length > index,
      );
    }
    // The check runs every 200 ms: a few rounds later there are no more.
    await until(
      'some rounds more',
      () => cluster.db.collection('reminders').countDocuments({ tenant: 'hooked', deliveredAt: { $exists: true } }),
      (count) => count === 5,
    );
    const rounds = performance.now() + 600;
    await until('rounds', () => performance.now() > rounds);
    expect(about(id).map(({ type, data }) => [type, data.daysLeft, data.tenant, data.name])).toEqual([
      ...[30, 14, 7, 1].map((days) => ['token.expiring', days, 'hooked', 'Entra']),
      ['token.expired', 0, 'hooked', 'Entra'],
    ]);
    for (const { headers, body } of got) {
      const signed = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
        .update(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`)
        .digest('base64');
      expect(headers['webhook-signature']).toBe(`v1,${signed}`);
    }
    const log = await cluster.worker.log();
    expect(log.match(/a token expires soon/g)?.length).toBeGreaterThanOrEqual(4);
    expect(log).toContain('a token has expired');
    const metrics = await (await fetch(`${cluster.worker.url}/metrics`)).text();
    expect(metrics).toMatch(/rollcall_token_reminders_total\{days="30"\} [1-9]/);
    expect(metrics).toMatch(/rollcall_tokens_expiring\{within_days="0"\} [1-9]/);
    expect(metrics).toMatch(/rollcall_webhooks_total\{outcome="delivered"\} [5-9]/);
  });

  // Every address that the worker reaches was posted to: its own port, Redis, a cloud's metadata.
  it('go to no private address unless it is allowed, whatever the name says', async () => {
    const made = await admin('POST /tenants', { id: 'inward' });
    expect(made.status).toBe(201);
    const refused = await admin('PATCH /tenants/inward', { webhook: { url: url.replace('127.0.0.1', '127.0.0.2') } });
    expect([refused.status, refused.body.detail]).toEqual([400, expect.stringContaining('WEBHOOK_PRIVATE_ADDRESSES')]);
    // As an earlier release stored it.
    const port = (hook.address() as AddressInfo).port;
    for (const host of ['localhost', '[::ffff:127.0.0.2]', '2130706434']) {
      const webhook = { url: `http://${host}:${port}/hook` };
      await cluster.db
        .collection<{ _id: string }>('tenants')
        .updateOne({ _id: 'inward' }, { $set: { 'settings.webhook': webhook, webhookSecret: 'whsec_eA==' } });
      const { id } = await generate('inward');
      await endsIn(id, DAY_MS - 1_000);
      const reminder = await until(
        `the refusal of ${host}`,
        () => cluster.db.collection('reminders').findOne({ 'event.data.id': id }),
        (found) => (found?.tries ?? 0) > 0,
      );
      expect([host, about(id), reminder!.deliveredAt]).toEqual([host, [], undefined]);
    }
    expect(await cluster.worker.log()).toContain('the address is not public, see WEBHOOK_PRIVATE_ADDRESSES');
  });

  it('are posted again when the webhook fails', async () => {
    await admin('POST /tenants', { id: 'flaky', settings: { webhook: { url } } });
    const { id } = await generate('flaky');
    answers = [500];
    await endsIn(id, DAY_MS - 1_000);
    await until(
      'the second try',
      () => about(id),
      (events) => events.length === 2,
      15_000,
    );
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('come of no token that was revoked, or replaced', async () => {
    const [revoked, replaced, sign] = [await generate('hooked'), await generate('hooked'), await generate('hooked')];
    await admin(`DELETE /tenants/hooked/tokens/${revoked.id}`);
    await admin(`POST /tenants/hooked/tokens/${replaced.id}/regenerate`, { overlapHours: 1 });
    for (const { id } of [revoked, replaced, sign]) await endsIn(id, DAY_MS - 1_000);
    await until(
      'the last one',
      () => about(sign.id),
      (events) => events.length === 1,
    );
    expect([...about(revoked.id), ...about(replaced.id)]).toEqual([]);
  });

  // The address may be the secret itself; viewers saw it, and so did the trail.
  it('go to an address of which only the beginning is shown, in lists, answers and the trail, old lines too', async () => {
    const address = `${url.replace('/hook?x=1', '')}/T0/B0/sekret1?key=sekret2`;
    const made = await admin('POST /tenants', { id: 'masked', settings: { webhook: { url: address } } });
    const shown = `${url.replace('/hook?x=1', '')}/T0/B0/s…`;
    expect(made.body.settings.webhook).toEqual({ url: shown });
    const stored = async () => (await cluster.db.collection('tenants').findOne({ _id: 'masked' as never }))?.settings.webhook.url;
    // Sent back as it was shown, it stays.
    expect((await admin('PATCH /tenants/masked', { name: 'Masked', webhook: { url: shown } })).status).toBe(200);
    expect(await stored()).toBe(address);
    expect((await admin('PATCH /tenants/masked', { webhook: { url: shown.replace('s…', 'x…') } })).status).toBe(400);
    // Another secret behind the same beginning is a change, and stands in the trail as one.
    expect((await admin('PATCH /tenants/masked', { webhook: { url: address.replace('sekret2', 'sekret3') } })).status).toBe(200);
    const settings = { webhook: { url: address } };
    await cluster.db.collection('audit').insertOne({
      ...{
        _id: '2020-01-01T00:00:00.000Z_old' as never,
        tenant: 'masked',
        at: new Date('2020-01-01'),
        by: 'operator',
        byName: 'x',
        request: 'r',
      },
      ...{ action: 'tenant.change', target: { kind: 'tenant', id: 'masked' }, before: { settings }, after: { settings } },
    });
    const answers = await Promise.all(['', '/audit'].map((path) => admin(`GET /tenants/masked${path}`)));
    const list = await admin('GET /tenants?limit=500');
    expect(answers[1]!.body.items.filter(({ after }: { after?: object }) => JSON.stringify(after)?.includes(shown))).toHaveLength(3);
    expect(JSON.stringify([made.body, answers, list])).not.toContain('sekret');
    const kept = await cluster.db
      .collection('audit')
      .find({ tenant: 'masked', _id: { $ne: '2020-01-01T00:00:00.000Z_old' as never } })
      .toArray();
    expect(JSON.stringify(kept)).not.toContain('sekret');
  });

  it('of a webhook whose secret is rotated are signed by the new one', async () => {
    const { status, body } = await admin('POST /tenants/hooked/webhook/secret');
    expect([status, body.webhookSecret.startsWith('whsec_')]).toEqual([201, true]);
    const kept = await Promise.all(['audit', 'idempotency'].map((name) => cluster.db.collection(name).find().toArray()));
    expect(JSON.stringify(kept)).not.toContain(body.webhookSecret);
    const redis = await Promise.all(
      (await cluster.redis.keys(`${cluster.prefix}:*:hooked:settings`)).map((key) => cluster.redis.hgetall(key)),
    );
    expect(JSON.stringify(redis)).not.toContain(body.webhookSecret);
  });
});

describe('a change while a store is away', () => {
  it('Redis: a revocation is answered 503, as it would not hold yet, and holds when Redis is back without being asked again', async () => {
    const own = await startCluster({ tenants: ['acme'], ownServers: true, env: { SWEEP_INTERVAL_MS: '200' } });
    try {
      const ask = adminOf(own);
      const { body } = await ask('POST /tenants/acme/tokens', { name: 'lost' });
      const client = new Client(`${own.ingests[0]!.url}/scim/v2`, body.token);
      expect((await client.list()).status).toBe(200);
      await own.redisServer!.stop();
      const answer = await ask(`DELETE /tenants/acme/tokens/${body.id}`);
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
      expect(answer.body.detail).toContain('Redis');
      await own.redisServer!.start();
      await until(
        'the revocation to hold',
        () => client.list(),
        ({ status }) => status === 401,
        20_000,
      );
      // Ingest may have Redis back before the worker has.
      await until(
        'a repeated revocation to be answered',
        () => ask(`DELETE /tenants/acme/tokens/${body.id}`),
        ({ status }) => status === 204,
      );
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it('MongoDB: nothing is changed, and nobody who signed in before is locked out', async () => {
    const own = await startCluster({ tenants: ['acme'], ownServers: true });
    try {
      const ask = adminOf(own);
      const client = own.client('acme');
      expect((await client.create(userBody('ada'))).status).toBe(201);
      await own.quiet();
      await own.mongoServer!.stop();
      expect((await ask('POST /tenants/acme/suspend')).status).toBe(503);
      expect((await client.find('userName eq "ada@example.com"')).status).toBe(200);
      await own.mongoServer!.start();
      await until(
        'the suspension',
        () => ask('POST /tenants/acme/suspend'),
        ({ status }) => status === 200,
        30_000,
      );
      expect((await client.list()).status).toBe(403);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});
