import { randomUUID } from 'node:crypto';
import { type Command, type Decision, decide, type State, type Versioned } from '@rollcall/directory';
import {
  type CommitOutcome,
  Committer,
  Continuity,
  type ContinuityEvent,
  IndexLoader,
  type Keys,
  Lister,
  MongoLink,
  makeKeys,
  Reader,
  RedisLink,
} from '@rollcall/store';
import { Records } from '@rollcall/tenancy';
import { type Corner, newCorner, until } from './environment.js';
import { makeTenant } from './tenants.js';

/** The store's parts, put together as a process does, on one corner of the servers. */
export interface Stores extends AsyncDisposable {
  readonly corner: Corner;
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly keys: Keys;
  readonly continuity: Continuity;
  readonly reader: Reader;
  readonly committer: Committer;
  readonly lister: Lister;
  readonly records: Records;
  readonly events: ContinuityEvent[];
  /** Makes a tenant with a token, known to both stores. */
  tenant(id: string): Promise<string>;
  /** Reads, decides and commits, as a handler does; once: a conflict is the answer. */
  run(tenant: string, command: Command, options?: { id?: string; requestKey?: string }): Promise<Ran>;
}

export type Ran = CommitOutcome | Exclude<Decision, { kind: 'accept' } | { kind: 'look' }>;

export async function openStores(
  options: { corner?: Corner; partitions?: number; durability?: 'always' | 'everysec' } = {},
): Promise<Stores> {
  const corner = options.corner ?? newCorner();
  const onError = () => undefined; // connections to servers that a test stops
  const keys = makeKeys(corner.prefix, options.partitions ?? 4);
  const redis = new RedisLink({ url: corner.redisUrl, commandTimeout_ms: 2_000, onError });
  const mongo = new MongoLink({ uri: corner.mongoUri, timeout_ms: 2_000, historyDays: 30, onError });
  await Promise.all([redis.start(), mongo.start()]);
  await until('MongoDB', () => mongo.ping());
  await mongo.makeIndexes();
  const events: ContinuityEvent[] = [];
  const settings = { settledTtl_s: 3_600, fillAgeMax_ms: 5_000 };
  const continuity = new Continuity(redis, mongo, keys, {
    ...settings,
    durability: options.durability ?? 'always',
    newToken: randomUUID,
    onEvent: (event) => events.push(event),
  });
  const loader = new IndexLoader(continuity, { onError, onLoaded: () => undefined });
  const reader = new Reader(continuity, loader, { ...settings, mayFill: () => true });
  const committer = new Committer(continuity, { backlogMax: 200_000, backlogBytesMax: 2 ** 40 });
  const lister = new Lister(reader, { overlayMax: 5_000, overlayWait_ms: 2_000, queryTime_ms: 2_000 });
  const records = new Records(redis, mongo, keys);

  return {
    ...{ corner, redis, mongo, keys, continuity, reader, committer, lister, records, events },
    async tenant(id) {
      const token = await makeTenant(mongo, records, id);
      await records.rewriteAll();
      return token;
    },
    async run(tenant, command, { id = randomUUID(), requestKey = randomUUID() } = {}) {
      const at = { id, now: new Date().toISOString() };
      const view = await reader.view(tenant, 'write');
      const entries = new Map();
      const others = new Map<string, Versioned | null>();
      const current = 'id' in command ? await reader.resource(view, command.id) : undefined;
      const state: State = { current, entries, others, complete: view.complete };
      for (;;) {
        const decision = decide(state, command, at);
        if (decision.kind === 'look') {
          for (const [field, entry] of await reader.entries(view, decision.entries)) entries.set(field, entry);
          const found = await reader.resources(view, decision.others);
          for (const other of decision.others) others.set(other, found.get(other) ?? null);
          continue;
        }
        if (decision.kind !== 'accept') return decision;
        const request = { requestKey, requestId: 'test', by: 'test', stamp: randomUUID(), at: at.now, deadline: performance.now() + 2_000 };
        return committer.commit(view, decision, request);
      }
    },
    async [Symbol.asyncDispose]() {
      await loader.stop();
      await redis.stop();
      await mongo.connection.db?.dropDatabase().catch(() => undefined);
      await mongo.stop();
    },
  };
}
