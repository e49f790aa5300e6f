import type { Resource, Versioned } from '@rollcall/directory';
import type { Redis } from 'ioredis';
import { onRedis, redisError } from '../errors.js';
import type { TenantKeys } from './keys.js';
import { type PublishedStage, readStages } from './stages.js';

/** A resource as Redis has it. */
export interface CachedState extends Versioned {
  /** Accepted, and not yet known to be in MongoDB. */
  readonly pending: boolean;
  readonly epoch: number;
  readonly stamp: string;
  /** Its newest state is a dead letter. */
  readonly dead: boolean;
  /** Of a group: changes of members that lie in stages. */
  readonly stages: readonly PublishedStage[];
}

const FIELDS = ['doc', 'version', 'modified', 'born', 'settled', 'epoch', 'stamp', 'dead', 'since', 'stages'] as const;

/** Reads the states of resources, in the order of the ids; undefined where Redis has none. Whether a copy may be trusted is `isTrusted`. */
export async function readStates(redis: Redis, keys: TenantKeys, ids: readonly string[]): Promise<(CachedState | undefined)[]> {
  return Promise.all(ids.map(async (id) => parseState(await onRedis(redis.hmget(keys.resource(id), ...FIELDS)))));
}

/** What a copy says of itself, without its document. */
export interface CachedMark extends Pick<CachedState, 'version' | 'stamp' | 'pending' | 'epoch'> {
  readonly id: string;
  /** Undefined: kept by a release that did not write it down. */
  readonly type: Resource['type'] | undefined;
}

/** Reads the marks of resources, without those that Redis has not. */
export async function readMarks(redis: Redis, keys: TenantKeys, ids: readonly string[]): Promise<CachedMark[]> {
  const marks = await Promise.all(
    ids.map(async (id): Promise<CachedMark | undefined> => {
      const [version, stamp, settled, epoch, kind] = await onRedis(
        redis.hmget(keys.resource(id), 'version', 'stamp', 'settled', 'epoch', 'kind'),
      );
      if (!version) return undefined;
      const type = kind === 'U' ? 'User' : kind === 'G' ? 'Group' : undefined;
      return { id, type, version: Number(version), stamp: stamp ?? '', pending: settled !== version, epoch: Number(epoch) };
    }),
  );
  return marks.filter((mark) => mark !== undefined);
}

/** The members of what is pending or dead, read in one step: a burial or a redrive moves one from set to set. */
export async function readUnsettled(redis: Redis, keys: TenantKeys): Promise<string[]> {
  const answers = await onRedis(redis.multi().zrange(keys.pending(), '0', '-1').zrange(keys.dead(), '0', '-1').exec());
  const members = (answers ?? []).flatMap(([error, found]) => {
    if (error) throw redisError(error);
    return found as string[];
  });
  return [...new Set(members)];
}

/** A pending state is the truth; a settled one only within its epoch, as an older one may stem from a server that forgot something. */
export const isTrusted = (state: Pick<CachedState, 'pending' | 'epoch'>, epoch: number): boolean => state.pending || state.epoch === epoch;

/** The document as Redis and the scripts keep it: without what a member change moves (version and time). */
export const writeDocument = (resource: Resource): string => JSON.stringify(resource);
export const readDocument = (document: string): Resource => JSON.parse(document) as Resource;

function parseState(values: readonly (string | null)[]): CachedState | undefined {
  const [doc, version, modified, born, settled, epoch, stamp, dead, since, stages] = values;
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
    since: since ? Number(since) : undefined,
    stages: readStages(stages),
  };
}
