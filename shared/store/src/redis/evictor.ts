import { TransientError } from '@rollcall/directory';
import { onRedis } from '../errors.js';
import type { Keys } from './keys.js';
import type { RedisLink } from './link.js';
import type { MemoryGauge } from './memory-gauge.js';
import { evict } from './scripts/evict/evict.js';
import { lease } from './scripts/lease/lease.js';
import { release } from './scripts/release/release.js';

export interface EvictorOptions {
  readonly markerTtl_s: number;
  readonly newToken: () => string;
  /** Is told how many documents a round evicted, and the share of memory in use after it. */
  readonly onEvicted: (evicted: number, used: number) => void;
}

/**
 * Makes room in Redis, from `acceptUpTo` on: takes the documents off the oldest settled copies, which MongoDB has as well (docs/decisions/0037).
 * Runs in every process, so that it goes on while workers are away; one process at a time does it, under a lease.
 */
export class Evictor {
  readonly name = 'evictor';
  #cursor = '0';
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #nextTry_ms = 0;

  constructor(
    readonly link: RedisLink,
    readonly keys: Keys,
    readonly gauge: MemoryGauge,
    readonly options: EvictorOptions,
  ) {}

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.makeRoom(), INTERVAL_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /**
   * Whether there is memory for a write; makes room first where there is not. Calls at the same time share one round.
   * @param urgent a deactivation or deletion
   */
  async mayAccept(urgent: boolean): Promise<boolean> {
    if (this.gauge.mayAccept(urgent)) return true;
    await this.makeRoom();
    return this.gauge.mayAccept(urgent);
  }

  /** One round, where memory is short and the last round found something. Does not throw: while Redis is away there is nothing to do. */
  makeRoom(): Promise<void> {
    if (this.gauge.mayAccept(false) || performance.now() < this.#nextTry_ms) return Promise.resolve();
    this.#running ??= this.#round()
      .catch((error: unknown) => {
        if (!(error instanceof TransientError)) throw error;
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #round(): Promise<void> {
    const { link, keys, gauge, options } = this;
    const held = { key: keys.evictorLease(), token: options.newToken() };
    if (!(await onRedis(lease.run(link.redis, { ...held, ttl_ms: LEASE_MS })))) {
      // Another process is at it.
      await new Promise((resolve) => setTimeout(resolve, ELSEWHERE_MS));
      await gauge.read();
      return;
    }
    let evicted = 0;
    try {
      const until_ms = performance.now() + ROUND_MS;
      for (let sample = 0; sample < SAMPLES_MAX && performance.now() < until_ms; sample += 1) {
        evicted += await this.#evictFromSample();
        // The gauge is cheap; reading it after each sample evicts no more than is needed.
        if ((await gauge.read()) < gauge.limits.acceptUpTo - MARGIN) break;
      }
    } finally {
      await release.run(link.redis, held).catch(() => 0);
    }
    // All that is left is unsettled, most likely: the key space is not searched again at once.
    if (evicted === 0) this.#nextTry_ms = performance.now() + NOTHING_FOUND_MS;
    else options.onEvicted(evicted, gauge.used);
  }

  /**
   * Evicts the older half of the copies in the next part of the key space: the same approximation as Redis's own eviction, which compares the
   * members of a sample. An order of all copies would cost the settling of each one a write.
   */
  async #evictFromSample(): Promise<number> {
    const redis = this.link.redis;
    const [next, found] = await onRedis(redis.scan(this.#cursor, 'MATCH', this.keys.anyResource(), 'COUNT', SAMPLE_SIZE));
    this.#cursor = next;
    const byPartition = new Map<number, string[]>();
    for (const key of found) {
      const resource = this.keys.resourceOf(key);
      if (!resource) continue;
      const partition = this.keys.partitionOf(resource.tenant);
      const there = byPartition.get(partition);
      if (there) there.push(key);
      else byPartition.set(partition, [key]);
    }
    const outcomes = await onRedis(
      Promise.all([...byPartition.values()].map((resources) => evict.run(redis, { resources, markerTtl_s: this.options.markerTtl_s }))),
    );
    return outcomes.reduce((sum, { evicted }) => sum + evicted, 0);
  }
}

/** How long a marker guards against fills of readings from before it: 10 × as long as a reading may be kept for, as the shortest life of a settled copy. */
export const markerTtl_s = (fillAgeMax_ms: number): number => Math.ceil((10 * fillAgeMax_ms) / 1_000);

const INTERVAL_MS = 250;
const LEASE_MS = 2_000;
const ROUND_MS = 400;
const ELSEWHERE_MS = 100;
const NOTHING_FOUND_MS = 1_000;
/** How much of the key space one sample looks at, and how many samples a round takes at most: Redis works some ms for each. */
const SAMPLE_SIZE = 500;
const SAMPLES_MAX = 40;
/** Room is made a little below the limit, so that the next write does not ask for it again. */
const MARGIN = 0.02;
