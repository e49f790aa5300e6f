import { type ResourceTypeName, TransientError, type Versioned } from '@rollcall/directory';
import { compileFilter, type Filter, type ResourceTypes, ScimError } from '@rollcall/scim';
import type { mongo } from 'mongoose';
import { countField, type TenantView } from './continuity.js';
import { onMongo, onRedis } from './errors.js';
import { inSmallSets } from './id-sets.js';
import { breaths } from './in-parts.js';
import { fromStored, representation } from './mongo/documents.js';
import { collectionOf, type StoredResource } from './mongo/models.js';
import { toMongoQuery } from './mongo/query.js';
import { comparePlaces, type Place, placeOf, planOf, type Sort } from './order.js';
import type { Reader } from './reader.js';
import { idOfMember, typeOfMember } from './redis/keys.js';
import { readStates, readUnsettled } from './redis/state.js';

/** Resources of one type that match. */
export interface ListPart {
  readonly type: ResourceTypeName;
  readonly filter?: Filter | undefined;
  /** Undefined: in the order of creation. */
  readonly sort?: Sort | undefined;
  /** What they speak of: the tenant's types; absent: the core ones. */
  readonly types?: ResourceTypes | undefined;
}

/** Which part of the whole is a page. */
export interface Window {
  /** First resource of the page, 0-based; 0 where it is left out. */
  readonly skip?: number;
  /** In place of a number: the page follows this place. */
  readonly after?: Place | undefined;
  readonly limit: number;
}

export interface ListQuery extends ListPart, Window {}

export interface Page {
  readonly total: number;
  readonly resources: readonly Versioned[];
  /** Where the page ends; undefined where nothing follows. */
  readonly end?: Place | undefined;
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
 * then both are merged, in the order of creation or as the client sorts. This order of reading is what makes a list show every write that came before it (docs/architecture.md#lists).
 */
export class Lister {
  constructor(
    readonly reader: Reader,
    readonly options: ListerOptions,
  ) {}

  /** @throws TransientError while MongoDB is away, or too much is unsettled; ScimError tooMany where a filter takes MongoDB too long */
  async page(view: TenantView, query: ListQuery): Promise<Page> {
    return this.merged(view, [query], query);
  }

  /** A page of several types in one order. @throws as `page`, and ScimError invalidValue for a page that begins too deep in more than one type */
  async merged(view: TenantView, parts: readonly ListPart[], window: Window): Promise<Page> {
    // A MongoDB that stops answering in the middle of a list would be waited for up to twice its time-out.
    return this.reader.continuity.mongo.availability.whileUp(() => this.#merged(view, parts, window));
  }

  async #merged(view: TenantView, parts: readonly ListPart[], window: Window): Promise<Page> {
    const { skip = 0, after, limit } = window;
    if (parts.length > 1 && skip > MERGED_SKIP_MAX)
      throw ScimError.of('invalidValue', `startIndex: at most ${MERGED_SKIP_MAX + 1} where types are listed together; go on by a cursor`);
    const sources = await Promise.all(parts.map((part) => this.#source(view, part)));
    // What lies before the first settled one read has a lower rank than counted here, never one within the page.
    const [only] = sources.length === 1 && sources[0]!.filters.length === 1 ? sources : [];
    const first = only && !after ? Math.max(0, skip - only.overlay.length) : 0;
    // One more than asked for tells whether anything follows.
    const reading = limit === 0 ? undefined : { skip: first, after, limit: skip + limit - first + 1 };
    const found = await Promise.all(sources.map((source) => this.#found(view, source, reading)));
    const total = found.reduce((sum, each) => sum + each.total, 0);
    if (reading === undefined) return { total, resources: [] };

    const descending = parts[0]?.sort?.descending ?? false;
    const order = found.map(({ order }) => order).reduce((a, b) => merged(a, b, descending));
    const from = after ? 0 : skip - first;
    const ranked = order.slice(from, from + limit);
    const last = ranked.at(-1);
    const end = last && order.length > from + limit ? { key: last.key, born: last.born } : undefined;
    return { total, resources: await this.#documents(view, ranked), end };
  }

  async #source(view: TenantView, part: ListPart): Promise<Source> {
    const filters = part.filter ? inSmallSets(part.filter) : [undefined];
    const unsettled = await this.#unsettled(view, part.type);
    const fits = part.filter && compileFilter(part.filter);
    const overlay: Source['overlay'][number][] = [];
    const breathe = breaths();
    for (const versioned of unsettled) {
      if (!versioned.resource.deleted && (!fits || fits(representation(versioned, part.types))))
        overlay.push({ ...placeOf(versioned, part.sort, part.types), versioned });
      // Each may be as large as a body.
      await breathe();
    }
    return { part, overlay, filters, excluded: unsettled.map(({ resource }) => resource.id) };
  }

  /** How many there are, and the first of them in order: the overlay, and what MongoDB answers to one question after the other. */
  async #found(view: TenantView, { part, overlay, filters, excluded }: Source, reading: Reading | undefined) {
    const descending = part.sort?.descending ?? false;
    const after = reading?.after;
    const following = after ? overlay.filter((each) => comparePlaces(each, after, descending) > 0) : overlay;
    let order: Ranked[] = [...following].sort((a, b) => comparePlaces(a, b, descending));
    const live = part.filter ? undefined : await this.reader.liveCount(view, countField(part.type));
    let total = live ?? overlay.length;
    for (const filter of filters) {
      const selection: mongo.Filter<StoredResource> = {
        tenant: view.tenant,
        live: true,
        ...(excluded.length > 0 ? { _id: { $nin: excluded } } : {}),
        ...(filter ? { $and: [toMongoQuery(filter) as mongo.Filter<StoredResource>] } : {}),
      };
      const [counted, places] = await Promise.all([
        live === undefined ? this.#count(part.type, selection) : 0,
        reading && this.#places(part, selection, reading),
      ]);
      total += counted;
      if (reading && places) order = merged(order, places, descending, reading.limit);
    }
    return { total, order };
  }

  /** Only places are read in order; what they stand for is fetched afterwards. */
  async #places(
    { type, sort }: ListPart,
    selection: mongo.Filter<StoredResource>,
    { skip, after, limit }: Reading,
  ): Promise<(Place & { readonly id: string; readonly type: ResourceTypeName })[]> {
    const collection = this.reader.continuity.mongo.collection(collectionOf(type));
    const maxTimeMS = this.options.queryTime_ms;
    const plan = planOf(type, sort, after);
    if (plan.kind === 'computed') {
      const pages = [{ $match: selection }, ...plan.stages, ...(skip > 0 ? [{ $skip: skip }] : []), { $limit: limit }];
      const places = await this.#bounded(
        collection.aggregate<{ _id: string; born: number; key: string | number | boolean | null }>(pages, { maxTimeMS }).toArray(),
      );
      return places.map(({ _id, born, key }) => ({ id: _id, type, born, key: key ?? undefined }));
    }
    const { field, query, order } = plan;
    const settled = await this.#bounded(
      collection
        .find({ ...selection, ...query }, { projection: { born: 1, [field]: 1 }, maxTimeMS })
        .sort(order)
        .skip(skip)
        .limit(limit)
        .toArray(),
    );
    return settled.map(({ _id, born, nameKey }) => ({ id: _id, type, born, key: field === 'nameKey' ? nameKey : undefined }));
  }

  async #documents(view: TenantView, ranked: readonly Ranked[]): Promise<Versioned[]> {
    const documents = new Map<string, Versioned>();
    await Promise.all(
      (['User', 'Group'] as const).map(async (type) => {
        const ids = ranked.flatMap((each) => ('id' in each && each.type === type ? [each.id] : []));
        if (ids.length === 0) return;
        const collection = this.reader.continuity.mongo.collection(collectionOf(type));
        const found = collection.find({ _id: { $in: ids }, tenant: view.tenant });
        const breathe = breaths();
        await onMongo(
          (async () => {
            for await (const stored of found) {
              // What was deleted between the two readings is left out.
              if (stored.live) documents.set(stored._id, fromStored(stored));
              await breathe();
            }
          })(),
        );
      }),
    );
    return ranked.flatMap((each) => ('id' in each ? (documents.get(each.id) ?? []) : each.versioned));
  }

  async #count(type: ResourceTypeName, selection: mongo.Filter<StoredResource>): Promise<number> {
    const collection = this.reader.continuity.mongo.collection(collectionOf(type));
    return this.#bounded(collection.countDocuments(selection, { maxTimeMS: this.options.queryTime_ms }));
  }

