import { connect } from 'node:net';
import { TransientError } from '@rollcall/directory';
import { createMetrics, exercise, silentLog } from '@rollcall/telemetry';
import { localLimit } from '@rollcall/tenancy';
import type { Queue } from 'bullmq';
import type { DeadLetter, DeadLetterQuery, Selection } from './dead-letter.js';
import { type OpsServer, type OpsServerDeps, opsServer } from './ops-server.js';
import type { Sessions } from './sign-in.js';

const TOKEN = 'operator-token-of-at-least-32-characters';
const BEARER = { authorization: `Bearer ${TOKEN}` };
const PAGE = { accept: 'text/html' };
const ID = '01932c07-2f4e-7cde-8a90-1234567890ab';

const LETTER: DeadLetter = {
  tenant: 'acme',
  type: 'User',
  id: ID,
  version: 7,
  cause: 'DocumentFailedValidation',
  code: 121,
  tries: 1,
  failedAt: '2026-01-02T03:04:05.678Z',
  requestId: 'r1',
};

/** What Bull Board asks of a queue, answered without Redis. */
function fakeQueue(name: string, jobs: readonly object[] = []): { queue: Queue; calls: string[] } {
  const calls: string[] = [];
  const answers: Record<string, unknown> = {
    getJobCounts: { waiting: jobs.length },
    isPaused: false,
    getGlobalConcurrency: null,
    getGlobalRateLimit: null,
    getRateLimitTtl: 0,
    getJobSchedulersCount: 0,
    getWorkers: [],
    getJobs: jobs.map((job) => ({ toJSON: () => job })),
    add: undefined,
    pause: undefined,
    resume: undefined,
    obliterate: undefined,
  };
  const methods = Object.entries(answers).map(([method, answer]) => [
    method,
    async () => {
      calls.push(method);
      return answer;
    },
  ]);
  const queue = { name, metaValues: { version: 'bullmq:6' }, opts: { prefix: '{rollcall}' }, ...Object.fromEntries(methods) };
  return { queue: queue as unknown as Queue, calls };
}

/** Sessions as replicas share them, without Redis: by id, how many seconds each is remembered. */
function sharedSessions(): Sessions & { readonly kept: ReadonlyMap<string, number> } {
  const kept = new Map<string, number>();
  return {
    kept,
    secret: async () => Buffer.alloc(32, 7),
    end: async (session, lifetime_s) => void kept.set(session, lifetime_s),
    ended: async (session) => kept.has(session),
  };
}

interface Started {
  readonly server: OpsServer;
  readonly asked: { list: DeadLetterQuery[]; redrive: Selection[]; discard: [Selection, string][] };
  readonly metrics: ReturnType<typeof createMetrics>;
  readonly calls: string[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

let open: OpsServer[] = [];
afterEach(async () => {
  await Promise.all(open.map((server) => server.stop()));
  open = [];
});

async function started(changes: Partial<OpsServerDeps> = {}): Promise<Started> {
  const asked: Started['asked'] = { list: [], redrive: [], discard: [] };
  const metrics = createMetrics({ process: false });
  const { queue, calls } = fakeQueue('apply', [{ id: 'acme_v7', name: 'apply', data: { tenant: 'acme' }, opts: {} }]);
  const server = opsServer({
    host: '127.0.0.1',
    port: 0,
    operatorToken: TOKEN,
    sessions: sharedSessions(),
    log: silentLog(),
    metrics,
    queues: [queue],
    health: async () => ({ redis: 'up', mongodb: 'down' }),
    ready: () => true,
    deadLetters: {
      list: async (query) => {
        asked.list.push(query);
        return { items: [LETTER], next: 'more' };
      },
      redrive: async (selection) => {
        asked.redrive.push(selection);
        return { redriven: 1 };
      },
      discard: async (selection, by) => {
        asked.discard.push([selection, by]);
        return { discarded: 1, refused: [] };
      },
    },
    tenants: async () => [
      { tenant: 'acme', pending: 42, oldestPending_ms: 1_500, dead: 1 },
      { tenant: '<b>', pending: 1, oldestPending_ms: 9_000, dead: 0 },
    ],
    attention: async () => ({
      isPaused: false,
      unknown: [],
      tenants: [
        { tenant: 'acme', pending: 42, oldestPending_ms: 1_500, dead: 1, undecided: 0 },
        { tenant: '<b>', pending: 0, oldestPending_ms: 0, dead: 0, undecided: 3 },
      ],
    }),
    ...changes,
  });
  open.push(server);
  await server.start();
  const base = server.url!;
  return { server, asked, metrics, calls, fetch: (path, init) => fetch(base + path, { redirect: 'manual', ...init }) };
}

const json = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  headers: { ...BEARER, 'content-type': 'application/json', ...headers },
});

