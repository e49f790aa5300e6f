import type { TenantView } from './continuity.js';
import { onRedis } from './errors.js';
import type { Reader } from './reader.js';
import { lease } from './redis/scripts/lease/lease.js';
import { release } from './redis/scripts/release/release.js';

/**
 * What was answered to a request that its client may send again under the same key. It lives in Redis for a while; what is lost with it is found
 * again by what the request has done. One process at a time carries such a request out: it holds a lease, which ends by itself with the process.
 */
export class Answers {
  constructor(
    readonly reader: Reader,
    readonly options: { readonly ttl_s: number },
  ) {}

  /** The answers kept under a key, by part of the request. */
  async read(view: TenantView, key: string): Promise<Map<string, string>> {
    const found = await onRedis(this.#redis.hgetall(view.keys.answers(key)));
    return new Map(Object.entries(found));
  }

  /** Keeps the first answer of a part; a later one does not change it. @returns the one that is kept */
  async keep(view: TenantView, key: string, part: string, answer: string): Promise<string> {
    const name = view.keys.answers(key);
    const done = await onRedis(this.#redis.multi().hsetnx(name, part, answer).expire(name, this.options.ttl_s).hget(name, part).exec());
    const [error, kept] = done?.at(-1) ?? [];
    return error || typeof kept !== 'string' ? answer : kept;
  }

  /** Takes or renews the lease of a request. False: another run of it holds it. @throws TransientError */
  take(view: TenantView, key: string, token: string, ttl_ms: number): Promise<boolean> {
    return onRedis(lease.run(this.#redis, { key: view.keys.underWay(key), token, ttl_ms }));
  }

  /** Gives the lease back, if it is still held by this token. @throws TransientError */
  async giveBack(view: TenantView, key: string, token: string): Promise<void> {
    await onRedis(release.run(this.#redis, { key: view.keys.underWay(key), token }));
  }

  get #redis() {
    return this.reader.continuity.redis.redis;
  }
}
