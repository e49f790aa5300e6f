import { countedPrefix, fieldsOf, INDEX_LAYOUT, type IndexField, isClaim, TransientError } from '@rollcall/directory';
import { onMongo, onRedis } from './errors.js';
import { fieldEntriesInMongo, type HolderAt } from './mongo/holders.js';
import { rewriteKeys } from './mongo/keys.js';
import type { MongoLink } from './mongo/link.js';
import { collectionOf, type StoredTenant } from './mongo/models.js';
import { idOfMember, type Keys, type TenantKeys, typeOfMember } from './redis/keys.js';
import type { RedisLink } from './redis/link.js';
import { oncePerTurn } from './redis/once-per-turn.js';
import { begin } from './redis/scripts/begin/begin.js';
import { closeStage } from './redis/scripts/close-stage/close-stage.js';
import { lease } from './redis/scripts/lease/lease.js';
import { load } from './redis/scripts/load/load.js';
import { release } from './redis/scripts/release/release.js';
import { settle } from './redis/scripts/settle/settle.js';
import { readStates, readUnsettled } from './redis/state.js';

/** What a request may assume about a tenant, as its head says. */
export interface TenantView {
  readonly tenant: string;
  /** What the request is about to do: what it reads in order to write must be in Redis, as the commit compares it there. */
  readonly purpose: 'read' | 'write';
  readonly keys: TenantKeys;
  readonly epoch: number;
  /** Run of the server under which this holds; a commit has it as a premise. */
  readonly run: string;
  /** The index holds every resource: a miss is an absence. */
  readonly complete: boolean;
  /** Settings version; a commit has it as a premise. */
  readonly settings: number;
  /** False: read under a server whose continuity is not shown yet, but which has not gone back behind what this process knows. */
  readonly writable: boolean;
}

export interface ContinuityOptions {
  /** Whether the server syncs each write before it answers: only then does a higher counter prove that nothing is missing. */
  readonly durability: 'always' | 'everysec';
  readonly settledTtl_s: number;
  readonly fillAgeMax_ms: number;
  readonly newToken: () => string;
  readonly onEvent: (event: ContinuityEvent) => void;
}

export type ContinuityEvent =
  | { readonly kind: 'shown'; readonly tenant: string; readonly epoch: number }
  | { readonly kind: 'raised'; readonly tenant: string; readonly epoch: number; readonly dropped: number; readonly kept: number };

/**
 * Shows, per tenant, that Redis has forgotten nothing, or raises the tenant's epoch (docs/architecture.md#continuity-and-epochs).
 * Whoever meets a head that is absent, or of another run of the server, goes through here before it reads or writes.
 */
