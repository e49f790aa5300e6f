import { type JsonObject, type JsonValue, sameAttributes } from '@rollcall/scim';
import type { Operation } from './decide.js';
import type { MemberDelta } from './members.js';
import { type Resource, withActive } from './resource.js';

/** One line of the chronicle: who did what to whom, and what it changed. The version is added by the script that accepts it. */
export interface HistoryLine {
  readonly at: string;
  readonly by: string;
  readonly request: string;
  readonly operation: Operation;
  readonly type: string;
  /** Per attribute that changed, what was and what is; a missing side means unassigned. A create stores none, see `firstValues`. */
  readonly changes: Readonly<Record<string, { readonly before?: JsonValue; readonly after?: JsonValue }>>;
  /** Who came and who went; with `replaced`, those named are all there are from then on. */
  readonly members?: {
    readonly replaced?: true;
    readonly added: readonly string[];
    readonly removed: readonly string[];
    /** Named, and not there: members as soon as they are. */
    readonly skipped?: readonly string[];
  };
}

/** A change of members as the chronicle tells it. */
export function memberLine({ replaced, changes }: MemberDelta): NonNullable<HistoryLine['members']> {
  const skipped = changes.filter(({ present, type }) => present && type === 'Skipped').map(({ id }) => id);
  const added = changes.filter(({ present, type }) => present && type !== 'Skipped').map(({ id }) => id);
  const removed = changes.filter(({ present }) => !present).map(({ id }) => id);
  return { ...(replaced ? { replaced } : {}), added, removed, ...(skipped.length > 0 ? { skipped } : {}) };
}

/**
 * The difference between two states of a resource, by attribute, with `deleted` and the account's members beside them. Of a purge it says that it was
 * one, and nothing of what it took away: that must be nowhere.
 */
export function changesBetween(before: Resource | undefined, after: Resource): HistoryLine['changes'] {
  if (before === undefined) return {};
  if (after.account.purged) return before.account.purged ? {} : { 'account.purged': { after: true } };
  const [was, is] = [flat(before), flat(after)];
  const changes: Record<string, { before?: JsonValue; after?: JsonValue }> = {};
  for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const [old, now] = [was[name], is[name]];
    if (old !== undefined && now !== undefined && sameAttributes({ value: old }, { value: now })) continue;
    changes[name] = { ...(old === undefined ? {} : { before: old }), ...(now === undefined ? {} : { after: now }) };
  }
  return changes;
}

/**
 * What a create set, found by walking back from the present state through all later changes. So a create stores no copy of the resource:
 * that would double what the hottest write adds to the history.
 *
 * @param later the changes of every later line of this resource, the newest first
 * @returns per attribute its first value; nothing of a person that was purged
 * @example firstValues(present, [{ title: { before: 'Dr', after: 'Prof' } }]).title // { after: 'Dr' }
 */
export function firstValues(present: Resource, later: Iterable<HistoryLine['changes']>): HistoryLine['changes'] {
  if (present.account.purged) return {};
  const values = new Map<string, JsonValue>(Object.entries(flat(present)));
  for (const changes of later) {
    for (const [name, { before }] of Object.entries(changes)) {
      if (before === undefined) values.delete(name);
      else values.set(name, before);
    }
  }
  return Object.fromEntries([...values].filter(([name, value]) => !isAsEver(name, value)).map(([name, after]) => [name, { after }]));
}

/** What every new resource has, and so says nothing: it is not deleted, and preserved by no one. */
const isAsEver = (name: string, value: JsonValue): boolean =>
  (name === 'deleted' && value === false) || (name === 'account.preservedBy' && Array.isArray(value) && value.length === 0);

function flat(resource: Resource): JsonObject {
  const { preservedBy, preserved, managedBy, origin, profile, profileBy, storage, storageBy, expects, separate } = resource.account;
  return {
    ...withActive(resource),
    deleted: resource.deleted,
    'account.preservedBy': [...preservedBy],
    ...(preserved === undefined ? {} : { 'account.preserved': { ...preserved } }),
    'account.managedBy': managedBy,
    'account.origin': origin,
    ...(profile === undefined ? {} : { 'account.profile': profile }),
    ...(profileBy === undefined ? {} : { 'account.profileBy': profileBy }),
    ...(storage === undefined ? {} : { 'account.storage': { ...storage } }),
    ...(storageBy === undefined ? {} : { 'account.storageBy': storageBy }),
    ...(expects === undefined ? {} : { 'account.expects': { ...expects } }),
    ...(separate === undefined ? {} : { 'account.separate': separate.map((person) => ({ ...person })) }),
  };
}
