import { TransientError } from '@rollcall/directory';
import {
  isMongoTransient,
  type Keys,
  type MongoLink,
  mongo,
  mongoError,
  type Outages,
  onRedis,
  type RedisLink,
  type StoredHistory,
  unlist,
} from '@rollcall/store';
import type { Log, Service } from '@rollcall/telemetry';
import { fieldOf, type StreamEntry } from './history/entry.js';
import type { StandingLease } from './lease.js';
import { Loop } from './loop.js';

export interface ChronicleDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly keys: Keys;
  readonly lease: Pick<StandingLease, 'held'>;
  readonly log: Log;
  readonly outages: Pick<Outages, 'note'>;
  readonly timeout_ms: number;
  readonly interval_ms: number;
}

/**
 * Copies the history from Redis's streams to MongoDB: each accepted version once, as its name is tenant, id and version; then deletes just what was
 * copied. While MongoDB is away the lines stay, and count.
 */
export function chronicle(deps: ChronicleDeps): Service {
  const { lease, keys, outages, interval_ms } = deps;
  const round = async (stopped: () => boolean) => {
    if (!lease.held) return false;
    let copied = 0;
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let number = lane; number < keys.partitions; number += LANES) copied += await copy(deps, number, () => stopped() || !lease.held);
    });
    await Promise.all(lanes);
    return copied > 0;
  };
  return new Loop('chronicle', outages, interval_ms, round, Math.min(interval_ms, BUSY_INTERVAL_MS));
}

/** Copies one partition's stream until it is empty, or `stopped`. @returns how many lines are gone from it */
async function copy(deps: ChronicleDeps, number: number, stopped: () => boolean): Promise<number> {
  const {
    redis: { redis },
    keys,
  } = deps;
  const stream = keys.partition(number).history();
  let after = '-';
  let total = 0;
  while (!stopped()) {
    const entries = await onRedis(redis.xrange(stream, after, '+', 'COUNT', COPY_MAX));
    if (entries.length === 0) break;
    const refused = await insert(deps, entries.map(toStored));
    const copied = entries.filter((_, index) => !refused.has(index));
    if (copied.length > 0)
      await onRedis(unlist.run(redis, { history: stream, ids: copied.map(([id]) => id), bytesByHead: bytesByHead(keys, copied) }));
    // What is refused stays, and must not keep what comes after it.
    if (refused.size > 0)
      deps.log.error(
        { event: 'history.refused', partition: number, refused: refused.size, codes: [...new Set(refused.values())] },
        'MongoDB refused lines of the history; they stay in Redis',
      );
    total += copied.length;
    if (entries.length < COPY_MAX) break;
    after = `(${entries.at(-1)![0]}`;
  }
  return total;
}

/** Bytes of lines, by the head of the tenant that they count for. */
function bytesByHead(keys: Keys, entries: readonly StreamEntry[]): Map<string, number> {
  const bytes = new Map<string, number>();
  for (const entry of entries) {
    const head = keys.tenant(fieldOf(entry, 'tenant')).head();
    bytes.set(head, (bytes.get(head) ?? 0) + Buffer.byteLength(fieldOf(entry, 'line')));
  }
  return bytes;
}

function toStored(entry: StreamEntry): StoredHistory {
  const field = (name: Parameters<typeof fieldOf>[1]) => fieldOf(entry, name);
  const [tenant, id, version] = [field('tenant'), field('id'), field('version')];
  return {
    _id: `${tenant}/${id}/${version}`,
    tenant,
    id,
    version: Number(version),
    at: new Date(Number(entry[0].split('-', 1)[0])),
    line: JSON.parse(field('line')) as Record<string, unknown>,
  };
}

/** @returns what was refused, by index, with the code. @throws TransientError: nothing may be deleted */
async function insert({ mongo: link, timeout_ms }: ChronicleDeps, lines: readonly StoredHistory[]): Promise<ReadonlyMap<number, unknown>> {
  try {
    const options = { ordered: false, writeConcern: { w: 'majority', journal: true }, timeoutMS: timeout_ms } as const;
    await link.collection('history').insertMany([...lines], options);
    return new Map();
  } catch (error) {
    if (isMongoTransient(error)) throw mongoError(error);
    if (!(error instanceof mongo.MongoBulkWriteError) || error.result.getWriteConcernError()) throw error;
    const errors = error.result.getWriteErrors();
    if (errors.length + error.result.insertedCount < lines.length)
      throw new TransientError('the history was not taken', { away: 'mongodb', cause: error });
    return new Map(errors.filter(({ code }) => code !== DUPLICATE_KEY).map(({ index, code }) => [index, code]));
  }
}

const COPY_MAX = 1_000;
/** Partitions that are copied at the same time. */
const LANES = 4;
const DUPLICATE_KEY = 11000;
/** While lines keep coming: few enough rounds to gather a batch. */
const BUSY_INTERVAL_MS = 100;
