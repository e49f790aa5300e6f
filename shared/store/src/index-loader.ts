import { countedPrefix, type IndexField, type ResourceTypeName } from '@rollcall/directory';
import { type Continuity, countField, LOCK_MS, type TenantView } from './continuity.js';
import { onMongo, onRedis } from './errors.js';
import { fieldOfStored, type HolderAt, type StoredKey } from './mongo/holders.js';
import { collectionOf, type StoredResource } from './mongo/models.js';
import { lease } from './redis/scripts/lease/lease.js';
import { load } from './redis/scripts/load/load.js';
import { release } from './redis/scripts/release/release.js';

/** Which stored key becomes which field of the index. Each is read in the order of the key, so that all holders of a value come together. */
const PASSES = [
  { type: 'User', key: 'nameKey' },
  { type: 'User', key: 'identityKey' },
  { type: 'User', key: 'principalKey' },
  { type: 'User', key: 'externalId', also: 'Group' },
  { type: 'Group', key: 'nameKey' },
  { type: 'Group', key: 'externalId', also: 'User' },
] as const satisfies readonly Pass[];

interface Pass {
  readonly type: ResourceTypeName;
  readonly key: StoredKey;
  /** The other type whose resources stand under the same fields: an entry must be whole. */
  readonly also?: ResourceTypeName;
}

/**
 * Loads the index of a tenant from MongoDB, streamed, in the background, one process at a time.
 * Until it is done, look-ups that miss go to MongoDB. A process that dies half-way leaves it to the next.
 */
export class IndexLoader {
  readonly name = 'index-loader';
  readonly #running = new Map<string, Promise<void>>();
  readonly #tried = new Map<string, number>();
  #stopped = false;

