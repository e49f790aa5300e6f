import { randomUUID } from 'node:crypto';
import { lease, onRedis, type RedisLink, release } from '@rollcall/store';
import { oneAtATime, type Service } from '@rollcall/telemetry';

/** How many times a lease is renewed within its life: two renewals may fail. */
const RENEWALS = 3;

/** A lease for one piece of work, renewed until it is given back. Losing it harms nothing, as every write is guarded by its version. */
export interface TenantLease {
  /** Gives it back. @returns how many resources are pending: who rings after that finds the lease free */
  giveBack(): Promise<number>;
}

/** @returns undefined where another one has it */
export async function takeLease(redis: RedisLink, key: string, pending: string, ttl_ms: number): Promise<TenantLease | undefined> {
  const token = randomUUID();
  const take = () => onRedis(lease.run(redis.redis, { key, token, ttl_ms }));
  if (!(await take())) return undefined;
  const renewing = setInterval(() => void take().catch(() => false), ttl_ms / RENEWALS);
  return {
    async giveBack() {
      clearInterval(renewing);
      return onRedis(release.run(redis.redis, { key, token, pending }));
    },
  };
}

/** A lease that one of all workers has for as long as it lives. */
export class StandingLease implements Service {
  readonly name = 'lease';
  readonly #token = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #until_ms = 0;
  #taking: Promise<void> = Promise.resolve();
  readonly #inTurn = oneAtATime();

  constructor(
    readonly redis: RedisLink,
    readonly key: string,
    readonly ttl_ms: number,
  ) {}

  /** Whether it is ours; by a clock that began before Redis's. */
  get held(): boolean {
    return performance.now() < this.#until_ms;
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#timer !== undefined) return;
      this.#timer = setInterval(() => {
        this.#taking = this.#take();
      }, this.ttl_ms / RENEWALS);
      await this.#take();
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      clearInterval(this.#timer);
      this.#timer = undefined;
      await this.#taking;
      if (this.held) await release.run(this.redis.redis, { key: this.key, token: this.#token }).catch(() => 0);
      this.#until_ms = 0;
    });
  }

  async #take(): Promise<void> {
    const asked_ms = performance.now();
    const held = await lease.run(this.redis.redis, { key: this.key, token: this.#token, ttl_ms: this.ttl_ms }).catch(() => undefined);
    if (held !== undefined) this.#until_ms = held ? asked_ms + this.ttl_ms : 0;
  }
}
