import type { MemberType, NamedMember, ResourceTypeName, Versioned } from '@rollcall/directory';
import { type JsonObject, ScimError } from '@rollcall/scim';
import type { Redis } from 'ioredis';
import type { TenantView } from './continuity.js';
import { onMongo, onRedis, redisError } from './errors.js';
import { inParts, PART } from './in-parts.js';
import { memberElement } from './membership-elements.js';
import { collectionOf } from './mongo/models.js';
import type { Reader } from './reader.js';
import { memberOf } from './redis/keys.js';
import { readChange } from './redis/scripts/accept/accept.js';
import { lives as knownLives } from './redis/scripts/lives/lives.js';
import { readRemembered, remember } from './redis/scripts/remember/remember.js';
import { type PublishedStage, readStages } from './redis/stages.js';

/** A member of a group, as a client sees it. */
export interface Member {
  readonly id: string;
  /** Undefined: there is no such resource, and it is kept. */
  readonly type: ResourceTypeName | undefined;
  readonly display: string | undefined;
}

/** A group of a member, as a client sees it. */
export interface GroupOfMember {
  readonly id: string;
  readonly display: string | undefined;
}

/** One edge between a group and a member: from MongoDB, or a change that MongoDB may not have yet. The newest counts. */
interface Edge {
  readonly version: number;
  readonly present: boolean;
  readonly type: MemberType;
}

/** What voids edges of a resource: it is gone, or only newer ones count. */
interface Life {
  readonly type: ResourceTypeName;
  readonly live: boolean;
  readonly since: number;
}

/**
 * Who is in which group (docs/architecture.md#group-members). Members are edges, each with the version that made or removed it. An edge is void if its member is deleted
 * (unless it was named when it was not there, and kept), or if it is older than the member's or the group's `since`: that is judged here, at every
 * reading, and the worker only tidies up.
 */
export class Memberships {
  constructor(
    readonly reader: Reader,
    readonly options: { readonly fillAgeMax_ms: number; readonly settledTtl_s: number },
  ) {}