export class Continuity {
  readonly #beginning = new Map<string, Promise<void>>();
  readonly #seen = new Map<string, number>();
  /** A head, and what this process knew before it was read: the head may be behind what is accepted meanwhile. */
  readonly #head = oncePerTurn(
    () => this.redis.sends,
    async (tenant) => {
      const known = this.#seen.get(tenant) ?? 0;
      return { head: await readHead(this.redis, this.keys.tenant(tenant)), known };
    },
  );

  constructor(
    readonly redis: RedisLink,
    readonly mongo: MongoLink,
    readonly keys: Keys,
    readonly options: ContinuityOptions,
  ) {}

  /** Notes a version that this process was told of: a server that knows less has forgotten something. */
  saw(tenant: string, version: number): void {
    const before = this.#seen.get(tenant) ?? 0;
    if (version <= before) return;
    if (before === 0 && this.#seen.size >= SEEN_MAX) this.#seen.delete(this.#seen.keys().next().value!);
    this.#seen.set(tenant, version);
  }

  /**
   * What holds for a tenant now.
   * @throws TransientError while Redis is away, or continuity can't be shown as MongoDB is away
   */
  async view(tenant: string, purpose: 'read' | 'write'): Promise<TenantView> {
    for (let attempt = 1; ; attempt += 1) {
      const run = this.redis.run;
      const keys = this.keys.tenant(tenant);
      const { head, known } = await this.#head(tenant);
      const view = { tenant, purpose, keys, epoch: head.epoch, run: run.id, complete: head.complete, settings: head.settings };
      // Another process, which has seen less, may have shown what this one knows to have gone back.
      if (head.epoch > 0 && head.run === run.id && head.counter >= known && head.layout === INDEX_LAYOUT)
        return { ...view, writable: true };
      try {
        await this.#beginOnce(tenant);
      } catch (error) {
        const readable = head.epoch > 0 && known > 0 && head.counter >= known;
        if (purpose === 'read' && readable && error instanceof TransientError) return { ...view, writable: false };
        throw error;
      }
      if (attempt >= VIEW_ATTEMPTS_MAX) throw new TransientError(`the state of tenant ${tenant} keeps changing`, { away: 'redis' });
    }
  }

  #beginOnce(tenant: string): Promise<void> {
    let running = this.#beginning.get(tenant);
    if (!running) {
      running = this.#begin(tenant).finally(() => this.#beginning.delete(tenant));
      this.#beginning.set(tenant, running);
    }
    return running;
  }

  async #begin(tenant: string): Promise<void> {
    const keys = this.keys.tenant(tenant);
    const run = this.redis.run;
    const known = this.#seen.get(tenant) ?? 0;
    const head = await readHead(this.redis, keys);
    const [record, top] = await Promise.all([this.#record(tenant), this.#top(tenant)]);
    const continues =
      this.options.durability === 'always' &&
      !run.promoted &&
      head.epoch === record.epoch &&
      head.epoch > 0 &&
      head.layout === INDEX_LAYOUT &&
      head.counter >= Math.max(top, known);
    if (continues) {
      const nothing = { settings: 0, counter: 0, complete: false, layout: INDEX_LAYOUT } as const;
      const shown = { kind: 'show', keys, token: '', epoch: head.epoch, run: run.id, ...nothing } as const;
      if ((await onRedis(begin.run(this.redis.redis, shown))) === 'shown')
        this.options.onEvent({ kind: 'shown', tenant, epoch: head.epoch });
      return;
    }
    await this.#raise(tenant, keys, run.id, head.epoch);
  }

  /** Raises MongoDB's epoch, then Redis's. Idempotent: a process that dies half-way leaves it to the next. */
  async #raise(tenant: string, keys: TenantKeys, run: string, oldEpoch: number): Promise<void> {
    const token = this.options.newToken();
    const lock = { key: keys.loading(), token, ttl_ms: LOCK_MS };
    for (let attempt = 1; !(await onRedis(lease.run(this.redis.redis, lock))); attempt += 1) {
      if (attempt > LOCK_ATTEMPTS_MAX) throw begunElsewhere(tenant);
      await new Promise((resolve) => setTimeout(resolve, 50));
      const head = await readHead(this.redis, keys);
      if (head.epoch > 0 && head.run === run && head.layout === INDEX_LAYOUT) return;
    }
    try {
      const head = await readHead(this.redis, keys);
      if (head.epoch > oldEpoch && head.run === run) return;
      await this.#rewriteKeys(tenant, lock);
      const begun = { keys, token, epoch: head.epoch, run, settings: 0, counter: 0, complete: false, layout: INDEX_LAYOUT };
      // From here on nobody accepts under the old epoch: whoever knows less than this process must not show it meanwhile.
      if ((await onRedis(begin.run(this.redis.redis, { ...begun, kind: 'hold' }))) !== 'held') return;
      const epoch = await this.#raiseRecord(tenant, head.epoch);
      const { dropped, kept } = await this.#reconcilePending(tenant, keys, epoch, token);
      const [record, top] = await Promise.all([this.#record(tenant), this.#top(tenant)]);
      const counter = Math.max(epoch * VERSIONS_PER_EPOCH, top, this.#seen.get(tenant) ?? 0);
      const complete = top === 0;
      const next = { ...begun, kind: 'begin', epoch, settings: record.revision, counter, complete } as const;
      if ((await onRedis(begin.run(this.redis.redis, next))) !== 'begun') return;
      // The old index, and those of raises that a crash left half done: they name people, and nothing would ever take them away.
      const before = Array.from({ length: Math.min(epoch - head.epoch, INDEXES_MAX) }, (_, ago) => keys.index(epoch - 1 - ago));
      await onRedis(this.redis.redis.unlink(keys.index(head.epoch), ...before));
      this.options.onEvent({ kind: 'raised', tenant, epoch, dropped, kept });
    } finally {
      await release.run(this.redis.redis, { key: keys.loading(), token }).catch(() => 0);
    }
  }

  /** What MongoDB keeps for the index may have been written by a release with another layout. */
  async #rewriteKeys(tenant: string, lock: { readonly key: string; readonly token: string; readonly ttl_ms: number }): Promise<void> {
    const { keysLayout } = await this.#record(tenant);
    if (keysLayout === INDEX_LAYOUT) return;
    // It takes as long as a tenant is large, and the lock must be held meanwhile.
    const renewing = setInterval(() => void lease.run(this.redis.redis, lock).catch(() => false), LOCK_MS / 3);
    try {
      await rewriteKeys(this.mongo, tenant);
    } finally {
      clearInterval(renewing);
    }
    await onMongo(this.mongo.collection('tenants').updateOne({ _id: tenant }, { $set: { keysLayout: INDEX_LAYOUT } }));
  }

  /** Raises the record's epoch above both; compare-and-set, so that two processes never raise to the same one. */
  async #raiseRecord(tenant: string, inRedis: number): Promise<number> {
    for (let attempt = 1; attempt <= VIEW_ATTEMPTS_MAX; attempt += 1) {
      const { epoch } = await this.#record(tenant);
      const next = Math.max(epoch, inRedis) + 1;
      const raised = await onMongo(this.mongo.collection('tenants').updateOne({ _id: tenant, epoch }, { $set: { epoch: next } }));
      if (raised.modifiedCount === 1) return next;
    }
    throw new TransientError(`the epoch of tenant ${tenant} keeps changing`, { away: 'mongodb' });
  }

  /** What is pending or dead is compared with MongoDB: what MongoDB has as new is dropped; what is kept enters the new index. */
  async #reconcilePending(tenant: string, keys: TenantKeys, epoch: number, token: string): Promise<{ dropped: number; kept: number }> {
    const redis = this.redis.redis;
    const members = await readUnsettled(redis, keys);
    // Of all that is kept, as resources far apart may share an entry.
    const held = new Map<IndexField, HolderAt[]>();
    let dropped = 0;
    let kept = 0;
    for (let at = 0; at < members.length; at += CHUNK) {
      const chunk = members.slice(at, at + CHUNK);
      // A long backlog takes longer than the lock lives; without it no raise of this tenant would ever come to its end.
      if (!(await onRedis(lease.run(redis, { key: keys.loading(), token, ttl_ms: LOCK_MS })))) throw begunElsewhere(tenant);
      const states = await readStates(redis, keys, chunk.map(idOfMember));
      const stored = await this.#versionsInMongo(tenant, chunk);
      const settled: { type: 'User' | 'Group'; id: string; version: number }[] = [];
      for (const state of states) {
        if (!state) continue;
        const { type, id } = state.resource;
        if ((stored.get(id) ?? 0) >= state.version) {
          settled.push({ type, id, version: state.version });
          continue;
        }
        kept += 1;
        for (const field of fieldsOf(state.resource)) {
          const there = held.get(field);
          const holder = { id, version: state.version, sharesName: state.resource.sharesName === true };
          if (there) there.push(holder);
          else held.set(field, [holder]);
        }
      }
      if (settled.length > 0) await onRedis(settle.run(redis, { keys, tenant, settledTtl_s: this.options.settledTtl_s, applied: settled }));
      // MongoDB has the changes of their members, too.
      for (const { type, id } of settled) if (type === 'Group') await onRedis(redis.unlink(keys.deltas(id)));
      for (const { resource, stages } of states.filter((state) => state !== undefined)) {
        if (!settled.some(({ id }) => id === resource.id)) continue;
        for (const published of stages) await onRedis(closeStage.run(redis, { keys, group: resource.id, ...published }));
      }
      dropped += settled.length;
    }
    const isOfGroups = (field: IndexField) => field.startsWith(countedPrefix('Group'));
    const fields = [...held.keys()];
    await this.#load(tenant, { keys, epoch, token, type: 'Group', fields: fields.filter(isOfGroups), held });
    await this.#load(tenant, { keys, epoch, token, type: 'User', fields: fields.filter((field) => !isOfGroups(field)), held });
    return { dropped, kept };
  }

  /** Begins the index of an epoch with what is held by resources that MongoDB may not have. */
  async #load(
    tenant: string,
    {
      keys,
      epoch,
      token,
      type,
      fields,
      held,
    }: {
      keys: TenantKeys;
      epoch: number;
      token: string;
      type: 'User' | 'Group';
      fields: readonly IndexField[];
      held: ReadonlyMap<IndexField, readonly HolderAt[]>;
    },
  ): Promise<void> {
    const redis = this.redis.redis;
    for (let at = 0; at < fields.length; ) {
      const chunk = fields.slice(at, at + CHUNK);
      const taken_us = await this.redis.now_us();
      // An entry that exists must be whole: whoever else MongoDB knows under it comes along.
      const inMongo = await fieldEntriesInMongo(this.mongo, tenant, chunk);
      const entries = chunk.map((field) => {
        const ours = held.get(field)!;
        const known = new Set(ours.map(({ id }) => id));
        // Of a name that is not shared, what is pending is the only holder: another that MongoDB still knows is about to let go.
        const alone = isClaim(field) && !ours.some(({ sharesName }) => sharesName);
        const theirs = (inMongo.get(field) ?? []).filter(({ id, sharesName }) => !known.has(id) && (!alone || sharesName));
        return { field, holders: [...ours, ...theirs] };
      });
      const answer = await onRedis(
        load.run(redis, {
          keys,
          token,
          epoch,
          taken_us,
          fillAgeMax_ms: this.options.fillAgeMax_ms,
          lock_ms: LOCK_MS,
          counted: { prefix: countedPrefix(type), field: countField(type) },
          complete: false,
          entries,
        }),
      );
      if (answer.kind === 'lost') throw begunElsewhere(tenant);
      if (answer.kind === 'loaded') at += CHUNK;
    }
  }

  async #versionsInMongo(tenant: string, members: readonly string[]): Promise<Map<string, number>> {
    const versions = new Map<string, number>();
    for (const type of ['User', 'Group'] as const) {
      const ids = members.filter((member) => typeOfMember(member) === type).map(idOfMember);
      if (ids.length === 0) continue;
      const found = this.mongo.collection(collectionOf(type)).find({ _id: { $in: ids }, tenant }, { projection: { version: 1 } });
      for (const { _id, version } of await onMongo(found.toArray())) versions.set(_id, version);
    }
    return versions;
  }

  async #record(tenant: string): Promise<Pick<StoredTenant, 'epoch' | 'revision' | 'keysLayout'>> {
    const projection = { epoch: 1, revision: 1, keysLayout: 1 } as const;
    const record = await onMongo(this.mongo.collection('tenants').findOne({ _id: tenant }, { projection }));
    if (!record) throw new UnknownTenantError(tenant);
    return record;
  }

  /** The highest version that MongoDB has of a tenant; 0: it knows no resource of it. */
  async #top(tenant: string): Promise<number> {
    const tops = await Promise.all(
      (['accounts', 'groups'] as const).map(async (name) => {
        const [top] = await onMongo(
          this.mongo
            .collection(name)
            .find({ tenant }, { projection: { version: 1 } })
            .sort({ version: -1 })
            .limit(1)
            .toArray(),
        );
        return top?.version ?? 0;
      }),
    );
    return Math.max(...tops);
  }
}

