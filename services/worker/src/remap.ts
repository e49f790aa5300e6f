// Mappings that ask for groups look again at accounts whose memberships have changed (docs/decisions/0012).
import { randomUUID } from 'node:crypto';
import { concerns, isActive, type Mappings, mapped, type Resource, readsGroups, sameProvision } from '@rollcall/directory';
import { ScimError } from '@rollcall/scim';
import { type Collected, fromStored, type Keys, type MongoLink, onMongo, type RedisLink, readDocument } from '@rollcall/store';
import { fault, type Log } from '@rollcall/telemetry';
import { type CarryOutDeps, carryOut } from './accounts/carry-out.js';
import { changedMembers } from './members.js';

export interface RemapDeps extends CarryOutDeps {
  readonly redis: RedisLink;
  readonly mongo: MongoLink;
  readonly keys: Keys;
  readonly log: Log;
  readonly now: () => Date;
}

/**
 * Moves whom a batch concerns, before its documents are written: MongoDB tells what has changed until then, and whatever a dying worker leaves
 * is found again by the next try.
 */
export type Remapping = (batch: readonly Collected[]) => Promise<void>;

/** @returns undefined for a tenant none of whose rules asks for groups. @throws TransientError while a store is away */
export type Remap = (tenant: string) => Promise<Remapping | undefined>;

export const makeRemap =
  (deps: RemapDeps): Remap =>
  async (tenant) => {
    const mappings = (await deps.rules.now(tenant))?.rules.mappings;
    if (!mappings || !readsGroups(mappings)) return undefined;
    return async (batch) => {
      await lookAgain(deps, tenant, mappings, await changedPeople(deps, tenant, mappings, batch));
      for (const group of batch) {
        if (group.type !== 'Group') continue;
        await fault('before remap');
        const concerned = (await isOther(deps, tenant, group)) ? allMembers(deps, tenant, group.id) : changedMembers(deps, tenant, group);
        for await (const part of concerned) await lookAgain(deps, tenant, mappings, part);
        await fault('after remap');
      }
    };
  };

/** The people of a batch who are new or came back, or of whom something has changed that a rule reads or gives. */
async function changedPeople({ mongo }: RemapDeps, tenant: string, mappings: Mappings, batch: readonly Collected[]): Promise<string[]> {
  const people = batch.filter(({ type }) => type === 'User');
  if (people.length === 0) return [];
  const ids = people.map(({ id }) => id);
  const found = await onMongo(
    mongo
      .collection('accounts')
      .find({ _id: { $in: ids }, tenant })
      .toArray(),
  );
  const stored = new Map(found.map((one) => [one._id, fromStored(one).resource]));
  return people.filter(({ id, document }) => concerns(mappings, stored.get(id), readDocument(document))).map(({ id }) => id);
}

/** Whether a group is another one to all its members than MongoDB has it: renamed, gone, or with its members replaced. */
async function isOther({ mongo }: RemapDeps, tenant: string, { id, document, since }: Collected): Promise<boolean> {
  const projection = { live: 1, since: 1, 'attributes.displayName': 1 };
  const stored = await onMongo(mongo.collection('groups').findOne({ _id: id, tenant }, { projection }));
  if (!stored) return false;
  const { deleted, attributes } = readDocument(document);
  return stored.live === deleted || stored.since !== since || stored.attributes.displayName !== attributes.displayName;
}

/** All who are or lately were members, in parts: edges that a deletion or a replacement voids stay for a while. */
async function* allMembers({ mongo }: RemapDeps, tenant: string, group: string): AsyncGenerator<string[]> {
  const cursor = mongo
    .collection('memberships')
    .find({ tenant, group }, { projection: { member: 1 } })
    .batchSize(PART);
  try {
    let part: string[] = [];
    for (let next = await onMongo(cursor.next()); next; next = await onMongo(cursor.next())) {
      part.push(next.member);
      if (part.length < PART) continue;
      yield part;
      part = [];
    }
    if (part.length > 0) yield part;
  } finally {
    await cursor.close();
  }
}

/** Reads many at once; only who is to move costs a decision, which judges by what holds then. */
async function lookAgain(deps: RemapDeps, tenant: string, mappings: Mappings, ids: readonly string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += PART) {
    const view = await deps.reader.view(tenant, 'write');
    const found = [...(await deps.reader.resources(view, [...new Set(ids.slice(at, at + PART))])).values()];
    const provided = found.filter(({ resource }) => isProvided(resource));
    const groups = await deps.memberships.groupsOf(view, provided);
    const moving = provided.filter(({ resource }) => {
      const { account } = mapped(mappings, undefined, resource, groups.get(resource.id) ?? []);
      return !sameProvision(account, resource.account);
    });
    for (let from = 0; from < moving.length; from += AT_ONCE) {
      await Promise.all(moving.slice(from, from + AT_ONCE).map(({ resource: { id } }) => move(deps, tenant, id)));
    }
  }
}

/**
 * Whether what an account has is the rules' to say: a mapping chose it, or nobody has given a person of the identity provider anything. Who leaves
 * is taken out of groups, too: a preserved account keeps what it has, and is looked at when it is active again.
 */
const isProvided = (person: Resource): boolean => {
  const { type, deleted, account } = person;
  if (type !== 'User' || deleted || !isActive(person)) return false;
  return account.profileBy === 'mapping' || (account.profile === undefined && account.managedBy === 'scim');
};

async function move(deps: RemapDeps, tenant: string, id: string): Promise<void> {
  const asked = { by: 'rollcall', requestId: randomUUID(), now: deps.now() };
  try {
    await carryOut(deps, tenant, () => ({ kind: 'remap', type: 'User', id }), asked);
  } catch (error) {
    // It was purged meanwhile.
    if (!(error instanceof ScimError)) throw error;
    deps.log.info({ event: 'mapping.skipped', tenant, id, reason: error.detail }, 'the mappings were not applied to an account');
  }
}

const PART = 500;
const AT_ONCE = 16;