  constructor(
    readonly continuity: Continuity,
    readonly options: {
      readonly onError: (error: unknown, tenant: string) => void;
      readonly onLoaded: (tenant: string, entries: number) => void;
    },
  ) {}

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running.values());
  }

  /** Sees to it that somebody loads the index of this tenant. Returns at once; asks at most once a second per tenant. */
  want(tenant: string): void {
    const now = performance.now();
    if (this.#stopped || this.#running.has(tenant) || now - (this.#tried.get(tenant) ?? -Infinity) < ASK_AGAIN_MS) return;
    if (this.#tried.size > TRIED_MAX) this.#tried.clear();
    this.#tried.set(tenant, now);
    const run = this.#load(tenant)
      .catch((error: unknown) => this.options.onError(error, tenant))
      .finally(() => this.#running.delete(tenant));
    this.#running.set(tenant, run);
  }

  async #load(tenant: string): Promise<void> {
    const { redis: link, keys: allKeys, options } = this.continuity;
    const redis = link.redis;
    const keys = allKeys.tenant(tenant);
    const token = options.newToken();
    if (!(await onRedis(lease.run(redis, { key: keys.loading(), token, ttl_ms: LOCK_MS })))) return;
    try {
      const view = await this.continuity.view(tenant, 'write');
      if (view.complete) return;
      let entries = 0;
      for (const pass of PASSES) {
        const { type, key }: Pass = pass;
        const counted = { prefix: countedPrefix(type), field: countField(type) };
        let after: string | undefined;
        for (;;) {
          if (this.#stopped || link.run.id !== view.run) return;
          const taken_us = await link.now_us();
          const { page: whole, done } = await this.#page(tenant, type, key, after);
          const groups = grouped(await this.#withAlso(tenant, pass, whole), key, type);
          const answer = await onRedis(
            load.run(redis, {
              keys,
              token,
              epoch: view.epoch,
              taken_us,
              fillAgeMax_ms: options.fillAgeMax_ms,
              lock_ms: LOCK_MS,
              counted,
              complete: false,
              entries: groups,
            }),
          );
          if (answer.kind === 'lost') return;
          if (answer.kind === 'stale') continue;
          entries += answer.entries;
          if (done) break;
          after = whole.at(-1)?.[key] as string;
        }
      }
      const marked = await this.#loadMarks(view, token);
      if (marked === undefined) return;
      this.options.onLoaded(tenant, entries + marked);
    } finally {
      await release.run(redis, { key: keys.loading(), token }).catch(() => 0);
    }
  }

  /**
   * The last pass: what deleted and held accounts are found by. A document has several of these, so it is read by id, with all others that share one.
   * @returns the number of entries; undefined where another process loads, or this one stops
   */
  async #loadMarks({ tenant, keys, epoch, run }: TenantView, token: string): Promise<number | undefined> {
    const { redis: link, mongo, options } = this.continuity;
    const accounts = mongo.collection('accounts');
    const projection = { marks: 1, version: 1 } as const;
    let entries = 0;
    let after = '';
    for (let complete = false; !complete; ) {
      const taken_us = await link.now_us();
      const query = { tenant, marks: { $exists: true }, _id: { $gt: after } };
      const page = await onMongo(accounts.find(query, { projection }).sort({ _id: 1 }).limit(PAGE).toArray());
      const fields = [...new Set(page.flatMap(({ marks }) => marks ?? []))];
      const sharing = await onMongo(accounts.find({ tenant, marks: { $exists: true, $in: fields } }, { projection }).toArray());
      const groups = marked(sharing, new Set(fields));
      let isStale = false;
      for (let at = 0; at === 0 || at < groups.length; at += PAGE) {
        if (this.#stopped || link.run.id !== run) return undefined;
        complete = page.length < PAGE && at + PAGE >= groups.length;
        const answer = await onRedis(
          load.run(link.redis, {
            ...{ keys, token, epoch, taken_us, complete, fillAgeMax_ms: options.fillAgeMax_ms, lock_ms: LOCK_MS },
            counted: { prefix: countedPrefix('User'), field: countField('User') },
            entries: groups.slice(at, at + PAGE),
          }),
        );
        if (answer.kind === 'lost') return undefined;
        isStale = answer.kind === 'stale';
        if (isStale) break;
        entries += answer.kind === 'loaded' ? answer.entries : 0;
      }
      if (isStale) complete = false;
      else after = page.at(-1)?._id ?? after;
    }
    return entries;
  }

  /** The next documents, with all holders of each value, and whether they are the last. */
  async #page(
    tenant: string,
    type: ResourceTypeName,
    key: StoredKey,
    after: string | undefined,
  ): Promise<{ page: StoredResource[]; done: boolean }> {
    const page = await onMongo(
      this.#keyed(tenant, type, key, after === undefined ? { $type: 'string' } : { $type: 'string', $gt: after })
        .sort({ [key]: 1 })
        .limit(PAGE)
        .toArray(),
    );
    if (page.length < PAGE) return { page, done: true };
    // The last value of a full page may go on in the next: it is left for that one, unless it fills the page alone. Then all of its holders are read at once.
    const last = page.at(-1)![key]!;
    const rest = page.filter((document) => document[key] !== last);
    if (rest.length > 0) return { page: rest, done: false };
    const all = await onMongo(this.#keyed(tenant, type, key, last).toArray());
    // Where all of them have changed since, the value is still what the next page comes after.
    return { page: all.length > 0 ? all : page, done: false };
  }

  /** The documents of the other type that stand under the same values. */
  async #withAlso(tenant: string, { key, also }: Pass, page: StoredResource[]): Promise<StoredResource[]> {
    if (also === undefined || page.length === 0) return page;
    const values = [...new Set(page.map((document) => document[key]!))];
    return [...page, ...(await onMongo(this.#keyed(tenant, also, key, { $in: values }).toArray()))];
  }

  #keyed(tenant: string, type: ResourceTypeName, key: StoredKey, value: unknown) {
    return this.continuity.mongo.collection(collectionOf(type)).find({ tenant, [key]: value }, { projection: { [key]: 1, version: 1 } });
  }
}

function grouped(page: readonly StoredResource[], key: StoredKey, type: ResourceTypeName): { field: IndexField; holders: HolderAt[] }[] {
  const groups = new Map<IndexField, HolderAt[]>();
  for (const document of page) {
    const name = fieldOfStored(type, key, document[key]!);
    const holder = { id: document._id, version: document.version };
    const there = groups.get(name);
    if (there) there.push(holder);
    else groups.set(name, [holder]);
  }
  return [...groups].map(([name, holders]) => ({ field: name, holders }));
}

/** The holders of each of these fields, whole. */
function marked(documents: readonly StoredResource[], fields: ReadonlySet<IndexField>): { field: IndexField; holders: HolderAt[] }[] {
  const groups = new Map<IndexField, HolderAt[]>([...fields].map((field) => [field, []]));
  for (const { _id, version, marks = [] } of documents) for (const field of marks) groups.get(field)?.push({ id: _id, version });
  return [...groups].map(([field, holders]) => ({ field, holders }));
}

const PAGE = 500;
const ASK_AGAIN_MS = 1_000;
const TRIED_MAX = 20_000;
