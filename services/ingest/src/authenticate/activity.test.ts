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
        tenants: new Map([['acme', { lastRequestAt: new Date(1_060_000), lastError: { at: new Date(1_000_000), ...ERROR } }]]),
        undecided: new Map(),
      },
    ]);
  });

  it('has what was last refused, cut to a bearable length; a look-up that finds nothing is no error', async () => {
    const { notes, state, flush } = setUp();
    const answering = (status: number) =>
      notes.watching(() => ({
        route: '/Users/:',
        answer: async () => ({ status, body: { detail: 'x'.repeat(9_999) }, about: { tenant: 'acme' } }),
      }))(request('PATCH /scim/v2/Users/1'));
    await answering(404).answer();
    await answering(200).answer();
    await flush();
    expect(state.written).toEqual([]);
    await answering(409).answer();
    await flush();
    expect(state.written[0]?.tenants.get('acme')?.lastError).toEqual({
      ...{ at: new Date(1_000_000), status: 409, detail: 'x'.repeat(500), method: 'PATCH', route: '/Users/:', requestId: 'r1' },
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

  it('bears starts and stops at random', () => exercise(setUp().notes));
});
