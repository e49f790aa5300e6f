import { setTimeout as sleep } from 'node:timers/promises';
import { TransientError } from '@rollcall/directory';

/**
 * What can be found out within a time; undefined where a store does not answer. Other errors are thrown: they are no outage.
 * @example await known(2_000, () => readActivity(mongo, 'acme'))
 */
export async function known<T>(limit_ms: number, look: () => Promise<T>): Promise<T | undefined> {
  const looked = (async () => look())().catch((error: unknown) => {
    if (error instanceof TransientError) return undefined;
    throw error;
  });
  return Promise.race([looked, sleep(limit_ms, undefined, { ref: false })]);
}
