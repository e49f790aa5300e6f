import type { StoreName } from './availability.js';
import type { MongoLink } from './mongo/link.js';
import type { RedisLink } from './redis/link.js';
import { readMemory } from './redis/memory-gauge.js';
import { type SurveyDeps, survey } from './survey.js';

interface Gauge {
  set(value: number): void;
  /** From then on it is not exported, until it is set again. */
  remove(): void;
}

export interface StoreGauges {
  readonly pending: Gauge;
  readonly oldestPendingAge: Gauge;
  readonly deadLetters: Gauge;
  readonly historyLength: Gauge;
  readonly redisMemoryUsed: Gauge;
  readonly storeUp: { set(labels: { store: StoreName }, value: number): void };
  readonly consumerPaused: { set(labels: { by: 'operator' }, value: number): void; remove(by: 'operator'): void };
}

export interface MeasureStoresDeps {
  readonly redis: RedisLink;
  readonly mongo: Pick<MongoLink, 'availability'>;
  readonly keys: SurveyDeps['keys'];
  /** Whether an operator has paused the queue `apply`; undefined if Redis does not say. */
  readonly pausedByOperator: () => Promise<boolean | undefined>;
}

/**
 * Measures what is common to all processes, from Redis, so that the alarms on it do not depend on any one process. What can't be measured is not
 * exported, so that no value is older than a second or two.
 */
export function makeMeasureStores(deps: MeasureStoresDeps, gauges: StoreGauges): () => Promise<void> {
  const { redis, mongo, pausedByOperator } = deps;
  const { pending, oldestPendingAge, deadLetters, historyLength, redisMemoryUsed, storeUp, consumerPaused } = gauges;
  let measured_ms = Number.NEGATIVE_INFINITY;
  let running: Promise<void> | undefined;

  const measure = async () => {
    const [{ tenants, dead, history }, memory] = await Promise.all([survey(deps), readMemory(redis)]);
    pending.set(tenants.reduce((sum, tenant) => sum + tenant.pending, 0));
    oldestPendingAge.set(tenants.reduce((oldest, { oldestPending_ms }) => Math.max(oldest, oldestPending_ms), 0) / 1_000);
    deadLetters.set(dead);
    historyLength.set(history);
    redisMemoryUsed.set(memory);
  };
  const forget = () => {
    for (const gauge of [pending, oldestPendingAge, deadLetters, historyLength, redisMemoryUsed]) gauge.remove();
  };
  const inTime = async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('Redis was not measured in time')), MEASURE_MS_MAX);
    });
    const measuring = measure();
    measuring.catch(() => undefined);
    try {
      redis.availability.assertUp();
      await Promise.race([measuring, late]);
      measured_ms = performance.now();
    } catch {
      forget(); // store_up says why
    } finally {
      clearTimeout(timer);
    }
  };

  const measureOnce = async () => {
    if (performance.now() - measured_ms < AGE_MS_MAX) return;
    running ??= inTime().finally(() => {
      running = undefined;
    });
    await running;
  };
  const measurePause = async () => {
    const isPaused = await pausedByOperator();
    if (isPaused === undefined) consumerPaused.remove('operator');
    else consumerPaused.set({ by: 'operator' }, isPaused ? 1 : 0);
  };

  return async () => {
    for (const { store, away } of [redis.availability, mongo.availability]) storeUp.set({ store }, away ? 0 : 1);
    await Promise.all([measurePause(), measureOnce()]);
  };
}

const MEASURE_MS_MAX = 2_000;
/** Several scrapers share a measurement. */
const AGE_MS_MAX = 500;