  /** What is known of those that a request names as members. Only they are looked up, never the whole set. */
  async named(view: TenantView, group: Versioned | undefined, ids: readonly string[]): Promise<Map<string, NamedMember>> {
    const named = new Map<string, NamedMember>();
    await inParts(ids, async (part) => {
      const [lives, edges] = await Promise.all([this.#lives(view, part), group ? this.#edges(view, group, part) : NO_EDGES]);
      for (const id of part) {
        const life = lives.get(id);
        const edge = edges.get(id);
        const present = holds(edge, life, group?.since);
        const awaited = !present && isAwaited(edge, life, group?.since);
        named.set(id, { type: life?.live ? life.type : undefined, present, ...(awaited ? { awaited } : {}) });
      }
    });
    return named;
  }

  /** How many members a group has, by the edges alone: those that were skipped, or deleted and not yet tidied up, count too. */
  async count(view: TenantView, group: Versioned): Promise<number> {
    const deltas = await this.#deltas(view, group.resource.id);
    const changed = [...deltas.keys()];
    const unchanged = changed.length > 0 ? { member: { $nin: changed } } : {};
    const settled = await onMongo(this.#collection('memberships').countDocuments({ ...settledEdges(view, group), ...unchanged }));
    const stored = changed.length > 0 ? await this.#stored(view, group.resource.id, changed) : new Map<string, Edge>();
    return settled + changed.filter((id) => holds(newest(deltas.get(id), stored.get(id)), undefined, group.since, true)).length;
  }

  /** Whether a group has more members than `max`, counted as by `count`: at the cost of so many and of what is unsettled, whatever its size. */
  async hasMoreThan(view: TenantView, group: Versioned, max: number): Promise<boolean> {
    const changes = await this.#changes(view, group.resource.id);
    // Even if each change takes one away, that many are left.
    const enough = max + 1 + changes;
    const settled = await onMongo(this.#collection('memberships').countDocuments(settledEdges(view, group), { limit: enough }));
    return settled >= enough || (await this.count(view, group)) > max;
  }

  /** Whether a group has a member that is there. */
  async hasAnyone(view: TenantView, group: Versioned): Promise<boolean> {
    for await (const part of this.members(view, group)) if (part.length > 0) return true;
    return false;
  }

  /** All members of a group, in parts of up to a thousand, so that memory stays bounded whatever its size. */
  async *members(view: TenantView, group: Versioned): AsyncGenerator<Member[]> {
    const deltas = await this.#deltas(view, group.resource.id);
    for (let last: string | undefined; ; ) {
      const part = await this.#following(view, group, last);
      last = [...part.keys()].at(-1);
      if (last === undefined) break;
      if (deltas.size > 0) {
        for (const [member, edge] of part) {
          const change = deltas.get(member);
          if (change === undefined) continue;
          deltas.delete(member);
          part.set(member, newest(change, edge)!);
        }
      }
      yield await this.#shown(view, group, part);
      if (part.size < PART) break;
    }
    const rest = [...deltas];
    for (let at = 0; at < rest.length; at += PART) yield await this.#shown(view, group, new Map(rest.slice(at, at + PART)));
  }

  /**
   * The next thousand edges that MongoDB has, in the order of their members. Each part is a question of its own, as a client may take its time between
   * two; it is answered as lists, which cost a fraction of as many documents.
   */
  async #following(view: TenantView, group: Versioned, last: string | undefined): Promise<Map<string, Edge>> {
    const [lists] = await onMongo(
      this.#collection('memberships')
        .aggregate<Edges & { readonly types: readonly MemberType[] }>([
          { $match: { ...settledEdges(view, group), ...(last === undefined ? {} : { member: { $gt: last } }) } },
          { $sort: { member: 1 } },
          { $limit: PART },
          { $group: { _id: null, members: { $push: '$member' }, versions: { $push: '$version' }, types: { $push: '$type' } } },
        ])
        .toArray(),
    );
    const { members = [], versions = [], types = [] } = lists ?? {};
    return new Map(members.map((member, i): [string, Edge] => [member, { version: versions[i]!, present: true, type: types[i]! }]));
  }

  /** The whole set at once, for what can't be understood without it. @throws ScimError tooMany */
  async all(view: TenantView, group: Versioned): Promise<JsonObject[]> {
    const all: JsonObject[] = [];
    for await (const part of this.members(view, group)) {
      // As they are shown, but for the host.
      all.push(...part.map((member) => memberElement(member, '')));
      if (all.length > ALL_MAX) throw ScimError.of('tooMany', `members: name those that are to change; the group has more than ${ALL_MAX}`);
    }
    return all;
  }

  /** The groups of each of these resources, direct ones, by id. Needs MongoDB only for whom it was not asked lately. */
  async groupsOf(view: TenantView, members: readonly Versioned[]): Promise<Map<string, GroupOfMember[]>> {
    return this.#groupsOf(view, new Map(members.map((member) => [member.resource.id, lifeOf(member)])));
  }

  /** The groups that show this member, also where there is no such resource and it is kept. */
  async groupsWith(view: TenantView, id: string): Promise<GroupOfMember[]> {
    const member = await this.reader.resource(view, id);
    return (await this.#groupsOf(view, new Map([[id, member && lifeOf(member)]]))).get(id)!;
  }

  /**
   * The groups that members are in by way of others, and not directly, by member.
   * @param direct as `groupsOf` has them
   * @throws ScimError tooMany beyond `WALKED_MAX`
   */
  async indirectOf(view: TenantView, direct: ReadonlyMap<string, readonly GroupOfMember[]>): Promise<Map<string, GroupOfMember[]>> {
    const first = new Set([...direct.values()].flatMap((groups) => groups.map(({ id }) => id)));
    const upwards = await this.#upwards(view, [...(await this.reader.resources(view, [...first])).values()]);
    return new Map(
      [...direct].map(([member, groups]) => {
        const found = new Map(groups.map((group) => [group.id, group]));
        // The map grows while it is walked.
        for (const id of found.keys()) for (const group of upwards.get(id) ?? []) if (!found.has(group.id)) found.set(group.id, group);
        return [member, [...found.values()].slice(groups.length).sort((a, b) => (a.id < b.id ? -1 : 1))];
      }),
    );
  }

  /** The groups that a group is in, directly or by way of others. @throws ScimError tooMany beyond `WALKED_MAX` */
  async above(view: TenantView, group: Versioned): Promise<Set<string>> {
    return new Set([...(await this.#upwards(view, [group])).values()].flatMap((groups) => groups.map(({ id }) => id)));
  }

  /** The groups that each of these is in, by id, and those of these, and so on; each is asked about once, so circles end. */
  async #upwards(view: TenantView, groups: readonly Versioned[]): Promise<Map<string, GroupOfMember[]>> {
    const found = new Map<string, GroupOfMember[]>();
    for (let level = groups; level.length > 0; ) {
      for (const [id, above] of await this.groupsOf(view, level)) found.set(id, above);
      const next = new Set(level.flatMap(({ resource }) => found.get(resource.id)!.map(({ id }) => id)).filter((id) => !found.has(id)));
      if (found.size + next.size > WALKED_MAX) throw tooManyWalked();
      level = [...(await this.reader.resources(view, [...next])).values()];
    }
    return found;
  }

  async #groupsOf(view: TenantView, lives: ReadonlyMap<string, Life | undefined>): Promise<Map<string, GroupOfMember[]>> {
    const ids = [...lives.keys()];
    const found = new Map<string, GroupOfMember[]>(ids.map((id) => [id, []]));
    if (ids.length === 0 || (await this.#hasNoGroups(view))) return found;
    const redis = this.reader.continuity.redis;
    const { keys } = view;
    // Changes first: what is settled in between is then in MongoDB.
    const hints = await Promise.all(ids.map((id) => onRedis(redis.redis.smembers(keys.hints(id)))));
    const edges = new Map<string, Map<string, Edge>>(ids.map((id) => [id, new Map()]));
    await Promise.all(
      ids.map(async (id, i) => {
        for (const group of new Set(hints[i]!.map((hint) => hint.split('/', 1)[0]!))) {
          const change = (await this.#deltas(view, group, [id])).get(id);
          if (change) edges.get(id)!.set(group, change);
        }
      }),
    );
    const remembered = await Promise.all(ids.map((id) => onRedis(redis.redis.get(keys.memberships(id)))));
    const unknown: string[] = [];
    for (const [i, id] of ids.entries()) {
      const text = readRemembered(remembered[i] ?? '');
      const kept = text === undefined ? undefined : (JSON.parse(text) as Remembered);
      if (kept?.epoch === view.epoch) for (const edge of kept.groups) add(edges, id, edge);
      else unknown.push(id);
    }
    if (unknown.length > 0) await this.#recall(view, unknown, edges, lives);

    const groups = await this.reader.resources(view, [...new Set([...edges.values()].flatMap((ofMember) => [...ofMember.keys()]))]);
    for (const [member, life] of lives) {
      for (const [id, edge] of edges.get(member)!) {
        const group = groups.get(id);
        if (!group || group.resource.deleted || !holds(edge, life, group.since)) continue;
        found.get(member)!.push({ id, display: displayOf(group.resource.attributes.displayName) });
      }
      found.get(member)!.sort((a, b) => (a.id < b.id ? -1 : 1));
    }
    return found;
  }

  /**
   * The ids of all live members of a group and, with `below`, of the groups that are in it, directly or by way of others.
   * @param into what they are added to
   * @throws ScimError tooMany beyond `IDS_MAX` members or `WALKED_MAX` groups, and where too many are looked through altogether
   */
  async idsOf(
    view: TenantView,
    group: Versioned,
    { looks, below, into = new Set() }: { readonly looks: Looks; readonly below: boolean; readonly into?: Set<string> },
  ): Promise<Set<string>> {
    const walked = new Set([group.resource.id]);
    for (let level = [group]; level.length > 0; ) {
      const inner = new Set<string>();
      for (const each of level) {
        looks.begin();
        for await (const part of this.members(view, each)) {
          looks.spend(part.length);
          for (const { id, type } of part) {
            into.add(id);
            if (below && type === 'Group' && !walked.has(id)) inner.add(id);
          }
          if (into.size > IDS_MAX) throw tooManyLooks(IDS_MAX);
        }
      }
      for (const id of inner) walked.add(id);
      if (walked.size > WALKED_MAX) throw tooManyWalked();
      level = [...(await this.reader.resources(view, [...inner])).values()];
    }
    return into;
  }

  async #recall(
    view: TenantView,
    ids: readonly string[],
    edges: Map<string, Map<string, Edge>>,
    lives: ReadonlyMap<string, Life | undefined>,
  ): Promise<void> {
    const redis = this.reader.continuity.redis;
    const taken_us = await redis.now_us();
    const stored = await onMongo(
      this.#collection('memberships')
        .find({ tenant: view.tenant, member: { $in: [...ids] }, removed: false })
        .toArray(),
    );
    const byMember = new Map<string, RememberedEdge[]>(ids.map((id) => [id, []]));
    for (const { member, group, version, type } of stored)
      byMember.get(member)!.push(type === 'Unknown' ? [group, version, 1] : [group, version]);
    await Promise.all(
      [...byMember].map(async ([member, groups]) => {
        for (const edge of groups) add(edges, member, edge);
        // Of what is not there nothing is remembered: whatever a client asks for would be.
        if (groups.length > REMEMBERED_MAX || !lives.get(member)?.live || !view.writable || !this.reader.options.mayFill()) return;
        const memberships = JSON.stringify({ epoch: view.epoch, groups } satisfies Remembered);
        const call = {
          keys: view.keys,
          member,
          memberships,
          taken_us,
          fillAgeMax_ms: this.options.fillAgeMax_ms,
          ttl_s: this.options.settledTtl_s,
        };
        await onRedis(remember.run(redis.redis, call));
      }),
    );
  }

  /** A tenant without groups, which a complete index knows, costs its people nothing. */
  async #hasNoGroups(view: TenantView): Promise<boolean> {
    return (await this.reader.liveCount(view, '#groups')) === 0;
  }

  /** Turns edges into what a client sees of them, without the void ones. */
  async #shown(view: TenantView, group: Versioned, edges: ReadonlyMap<string, Edge>): Promise<Member[]> {
    const present = [...edges].filter(([, edge]) => edge.present && edge.version >= (group.since ?? 0));
    // Before MongoDB is read: what is settled in between is then there.
    const unsettled = await this.#unsettled(view, present);
    const documents = new Map<string, { life: Life; display: string | undefined }>();
    await Promise.all(
      TYPES.map(async (type) => {
        const ids = present.filter(([, edge]) => typesOf(edge).includes(type)).map(([id]) => id);
        if (ids.length === 0) return;
        const alike = await onMongo(
          this.#collection(collectionOf(type))
            .aggregate<AlikeMembers>([
              { $match: { _id: { $in: ids }, tenant: view.tenant } },
              {
                $group: {
                  _id: { live: '$live', since: '$since' },
                  ids: { $push: '$_id' },
                  names: { $push: { $ifNull: ['$attributes.displayName', null] } },
                },
              },
            ])
            .toArray(),
        );
        for (const { _id, ids, names } of alike) {
          const life = { type, live: _id.live, since: _id.since ?? 0 };
          for (const [i, id] of ids.entries()) documents.set(id, { life, display: displayOf(names[i]) });
        }
      }),
    );
    // Who is not in MongoDB yet, or has a newer name: its accepted state tells.
    const newer = await this.reader.resources(view, unsettled);
    for (const [id, versioned] of newer)
      documents.set(id, { life: lifeOf(versioned), display: displayOf(versioned.resource.attributes.displayName) });
    return present.flatMap(([id, edge]): Member[] => {
      const known = documents.get(id);
      if (!holds(edge, known?.life, group.since)) return [];
      return known?.life.live ? [{ id, type: known.life.type, display: known.display }] : [{ id, type: undefined, display: undefined }];
    });
  }

  /** Those of these members that MongoDB may not have in their newest state. Only they are asked about, whatever else of the tenant is pending. */
  async #unsettled(view: TenantView, present: readonly (readonly [string, Edge])[]): Promise<string[]> {
    if (present.length === 0) return [];
    const { keys } = view;
    const members = present.flatMap(([id, edge]) => typesOf(edge).map((each) => ({ id, member: memberOf(each, id) })));
    const names = members.map(({ member }) => member);
    // In one step, as a burial or a redrive moves one from set to set.
    const both = this.reader.continuity.redis.redis.multi();
    const answers = await onRedis(
      both
        .zmscore(keys.pending(), ...names)
        .zmscore(keys.dead(), ...names)
        .exec(),
    );
    const [pending = [], dead = []] = (answers ?? []).map(([error, scores]) => {
      if (error) throw redisError(error);
      return scores as (string | null)[];
    });
    return [...new Set(members.flatMap(({ id }, i) => (pending[i] === null && dead[i] === null ? [] : [id])))];
  }

  /** Whether resources are there, without reading their documents; those that nobody has are not in the answer. At most a thousand. */
  async #lives(view: TenantView, all: readonly string[]): Promise<Map<string, Life>> {
    const lives = new Map<string, Life>();
    // Ids are ours: what has not their form nobody has.
    const ids = all.filter((id) => UUID.test(id));
    if (ids.length === 0) return lives;
    const known = await onRedis(knownLives.run(this.reader.continuity.redis.redis, { keys: view.keys, ids }));
    let missing: string[] = [];
    for (const [i, id] of ids.entries()) {
      const life = known[i];
      if (life && (life.settled !== life.version || life.epoch === view.epoch))
        lives.set(id, { type: life.type, live: !life.gone, since: life.since });
      else missing.push(id);
    }
    // Nearly all of them are people who were never away, and counting costs half of what their documents do.
    if (missing.length > FEW && (await this.#areAllPeople(view, missing))) {
      for (const id of missing) lives.set(id, { type: 'User', live: true, since: 0 });
      return lives;
    }
    for (const type of TYPES) {
      if (missing.length === 0) break;
      const found = this.#collection(collectionOf(type)).find(
        { _id: { $in: missing }, tenant: view.tenant },
        { projection: { live: 1, since: 1 }, batchSize: PART },
      );
      for (const { _id, live, since } of await onMongo(found.toArray())) lives.set(_id, { type, live, since: since ?? 0 });
      // Only who is no person is looked for among the groups.
      missing = missing.filter((id) => !lives.has(id));
    }
    return lives;
  }

  async #areAllPeople(view: TenantView, ids: readonly string[]): Promise<boolean> {
    const people = { _id: { $in: [...ids] }, tenant: view.tenant, live: true, since: { $exists: false } };
    return (await onMongo(this.#collection('accounts').countDocuments(people))) === ids.length;
  }

  /** The newest edge of each of these members; changes first, so that what is settled in between is then in MongoDB. At most a thousand. */
  async #edges(view: TenantView, group: Versioned, ids: readonly string[]): Promise<Map<string, Edge>> {
    const id = group.resource.id;
    const deltas = ids.length > FEW && (await this.#changes(view, id)) === 0 ? NO_EDGES : await this.#deltas(view, id, ids);
    const stored = await this.#stored(view, id, ids);
    return new Map(merged(ids, deltas, stored));
  }

  /** Edges as MongoDB has them. Alike ones come together: their lists cost a fraction of as many documents. */
  async #stored(view: TenantView, group: string, ids: readonly string[]): Promise<Map<string, Edge>> {
    const edges = new Map<string, Edge>();
    await inParts(ids, async (part) => {
      const alike = await onMongo(
        this.#collection('memberships')
          .aggregate<AlikeEdges>([
            { $match: { tenant: view.tenant, group, removed: { $in: [false, true] }, member: { $in: [...part] } } },
            { $group: { _id: { removed: '$removed', type: '$type' }, members: { $push: '$member' }, versions: { $push: '$version' } } },
          ])
          .toArray(),
      );
      for (const { _id, members, versions } of alike)
        for (const [i, member] of members.entries()) edges.set(member, { version: versions[i]!, present: !_id.removed, type: _id.type });
    });
    return edges;
  }

  /** Changes of a group's members that MongoDB may not have: all, or those of the named ones. */
  async #deltas(view: TenantView, group: string, ids?: readonly string[]): Promise<Map<string, Edge>> {
    const redis = this.reader.continuity.redis.redis;
    const edges = new Map<string, Edge>();
    if (ids?.length === 0) return edges;
    const key = view.keys.deltas(group);
    // The stages' names and the changes beside them are read in one step.
    const both = redis.multi().hget(view.keys.resource(group), 'stages');
    const answers = await onRedis((ids ? both.hmget(key, ...ids) : both.hgetall(key)).exec());
    const [stages, own] = (answers ?? []).map(([error, value]) => {
      if (error) throw redisError(error);
      return value;
    });
    const take = (member: string, version: number, change: string) => {
      edges.set(member, newest(edges.get(member), { version, ...readChange(change) })!);
    };
    for (const [member, text] of pairs(own, ids)) {
      const [version = '', ...change] = text.split(' ');
      take(member, Number(version), change.join(' '));
    }
    for (const published of readStages(stages as string | null)) {
      for (const [member, change] of await this.#stage(redis, view, group, published, ids)) take(member, published.version, change);
    }
    return edges;
  }

  /** How many changes of a group's members MongoDB may not have, at most. */
  async #changes(view: TenantView, group: string): Promise<number> {
    const redis = this.reader.continuity.redis.redis;
    const answers = await onRedis(redis.multi().hget(view.keys.resource(group), 'stages').hlen(view.keys.deltas(group)).exec());
    const [stages, own] = (answers ?? []).map(([error, value]) => {
      if (error) throw redisError(error);
      return value;
    });
    const staged = await Promise.all(
      readStages(stages as string | null).map(({ stage }) => onRedis(redis.hlen(view.keys.stage(group, stage)))),
    );
    return staged.reduce((sum, changes) => sum + changes, Number(own));
  }

  async #stage(redis: Redis, view: TenantView, group: string, { stage }: PublishedStage, ids: readonly string[] | undefined) {
    const key = view.keys.stage(group, stage);
    return pairs(await onRedis<unknown>(ids ? redis.hmget(key, ...ids) : redis.hgetall(key)), ids);
  }

  #collection<Name extends 'memberships' | 'accounts' | 'groups'>(name: Name) {
    return this.reader.continuity.mongo.collection(name);
  }
}

