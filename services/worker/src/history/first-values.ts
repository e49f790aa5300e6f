import { firstValues, type HistoryLine, type Resource } from '@rollcall/directory';
import { type JsonValue, type ResourceTypes, withoutSecrets } from '@rollcall/scim';
import { type Keys, type MongoLink, onMongo, onRedis, type Reader, type RedisLink } from '@rollcall/store';
import type { TrailLine } from '@rollcall/tenancy';
import { known } from '../known.js';
import { fieldOf } from './entry.js';

type Changes = HistoryLine['changes'];

export interface FirstValuesDeps {
  readonly reader: Pick<Reader, 'view' | 'resources'>;
  readonly mongo: Pick<MongoLink, 'collection'>;
  readonly redis: Pick<RedisLink, 'redis'>;
  readonly keys: Keys;
  /** The resource types of a tenant. */
  readonly typesOf: (tenant: string) => Promise<ResourceTypes>;
}

/**
 * Lines of the trail, with the first values of what was created among them, and without attributes that are returned never. A line whose first
 * values can't be found out (Redis is away, or far too many changes followed) says nothing, as if it were empty.
 */
export async function withFirstValues(deps: FirstValuesDeps, tenant: string, lines: readonly TrailLine[]): Promise<TrailLine[]> {
  const created = lines.filter(({ action }) => CREATES.has(action)).map(({ target }) => target.id);
  const types = await known(LIMIT_MS, () => deps.typesOf(tenant));
  const first = types && created.length > 0 ? await known(LIMIT_MS, () => readFirst(deps, tenant, created)) : undefined;
  return lines.map((line) => {
    if (line.version === undefined) return line;
    const found = CREATES.has(line.action) ? first?.get(line.target.id) : undefined;
    // A resource is created once; what a later create of the same id would be, its own line tells.
    const changes = found ? firstValues(found.present, found.later(line.version)) : ((line.changes ?? {}) as Changes);
    return { ...line, changes: types ? readable(types, line.target.kind === 'group' ? 'Group' : 'User', changes) : {} };
  });
}

interface First {
  readonly present: Resource;
  /** Changes after a version, the newest first. */
  readonly later: (version: number) => Changes[];
}

async function readFirst(deps: FirstValuesDeps, tenant: string, ids: readonly string[]): Promise<ReadonlyMap<string, First>> {
  // In this order: a line that leaves the stream meanwhile is in MongoDB by then, and what is newer than the state is left out.
  const present = await deps.reader.resources(await deps.reader.view(tenant, 'read'), ids);
  const lines = [...(await inStream(deps, tenant, new Set(ids))), ...(await inMongo(deps, tenant, ids))];
  if (lines.length >= LINES_MAX) return new Map();
  const byId = new Map<string, Map<number, Changes>>();
  for (const { id, version, changes } of lines) byId.set(id, (byId.get(id) ?? new Map()).set(version, changes));
  return new Map(
    [...present].map(([id, { resource, version: newest }]) => {
      const all = [...(byId.get(id) ?? [])].sort(([one], [other]) => other - one);
      const later = (version: number) => all.filter(([each]) => each > version && each <= newest).map(([, changes]) => changes);
      return [id, { present: resource, later }];
    }),
  );
}

interface Line {
  readonly id: string;
  readonly version: number;
  readonly changes: Changes;
}

/** Lines that are not yet copied to MongoDB. */
async function inStream({ redis, keys }: FirstValuesDeps, tenant: string, ids: ReadonlySet<string>): Promise<Line[]> {
  const stream = keys.tenant(tenant).partition.history();
  const lines: Line[] = [];
  let after = '-';
  for (let read = 0; read < LINES_MAX; read += STREAM_PAGE) {
    const entries = await onRedis(redis.redis.xrange(stream, after, '+', 'COUNT', STREAM_PAGE));
    for (const entry of entries) {
      const id = fieldOf(entry, 'id');
      if (fieldOf(entry, 'tenant') !== tenant || !ids.has(id)) continue;
      const { changes } = JSON.parse(fieldOf(entry, 'line')) as Pick<HistoryLine, 'changes'>;
      lines.push({ id, version: Number(fieldOf(entry, 'version')), changes });
    }
    if (entries.length < STREAM_PAGE) break;
    after = `(${entries.at(-1)![0]}`;
  }
  return lines;
}

async function inMongo({ mongo }: FirstValuesDeps, tenant: string, ids: readonly string[]): Promise<Line[]> {
  const found = await onMongo(
    mongo
      .collection('history')
      // What changed members alone says nothing of attributes, and of a large group there is much of it.
      .find(
        { tenant, id: { $in: [...ids] }, 'line.changes': { $ne: {} } },
        { projection: { id: 1, version: 1, 'line.changes': 1 }, maxTimeMS: LIMIT_MS },
      )
      .limit(LINES_MAX)
      .toArray(),
  );
  return found.map(({ id, version, line }) => ({ id, version, changes: (line.changes ?? {}) as Changes }));
}

/** Changes without what is returned never, such as a secret of an extension. */
function readable(types: ResourceTypes, type: 'User' | 'Group', changes: Changes): Changes {
  const side = (name: string, value: JsonValue | undefined) =>
    value === undefined ? undefined : withoutSecrets(types[type], { [name]: value })[name];
  return Object.fromEntries(
    Object.entries(changes).flatMap(([name, { before, after }]) => {
      const [was, is] = [side(name, before), side(name, after)];
      if (was === undefined && is === undefined) return [];
      return [[name, { ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }]];
    }),
  );
}

const CREATES: ReadonlySet<string> = new Set(['account.create', 'account.make', 'group.create']);
const LIMIT_MS = 2_000;
const STREAM_PAGE = 1_000;
/** Lines that are read to walk back; beyond it nothing is said of first values. */
const LINES_MAX = 20_000;
