import type { TenantView } from './continuity.js';
import { onRedis } from './errors.js';
import type { Reader } from './reader.js';

/**
 * What was answered to a request that its client may send again under the same key. It lives in Redis for a while; what is lost with it is found
 * again by what the request has done.
 */
export class Answers {
  constructor(
    readonly reader: Reader,
    readonly options: { readonly ttl_s: number },
  ) {}

  /** The answers kept under a key, by part of the request. */
  async read(view: TenantView, key: string): Promise<Map<string, string>> {
    const found = await onRedis(this.reader.continuity.redis.redis.hgetall(view.keys.answers(key)));
    return new Map(Object.entries(found));
  }

  /** Keeps the first answer of a part; a later one does not change it. */
  async keep(view: TenantView, key: string, part: string, answer: string): Promise<void> {
    const name = view.keys.answers(key);
    const { redis } = this.reader.continuity.redis;
    await onRedis(redis.multi().hsetnx(name, part, answer).expire(name, this.options.ttl_s).exec());
  }
}