/** How many members one filter may look through, whatever groups they are in: each term that names a large group would cost as much again. */
export class Looks {
  #left = LOOKS_MAX;

  /** Another group is looked at, whose members are not known yet: that costs questions of its own. @throws ScimError tooMany */
  begin(): void {
    this.spend(LOOKS_PER_GROUP);
  }

  /** @throws ScimError tooMany */
  spend(members: number): void {
    this.#left -= members;
    if (this.#left < 0) throw tooManyLooks(LOOKS_MAX);
  }
}

const tooManyWalked = (): ScimError =>
  ScimError.of('tooMany', `groups: more than ${WALKED_MAX} groups to look through, as groups are in groups`);
const tooManyLooks = (most: number): ScimError =>
  ScimError.of('tooMany', `filter: more than ${most} members to look through; narrow it down`);

/** What is kept of a member's groups: as MongoDB had them, whatever became of the groups since. */
interface Remembered {
  readonly epoch: number;
  readonly groups: readonly RememberedEdge[];
}

/** `kept`: it was named when it was not there. */
type RememberedEdge = readonly [group: string, version: number, kept?: 1];

interface Edges {
  readonly members: readonly string[];
  readonly versions: readonly number[];
}

interface AlikeEdges extends Edges {
  readonly _id: { readonly removed: boolean; readonly type: MemberType };
}

interface AlikeMembers {
  readonly _id: { readonly live: boolean; readonly since?: number };
  readonly ids: readonly string[];
  readonly names: readonly (string | null)[];
}

/** The edges of a group that MongoDB has. Where none is void by the group itself, the index answers alone. */
function settledEdges(view: TenantView, { resource, since }: Versioned) {
  return { tenant: view.tenant, group: resource.id, removed: false, ...(since === undefined ? {} : { version: { $gte: since } }) };
}

function holds(edge: Edge | undefined, life: Life | undefined, groupSince: number | undefined, whoever = false): boolean {
  if (!edge?.present || edge.version < (groupSince ?? 0)) return false;
  return whoever || ((life?.live === true || edge.type === 'Unknown') && edge.version >= memberSince(life));
}

/** An edge to what was not there when it was named, and is not yet: it holds from the moment that it is. */
function isAwaited(edge: Edge | undefined, life: Life | undefined, groupSince: number | undefined): boolean {
  return edge?.type === 'Skipped' && life?.live !== true && edge.present && edge.version >= Math.max(groupSince ?? 0, memberSince(life));
}

/** What the member of an edge may be. */
const typesOf = ({ type }: Edge): readonly ResourceTypeName[] => (type === 'Unknown' || type === 'Skipped' ? TYPES : [type]);

/** Of a group that is there, `since` is about its members, not about where it is a member itself. */
const memberSince = (life: Life | undefined): number => (!life || (life.live && life.type === 'Group') ? 0 : life.since);

const lifeOf = ({ resource, since }: Versioned): Life => ({ type: resource.type, live: !resource.deleted, since: since ?? 0 });

const newest = (a: Edge | undefined, b: Edge | undefined): Edge | undefined => (!a ? b : !b || a.version >= b.version ? a : b);

function add(edges: Map<string, Map<string, Edge>>, member: string, [group, version, kept]: RememberedEdge): void {
  const ofMember = edges.get(member)!;
  ofMember.set(group, newest(ofMember.get(group), { version, present: true, type: kept ? 'Unknown' : 'User' })!);
}

function merged(ids: readonly string[], deltas: ReadonlyMap<string, Edge>, stored: ReadonlyMap<string, Edge>): [string, Edge][] {
  return ids.flatMap((id) => {
    const edge = newest(deltas.get(id), stored.get(id));
    return edge ? [[id, edge] as [string, Edge]] : [];
  });
}

function pairs(answer: unknown, ids: readonly string[] | undefined): [string, string][] {
  if (!ids) return Object.entries((answer ?? {}) as Record<string, string>);
  return ids.flatMap((id, i) => {
    const value = (answer as (string | null)[])[i];
    return value ? [[id, value] as [string, string]] : [];
  });
}

/** What a person or a group is called, for people to read. */
export function displayOf(displayName: unknown): string | undefined {
  // Nothing stands in for it: scim2-tester takes a `display` that the client neither sent nor gave the member for an error.
  return typeof displayName === 'string' ? displayName : undefined;
}

const TYPES = ['User', 'Group'] as const;
/** For more than these a question more is cheaper than an answer about each. */
const FEW = 100;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const NO_EDGES: ReadonlyMap<string, Edge> = new Map();
const ALL_MAX = 10_000;
const IDS_MAX = 100_000;
const LOOKS_MAX = 200_000;
const LOOKS_PER_GROUP = 20;
const WALKED_MAX = 2_000;
const REMEMBERED_MAX = 1_000;