  async #bounded<T>(call: Promise<T>): Promise<T> {
    return onMongo(
      call.catch((error) => {
        if (error?.code === MAX_TIME_EXPIRED)
          throw ScimError.of('tooMany', 'the list takes too long; narrow it down by filter, or sort it by nothing or by userName', {
            cause: error,
          });
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

/** Of one type: what is laid over, in no order yet, and what MongoDB is asked for without it, in one question or several. */
interface Source {
  readonly part: ListPart;
  readonly overlay: readonly (Place & { readonly versioned: Versioned })[];
  readonly filters: readonly (Filter | undefined)[];
  readonly excluded: readonly string[];
}

interface Reading {
  readonly skip: number;
  readonly after: Place | undefined;
  readonly limit: number;
}

/** A place with what stands there: an unsettled resource, or one that is still to be fetched. */
type Ranked = Place & ({ readonly versioned: Versioned } | { readonly id: string; readonly type: ResourceTypeName });

/** Two orders as one, or as much of it as is wanted. */
function merged<T extends Place>(a: readonly T[], b: readonly T[], descending: boolean, most = Number.POSITIVE_INFINITY): T[] {
  const order: T[] = [];
  for (let i = 0, j = 0; order.length < most && (i < a.length || j < b.length); ) {
    const isFirst = j === b.length || (i < a.length && comparePlaces(a[i]!, b[j]!, descending) <= 0);
    order.push(isFirst ? a[i++]! : b[j++]!);
  }
  return order;
}

const MERGED_SKIP_MAX = 10_000;
const MAX_TIME_EXPIRED = 50;
const OVERLAY_POLL_MS = 50;
