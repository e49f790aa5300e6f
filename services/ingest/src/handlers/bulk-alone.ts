// One run at a time of a request that its client may send again: two that interleave would take what the other did for somebody else's doing.
import { randomUUID } from 'node:crypto';
import { TransientError } from '@rollcall/directory';
import type { Answers, TenantView } from '@rollcall/store';
import { pause } from '../deadline.js';

export interface Alone {
  /** Whether an operation that is begun now will have ended while no other run can have begun. */
  mayBegin(): boolean;
  end(): Promise<void>;
}

export interface AloneOptions {
  readonly answers: Pick<Answers, 'take' | 'giveBack'>;
  readonly view: TenantView;
  /** Of the request, see Answers. */
  readonly key: string;
  /** How long one operation may take. */
  readonly operation_ms: number;
  /** By `performance.now()`: how long another run is waited for. */
  readonly until: number;
}

/**
 * Waits until no other run of the request is under way, in any process, and keeps others waiting until it has ended. A run whose process dies is
 * waited for as long as its lease lives: three times as long as an operation may take.
 *
 * @throws TransientError where the other run does not end in time, or Redis is away
 */
export async function alone({ answers, view, key, operation_ms, until }: AloneOptions): Promise<Alone> {
  const token = randomUUID();
  const ttl_ms = LEASE_OPERATIONS * operation_ms;
  let heldUntil = 0;
  const take = async () => {
    const asked = performance.now(); // before Redis's clock begins
    heldUntil = (await answers.take(view, key, token, ttl_ms)) ? asked + ttl_ms : 0;
  };
  await take();
  for (let wait_ms = WAIT_MS_MIN; heldUntil === 0; wait_ms = Math.min(wait_ms * 2, WAIT_MS_MAX)) {
    if (performance.now() + wait_ms > until) throw new TransientError('the same request is still being carried out', { retryAfter_s: 1 });
    await pause(wait_ms);
    await take();
  }
  const renewing = setInterval(() => void take().catch(() => undefined), ttl_ms / RENEWALS);
  return {
    mayBegin: () => performance.now() < heldUntil - operation_ms,
    async end() {
      clearInterval(renewing);
      // What can't be given back ends by itself.
      await answers.giveBack(view, key, token).catch(() => undefined);
    },
  };
}

const LEASE_OPERATIONS = 3;
/** Within the life of a lease: two may fail. */
const RENEWALS = 6;
const WAIT_MS_MIN = 10;
const WAIT_MS_MAX = 100;
