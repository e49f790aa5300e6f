import { type ResourceTypeName, TransientError, type Versioned } from '@rollcall/directory';
import { type Filter, matches, ScimError } from '@rollcall/scim';
import type { mongo } from 'mongoose';
import { countField, type TenantView } from './continuity.js';
import { onMongo, onRedis } from './errors.js';
import { fromStored, representation } from './mongo/documents.js';
import { collectionOf, type StoredResource } from './mongo/models.js';
import { toMongoQuery } from './mongo/query.js';
import type { Reader } from './reader.js';
import { idOfMember, typeOfMember } from './redis/keys.js';
import { readStates, readUnsettled } from './redis/state.js';

export interface ListQuery {
  readonly type: ResourceTypeName;
  readonly filter?: Filter | undefined;
  /** First resource of the page, 0-based. */
  readonly skip: number;
  readonly limit: number;
}

export interface Page {
  readonly total: number;
  readonly resources: readonly Versioned[];
}

export interface ListerOptions {
  /** Beyond this many unsettled resources a list waits for the drain, then asks to come again. */
  readonly overlayMax: number;
  readonly overlayWait_ms: number;
  /** How long MongoDB may work on one query, ms. */
  readonly queryTime_ms: number;
}

/**
 * Lists show what was accepted, applied or not: the unsettled resources P are taken from Redis first, then MongoDB is asked without them,
 * then both are merged in the order of creation. This order of reading is what makes a list show every write that came before it (DESIGN section 5).
 */
export class Lister {
  constructor(
    readonly reader: Reader,
    readonly options: ListerOptions,
  ) {}

  /** @throws TransientError while MongoDB is away, or too much is unsettled; ScimError tooMany where a filter takes MongoDB too long */
  async page(view: TenantView, query: ListQuery): Promise<Page> {
    const unsettled = await this.#unsettled(view, query.type);
    const excluded = unsettled.map(({ resource }) => resource.id);
    const overlay = unsettled
      .filter((versioned) => !versioned.resource.deleted && (!query.filter || matches(query.filter, representation(versioned))))
      .sort((a, b) => a.born - b.born);
    const selection: mongo.Filter<StoredResource> = {
      tenant: view.tenant,
      live: true,
      ...(excluded.length > 0 ? { _id: { $nin: excluded } } : {}),
      ...(query.filter ? { $and: [toMongoQuery(query.filter) as mongo.Filter<StoredResource>] } : {}),
    };
    const [total, resources] = await Promise.all([
      this.#total(view, query, selection, overlay.length),
      query.limit === 0 ? [] : this.#merged(query, selection, overlay),
    ]);
    return { total, resources };
  }

  async #merged(query: ListQuery, selection: mongo.Filter<StoredResource>, overlay: readonly Versioned[]): Promise<Versioned[]> {
    const first = Math.max(0, query.skip - overlay.length);
    const limit = query.skip + query.limit - first;
    const collection = this.reader.continuity.mongo.collection(collectionOf(query.type));
    const settled = await this.#bounded(
      collection
        .find(selection, { projection: { born: 1 }, maxTimeMS: this.options.queryTime_ms })
        .sort({ born: 1 })
        .skip(first)
        .limit(limit)
        .toArray(),
    );
    const order: { born: number; id?: string; versioned?: Versioned }[] = [
      ...settled.map(({ _id, born }) => ({ born, id: _id })),
      ...overlay.map((versioned) => ({ born: versioned.born, versioned })),
    ].sort((a, b) => a.born - b.born);
    // What lies before the first settled one read has a lower rank than counted here, never one within the page.
    const window = order.slice(query.skip - first, query.skip - first + query.limit);
    const ids = window.flatMap(({ id }) => (id === undefined ? [] : [id]));
    const documents = new Map<string, Versioned>();
    if (ids.length > 0) {
      const found = await onMongo(collection.find({ _id: { $in: ids }, tenant: selection.tenant as string }).toArray());
      // What was deleted between the two readings is left out.
      for (const stored of found) if (stored.live) documents.set(stored._id, fromStored(stored));
    }
    return window.flatMap(({ id, versioned }) => versioned ?? documents.get(id!) ?? []);
  }

  async #total(view: TenantView, query: ListQuery, selection: mongo.Filter<StoredResource>, overlay: number): Promise<number> {
    if (!query.filter) {
      const live = await this.reader.liveCount(view, countField(query.type));
      if (live !== undefined) return live;
    }
    const collection = this.reader.continuity.mongo.collection(collectionOf(query.type));
    return overlay + (await this.#bounded(collection.countDocuments(selection, { maxTimeMS: this.options.queryTime_ms })));
  }

  async #bounded<T>(call: Promise<T>): Promise<T> {
    return onMongo(
      call.catch((error) => {
        if (error?.code === MAX_TIME_EXPIRED)
          throw ScimError.of('tooMany', 'filter: it takes too long to answer; narrow it down', { cause: error });
        throw error;
      }),
    );
  }

  /** Everything of a type that MongoDB may not have yet, in its newest state, dead letters included. */
  async #unsettled(view: TenantView, type: ResourceTypeName): Promise<Versioned[]> {
    const redis = this.reader.continuity.redis.redis;
    const { keys } = view;
    const until = performance.now() + this.options.overlayWait_ms;
    for (;;) {
      const size = (await onRedis(redis.zcard(keys.pending()))) + (await onRedis(redis.zcard(keys.dead())));
      if (size <= this.options.overlayMax) break;
      if (performance.now() > until)
        throw new TransientError(`${size} changes of this tenant are still being applied`, { retryAfter_s: 2 });
      await new Promise((resolve) => setTimeout(resolve, OVERLAY_POLL_MS));
    }
    const ids = (await readUnsettled(redis, keys)).filter((member) => typeOfMember(member) === type).map(idOfMember);
    const states = await readStates(redis, keys, ids);
    return states.filter((state) => state !== undefined);
  }
}

const MAX_TIME_EXPIRED = 50;
const OVERLAY_POLL_MS = 50;
