/** What the tests of the scripts share: a corner of a real server, and all that lies in it. */
import { randomBytes, randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { makeKeys, type TenantKeys } from './keys.js';
import type { Accept } from './scripts/accept/accept.js';

/** A key's content, by its type. */
export type Content = string | Readonly<Record<string, string>> | readonly (readonly [string, string])[];

export interface ScriptCorner extends AsyncDisposable {
  readonly redis: Redis;
  readonly tenant: string;
  readonly keys: TenantKeys;
  /** Everything in the corner: key without the common beginning → content. The lifetime of a key that has one stands beside it, as `<key> expires`. */
  dump(): Promise<Record<string, Content>>;
  /** Runs it and demands that it changed nothing in the corner. */
  untouched<T>(run: () => Promise<T>): Promise<T>;
  /** Redis's TIME, µs. */
  now_us(): Promise<number>;
  /** Forgets everything, for the next case. */
  clear(): Promise<void>;
}

/** Opens a corner of the server that the integration tests share. In a dump its keys are named `acme:head`, `pending`. */
export async function openScriptCorner(tenant = 'acme'): Promise<ScriptCorner> {
  const url = process.env.ROLLCALL_TEST_REDIS;
  if (url === undefined) throw new Error('ROLLCALL_TEST_REDIS is not set: run this with npm run test:integration');
  const redis = new Redis(url, { lazyConnect: true });
  await redis.connect();
  const prefix = `t${randomBytes(5).toString('hex')}`;
  const keys = makeKeys(prefix, 1).tenant(tenant);
  const all = () => redis.keys(`${prefix}:*`);
  const dump = async () => {
    const found: Record<string, Content> = {};
    for (const key of (await all()).sort()) {
      const name = key.slice(prefix.length + ':{p00}:'.length);
      found[name] = await contentOf(redis, key);
      const left_ms = await redis.pttl(key);
      if (left_ms >= 0) found[`${name} expires`] = `${Math.ceil(left_ms / 1_000)} s`;
    }
    return found;
  };
  const clear = async () => {
    const there = await all();
    if (there.length > 0) await redis.del(...there);
  };
  return {
    redis,
    tenant,
    keys,
    dump,
    async untouched(run) {
      const before = await dump();
      const outcome = await run();
      expect(await dump()).toEqual(before);
      return outcome;
    },
    async now_us() {
      const [s, us] = await redis.time();
      return Number(s) * 1_000_000 + Number(us);
    },
    clear,
    async [Symbol.asyncDispose]() {
      await clear();
      redis.disconnect();
    },
  };
}

async function contentOf(redis: Redis, key: string): Promise<Content> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return (await redis.get(key)) ?? '';
    case 'hash':
      return redis.hgetall(key);
    case 'zset': {
      const flat = await redis.zrange(key, '0', '-1', 'WITHSCORES');
      return Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2]!, flat[i * 2 + 1]!] as const);
    }
    case 'set':
      return (await redis.smembers(key)).sort().map((member) => [member, ''] as const);
    case 'stream':
      return (await redis.xrange(key, '-', '+')).map(([, fields]) => fields as [string, string]);
    default:
      throw new Error(`no way to read a ${type}`);
  }
}

/** An accept of a new user with one claim; a test changes what it is about. */
export function acceptOf(corner: Pick<ScriptCorner, 'keys' | 'tenant'>, changes: Partial<Accept> = {}): Accept {
  const id = changes.id ?? randomUUID();
  return {
    keys: corner.keys,
    tenant: corner.tenant,
    id,
    member: `U${id}`,
    expected: 0,
    document: '{"doc":1}',
    line: '{"line":1}',
    requestKey: randomUUID(),
    requestId: 'rid1',
    notAfter_ms: 2 ** 50,
    urgent: false,
    epoch: 1,
    run: 'run1',
    settings: 1,
    stamp: 'stamp1',
    backlogMax: 1_000,
    backlogBytesMax: 1_000_000,
    trace: '',
    counted: { prefix: 'n:userName:', field: '#users' },
    others: [],
    entries: [],
    ...changes,
  };
}

/** Makes a head that takes writes: epoch 1 of run `run1`. */
export const seedHead = ({ redis, keys }: Pick<ScriptCorner, 'redis' | 'keys'>, more: Record<string, string> = {}) =>
  redis.hset(keys.head(), { counter: '4294967296', epoch: '1', run: 'run1', settings: '1', complete: '1', ...more });
