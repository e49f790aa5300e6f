import { randomUUID } from 'node:crypto';
import { onlyIdentifying, type Resource, TransientError } from '@rollcall/directory';
import {
  collectionOf,
  fromStored,
  idOfMember,
  type Keys,
  type MongoLink,
  onMongo,
  onRedis,
  type RedisLink,
  readStates,
  redrive,
  typeOfMember,
} from '@rollcall/store';
import type { WorkerMetrics } from '@rollcall/telemetry';
import * as z from 'zod';
import type { DeadLetter, DeadLetterQuery, DeadLetters, Refused, Selection } from './ops/index.js';
import { type ReacceptDeps, reaccept } from './reaccept.js';

export interface DeadLetterDeps extends ReacceptDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly keys: Keys;
  readonly metrics: WorkerMetrics;
}

/** The dead letters of all tenants: their index in Redis is the record, Bull Board only shows it. */
export function makeDeadLetters(deps: DeadLetterDeps): DeadLetters {
  return {
    list: (query) => list(deps, query),
    async redrive(selection) {
      const tenants = new Set<string>();
      let redriven = 0;
      for await (const { tenant, id } of selected(deps, selection)) {
        const found = await redriveOne(deps, tenant, id);
        if (!found) continue;
        redriven += 1;
        // A few ring for themselves; of many, the tenant's turns take care.
        if ('items' in selection) await deps.ringer.ring({ tenant, id, ...found }, randomUUID());
        else tenants.add(tenant);
      }
      for (const tenant of tenants) await deps.ringer.ring({ tenant }, 'redrive');
      return { redriven };
    },
    async discard(selection, by) {
      const refused: Refused[] = [];
      let discarded = 0;
      for await (const { tenant, id } of selected(deps, selection)) {
        const outcome = await discardOne(deps, tenant, id, by);
        if (outcome === 'discarded') discarded += 1;
        else if (outcome !== 'absent') refused.push({ tenant, id, holder: outcome.holder });
      }
      return { discarded, refused };
    },
  };
}

/** Where a page ended: the place is kept by time and name, as ranks move when letters come and go. */
const Cursor = z.tuple([z.number().int().nonnegative(), z.string().regex(/^\d+$/), z.string()]);
type Cursor = z.infer<typeof Cursor>;

async function list(deps: DeadLetterDeps, { tenant, cursor, limit }: DeadLetterQuery): ReturnType<DeadLetters['list']> {
  const items: DeadLetter[] = [];
  let at = cursor === undefined ? undefined : parseCursor(cursor);
  // The index of one tenant names members; that of a partition names tenant and member.
  const indexes: { key: string; tenant?: string }[] =
    tenant === undefined
      ? Array.from({ length: deps.keys.partitions }, (_, number) => ({ key: deps.keys.partition(number).dead() }))
      : [{ key: deps.keys.tenant(tenant).dead(), tenant }];
  for (let number = at?.[0] ?? 0; number < indexes.length; number += 1) {
    const index = indexes[number]!;
    for (;;) {
      const wanted = limit - items.length;
      const page = await pageOf(deps, index.key, at?.[0] === number ? at : undefined, wanted);
      const letters = await Promise.all(
        page.map(([name]) => {
          const [owner, member] = index.tenant === undefined ? (name.split(' ') as [string, string]) : [index.tenant, name];
          return read(deps, owner, member);
        }),
      );
      items.push(...letters.filter((letter) => letter !== undefined));
      const last = page.at(-1);
      if (last) at = [number, last[1], last[0]];
      if (items.length >= limit) return { items, next: at && Buffer.from(JSON.stringify(at)).toString('base64url') };
      if (page.length < wanted) break;
    }
  }
  return { items };
}

/** The next names of one index, with their times, after where the last page ended. */
async function pageOf({ redis }: DeadLetterDeps, key: string, after: Cursor | undefined, count: number): Promise<[string, string][]> {
  const [, score, name] = after ?? [0, '-inf', ''];
  for (let skip = 0; ; skip += count) {
    const flat = await onRedis(redis.redis.zrangebyscore(key, score, '+inf', 'WITHSCORES', 'LIMIT', skip, count));
    const page = Array.from({ length: flat.length / 2 }, (_, i): [string, string] => [flat[2 * i]!, flat[2 * i + 1]!]);
    const fresh = page.filter(([there, at]) => at !== score || there > name);
    if (fresh.length > 0 || page.length < count) return fresh;
  }
}