const begunElsewhere = (tenant: string) => new TransientError(`the index of tenant ${tenant} is being begun elsewhere`, { away: 'redis' });

/** There is no such tenant (any more). */
export class UnknownTenantError extends Error {
  override readonly name = 'UnknownTenantError';
  constructor(readonly tenant: string) {
    super(`there is no tenant ${tenant}`);
  }
}

interface Head {
  readonly epoch: number;
  readonly run: string;
  readonly complete: boolean;
  readonly settings: number;
  readonly counter: number;
  readonly layout: number;
}

async function readHead(redis: RedisLink, keys: TenantKeys): Promise<Head> {
  const [epoch, run, complete, settings, counter, layout] = await onRedis(
    redis.redis.hmget(keys.head(), 'epoch', 'run', 'complete', 'settings', 'counter', 'layout'),
  );
  return {
    epoch: Number(epoch ?? 0),
    run: run ?? '',
    complete: complete === '1',
    settings: Number(settings ?? 0),
    counter: Number(counter ?? 0),
    layout: Number(layout ?? 1),
  };
}

/** Field of the index that counts a tenant's live resources of a type. */
export const countField = (type: 'User' | 'Group'): string => (type === 'User' ? '#users' : '#groups');

/** version = epoch · 2^32 + n, so that a version made after a raise is above every one made before. */
export const VERSIONS_PER_EPOCH = 2 ** 32;
const VIEW_ATTEMPTS_MAX = 5;
const INDEXES_MAX = 1_000;
const LOCK_ATTEMPTS_MAX = 40;
const SEEN_MAX = 50_000;
export const LOCK_MS = 10_000;
const CHUNK = 200;
