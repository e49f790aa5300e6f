import { exercise, silentLog } from '@rollcall/telemetry';
import type { Heard } from '@rollcall/tenancy';
import { request } from '../testing.js';
import { ActivityNotes } from './activity.js';

function setUp() {
  const state = { now_ms: 1_000_000, away: false, written: [] as Heard[] };
  const notes = new ActivityNotes({
    note: async (heard) => {
      if (state.away) throw new Error('MongoDB is away');
      state.written.push(heard);
    },
    now_ms: () => state.now_ms,
    log: silentLog(),
  });
  return { notes, state, flush: () => notes.stop() };
}
const ERROR = { status: 403, detail: 'suspended', method: 'GET', route: '/Users', requestId: 'r1' };

describe('who was heard of', () => {
  it('is written down together, once, and not again before a minute for credentials and ten seconds for tenants', async () => {
    const { notes, state, flush } = setUp();
    for (let i = 0; i < 1_000; i += 1) notes.used('acme', 't1');
    await flush();
    expect(state.written).toEqual([
      {
        credentials: new Map([['t1', new Date(1_000_000)]]),
        tenants: new Map([['acme', { lastRequestAt: new Date(1_000_000) }]]),
        undecided: new Map(),
        succeeded: expect.any(Map),
      },
    ]);
    state.now_ms += 10_000;
    notes.used('acme', 't1');
    await flush();
    expect(state.written[1]).toMatchObject({
      credentials: new Map(),
      tenants: new Map([['acme', { lastRequestAt: new Date(1_010_000) }]]),
    });
    state.now_ms += 50_000;
    notes.used('acme', 't1');
    await flush();
    expect(state.written[2]?.credentials).toEqual(new Map([['t1', new Date(1_060_000)]]));
  });

  it('is kept while MongoDB is away, and what came meanwhile is newer', async () => {
    const { notes, state, flush } = setUp();
    notes.used('acme', 't1');
    notes.refused('acme', ERROR);
    state.away = true;
    await flush();
    state.now_ms += 60_000;
    notes.used('acme', 't1');
    state.away = false;
    await flush();
    expect(state.written).toEqual([
      {
        credentials: new Map([['t1', new Date(1_060_000)]]),
        tenants: new Map([
          ['acme', { lastRequestAt: new Date(1_060_000), lastError: { at: new Date(1_000_000), ...ERROR, kind: 'GET /Users' } }],
        ]),
        undecided: new Map(),
        succeeded: expect.any(Map),
      },
    ]);
  });

  it('has what was last refused, cut to a bearable length; a look-up that finds nothing is no error', async () => {
    const { notes, state, flush } = setUp();
    const answering = (status: number) =>
      notes.watching(() => ({
        route: '/Users/{id}',
        answer: async () => ({ status, body: { detail: 'x'.repeat(9_999) }, about: { tenant: 'acme' } }),
      }))(request('PATCH /scim/v2/Users/1'));
    await answering(404).answer();
    await flush();
    expect(state.written).toEqual([]);
    await answering(409).answer();
    await flush();
    expect(state.written[0]?.tenants.get('acme')?.lastError).toMatchObject({
      ...{ at: new Date(1_000_000), status: 409, detail: 'x'.repeat(500), method: 'PATCH', route: '/Users/{id}', requestId: 'r1' },
    });
  });

  it('has whom an administrator must decide about, each once, until they are decided about', async () => {
    const { notes, state, flush } = setUp();
    const person = { reason: 'ambiguous' as const, accounts: ['a', 'b'], userName: 'Ada', requestId: 'r1' };
    notes.undecided('acme', { ...person, accounts: ['a'] });
    state.away = true;
    await flush();
    notes.undecided('acme', person);
    notes.undecided('globex', person);
    notes.decided('globex', 'ADA');
    state.away = false;
    await flush();
    expect([...state.written[0]!.undecided]).toEqual([
      ['acme/ada', { tenant: 'acme', person: { at: new Date(1_000_000), ...person } }],
      ['globex/ada', { tenant: 'globex' }],
    ]);
    await flush();
    expect(state.written).toHaveLength(1);
  });

  const refusal = (more: object) => ({ ...ERROR, method: 'PATCH', route: '/Users/{id}', status: 400, ...more });
  // An error of the night stood there in the morning, after hundreds of successes.
  it.each([
    ['a sign-in', { status: 401, route: 'sign-in' }, ['used'], true],
    ['a sign-in of OAuth', { status: 401, method: 'POST', route: '/oauth2/token' }, ['used'], true],
    ['a path without an endpoint', { status: 404, route: 'unknown', reason: 'no_endpoint' }, ['GET', '/Users'], true],
    ['a 503', { status: 503, id: 'a' }, ['PATCH', '/Users/{id}', 'b'], true],
    ['a 503 of another method', { status: 503 }, ['PUT', '/Users/{id}'], false],
    ['a refused change', { id: 'a' }, ['PATCH', '/Users/{id}', 'a'], true],
    ['a refused change of another resource', { id: 'a' }, ['PATCH', '/Users/{id}', 'b'], false],
    ['a refused create', { status: 409, method: 'POST', route: '/Users' }, ['POST', '/Users', 'b'], true],
    ['a refused create, by a sign-in', { status: 409, method: 'POST', route: '/Users' }, ['used'], false],
  ] as const)('forgets %s once a request of its kind succeeds, and only then', async (_, error, [method, route, id], over) => {
    const succeed = (notes: ActivityNotes) =>
      method === 'used'
        ? notes.used('acme', 't1')
        : notes.succeeded('acme', { method, route: route ?? '', ...(id === undefined ? {} : { id }) });
    // Written down before the success, as by another process, or not yet.
    const { notes, state, flush } = setUp();
    notes.refused('acme', refusal(error));
    await flush();
    const { kind } = state.written[0]!.tenants.get('acme')!.lastError!;
    succeed(notes);
    await flush();
    expect(state.written[1]!.succeeded.get('acme')?.kinds.includes(kind!)).toBe(over);
    notes.refused('acme', refusal(error));
    succeed(notes);
    await flush();
    // Nothing is noted of a tenant of which there is nothing to say: an empty update would be refused for ever.
    const noted = state.written[2]!.tenants.get('acme');
    expect(noted?.lastError === undefined).toBe(over);
    expect(noted === undefined || Object.keys(noted).length > 0).toBe(true);
  });

  // What the sign-in had noted was written over by what was answered, without its kind, and of OAuth without its words.
  it('keeps what the sign-in has noted in its own words', async () => {
    const { notes, state, flush } = setUp();
    notes.refused('acme', refusal({ status: 401, route: 'sign-in', detail: 'revoked' }));
    const answer = async () => ({ status: 401, body: {}, about: { tenant: 'acme' }, fault: { reason: 'token_revoked', noted: true } });
    await notes
      .watching(() => ({ route: '/Users', answer }))(request('GET /scim/v2/Users'))
      .answer();
    await flush();
    expect(state.written[0]!.tenants.get('acme')?.lastError).toMatchObject({ route: 'sign-in', detail: 'revoked' });
  });

  it('keeps an error that came after the success', async () => {
    const { notes, state, flush } = setUp();
    notes.succeeded('acme', { method: 'PATCH', route: '/Users/{id}', id: 'a' });
    notes.refused('acme', refusal({ id: 'a' }));
    await flush();
    expect(state.written[0]!.tenants.get('acme')?.lastError).toMatchObject({ status: 400, id: 'a' });
    expect(state.written[0]!.succeeded.get('acme')?.kinds).not.toContain('PATCH /Users/{id} a');
  });

  it('bears starts and stops at random', () => exercise(setUp().notes));
});
