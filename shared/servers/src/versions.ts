import { OperatorError } from './errors.js';

/** The oldest servers that rollcall is tested with. */
export const OLDEST = { Redis: '7.0', Valkey: '7.2', MongoDB: '5.0' } as const;
export type Product = keyof typeof OLDEST;
export interface ServerVersion {
  readonly product: Product;
  readonly version: string;
}

/** Product and version from Redis's or Valkey's `INFO server`. Valkey also claims a Redis version, for old clients. */
export function versionFromInfo(info: string): ServerVersion {
  const field = (name: string) => new RegExp(`^${name}:([^\\r\\n]+)`, 'm').exec(info)?.[1];
  const valkey = field('valkey_version');
  return valkey === undefined ? { product: 'Redis', version: field('redis_version') ?? '0' } : { product: 'Valkey', version: valkey };
}

/** Product and version from what `redis-server --version` or `mongod --version` prints; undefined for any other text. */
export function versionFromBanner(banner: string): ServerVersion | undefined {
  const kv = /\b(Redis|Valkey) server v=(\d+(?:\.\d+)*)/i.exec(banner);
  if (kv !== null) return { product: kv[1]!.toLowerCase() === 'redis' ? 'Redis' : 'Valkey', version: kv[2]! };
  const mongo = /\bdb version v(\d+(?:\.\d+)*)/.exec(banner);
  return mongo === null ? undefined : { product: 'MongoDB', version: mongo[1]! };
}

export function isTooOld({ product, version }: ServerVersion): boolean {
  const [have, need] = [version, OLDEST[product]].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0));
  return have![0]! !== need![0]! ? have![0]! < need![0]! : (have![1] ?? 0) < need![1]!;
}

/** @throws OperatorError for a server older than rollcall takes. `where` says which one, without a password. */
export function refuseOld(server: ServerVersion, where: string): void {
  if (!isTooOld(server)) return;
  const { product, version } = server;
  throw new OperatorError(
    `${where} is ${product} ${version}, and rollcall needs ${product} ${OLDEST[product]} or newer: upgrade it, or name another server.`,
  );
}
