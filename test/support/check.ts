import type { Cluster } from './cluster.js';

/** What a client was told: a 2xx that named a version. */
export interface Told {
  readonly id: string;
  readonly version: number;
}

export const versionOf = (etag: unknown): number => Number(/^W\/"(\d+)"$/.exec(String(etag))?.[1]);

/**
 * The checks that every fault ends in, once all is quiet: whoever was told is there, once; Redis and MongoDB agree; no name is parked or held twice;
 * and the history has each accepted version exactly once.
 */
export async function checkAll(cluster: Cluster, tenant: string, told: readonly Told[]): Promise<void> {
  const stored = await cluster.db.collection('accounts').find({ tenant }).toArray();
  const byId = new Map(stored.map((document) => [String(document._id), document]));
  expect(byId.size).toBe(stored.length);
  const missing = told.filter(({ id, version }) => !(byId.get(id)?.version >= version));
  expect(missing).toEqual([]);
  expect(stored.filter(({ parked }) => parked)).toEqual([]);
  const names = stored.filter(({ live }) => live).map(({ nameKey }) => nameKey);
  expect(names.every((name) => typeof name === 'string')).toBe(true);
  expect(new Set(names).size).toBe(names.length);

  const differing: unknown[] = [];
  for (const document of stored) {
    const [key] = await cluster.redis.keys(`${cluster.prefix}:{p*}:${tenant}:r:${document._id}`);
    if (!key) continue;
    const [version, settled] = await cluster.redis.hmget(key, 'version', 'settled');
    if (Number(version) !== document.version || settled !== version)
      differing.push({ id: document._id, version, settled, stored: document.version });
  }
  expect(differing).toEqual([]);

  const lines = await cluster.db.collection('history').find({ tenant }).toArray();
  const known = new Set(lines.map(({ id, version }) => `${id}/${version}`));
  expect(known.size).toBe(lines.length);
  expect(told.filter(({ id, version }) => !known.has(`${id}/${version}`))).toEqual([]);
}
