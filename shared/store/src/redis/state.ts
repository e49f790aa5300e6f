import type { Resource, Versioned } from '@rollcall/directory';
import type { Redis } from 'ioredis';
import { onRedis } from '../errors.js';
import type { TenantKeys } from './keys.js';

/** A resource as Redis has it. */
export interface CachedState extends Versioned {
  /** Accepted, and not yet known to be in MongoDB. */
  readonly pending: boolean;
  readonly epoch: number;
  readonly stamp: string;
  /** Its newest state is a dead letter. */
  readonly dead: boolean;
}

const FIELDS = ['doc', 'version', 'modified', 'born', 'settled', 'epoch', 'stamp', 'dead'] as const;

/** Reads the states of resources, in the order of the ids; undefined where Redis has none. Whether a copy may be trusted is `isTrusted`. */
export async function readStates(redis: Redis, keys: TenantKeys, ids: readonly string[]): Promise<(CachedState | undefined)[]> {
  return Promise.all(ids.map(async (id) => parseState(await onRedis(redis.hmget(keys.resource(id), ...FIELDS)))));
}

/** A pending state is the truth; a settled one only within its epoch, as an older one may stem from a server that forgot something. */
export const isTrusted = (state: CachedState, epoch: number): boolean => state.pending || state.epoch === epoch;

/** The document as Redis and the scripts keep it: without what a member change moves (version and time). */
export const writeDocument = (resource: Resource): string => JSON.stringify(resource);
export const readDocument = (document: string): Resource => JSON.parse(document) as Resource;

function parseState(values: readonly (string | null)[]): CachedState | undefined {
  const [doc, version, modified, born, settled, epoch, stamp, dead] = values;
  if (!doc || !version) return undefined;
  return {
    resource: readDocument(doc),
    version: Number(version),
    born: Number(born),
    modified_ms: Math.floor(Number(modified) / 1_000),
    pending: settled !== version,
    epoch: Number(epoch),
    stamp: stamp ?? '',
    dead: dead === version,
  };
}
