import { isIPv6 } from 'node:net';
import type { RedisLink } from '@rollcall/store';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';

/** Counts events of a key in windows of a minute, and says when there were too many. */
export class WindowLimit {
  constructor(readonly limiter: RateLimiterAbstract) {}

  /**
   * Counts one event. Never throws, and never waits longer than `COUNT_TIMEOUT_MS`: what can't be counted is within the limit.
   * @returns seconds until the window ends, where this event is beyond the limit; else 0
   */
  async count(key: string): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<number>((resolve) => {
      timer = setTimeout(() => resolve(0), COUNT_TIMEOUT_MS);
    });
    const counted = this.limiter.consume(key).then(
      () => 0,
      (refused: unknown) => (refused instanceof RateLimiterRes ? Math.max(1, Math.ceil(refused.msBeforeNext / 1_000)) : 0),
    );
    try {
      return await Promise.race([counted, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A limit that all replicas count together, in Redis; while Redis is away each process counts alone. */
export const sharedLimit = ({ redis, key, max }: { readonly redis: RedisLink; readonly key: string; readonly max: number }): WindowLimit =>
  new WindowLimit(
    new RateLimiterRedis({
      storeClient: redis.redis,
      rejectIfRedisNotReady: true,
      keyPrefix: key,
      points: max,
      duration: WINDOW_S,
      inMemoryBlockOnConsumed: max + 1, // beyond the limit an event costs Redis nothing
      insuranceLimiter: new RateLimiterMemory({ points: max, duration: WINDOW_S }),
    }),
  );

/** A limit of this process alone. */
export const localLimit = ({ max }: { readonly max: number }): WindowLimit =>
  new WindowLimit(new RateLimiterMemory({ points: max, duration: WINDOW_S }));

/**
 * What an address is counted by: IPv4 by itself, IPv6 by its /48, the largest block that one site is given (RFC 6177). The limit refuses no good
 * token, so neighbours who are counted together lose nothing.
 * @example siteOf('::ffff:192.0.2.1') → '192.0.2.1'; siteOf('2001:db8:1:2::3') → '2001:db8:1::/48'
 */
export function siteOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped) return mapped[1]!;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]!.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = tail === undefined ? left : [...left, ...Array(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  const site = groups.slice(0, 3).map((group) => Number.parseInt(group, 16).toString(16));
  return `${site.join(':')}::/48`;
}

const WINDOW_S = 60;
const COUNT_TIMEOUT_MS = 500;
