import { type Filter, type JsonObject, matches, sameValue } from '@rollcall/scim';
import { type Account, isActive, type Resource, type Storage, withActive } from './resource.js';
import { soughtUserPrincipalName } from './user-principal-name.js';

/** What an account gets. */
export interface Assigned {
  readonly profile: string;
  readonly storage?: Storage;
  /** The profile has no workload for storage: who has storage by an administrator is not given it. */
  readonly takesNoStorage?: true;
}

/** Whom a rule is about, and what they get. */
export interface MappingRule extends Assigned {
  readonly name: string;
  readonly filter: Filter;
}

/** A tenant's rules, in their order: the first that matches wins, the default ends the list. */
export interface Mappings {
  readonly rules: readonly MappingRule[];
  readonly default?: Assigned | undefined;
}

/** A group of a person, as rules look at it. */
export interface GroupOfPerson {
  readonly id: string;
  readonly display?: string | undefined;
}

/** Whether some rule asks in which groups a person is: only then does a change of memberships concern accounts. */
export const readsGroups = ({ rules }: Mappings): boolean => rules.some(({ filter }) => attributesOf(filter).includes('groups'));

/** What the rules give to a person who is in these groups; undefined where none matches and there is no default. */
export function assigned(mappings: Mappings, resource: Resource, groups: readonly GroupOfPerson[]): Assigned | undefined {
  const person = {
    ...sought(resource),
    ...(groups.length > 0 ? { groups: groups.map(shownGroup) } : {}),
    id: resource.id,
    meta: { resourceType: resource.type, created: resource.created },
  };
  const rule = mappings.rules.find(({ filter }) => matches(filter, person)) ?? mappings.default;
  return (
    rule && {
      profile: rule.profile,
      ...(rule.storage ? { storage: rule.storage } : {}),
      ...(rule.takesNoStorage ? { takesNoStorage: true } : {}),
    }
  );
}

/**
 * An account as the rules would have it. Never touches a profile that an administrator chose; a change of the person counts only
 * if it changes what some rule reads (docs/decisions/0012).
 * @param before the account's resource before the change; undefined: it is new, adopted or revived
 * @param groups where the person is; undefined: that was not read. What rules about groups gave is then left to the worker, which reads them
 * once the change is in MongoDB (docs/decisions/0012).
 */
export function mapped(
  mappings: Mappings | undefined,
  before: Resource | undefined,
  next: Resource,
  groups: readonly GroupOfPerson[] | undefined,
): Resource {
  const { account } = next;
  if (!mappings || account.profileBy === 'administrator' || (account.profile !== undefined && account.profileBy === undefined)) return next;
  if (!groups && account.profileBy === 'mapping' && readsGroups(mappings)) return next;
  if (before && account.profileBy === 'mapping' && !reads(mappings, before, next)) return next;
  if (before && account.profileBy === undefined) return next;
  const wanted = assigned(mappings, next, groups ?? []);
  return wanted ? { ...next, account: withAssigned(account, wanted) } : next;
}

/** An account as new rules would have it, where they are applied to all. Who is deleted keeps what they have: rules look at them when they come back. */
export const remapped = (mappings: Mappings, person: Resource, groups: readonly GroupOfPerson[] | undefined): Resource =>
  person.deleted ? person : mapped(mappings, undefined, person, groups);

/**
 * Whether rules are to look at a person again who became `next`: one who is new, adopted, revived or active again, or of whom something has changed that
 * a rule reads, or that rules give.
 * @param before undefined: there was none
 */
export function concerns(mappings: Mappings, before: Resource | undefined, next: Resource): boolean {
  if (!before || before.deleted !== next.deleted || before.account.managedBy !== next.account.managedBy) return true;
  if (isActive(next) && !isActive(before)) return true;
  return !sameProvision(before.account, next.account) || (next.account.profileBy === 'mapping' && reads(mappings, before, next));
}

/** Whether two accounts have the same profile and storage, given by the same. */
export const sameProvision = (a: Account, b: Account): boolean =>
  a.profile === b.profile && a.profileBy === b.profileBy && sameValue({ ...a.storage }, { ...b.storage }) && a.storageBy === b.storageBy;

/** An account with what rules give. Storage that an administrator gave stays as it is, and so does the account where the profile takes none. */
export function withAssigned(account: Account, { profile, storage, takesNoStorage }: Assigned): Account {
  const next: Account = { ...account, profile, profileBy: 'mapping' };
  if (account.storageBy === 'administrator') return takesNoStorage ? account : next;
  const { storage: _, ...rest } = next;
  return storage ? { ...rest, storage } : rest;
}

const shownGroup = ({ id, display }: GroupOfPerson): JsonObject => ({
  value: id,
  ...(display === undefined ? {} : { display }),
  type: 'direct',
});

/** Whether a change touches an attribute that a rule reads. */
function reads(mappings: Mappings, before: Resource, next: Resource): boolean {
  const [was, is] = [sought(before), sought(next)];
  const names = new Set(mappings.rules.flatMap(({ filter }) => attributesOf(filter)));
  return [...names].some((name) => !sameValue(was[name] ?? null, is[name] ?? null));
}

/** A person's attributes as filters look at them. */
const sought = (person: Resource): JsonObject => ({ ...withActive(person), ...soughtUserPrincipalName(person.attributes) });

/** Top-level attributes, or extensions, that a filter looks at. */
function attributesOf(filter: Filter): string[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return filter.filters.flatMap(attributesOf);
    case 'not':
      return attributesOf(filter.filter);
    case 'compare':
    case 'present':
    case 'valuePath':
      return [filter.path.urn ?? filter.path.attribute.name];
    default:
      return [];
  }
}
