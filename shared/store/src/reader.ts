import { type Entry, type IndexField, splitIds, type Versioned } from '@rollcall/directory';
import type { Continuity, TenantView } from './continuity.js';
import { onMongo, onRedis } from './errors.js';
import type { IndexLoader } from './index-loader.js';
import { fromStored } from './mongo/documents.js';
import { fieldEntriesInMongo } from './mongo/holders.js';
import { collectionOf, type StoredResource } from './mongo/models.js';
import { markerTtl_s } from './redis/evictor.js';
import { fill } from './redis/scripts/fill/fill.js';
import { type CachedState, isTrusted, readMarks, readStates, writeDocument } from './redis/state.js';

export interface ReaderOptions {
  readonly settledTtl_s: number;
  readonly fillAgeMax_ms: number;
  /** Whether Redis has room for copies of what MongoDB has: for as long as they may live, and of what is only read. */
  readonly mayFill: () => boolean;
}

/** Reads resources and index entries: from Redis, and what Redis has not from MongoDB's primary. */
export class Reader {
  constructor(
    readonly continuity: Continuity,
    readonly loader: IndexLoader,
    readonly options: ReaderOptions,
  ) {}

  /** @throws TransientError, see Continuity.view */
  async view(tenant: string, purpose: 'read' | 'write'): Promise<TenantView> {
    const view = await this.continuity.view(tenant, purpose);
    if (!view.complete) this.loader.want(tenant);
    return view;
  }

  /** One resource in its newest accepted version, deleted ones included; undefined if there is none. */
  async resource(view: TenantView, id: string): Promise<Versioned | undefined> {
    return (await this.resources(view, [id])).get(id);
  }

  /** Many resources by id, deleted ones included. Ids that nobody has are not in the answer. */
  async resources(view: TenantView, ids: readonly string[]): Promise<Map<string, Versioned>> {
    const found = new Map<string, Versioned>();
    if (ids.length === 0) return found;
    const redis = this.continuity.redis;
    const states = await readStates(redis.redis, view.keys, ids);
    const missing: string[] = [];
    for (const [i, id] of ids.entries()) {
      const state = states[i];
      if (state && isTrusted(state, view.epoch)) found.set(id, state);
      else missing.push(id);
    }
    if (missing.length === 0) return found;

    // The time is taken before MongoDB is read, so that a reading which dawdled is not kept.
    const taken_us = await redis.now_us();
    const stored = await this.#stored(view.tenant, missing);
    // All at once: a server that syncs each write before it answers would make hundreds of them wait for one another.
    const kept = await Promise.all(
      stored.map(async (document) => {
        const versioned = fromStored(document);
        return (await this.#fill(view, versioned, document.stamp, taken_us)) ?? versioned;
      }),
    );
    for (const versioned of kept) found.set(versioned.resource.id, versioned);
    return found;
  }

  /** Index entries by field. While the index is not complete, what Redis lacks is looked up in MongoDB and judged by the holders' newest states. */
  async entries(view: TenantView, fields: readonly IndexField[]): Promise<Map<IndexField, Entry>> {
    const entries = new Map<IndexField, Entry>();
    if (fields.length === 0) return entries;
    const redis = this.continuity.redis.redis;
    const found = await onRedis(redis.hmget(view.keys.index(view.epoch), ...fields));
    const misses: IndexField[] = [];
    for (const [i, field] of fields.entries()) {
      const raw = found[i] ?? '';
      if (raw === '' && !view.complete) misses.push(field);
      else entries.set(field, { raw, ids: splitIds(raw) });
    }
    if (misses.length > 0) {
      const inMongo = await fieldEntriesInMongo(this.continuity.mongo, view.tenant, misses);
      for (const field of misses) {
        const holders = inMongo.get(field) ?? [];
        const marks = await readMarks(
          redis,
          view.keys,
          holders.map(({ id }) => id),
        );
        const versions = new Map(marks.map(({ id, version }) => [id, version]));
        // A holder that is newer in Redis has written its own entries: where this one is not among them, it holds it no more.
        const ids = holders.filter(({ id, version }) => (versions.get(id) ?? 0) <= version).map(({ id }) => id);
        entries.set(field, { raw: '', ids });
      }
    }
    return entries;
  }

  /** How many live resources of a type a tenant has; undefined while the index is not complete. */
  async liveCount(view: TenantView, field: string): Promise<number | undefined> {
    if (!view.complete) return undefined;
    return Number((await onRedis(this.continuity.redis.redis.hget(view.keys.index(view.epoch), field))) ?? 0);
  }

  async #stored(tenant: string, ids: readonly string[]): Promise<StoredResource[]> {
    const both = (['User', 'Group'] as const).map((type) =>
      onMongo(
        this.continuity.mongo
          .collection(collectionOf(type))
          .find({ _id: { $in: [...ids] }, tenant })
          .toArray(),
      ),
    );
    return (await Promise.all(both)).flat();
  }

  /** Keeps a copy; answers the newer state where Redis has one by now. */
  async #fill(view: TenantView, versioned: Versioned, stamp: string, taken_us: number): Promise<CachedState | undefined> {
    if (!view.writable || (view.purpose === 'read' && !this.options.mayFill())) return undefined;
    const { resource, version, born, modified_ms } = versioned;
    const outcome = await onRedis(
      fill.run(this.continuity.redis.redis, {
        keys: view.keys,
        id: resource.id,
        document: writeDocument(resource),
        version,
        modified_us: modified_ms * 1_000,
        born,
        epoch: view.epoch,
        stamp,
        type: resource.type,
        gone: resource.deleted,
        since: versioned.since,
        taken_us,
        fillAgeMax_ms: this.options.fillAgeMax_ms,
        // Where memory is short, a write's copy is kept for just as long as its marker would be.
        settledTtl_s: this.options.mayFill() ? this.options.settledTtl_s : markerTtl_s(this.options.fillAgeMax_ms),
      }),
    );
    if (outcome !== 'newer') return undefined;
    const [state] = await readStates(this.continuity.redis.redis, view.keys, [resource.id]);
    return state && isTrusted(state, view.epoch) ? state : undefined;
  }
}