const form = (fields: Record<string, string>, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  headers,
});

const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]!.split(';')[0]!;

describe('health and metrics', () => {
  it('need no sign-in', async () => {
    const { fetch } = await started();
    const health = await fetch('/healthz');
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok', version: expect.stringMatching(/^\d+\.\d+\.\d+$/) }]);
    const ready = await fetch('/readyz');
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', redis: 'up', mongodb: 'down' }]);
    const metrics = await fetch('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await metrics.text()).toContain('rollcall_accepted_total');
  });

  it('/readyz answers 503 before the first success, and does not wait for a health that hangs', async () => {
    const { fetch } = await started({ ready: () => false, health: () => new Promise(() => {}) });
    const ready = await fetch('/readyz');
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'starting', health: 'no answer' }]);
  });
});

describe('operator sign-in', () => {
  it('sends a browser to the form, and after it to where it wanted', async () => {
    const { fetch } = await started();
    const asked = await fetch('/queues/queue/apply?page=2', { headers: PAGE });
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/sign-in?next=%2Fqueues%2Fqueue%2Fapply%3Fpage%3D2']);
    expect(await (await fetch('/sign-in?next=/tenants')).text()).toContain('name="next" value="/tenants"');
    const answer = await fetch('/sign-in', form({ token: TOKEN, next: '/tenants' }));
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/tenants']);
    expect(answer.headers.getSetCookie()[0]).toMatch(/^rollcall_operator=[^;]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict$/);
    expect(cookieOf(answer)).not.toContain(TOKEN);
    expect((await fetch('/tenants', { headers: { cookie: cookieOf(answer) } })).status).toBe(200);
  });

  it('holds over a restart and on another replica, and ends with another token', async () => {
    const [one, replica, changed] = [await started(), await started(), await started({ operatorToken: `${TOKEN}2` })];
    const headers = { cookie: cookieOf(await one.fetch('/sign-in', form({ token: TOKEN }))) };
    expect((await replica.fetch('/admin/v1/backlog', { headers })).status).toBe(200);
    expect((await changed.fetch('/admin/v1/backlog', { headers })).status).toBe(401);
  });

  it('ends after 12 hours', async () => {
    let now_ms = 1_000_000;
    const { fetch } = await started({ now_ms: () => now_ms });
    const headers = { cookie: cookieOf(await fetch('/sign-in', form({ token: TOKEN }))) };
    now_ms += 12 * 3_600_000 - 1_000;
    expect((await fetch('/admin/v1/backlog', { headers })).status).toBe(200);
    now_ms += 2_000;
    expect((await fetch('/admin/v1/backlog', { headers })).status).toBe(401);
  });

  // Signing out removed the cookie from the browser alone: a copy of it was good for the rest of the 12 hours.
  it('signing out ends the session, on every replica, for as long as it would have lasted', async () => {
    let now_ms = 1_000_000;
    const sessions = sharedSessions();
    const [one, replica] = [await started({ sessions, now_ms: () => now_ms }), await started({ sessions, now_ms: () => now_ms })];
    const headers = { cookie: cookieOf(await one.fetch('/sign-in', form({ token: TOKEN }))) };
    const other = { cookie: cookieOf(await one.fetch('/sign-in', form({ token: TOKEN }))) };
    now_ms += 3_600_000;
    const answer = await one.fetch('/sign-out', { method: 'POST', headers });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/sign-in']);
    expect(answer.headers.getSetCookie()[0]).toMatch(/^rollcall_operator=; .*Max-Age=0/);
    expect([...sessions.kept.values()]).toEqual([11 * 3_600]);
    expect((await replica.fetch('/admin/v1/backlog', { headers })).status).toBe(401);
    expect((await replica.fetch('/admin/v1/backlog', { headers: other })).status).toBe(200);
  });

  it('signing out keeps nothing for a cookie that is no session', async () => {
    const sessions = sharedSessions();
    const { fetch } = await started({ sessions });
    for (const cookie of ['rollcall_operator=9999999999.AAAA.AAAA.AAAA', 'rollcall_operator=x', '']) {
      expect((await fetch('/sign-out', { method: 'POST', headers: { cookie } })).status).toBe(303);
    }
    expect(sessions.kept.size).toBe(0);
  });

  it('answers 503 to a sign-out that cannot be remembered, and leaves the cookie, so that it can be repeated', async () => {
    const { fetch } = await started({
      sessions: { ...sharedSessions(), end: () => Promise.reject(new TransientError('gone', { away: 'redis' })) },
    });
    const headers = { cookie: cookieOf(await fetch('/sign-in', form({ token: TOKEN }))) };
    const answer = await fetch('/sign-out', { method: 'POST', headers });
    expect([answer.status, answer.headers.getSetCookie()]).toEqual([503, []]);
  });

  // The key was derived from the operator token alone: whoever held a cookie could guess a hand-chosen token offline.
  it('signs sessions with a key that only the deployment’s secret and the token together give', async () => {
    const one = await started();
    const headers = { cookie: cookieOf(await one.fetch('/sign-in', form({ token: TOKEN }))) };
    const otherDeployment = await started({ sessions: { ...sharedSessions(), secret: async () => Buffer.alloc(32, 8) } });
    expect((await otherDeployment.fetch('/admin/v1/backlog', { headers })).status).toBe(401);
  });

  it.each([
    ['OPS_PUBLIC_URL is https', { publicUrl: 'https://ops.example' }, {}],
    ['a trusted proxy says https', { trustProxy: 1 }, { 'x-forwarded-proto': 'https' }],
  ])('the cookie is for https and for this host alone where %s', async (_, changes, proxied) => {
    const { fetch } = await started(changes);
    const answer = await fetch('/sign-in', form({ token: TOKEN }, proxied));
    expect(answer.headers.getSetCookie()[0]).toMatch(
      /^__Host-rollcall_operator=[^;]+; Path=\/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/,
    );
    const cookie = cookieOf(answer);
    expect((await fetch('/admin/v1/backlog', { headers: { cookie, ...proxied } })).status).toBe(200);
    // Another host of the domain can set a cookie of the plain name.
    expect((await fetch('/admin/v1/backlog', { headers: { cookie: cookie.replace('__Host-', ''), ...proxied } })).status).toBe(401);
    const out = await fetch('/sign-out', { method: 'POST', headers: { cookie, ...proxied } });
    expect(out.headers.getSetCookie()[0]).toMatch(/^__Host-rollcall_operator=; .*Max-Age=0.*Secure/);
    expect((await fetch('/admin/v1/backlog', { headers: { cookie, ...proxied } })).status).toBe(401);
  });

  it('believes X-Forwarded-Proto of no proxy that is not trusted', async () => {
    const { fetch } = await started();
    const answer = await fetch('/sign-in', form({ token: TOKEN }, { 'x-forwarded-proto': 'https' }));
    expect(answer.headers.getSetCookie()[0]).not.toContain('Secure');
  });

  it.each([
    ['no credential', {}],
    ['another token', { authorization: 'Bearer another-token-of-at-least-32-characters' }],
    ['an empty bearer', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${TOKEN}` }],
    ['a cookie that is none', { cookie: 'rollcall_operator=x' }],
    ['a cookie that was made up', { cookie: `rollcall_operator=9999999999.AAAA.${'A'.repeat(43)}` }],
    ['a cookie without parts', { cookie: 'rollcall_operator=' }],
  ])('answers 401 for %s', async (_, headers) => {
    const { fetch } = await started();
    for (const path of [
      '/queues',
      '/queues/api/queues',
      '/queues/static/images/logo.svg',
      '/tenants',
      '/admin/v1/dead-letters',
      '/admin/v1/none',
    ]) {
      const answer = await fetch(path, { headers: { accept: 'application/json', ...headers } });
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    }
  });

  it('is closed without a token in the settings, for an empty one too', async () => {
    const { fetch } = await started({ operatorToken: undefined });
    for (const headers of [{}, { authorization: 'Bearer undefined' }, { cookie: 'rollcall_operator=9999999999.A.A' }]) {
      expect((await fetch('/admin/v1/backlog', { headers })).status).toBe(403);
    }
    expect((await fetch('/sign-in', form({ token: '' }))).status).toBe(403);
    expect(await (await fetch('/sign-in')).text()).toContain('ROLLCALL_OPERATOR_TOKEN');
  });

  // After sixty wrong tokens the right one was answered 429: an operator was locked out by whoever failed at the same address.
  it('answers wrong tokens 429 beyond the limit, and never a right one', async () => {
    const { fetch, metrics } = await started({ limit: localLimit({ max: 3 }) });
    const wrong = () => fetch('/sign-in', form({ token: 'wrong' }));
    for (let i = 0; i < 3; i += 1) expect((await wrong()).status).toBe(401);
    const answer = await wrong();
    expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([429, expect.any(Number)]);
    expect((await fetch('/admin/v1/backlog', { headers: { authorization: 'Bearer wrong' } })).status).toBe(429);
    expect((await fetch('/sign-in', form({ token: TOKEN }))).status).toBe(303);
    expect((await fetch('/admin/v1/backlog', { headers: BEARER })).status).toBe(200);
    expect(await metrics.registry.metrics()).toContain('rollcall_sign_in_failures_total{reason="token_unknown"} 5');
  });

  it('answers 431 to more than a hundred headers, and 400 to two hosts', async () => {
    const { server } = await started();
    const { port } = new URL(server.url!);
    const answer = async (lines: string) => {
      const socket = connect(Number(port), '127.0.0.1').setEncoding('utf8');
      socket.write(`GET /healthz HTTP/1.1\r\n${lines}Connection: close\r\n\r\n`);
      let text = '';
      for await (const chunk of socket) text += chunk;
      return text;
    };
    expect(await answer(`Host: a\r\n${'X: y\r\n'.repeat(100)}`)).toMatch(/^HTTP\/1.1 431 /);
    expect(await answer('Host: a\r\nHost: b\r\n')).toMatch(/^HTTP\/1.1 400 /);
    expect(await answer(`Host: a\r\n${'X: y\r\n'.repeat(90)}`)).toMatch(/^HTTP\/1.1 200 /);
  });

  it('believes X-Forwarded-For only of a proxy that the settings name', async () => {
    const wrong = (address: string) => ({ headers: { authorization: 'Bearer wrong', 'x-forwarded-for': address } });
    const alone = await started({ limit: localLimit({ max: 1 }) });
    await alone.fetch('/admin/v1/backlog', wrong('192.0.2.1'));
    expect((await alone.fetch('/admin/v1/backlog', wrong('192.0.2.2'))).status).toBe(429);
    const behind = await started({ limit: localLimit({ max: 1 }), trustProxy: 1 });
    await behind.fetch('/admin/v1/backlog', wrong('192.0.2.1'));
    expect((await behind.fetch('/admin/v1/backlog', wrong('192.0.2.2'))).status).toBe(401);
    await behind.fetch('/admin/v1/backlog', wrong('2001:db8::1'));
    expect((await behind.fetch('/admin/v1/backlog', wrong('2001:db8:0:0:ffff::2'))).status).toBe(429); // the same /64
  });

  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/a\\b', ''])(
    'never leads to another site: next=%s',
    async (next) => {
      const { fetch } = await started();
      expect((await fetch('/sign-in', form({ token: TOKEN, next }))).headers.get('location')).toBe('/queues');
    },
  );
});

describe('requests from another site', () => {
  it.each([
    ['cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling', { 'sec-fetch-site': 'same-site' }],
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin', { origin: 'null' }],
  ])('are refused where they change something: %s', async (_, headers) => {
    const { fetch, asked } = await started();
    const cookie = cookieOf(await fetch('/sign-in', form({ token: TOKEN })));
    const post = json({ all: true }, { cookie, ...headers });
    expect((await fetch('/admin/v1/dead-letters/redrive', post)).status).toBe(403);
    expect((await fetch('/queues/api/queues/pause', { method: 'PUT', headers: { cookie, ...headers } })).status).toBe(403);
    expect((await fetch('/sign-in', form({ token: TOKEN }, headers))).status).toBe(403);
    expect(asked.redrive).toEqual([]);
  });

  it('pass from this one', async () => {
    const { fetch, server } = await started();
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: server.url! }]) {
      expect((await fetch('/admin/v1/dead-letters/redrive', json({ all: true }, headers))).status).toBe(200);
    }
  });
});

describe('Bull Board at /queues', () => {
  it('is where / leads', async () => {
    const { fetch } = await started();
    expect((await fetch('/')).headers.get('location')).toBe('/queues');
  });

  it('shows its page and the queues, with whose a job is and how much is left', async () => {
    const { fetch } = await started();
    const page = await fetch('/queues/', { headers: BEARER });
    expect(await page.text()).toContain('<base href="/queues/"');
    expect(page.headers.get('x-powered-by')).toBeNull();
    const answer = await fetch('/queues/api/queues?activeQueue=apply&page=1&jobsPerPage=10', { headers: BEARER });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({
      queues: [{ name: 'apply', jobs: [{ name: 'acme · 42 left', data: { tenant: 'acme', left: 42 } }] }],
    });
  });

  it('shows them without what is left, where that is not known', async () => {
    const { fetch } = await started({ tenants: () => Promise.reject(new Error('Redis is away')) });
    const answer = await fetch('/queues/api/queues?activeQueue=apply&page=1&jobsPerPage=10', { headers: BEARER });
    expect(await answer.json()).toMatchObject({ queues: [{ jobs: [{ name: 'acme', data: { left: 'not known' } }] }] });
  });

  it('lets pause, and refuses to add, edit or obliterate', async () => {
    const { fetch, calls } = await started();
    const headers = { ...BEARER, 'content-type': 'application/json' };
    expect((await fetch('/queues/api/queues/apply/pause', { method: 'PUT', headers })).status).toBe(200);
    expect(calls).toContain('pause');
    const body = JSON.stringify({ name: 'x', data: { userName: 'ada' }, options: {} });
    expect((await fetch('/queues/api/queues/apply/add', { method: 'POST', headers, body })).status).toBe(403);
    expect((await fetch('/queues/api/queues/apply/obliterate', { method: 'PUT', headers })).status).toBe(403);
    expect(calls).not.toContain('add');
    expect(calls).not.toContain('obliterate');
  });

  // A pause was seen on the board alone: not who had pressed it, nor when.
  it('tells who paused and resumed which queue, by which request', async () => {
    const changes: unknown[] = [];
    const { fetch } = await started({ onPause: (change) => changes.push(change) });
    const headers = { ...BEARER, 'content-type': 'application/json', 'x-request-id': 'req-00000001' };
    for (const path of ['apply/pause', 'apply/resume', 'pause']) await fetch(`/queues/api/queues/${path}`, { method: 'PUT', headers });
    await fetch('/queues/api/queues/nowhere/pause', { method: 'PUT', headers });
    const operator = { id: 'operator', name: 'ROLLCALL_OPERATOR_TOKEN', role: 'operator' };
    const requestId = 'req-00000001';
    expect(changes).toEqual([
      { action: 'paused', queue: 'apply', operator, requestId },
      { action: 'resumed', queue: 'apply', operator, requestId },
      { action: 'paused', queue: undefined, operator, requestId },
    ]);
  });

  it('cannot pause a queue that is only watched, neither by name nor with all', async () => {
    const { queue, calls } = fakeQueue('leavers');
    const { fetch } = await started({ watchedQueues: [queue] });
    const headers = { ...BEARER, 'content-type': 'application/json' };
    expect((await fetch('/queues/api/queues/leavers/pause', { method: 'PUT', headers })).status).toBe(405);
    expect((await fetch('/queues/api/queues/pause', { method: 'PUT', headers })).status).toBe(200);
    expect(calls).not.toContain('pause');
  });

  it('tells nothing of what broke', async () => {
    const { queue } = fakeQueue('apply');
    const broken = Object.assign(queue, { getJobCounts: () => Promise.reject(new Error('secret words')) });
    const { fetch } = await started({ queues: [broken] });
    const answer = await fetch('/queues/api/queues?page=1&jobsPerPage=10', { headers: BEARER });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('secret');
  });
});

describe('tenants', () => {
  it('are shown with what is left, oldest first, escaped', async () => {
    const { fetch } = await started();
    expect(await (await fetch('/admin/v1/backlog', { headers: BEARER })).json()).toMatchObject({
      items: [{ tenant: '<b>' }, { tenant: 'acme', pending: 42 }],
    });
  });

  // A tenant with dead letters, or with undecided people, and nothing pending was not on the page: it said "Nothing is pending."
  it('with pending changes, dead letters or undecided people are on the page, escaped', async () => {
    const { fetch } = await started();
    const page = await (await fetch('/tenants', { headers: BEARER })).text();
    expect(page).toContain('<h1>Tenants that need attention</h1>');
    expect(page).toContain('<td>acme</td><td>42</td><td>1.5 s</td><td>1</td><td>0</td>');
    expect(page).toContain('<td>&#60;b&#62;</td><td>0</td><td>0.0 s</td><td>0</td><td>3</td>');
    expect(page).not.toContain('<b>');
  });

  it('are not said to be fine by the page while a store does not answer', async () => {
    const attention = async () => ({ isPaused: true, unknown: ['pending', 'deadLetters'] as const, tenants: [] });
    const { fetch } = await started({ attention });
    const page = await (await fetch('/tenants', { headers: BEARER })).text();
    expect(page).toContain('Not known, as a store does not answer: pending, deadLetters');
    expect(page).toContain('paused the queue');
    expect(page).not.toContain('No tenant has');
  });
});

describe('/admin/v1/dead-letters', () => {
  it('lists, a page at a time', async () => {
    const { fetch, asked } = await started();
    const answer = await fetch('/admin/v1/dead-letters?tenant=acme&cursor=abc&limit=5', { headers: BEARER });
    expect(await answer.json()).toEqual({ items: [LETTER], next: 'more' });
    await fetch('/admin/v1/dead-letters', { headers: BEARER });
    expect(asked.list).toEqual([{ tenant: 'acme', cursor: 'abc', limit: 5 }, { limit: 100 }]);
  });

  it.each(['?limit=0', '?limit=501', '?limit=many', '?tenant=Acme', '?cursor=', '?unknown=1', '?tenant=a&tenant=b'])(
    'refuses %s',
    async (query) => {
      const { fetch } = await started();
      expect((await fetch(`/admin/v1/dead-letters${query}`, { headers: BEARER })).status).toBe(400);
    },
  );

  it.each([{ items: [{ tenant: 'acme', id: ID }] }, { cause: 'DocumentFailedValidation' }, { cause: 'x', tenant: 'acme' }, { all: true }])(
    'redrives and discards %j',
    async (selection) => {
      const { fetch, asked } = await started();
      const redriven = await fetch('/admin/v1/dead-letters/redrive', json(selection));
      expect([redriven.status, await redriven.json()]).toEqual([200, { redriven: 1 }]);
      const discarded = await fetch('/admin/v1/dead-letters/discard', json(selection));
      expect([discarded.status, await discarded.json()]).toEqual([200, { discarded: 1, refused: [] }]);
      expect(asked).toMatchObject({ redrive: [selection], discard: [[selection, 'operator']] });
    },
  );

  it.each([
    {},
    [],
    { items: [] },
    { items: [{ tenant: 'acme' }] },
    { items: [{ tenant: 'acme', id: 'hunter2' }] },
    { all: false },
    { all: true, cause: 'x' },
    { cause: '' },
    { all: true, tenant: '../x' },
  ])('refuses %j, and asks for nothing', async (body) => {
    const { fetch, asked } = await started();
    const answer = await fetch('/admin/v1/dead-letters/redrive', json(body));
    expect(answer.status).toBe(400);
    expect(await answer.text()).not.toContain('hunter2');
    expect(asked.redrive).toEqual([]);
  });

  it('answers 409 with the holder where nothing could be discarded, 200 with both where something could', async () => {
    const refused = [{ tenant: 'acme', id: ID, holder: 'another' }];
    const list = async () => ({ items: [] });
    const redrive = async () => ({ redriven: 0 });
    const none = await started({ deadLetters: { list, redrive, discard: async () => ({ discarded: 0, refused }) } });
    const answer = await none.fetch('/admin/v1/dead-letters/discard', json({ all: true }));
    expect([answer.status, await answer.json()]).toEqual([409, expect.objectContaining({ title: 'Conflict', status: 409, refused })]);
    const some = await started({ deadLetters: { list, redrive, discard: async () => ({ discarded: 2, refused }) } });
    expect((await some.fetch('/admin/v1/dead-letters/discard', json({ all: true }))).status).toBe(200);
  });
});

describe('errors (RFC 9457)', () => {
  it.each([
    ['an unknown route', '/none', {}, 404],
    ['an unknown route of the admin API', '/admin/v1/none', { headers: BEARER }, 404],
    ['a wrong method', '/healthz', { method: 'POST' }, 405],
    ['a wrong method of the admin API', '/admin/v1/dead-letters', { method: 'DELETE', headers: BEARER }, 405],
    ['broken JSON', '/admin/v1/dead-letters/redrive', { ...json({}), body: '{hunter2' }, 400],
    ['too large a body', '/admin/v1/dead-letters/redrive', json({ cause: 'x'.repeat(300_000) }), 413],
    ['another content type', '/admin/v1/dead-letters/redrive', json({ all: true }, { 'content-type': 'text/plain' }), 415],
  ] as const)('%s', async (_, path, init, status) => {
    const { fetch } = await started();
    const answer = await fetch(path, init);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'application/problem+json; charset=utf-8']);
    const body: unknown = await answer.json();
    expect(body).toMatchObject({ status, title: expect.any(String), detail: expect.any(String) });
    expect(JSON.stringify(body)).not.toMatch(/hunter2|node_modules|\\n +at /);
  });

  it('says which methods there are', async () => {
    const { fetch } = await started();
    expect((await fetch('/healthz', { method: 'POST' })).headers.get('allow')).toBe('GET');
  });

  it('tells nothing of what broke, but the request id to look for', async () => {
    const { fetch } = await started({ tenants: () => Promise.reject(new Error('secret words')) });
    const answer = await fetch('/admin/v1/backlog', { headers: { ...BEARER, 'x-request-id': 'r-7' } });
    expect([answer.status, answer.headers.get('x-request-id')]).toEqual([500, 'r-7']);
    expect(await answer.text()).not.toContain('secret');
  });

  it('every answer has the security headers', async () => {
    const { fetch } = await started();
    for (const path of ['/healthz', '/none', '/sign-in', '/queues']) {
      const { headers } = await fetch(path);
      expect(headers.get('content-security-policy')).toMatch(/default-src 'self'.*frame-ancestors 'none'/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-powered-by')).toBeNull();
    }
  });
});

describe('the service', () => {
  it('bears starts and stops at random', async () => {
    const { server } = await started();
    await exercise(server);
  });

  it('says what to do about a port in use', async () => {
    const { server } = await started();
    const port = Number(new URL(server.url!).port);
    await expect(started({ port })).rejects.toThrow(`port ${port} on 127.0.0.1 is in use; set OPS_PORT to another`);
  });

  it('lets a request in hand end, says that it drains, and closes kept-alive connections', async () => {
    let answer = () => {};
    let asked = () => {};
    const inHand = new Promise<void>((resolve) => (asked = resolve));
    const { server, fetch } = await started({
      tenants: () =>
        new Promise((resolve) => {
          answer = () => resolve([]);
          asked();
        }),
    });
    await fetch('/healthz'); // a connection that would be kept alive
    const slow = fetch('/admin/v1/backlog', { headers: BEARER });
    await inHand;
    const stopped = server.stop();
    answer();
    expect((await slow).status).toBe(200);
    await stopped;
    expect(server.url).toBeUndefined();
  });

  it('cuts a request that does not end', async () => {
    let asked = () => {};
    const inHand = new Promise<void>((resolve) => (asked = resolve));
    const { server, fetch } = await started({ stopTimeout_ms: 50, tenants: () => new Promise(() => asked()) });
    const slow = fetch('/admin/v1/backlog', { headers: BEARER }).catch(() => 'cut');
    await inHand;
    await server.stop();
    expect(await slow).toBe('cut');
  });
});