function parseCursor(cursor: string): Cursor | undefined {
  try {
    return Cursor.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    return undefined; // one that is none begins at the beginning
  }
}

const StoredCause = z.object({
  reason: z.string(),
  code: z.union([z.number(), z.string()]).optional(),
  rules: z.array(z.string()).optional(),
  attempt: z.number().optional(),
});

async function read({ redis, keys }: DeadLetterDeps, tenant: string, member: string): Promise<DeadLetter | undefined> {
  const id = idOfMember(member);
  const key = keys.tenant(tenant).resource(id);
  const [dead, cause, died, requestId] = await onRedis(redis.redis.hmget(key, 'dead', 'cause', 'died', 'rid'));
  if (!dead || !cause) return undefined; // redriven, or closed by a newer version, a moment ago
  const { reason, code, rules, attempt } = StoredCause.parse(JSON.parse(cause));
  return {
    tenant,
    type: typeOfMember(member),
    id,
    version: Number(dead),
    cause: reason,
    ...(code === undefined ? {} : { code }),
    ...(rules === undefined ? {} : { rules }),
    tries: attempt ?? 0,
    failedAt: new Date(Number(died) / 1_000).toISOString(),
    requestId: requestId ?? '',
  };
}

async function* selected(deps: DeadLetterDeps, selection: Selection): AsyncGenerator<{ tenant: string; id: string }> {
  if ('items' in selection) return yield* selection.items;
  // One that dies again meanwhile is not meant: else an "all" would never end.
  const now = new Date((await deps.redis.now_us()) / 1_000).toISOString();
  let cursor: string | undefined;
  do {
    // A page is read whole before anything of it is moved; the cursor stands on a time and a name, which don't move.
    const page: Awaited<ReturnType<DeadLetters['list']>> = await list(deps, { tenant: selection.tenant, cursor, limit: PAGE });
    for (const { tenant, id, cause, failedAt } of page.items) {
      if (failedAt <= now && (!('cause' in selection) || selection.cause === cause)) yield { tenant, id };
    }
    cursor = page.next;
  } while (cursor !== undefined);
}

async function redriveOne({ redis, keys }: DeadLetterDeps, tenant: string, id: string) {
  for (const type of ['User', 'Group'] as const) {
    const answer = await onRedis(redrive.run(redis.redis, { keys: keys.tenant(tenant), tenant, type, id }));
    if (answer.kind === 'redriven') return { type, version: answer.version, requestId: answer.requestId };
  }
  return undefined;
}

/** Brings back what MongoDB has, under a new version; where it has nothing, the resource was never there: it becomes a deleted one. */
async function discardOne(
  deps: DeadLetterDeps,
  tenant: string,
  id: string,
  by: string,
): Promise<'discarded' | 'absent' | { holder: string }> {
  const keys = deps.keys.tenant(tenant);
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const [state] = await readStates(deps.redis.redis, keys, [id]);
    // A newer state deserves its own try: whoever was told that it is accepted must find it.
    if (!state?.dead) return 'absent';
    const { resource } = state;
    const stored = await onMongo(deps.mongo.collection(collectionOf(resource.type)).findOne({ _id: id, tenant }));
    const next = stored ? fromStored(stored).resource : deleted(resource);
    const outcome = await reaccept(deps, tenant, 'discard', state, { next, by });
    if (outcome.kind === 'taken') return { holder: outcome.holder };
    if (outcome.kind === 'changed') continue;
    deps.metrics.reaccepted.inc({ reason: 'discard' });
    return 'discarded';
  }
  throw new TransientError(`${id} keeps changing`);
}

/** A deleted resource that keeps nothing but what tells who it was: what was refused is most likely among the rest. */
function deleted(resource: Resource): Resource {
  const { attributes, account, type } = resource;
  const preservedBy: Resource['account']['preservedBy'] =
    type === 'User' ? [...account.preservedBy.filter((mark) => mark !== 'idp'), 'idp'] : [];
  return { ...resource, deleted: true, attributes: onlyIdentifying(attributes, IDENTIFYING), account: { ...account, preservedBy } };
}

const IDENTIFYING: ReadonlySet<string> = new Set(['userName', 'displayName', 'emails', 'externalId']);
const PAGE = 500;
const ATTEMPTS_MAX = 8;
