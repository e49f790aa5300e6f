import { createHash } from 'node:crypto';
import type { Cluster } from './cluster.js';

/** What both stores have of one tenant: each document and key by its name, as a digest, and how many of each kind. */
export interface State {
  readonly counts: Readonly<Record<string, number>>;
  readonly digests: Readonly<Record<string, string>>;
}

/**
 * Everything that is a tenant's own in MongoDB and Redis. Left out is what time alone changes: who has a lease at the moment, copies of what
 * MongoDB has that end by themselves, and when a tenant or a token was last heard of.
 */
export async function stateOf({ db, redis, prefix }: Pick<Cluster, 'db' | 'redis' | 'prefix'>, tenant: string): Promise<State> {
  const digests: Record<string, string> = {};
  const counts: Record<string, number> = {};
  const note = (kind: string, name: string, value: unknown) => {
    counts[kind] = (counts[kind] ?? 0) + 1;
    digests[`${kind}/${name}`] = createHash('sha256').update(JSON.stringify(value)).digest('hex');
  };
  const collections = await db.listCollections({}, { nameOnly: true }).toArray();
  for (const { name } of collections.filter((each) => each.name !== 'activity')) {
    const theirs = name === 'tenants' ? { _id: tenant as never } : { tenant };
    for await (const { lastUsedAt: _, ...document } of db.collection(name).find(theirs)) note(name, String(document._id), document);
  }
  for (const key of await redis.keys(`${prefix}:{p*}:${tenant}:*`)) {
    const [, kind = ''] = key.slice(key.indexOf('}')).split(':').slice(1);
    if (!PASSING.has(kind)) note(`redis ${kind}`, key, await readKey(redis, key));
  }
  return { counts, digests };
}

/** What differs, by name. */
export const differences = (before: State, after: State): string[] =>
  [...new Set([...Object.keys(before.digests), ...Object.keys(after.digests)])].filter(
    (name) => before.digests[name] !== after.digests[name],
  );

async function readKey(redis: Cluster['redis'], key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'hash':
      return Object.entries(await redis.hgetall(key)).sort();
    case 'zset':
      return redis.zrange(key, '0', '-1', 'WITHSCORES');
    case 'set':
      return (await redis.smembers(key)).sort();
    default:
      return redis.get(key);
  }
}

/** Lease, loading, and a member's groups as MongoDB has them. */
const PASSING: ReadonlySet<string> = new Set(['lease', 'loading', 'c']);
