import { TransientError } from '@rollcall/directory';
import type { TenantView } from '@rollcall/store';
import { type Alone, alone } from './bulk-alone.js';

const OPERATION_MS = 1_000;
const view = { tenant: 'acme' } as TenantView;

/** Leases of one key, as Redis would keep them. */
class Leases {
  holder: { token: string; until: number } | undefined;
  away = false;

  take = async (_view: TenantView, _key: string, token: string, ttl_ms: number): Promise<boolean> => {
    if (this.away) throw new TransientError('Redis does not answer', { away: 'redis' });
    if (this.holder && this.holder.until > performance.now() && this.holder.token !== token) return false;
    this.holder = { token, until: performance.now() + ttl_ms };
    return true;
  };
  giveBack = async (_view: TenantView, _key: string, token: string): Promise<void> => {
    if (this.holder?.token === token) this.holder = undefined;
  };
}

describe('one run of a request at a time', () => {
  let leases: Leases;
  beforeEach(() => {
    jest.useFakeTimers();
    leases = new Leases();
  });
  afterEach(() => void jest.useRealTimers());
  const begin = (within_ms = 20_000) =>
    alone({ answers: leases, view, key: 'k', operation_ms: OPERATION_MS, until: performance.now() + within_ms });

  it('waits until the one before has ended, and begins then', async () => {
    const first = await begin();
    let second: Alone | undefined;
    const waiting = begin().then((begun) => {
      second = begun;
    });
    await jest.advanceTimersByTimeAsync(10_000);
    expect([first.mayBegin(), second]).toEqual([true, undefined]);
    await first.end();
    await jest.advanceTimersByTimeAsync(100);
    await waiting;
    expect(second?.mayBegin()).toBe(true);
    await second?.end();
    expect(leases.holder).toBeUndefined();
  });

  it('is to be sent again where the one before does not end in time', async () => {
    const first = await begin();
    const refused = expect(begin(500)).rejects.toThrow(new TransientError('the same request is still being carried out'));
    await jest.advanceTimersByTimeAsync(500);
    await refused;
    expect(first.mayBegin()).toBe(true);
    await first.end();
  });

  it('begins nothing that might outlive its lease, once that can’t be renewed; whoever waits goes on after it', async () => {
    const first = await begin();
    leases.away = true;
    await jest.advanceTimersByTimeAsync(2 * OPERATION_MS);
    expect(first.mayBegin()).toBe(false);
    leases.away = false;
    leases.holder = { token: 'another run', until: performance.now() + 60_000 };
    await jest.advanceTimersByTimeAsync(OPERATION_MS);
    expect(first.mayBegin()).toBe(false);
    await first.end();
    expect(leases.holder.token).toBe('another run');
  });

  it('goes on by itself after a process that died', async () => {
    await leases.take(view, 'k', 'dead', 3 * OPERATION_MS);
    const waiting = begin();
    await jest.advanceTimersByTimeAsync(3 * OPERATION_MS + 100);
    const second = await waiting;
    expect(second.mayBegin()).toBe(true);
    await second.end();
  });
});
