import {
  CORE_TYPES,
  etagMatches,
  foldCase,
  type JsonObject,
  keepImmutable,
  type PatchOptions,
  type ResourceTypes,
  ScimError,
  sameAttributes,
  type UnknownAttributes,
} from '@rollcall/scim';
import { type AccountCommand, type AccountOperation, administered, isExpected, isSeparate, mark } from './accounts.js';
import type { Command, Stamp } from './command.js';
import { Withheld } from './errors.js';
import { type ExternalIdSetting, isStable } from './identity/external-id.js';
import { fieldsKeptFree, withHeldIdentities } from './identity/holds.js';
import { type Candidate, type IdentitySettings, type Judgement, judge } from './identity/judge.js';
import {
  claimField,
  externalIdField,
  externalIdOf,
  fieldsOf,
  formerIdField,
  formerNameField,
  type IdentityAttribute,
  type IndexField,
  identityFields,
  identityOf,
  isClaim,
  isHeld,
  joinIds,
  NAME_ATTRIBUTE,
  NESTING,
} from './index-fields.js';
import { assigned, type GroupOfPerson, type Mappings, mapped, remapped } from './mappings.js';
import {
  checkNewGroup,
  isLook,
  type MemberDelta,
  type MemberLook,
  type MemberState,
  type MemberWish,
  memberDelta,
  nestedBy,
  patchedMembers,
  replacing,
  skippedBy,
  takeMembers,
} from './members.js';
import { patchedUser } from './patched.js';
import { type Profiles, wrongProvision } from './provision.js';
import { type Account, isActive, type Resource, type Versioned } from './resource.js';
import { withOneUserPrincipalName } from './user-principal-name.js';

/** An index entry as it was read. `raw` is what the commit compares; `ids` are the holders it means, from MongoDB where Redis has none yet. */
export interface Entry {
  readonly raw: string;
  readonly ids: readonly string[];
}

/** What a decision may look at: a snapshot, grown by `look` until it is enough. */
export interface State {
  /** The resource that the command addresses. */
  readonly current?: Versioned | undefined;
  readonly entries: ReadonlyMap<IndexField, Entry>;
  /** Other resources, by id; null where there is none. */
  readonly others: ReadonlyMap<string, Versioned | null>;
  /** Whether the tenant's index holds every resource; if not, a commit writes all of its resource's entries. */
  readonly complete: boolean;
  /** What the tenant has settled; absent: the defaults. */
  readonly rules?: TenantRules | undefined;
  /** Of the group that the command addresses. */
  readonly members?: MemberState | undefined;
  /** Of the person whom the command addresses; absent: they were not read. */
  readonly groups?: readonly GroupOfPerson[] | undefined;
  /** The tenant's; absent: the core types. */
  readonly types?: ResourceTypes | undefined;
}

/** What a tenant has settled about its accounts. A commit has the version of the settings as a premise. */
export interface TenantRules extends IdentitySettings {
  /** What a person is known by; absent: email. */
  readonly identityAttribute?: IdentityAttribute | undefined;
  /** How far an externalId tells people apart; absent: auto. */
  readonly externalId?: ExternalIdSetting | undefined;
  readonly mappings?: Mappings | undefined;
  /** What there is to give; absent: it is not checked. */
  readonly profiles?: Profiles | undefined;
  /** Where people come from: accounts of a directory are made only while it is the source. */
  readonly source?: 'scim' | 'directory' | 'manual' | undefined;
  /** What becomes of an attribute that no schema has: it is left out (default), or the request is 400. */
  readonly unknownAttributes?: UnknownAttributes | undefined;
  /** Whether a group's displayName is its own in the tenant (default), or others may have the same. */
  readonly groupNames?: 'unique' | 'shared' | undefined;
  /** What becomes of a member that is no live resource of the tenant: 400 (default), it is kept and shown, or it is skipped until it is there. */
  readonly unknownMembers?: 'refuse' | 'keep' | 'skip' | undefined;
  /** Whether a group may come to be in itself, directly or by way of others (default), or that is 400. */
  readonly groupCycles?: 'accept' | 'refuse' | undefined;
  /** Which groups a user shows: those that it is a member of (default), or also those that these are in. */
  readonly userGroups?: 'direct' | 'all' | undefined;
  /** A PATCH on a group with more members than this answers 204; absent: 1,000. */
  readonly membersAnsweredMax?: number | undefined;
}

/** What the commit checks again before it writes. */
export interface Premises {
  /** Version of the resource itself; 0: there is none; `any`: it is there and live, as changes of members commute. */
  readonly version: number | 'any';
  /** Other resources that the decision rests on. */
  readonly others: readonly { readonly id: string; readonly version: number }[];
  /** Index entries: what was seen, and what is to be there afterwards ('' = none). */
  readonly entries: readonly { readonly field: IndexField; readonly seen: string; readonly next: string }[];
}

export type Operation = 'create' | 'revive' | 'adopt' | 'replace' | 'patch' | 'delete' | 'discard' | 'repair' | AccountOperation;

/** `recycled`: an account came back under another stable externalId; `separated`: a new one was made beside accounts that have something in common. */
export interface Judged {
  readonly outcome: 'adopted' | 'revived' | 'recycled' | 'separated';
  readonly accounts: readonly string[];
}

export type Decision =
  | {
      readonly kind: 'accept';
      readonly operation: Operation;
      readonly next: Resource;
      readonly before?: Versioned | undefined;
      readonly premises: Premises;
      /** A leaver: access that must go first. */
      readonly urgent: boolean;
      readonly members?: MemberDelta | undefined;
      /** What was judged of the person who came by POST, where an account was found that could be theirs. */
      readonly judged?: Judged;
      /** Whoever comes back is in the groups that have named them meanwhile. */
      readonly rejoins?: true;
      /** Members that are not there, and that the tenant skips. */
      readonly skipped?: readonly string[];
      /** Names in a PATCH that no schema knows, which were left out. */
      readonly ignored?: readonly string[];
    }
  /** A repeated request costs no version and no job. */
  | { readonly kind: 'unchanged'; readonly current: Versioned; readonly skipped?: readonly string[]; readonly ignored?: readonly string[] }
  | { readonly kind: 'refuse'; readonly error: ScimError }
  /** The snapshot does not hold enough: read these too and decide again. */
  | { readonly kind: 'look'; readonly entries: readonly IndexField[]; readonly others: readonly string[]; readonly members?: MemberLook };

/**
 * What a command does to one resource (docs/architecture.md#one-post, docs/accounts.md). No clock, no ids, no I/O: same input, same decision.
 * Never throws for anything a client can send: what is refused comes back as a `refuse`.
 */
export function decide(state: State, command: Command, at: Stamp): Decision {
  try {
    if (command.kind === 'create') {
      return command.type === 'User' ? create(state, command.attributes, at) : createGroup(state, command.attributes, at);
    }
    if (command.kind === 'make') return make(state, command, at);
    if (isOfAdministrator(command)) return administer(state, command, at);
    const current = state.current;
    if (current === undefined || current.resource.deleted || current.resource.type !== command.type) return refuse(notFound(command));
    if (command.ifMatch !== undefined && !etagMatches(command.ifMatch, current.version)) return refuse(preconditionFailed(current));
    switch (command.kind) {
      case 'replace':
        return command.type === 'User'
          ? replace(state, current, command.attributes, at)
          : replaceGroup(state, current, command.attributes, at);
      case 'patch': {
        if (command.type === 'Group') return patchGroup(state, current, command.operations, command.ifMatch !== undefined, at);
        // Without `active`, which follows from the account: if the result has it, an operation has set it.
        const { attributes, ignored } = patchedUser(typesOf(state).User, current.resource.attributes, command.operations, patching(state));
        const wish = typeof attributes.active === 'boolean' ? attributes.active : undefined;
        return leavingOut(ignored, change(state, current, 'patch', attributes, wish, at));
      }
      case 'delete':
        return remove(state, current, at);
      default:
        return assertNever(command);
    }
  } catch (error) {
    if (error instanceof ScimError) return refuse(error);
    throw error;
  }
}

/** A POST describes a new person or one with an account: the table in `identity/judge.ts` decides which. */
function create(state: State, given: JsonObject, at: Stamp): Decision {
  const { active, ...rest } = given;
  const attributes = identified(state, undefined, rest);
  const wantsActive = active !== false;
  const fresh = newUser(state, attributes, at, { origin: 'scim', managedBy: 'scim', active: wantsActive });
  const telling = tellingFields(state, fresh);
  const exact = [...telling.byId, ...telling.byName];
  const seen = [...exact, ...telling.byAddress];
  const free = fieldsKeptFree(undefined, fresh, state.rules?.externalId);
  const holders = [...fieldsOf(fresh).filter(isClaim), ...exact, ...telling.byAddress.filter((field) => isTelling(state, field)), ...free];
  const missing = unread(state, [...fieldsOf(fresh), ...seen, ...free], at.id, holders);
  if (missing) return missing;
  const crowded = exact.find((field) => !isTelling(state, field));
  if (crowded !== undefined) return refuse(undecided('ambiguous', fresh, state.entries.get(crowded)!.ids.slice(0, CANDIDATES_MAX)));

  const judgement = judge(candidatesFor(state, fresh, holders), state.rules ?? {});
  switch (judgement.kind) {
    case 'taken':
      return refuse(judgement.by === 'userName' ? nameTaken(fresh) : externalIdTaken(fresh, judgement.id));
    case 'ask':
      return refuse(undecided(judgement.reason, fresh, judgement.ids));
    case 'new': {
      const made = commit(state, undefined, 'create', fresh, seen);
      return judgement.others.length === 0 ? made : judgedAs(made, { outcome: 'separated', accounts: judgement.others });
    }
    case 'same':
      return comeBack(state, judgement, fresh, wantsActive, seen, at);
  }
}

/** Gives the account back to its person under the same id: revives a deleted one, adopts one that SCIM did not manage. */
function comeBack(
  state: State,
  { id, recycled }: Extract<Judgement, { kind: 'same' }>,
  { attributes }: Resource,
  wantsActive: boolean,
  seen: readonly IndexField[],
  at: Stamp,
): Decision {
  const known = state.others.get(id)!;
  if (wantsActive && isHeld(known.resource)) return refuse(preservedByAdministrator(known));
  const { expects: _, ...account } = mark(known.resource.account, 'idp', !wantsActive, { at: at.now });
  const revived: Resource = { ...known.resource, deleted: false, attributes, account: { ...account, managedBy: 'scim' } };
  // A deletion has ended all memberships.
  const groups = known.resource.deleted ? [] : undefined;
  const adopted = !known.resource.deleted && known.resource.account.managedBy !== 'scim';
  const next = mapped(state.rules?.mappings, undefined, revived, groups);
  // Okta may repeat the POST of a person that it keeps deactivated.
  if (sameResource(known.resource, next)) return { kind: 'unchanged', current: known };
  const decision = commit(state, known, adopted ? 'adopt' : 'revive', next, seen);
  return judgedAs(decision, { outcome: recycled ? 'recycled' : adopted ? 'adopted' : 'revived', accounts: [id] });
}

const judgedAs = (decision: Decision, judged: Judged): Decision => (decision.kind === 'accept' ? { ...decision, judged } : decision);

/** Where accounts are found that may be this person: by a stable externalId, by a name they had, by the address. */
function tellingFields({ rules }: State, { type, attributes }: Resource) {
  const externalId = externalIdOf({ attributes });
  const byId =
    externalId !== undefined && isStable(externalId, rules?.externalId) ? [externalIdField(externalId), formerIdField(externalId)] : [];
  const { userName } = attributes;
  const byName = typeof userName === 'string' ? [formerNameField(userName)] : [];
  return { byId, byName, byAddress: identityFields({ type, attributes }, rules?.identityAttribute) };
}

/** Whether a field identifies a person: an address that hundreds of accounts share identifies none of them. */
const isTelling = ({ entries }: State, field: IndexField): boolean => (entries.get(field)?.ids.length ?? 0) <= CANDIDATES_MAX;

/** What the table looks at, of every account that stands under one of these fields. */
function candidatesFor(state: State, person: Resource, fields: readonly IndexField[]): Candidate[] {
  const by = identityAttributeOf(state);
  const setting = state.rules?.externalId;
  const found = new Map(
    fields.filter((field) => !field.startsWith('h:')).flatMap((field) => borne(state, field).map((each) => [each.resource.id, each])),
  );
  return [...found.values()]
    .map(({ resource }) => resource)
    .filter(({ type }) => type === 'User')
    .map((resource) => {
      const [theirs, given] = [externalIdOf(resource), externalIdOf(person)];
      const isEqual = theirs !== undefined && theirs === given;
      const isKnown = theirs !== undefined && given !== undefined && isStable(theirs, setting) && isStable(given, setting);
      return {
        id: resource.id,
        standing: standingOf(resource),
        x: isKnown ? (isEqual ? 'agrees' : 'differs') : 'unknown',
        n: sameText(resource.attributes.userName, person.attributes.userName),
        a: sameText(identityOf(resource, by), identityOf(person, by)),
        hint: isEqual,
        expected: isExpected(resource, person.attributes),
        separate: isSeparate(resource, person.attributes),
        given: isGiven(resource.account),
      };
    });
}

function standingOf(resource: Resource): Candidate['standing'] {
  if (resource.deleted) return 'deleted';
  if (resource.account.managedBy !== 'scim') return 'byHand';
  return isActive(resource) ? 'active' : 'deactivated';
}

/** Whether an account bears what an administrator gave. */
const isGiven = ({ profile, profileBy, storageBy, preservedBy }: Account): boolean =>
  (profile !== undefined && profileBy !== 'mapping') || storageBy === 'administrator' || preservedBy.includes('administrator');

const sameText = (a: unknown, b: unknown): boolean => typeof a === 'string' && typeof b === 'string' && foldCase(a) === foldCase(b);

function createGroup(state: State, given: JsonObject, at: Stamp): Decision {
  const { attributes, ids } = takeMembers(given);
  const made: Resource = { type: 'Group', ...newcomer(attributes, at), account: { preservedBy: [], origin: 'scim', managedBy: 'scim' } };
  const fresh: Resource = isShared(state) ? { ...made, sharesName: true } : made;
  // A new group has nobody yet, so nothing is replaced, and nothing counted; and nobody has it, so it closes no circle.
  const wish = { replaced: false, wanted: replacing(ids).wanted };
  const delta = memberDelta(wish, membersOf(state), state.rules);
  if (isLook(delta)) return lookAtMembers(delta);
  checkNewGroup(wish, skippedBy(wish, membersOf(state), state.rules));
  return noting(state, wish, withMembers(commit(state, undefined, 'create', fresh), delta));
}

function replaceGroup(state: State, current: Versioned, given: JsonObject, at: Stamp): Decision {
  const { attributes, ids } = takeMembers(given);
  const kept = keepImmutable(typesOf(state).Group, current.resource.attributes, attributes);
  const wish = replacing(ids);
  const delta = memberDelta(wish, membersOf(state), state.rules);
  if (isLook(delta)) return lookAtMembers(delta);
  return noting(state, wish, nested(state, at, changeGroup(state, current, 'replace', kept, delta, true)));
}

function patchGroup(
  state: State,
  current: Versioned,
  operations: Parameters<typeof patchedMembers>[1],
  guarded: boolean,
  at: Stamp,
): Decision {
  const patched = patchedMembers(current.resource.attributes, operations, state.members?.all, typesOf(state).Group, patching(state));
  if (!patched) return lookAtMembers({ named: [], count: false, all: true });
  const delta = memberDelta(patched.wish, membersOf(state), state.rules);
  if (isLook(delta)) return lookAtMembers(delta);
  const changed = nested(state, at, changeGroup(state, current, 'patch', patched.attributes, delta, guarded));
  return leavingOut(patched.ignored, noting(state, patched.wish, changed));
}

function changeGroup(
  state: State,
  current: Versioned,
  operation: 'replace' | 'patch',
  attributes: JsonObject,
  delta: MemberDelta | undefined,
  guarded: boolean,
): Decision {
  const next = namedGroup(state, current.resource, attributes);
  if (!sameResource(current.resource, next)) return withMembers(commit(state, current, operation, next), delta);
  if (!delta) return { kind: 'unchanged', current };
  // A loader leaves out what is newer in Redis, so until it is done each commit brings its own entries.
  if (!state.complete) return withMembers(commit(state, current, operation, next), delta);
  // Nothing but members: such changes commute, so the version that was seen is no premise, unless the client or a replacement makes it one.
  const commutes = !guarded && !delta.replaced;
  return {
    kind: 'accept',
    operation,
    next: current.resource,
    before: current,
    premises: { version: commutes ? 'any' : current.version, others: [], entries: [] },
    urgent: false,
    members: delta,
  };
}

/**
 * Where no group may come to be in itself: a decision that puts groups into a group rests on what that one is in, and on nobody's putting any
 * group into another meanwhile. @throws ScimError invalidValue for a circle
 */
function nested(state: State, { id: stamp }: Stamp, decision: Decision): Decision {
  if (state.rules?.groupCycles !== 'refuse' || decision.kind !== 'accept' || !decision.members) return decision;
  if (nestedBy(decision.next.id, decision.members, membersOf(state)).length === 0) return decision;
  const entry = state.entries.get(NESTING);
  // The entry is read before what the group is in, so that its premise holds for all that was read.
  if (!entry || !membersOf(state).above)
    return { kind: 'look', entries: [NESTING], others: [], members: { named: [], count: false, all: false, above: true } };
  const { premises } = decision;
  return { ...decision, premises: { ...premises, entries: [...premises.entries, { field: NESTING, seen: entry.raw, next: stamp }] } };
}

const identityAttributeOf = (state: State): IdentityAttribute => state.rules?.identityAttribute ?? 'email';
/** Where the tenant takes a userPrincipalName, a person has one. @throws ScimError invalidValue for somebody who would have two */
const identified = (state: State, before: JsonObject | undefined, attributes: JsonObject): JsonObject =>
  typesOf(state).User.byName.has('userPrincipalName') ? withOneUserPrincipalName(before, attributes) : attributes;
/** A group with new attributes. One that shares its name goes on to, whatever the tenant has set since, until it gets another name. */
function namedGroup(state: State, group: Resource, attributes: JsonObject): Resource {
  const { sharesName, ...rest } = group;
  const next = { ...rest, attributes };
  const hasItsName = fieldsOf(next)
    .filter(isClaim)
    .every((field) => fieldsOf(group).includes(field));
  return isShared(state) || (sharesName && hasItsName) ? { ...next, sharesName: true } : next;
}

const isShared = (state: State): boolean => state.rules?.groupNames === 'shared';
const patching = ({ rules }: State): PatchOptions => ({ unknownAttributes: rules?.unknownAttributes ?? 'ignore' });
const typesOf = (state: State): ResourceTypes => state.types ?? CORE_TYPES;
const membersOf = (state: State): MemberState => state.members ?? { named: new Map() };
const lookAtMembers = (members: MemberLook): Decision => ({ kind: 'look', entries: [], others: [], members });
const leavingOut = (ignored: readonly string[], decision: Decision): Decision =>
  ignored.length > 0 && (decision.kind === 'accept' || decision.kind === 'unchanged') ? { ...decision, ignored } : decision;
const withMembers = (decision: Decision, members: MemberDelta | undefined): Decision =>
  decision.kind === 'accept' && members ? { ...decision, members } : decision;

/** A decision with the members that it skipped, for the record. */
function noting(state: State, wish: MemberWish, decision: Decision): Decision {
  if (decision.kind !== 'accept' && decision.kind !== 'unchanged') return decision;
  const skipped = skippedBy(wish, membersOf(state), state.rules);
  return skipped.length > 0 ? { ...decision, skipped } : decision;
}

/** Whether one that comes back is in the groups that have named it meanwhile. */
const rejoins = ({ rules }: State): boolean => rules?.unknownMembers === 'keep' || rules?.unknownMembers === 'skip';

const newcomer = (attributes: JsonObject, at: Stamp) => ({ id: at.id, created: at.now, deleted: false, attributes });

function newUser(
  state: State,
  attributes: JsonObject,
  at: Stamp,
  { active, ...account }: Omit<Account, 'preservedBy'> & { readonly active: boolean },
): Resource {
  const user: Resource = { type: 'User', ...newcomer(attributes, at), account: { ...account, preservedBy: [] } };
  const marked = active ? user : { ...user, account: mark(user.account, 'idp', true, { at: at.now }) };
  return mapped(state.rules?.mappings, undefined, marked, []);
}

/** An account made by hand or by import: its name and its identity must be nobody's yet. */
function make(state: State, command: Extract<AccountCommand, { kind: 'make' }>, at: Stamp): Decision {
  const { active = true, ...rest } = command.attributes;
  const attributes = identified(state, undefined, rest);
  const { origin, profile, storage } = command;
  if (origin === 'directory' && state.rules?.source !== 'directory')
    return refuse(new ScimError(409, undefined, 'managedBy: this tenant’s source is not the directory'));
  const fresh = newUser(state, attributes, at, {
    origin,
    managedBy: origin === 'directory' ? 'directory' : 'manual',
    ...(profile === undefined ? {} : { profile, profileBy: 'administrator' as const }),
    ...(storage === undefined ? {} : { storage, storageBy: 'administrator' as const }),
    active: active !== false,
  });
  const wrong = wronglyProvided(state, fresh);
  if (wrong) return refuse(wrong);
  const people = identityFields(fresh, identityAttributeOf(state));
  const missing = unread(state, [...fieldsOf(fresh), ...people], at.id, [...fieldsOf(fresh).filter(isClaim), ...people]);
  if (missing) return missing;
  const holder = holderOf(state, fresh);
  if (holder) return refuse(nameTaken(fresh, idsOf([holder])));
  const [known] = peopleOf(state, fresh);
  if (known) return refuse(ScimError.of('uniqueness', `this person has the account ${known.resource.id} already`));
  return commit(state, undefined, 'make', fresh, people);
}

const isOfAdministrator = (command: Command): command is Exclude<AccountCommand, { kind: 'make' }> => ADMINISTRATORS.has(command.kind);
const ADMINISTRATORS: ReadonlySet<string> = new Set([
  'preserve',
  'reactivate',
  'setAccount',
  'remap',
  'expect',
  'separate',
  'purge',
] satisfies AccountOperation[]);

/** Administrators reach deleted accounts too: behind every deletion an account is preserved. */
function administer(state: State, command: Exclude<AccountCommand, { kind: 'make' }>, at: Stamp): Decision {
  const current = state.current;
  if (current?.resource.type !== 'User') return refuse(notFound(command));
  if ('ifMatch' in command && command.ifMatch !== undefined && !etagMatches(command.ifMatch, current.version))
    return refuse(preconditionFailed(current));
  const next = looked(state, command, administered(current.resource, command, at.now));
  const wrong = command.kind === 'setAccount' ? wronglyProvided(state, next, command.profile === null) : undefined;
  if (wrong) return refuse(wrong);
  if (sameResource(current.resource, next)) return { kind: 'unchanged', current };
  return commit(state, current, command.kind, next);
}

/** What an administrator made of an account, after a look of the mappings at it, where they are to have one. */
function looked({ rules, groups }: State, command: Exclude<AccountCommand, { kind: 'make' }>, changed: Resource): Resource {
  const mappings = rules?.mappings;
  if (!mappings) return changed;
  switch (command.kind) {
    case 'remap':
      return remapped(mappings, changed, groups);
    case 'setAccount':
      // A profile that nobody chooses any more is the mappings' again.
      return command.profile === null ? mapped(mappings, undefined, changed, changed.deleted ? undefined : groups) : changed;
    default:
      return changed;
  }
}

/** What is wrong with what an administrator gives. Where that leaves the profile to the mappings, it is about the one that these would give. */
function wronglyProvided({ rules, groups }: State, next: Resource, isLeft = true): ScimError | undefined {
  if (!rules?.profiles) return undefined;
  const { account } = next;
  const given = isLeft && rules.mappings ? assigned(rules.mappings, next, groups ?? []) : undefined;
  return wrongProvision(rules.profiles, { profile: account.profile ?? given?.profile, storage: account.storage });
}

function replace(state: State, current: Versioned, given: JsonObject, at: Stamp): Decision {
  const wish = given.active;
  // A PUT that restates `active: true` on what only an administrator preserves is no attempt to reactivate it: Okta sends it with every change.
  const restated = wish === true && !current.resource.account.preservedBy.includes('idp');
  const attributes = keepImmutable(typesOf(state).User, current.resource.attributes, given);
  return change(state, current, 'replace', attributes, typeof wish === 'boolean' && !restated ? wish : undefined, at);
}

/** Takes new attributes, and what the client wishes of `active` (undefined: as it is). */
function change(
  state: State,
  current: Versioned,
  operation: 'replace' | 'patch',
  given: JsonObject,
  wish: boolean | undefined,
  at: Stamp,
): Decision {
  const { active: _, ...rest } = given;
  const attributes = identified(state, current.resource.attributes, rest);
  const { account } = current.resource;
  if (wish === true && account.preservedBy.includes('administrator')) return refuse(preservedByAdministrator(current));
  const kept = wish === undefined ? account : mark(account, 'idp', !wish, { at: at.now });
  const changed: Resource = { ...current.resource, attributes, account: { ...kept, managedBy: 'scim' } };
  // One that was made by hand becomes the identity provider's with its first write: mappings look at it as at a new one.
  const next = mapped(state.rules?.mappings, account.managedBy === 'scim' ? current.resource : undefined, changed, undefined);
  if (sameResource(current.resource, next)) return { kind: 'unchanged', current };
  return commit(state, current, operation, next);
}

function remove(state: State, current: Versioned, at: Stamp): Decision {
  const next: Resource = {
    ...current.resource,
    deleted: true,
    // An account is preserved; a group has none.
    account: current.resource.type === 'User' ? mark(current.resource.account, 'idp', true, { at: at.now }) : current.resource.account,
  };
  return commit(state, current, 'delete', next);
}

/**
 * Decides what nobody asked for by SCIM: an operator discards a dead letter, or we accept again what MongoDB has lost.
 * Its claims are premises like any other's: refused where somebody else bears one by now.
 */
export const restate = (state: State, before: Versioned, operation: 'discard' | 'repair', next: Resource): Decision =>
  commit(state, before, operation, next);

/**
 * Turns a next state into a decision with all its premises: the entries it leaves and takes, and the holders it overrules.
 * A complete index is told only of entries that change; an incomplete one of all, so that a loader never counts a resource twice.
 * @param seen entries that the decision rests on besides: nobody else may come to stand there meanwhile
 */
function commit(
  state: State,
  before: Versioned | undefined,
  operation: Operation,
  asked: Resource,
  seen: readonly IndexField[] = [],
): Decision {
  const next = withHeldIdentities(before?.resource, asked);
  const held = before ? fieldsOf(before.resource) : [];
  const wanted = fieldsOf(next);
  const touched = [...new Set([...held, ...wanted])].filter(
    (field) => !state.complete || held.includes(field) !== wanted.includes(field) || (before && entryLacks(state, field, next.id)),
  );
  // An administrator who lifts a hold says so of this very account; a repair restates what was decided before.
  const free = operation === 'reactivate' || operation === 'repair' ? [] : fieldsKeptFree(before?.resource, next, state.rules?.externalId);
  const missing = unread(state, [...touched, ...free], next.id, [...touched.filter(isClaim), ...free]);
  if (missing) return missing;
  const holder = heldBy(state, free, next);
  if (holder) return refuse(preservedByAdministrator(holder));

  const others = new Map<string, number>();
  const entries: { field: IndexField; seen: string; next: string }[] = [];
  for (const field of touched) {
    const { raw, ids } = state.entries.get(field)!;
    let rest = ids.filter((id) => id !== next.id);
    if (wanted.includes(field) && isClaim(field)) {
      const stale = rest.filter((id) => !isBorne(state, id, field));
      rest = rest.filter((id) => !stale.includes(id));
      // One that has the name keeps it beside another that came to share it.
      const mayShare = next.sharesName ?? (held.includes(field) && rest.every((id) => state.others.get(id)?.resource.sharesName));
      if (rest.length > 0 && !mayShare) return refuse(nameTaken(next, rest));
      // Where the entry is not borne out by a holder, it is taken over, if the holder is still what was seen.
      for (const id of stale) others.set(id, state.others.get(id)?.version ?? 0);
      // Holders are counted by their entries. One that MongoDB named and that lets go right now has written none that would tell.
      if (!state.complete) for (const id of rest) others.set(id, state.others.get(id)!.version);
    }
    const after = joinIds(wanted.includes(field) ? [...rest, next.id] : rest);
    // One that reads as it is to be, though the resource comes to it or leaves it, was read before the resource changed: it is no longer so.
    const moves = held.includes(field) !== wanted.includes(field);
    if (moves || after !== raw || raw !== joinIds(ids)) entries.push({ field, seen: raw, next: after });
  }
  const written = new Set(entries.map(({ field }) => field));
  for (const field of new Set([...seen, ...free])) {
    const { raw } = state.entries.get(field)!;
    if (!written.has(field)) entries.push({ field, seen: raw, next: raw });
  }
  return {
    kind: 'accept',
    operation,
    next,
    before,
    premises: {
      version: before?.version ?? 0,
      others: [...others].map(([id, version]) => ({ id, version })),
      entries,
    },
    urgent: isLeaving(before?.resource, next),
    ...(before?.resource.deleted && !next.deleted && rejoins(state) ? { rejoins: true } : {}),
  };
}

/** Access goes away with this write: an active account becomes inactive or deleted. */
function isLeaving(before: Resource | undefined, next: Resource): boolean {
  if (before === undefined || before.type === 'Group') return false;
  return isActive(before) && !before.deleted && (!isActive(next) || next.deleted);
}

/**
 * A `look` at what the snapshot lacks of these fields, and of the resources that the entries of some of them name; undefined if nothing is missing.
 * @param holdersOf of each at most `CANDIDATES_MAX` are read
 */
function unread(state: State, fields: readonly IndexField[], self: string, holdersOf: readonly IndexField[]): Decision | undefined {
  const entries = [...new Set(fields)].filter((field) => !state.entries.has(field));
  const named = holdersOf.flatMap((field) => state.entries.get(field)?.ids.slice(0, CANDIDATES_MAX) ?? []);
  const others = [...new Set(named)].filter((id) => id !== self && id !== state.current?.resource.id && !state.others.has(id));
  return entries.length + others.length > 0 ? { kind: 'look', entries, others } : undefined;
}

/** A held account that keeps this person out: it stands under one of these fields, and no administrator has said that the person is somebody else. */
function heldBy(state: State, fields: readonly IndexField[], person: Resource): Versioned | undefined {
  for (const field of fields) {
    const { ids } = state.entries.get(field)!;
    // Where there are more than are read, those that were not read keep the person out, too.
    const unknown = ids.length > CANDIDATES_MAX ? borne(state, field)[0] : undefined;
    const [holder = unknown] = borne(state, field).filter(
      ({ resource }) => resource.id !== person.id && !isSeparate(resource, person.attributes),
    );
    if (holder) return holder;
  }
  return undefined;
}

const entryLacks = (state: State, field: IndexField, id: string): boolean => {
  const entry = state.entries.get(field);
  return entry !== undefined && !entry.ids.includes(id);
};

/** The live resource that holds the name of `wanted`, if its entry is borne out. */
function holderOf(state: State, wanted: Resource): Versioned | undefined {
  const name = wanted.attributes[NAME_ATTRIBUTE[wanted.type]];
  if (typeof name !== 'string') return undefined;
  const field = claimField(NAME_ATTRIBUTE[wanted.type], name);
  return borne(state, field)[0];
}

/** All accounts of this person. */
function peopleOf(state: State, wanted: Resource): Versioned[] {
  const by = identityAttributeOf(state);
  const identityKey = ({ type, attributes }: Resource) => foldCase(identityOf({ type, attributes }, by) ?? '');
  const there = new Set(identityFields(wanted, by).flatMap((field) => borne(state, field)));
  return [...there].filter(({ resource }) => identityKey(resource) === identityKey(wanted));
}

function isBorne(state: State, id: string, field: IndexField): boolean {
  const holder = state.others.get(id);
  return !!holder && bears(holder, field);
}

const borne = (state: State, field: IndexField): Versioned[] =>
  (state.entries.get(field)?.ids ?? [])
    .map((id) => state.others.get(id))
    .filter((holder): holder is Versioned => !!holder && bears(holder, field));

/** Whether a resource's own state says that an index entry is true of it. */
export const bears = (holder: Versioned, field: IndexField): boolean => fieldsOf(holder.resource).includes(field);

function sameResource(a: Resource, b: Resource): boolean {
  return (
    a.deleted === b.deleted &&
    sameAttributes(a.attributes, b.attributes) &&
    sameAttributes(comparableAccount(a.account), comparableAccount(b.account))
  );
}

/** The marks are a set. */
const comparableAccount = (account: Account): JsonObject =>
  ({ ...account, preservedBy: [...account.preservedBy].sort() }) as unknown as JsonObject;

const refuse = (error: ScimError): Decision => ({ kind: 'refuse', error });

const notFound = ({ type, id }: { type: string; id: string }) => new ScimError(404, undefined, `${type} ${id} not found`);
const preconditionFailed = (current: Versioned) =>
  new ScimError(412, undefined, `If-Match: the resource is at W/"${current.version}" by now; read it again`);
/** @param holders who has the name, where that is not what a repeated POST meets anyway */
const nameTaken = ({ type, attributes }: Resource, holders: readonly string[] = []) => {
  const name = NAME_ATTRIBUTE[type];
  const cause = holders.length > 0 ? { cause: new Withheld('taken', holders) } : undefined;
  return ScimError.of('uniqueness', `${name}: "${String(attributes[name])}" is taken by another ${type}`, cause);
};
const externalIdTaken = ({ attributes }: Resource, holder: string) =>
  ScimError.of('uniqueness', `externalId: "${String(attributes.externalId)}" is that of another active User`, {
    cause: new Withheld('taken', [holder]),
  });
const undecided = (reason: keyof typeof UNDECIDED, person: Resource, accounts: readonly string[]) =>
  ScimError.of('uniqueness', UNDECIDED[reason], { cause: new Withheld(reason, accounts, nameOfPerson(person)) });
const UNDECIDED = {
  ambiguous: 'more than one preserved account could be this User; an administrator must decide which',
  recycled: 'the identity of this User belongs to a preserved account with another externalId; an administrator must decide',
  asked: 'an account that was made by hand could be this User; an administrator must decide',
} as const;
const preservedByAdministrator = (known: Versioned) =>
  new ScimError(403, undefined, 'active: an administrator preserved this account; only an administrator can reactivate it', undefined, {
    cause: new Withheld('preserved', idsOf([known])),
  });

const idsOf = (all: readonly Versioned[]): string[] => all.map(({ resource }) => resource.id);
/** By what an administrator may say which account it is (`adopt`). */
const nameOfPerson = ({ attributes: { userName, externalId } }: Resource) => ({
  userName: String(userName),
  ...(typeof externalId === 'string' ? { externalId } : {}),
});

function assertNever(value: never): never {
  throw new Error(`not handled: ${JSON.stringify(value)}`);
}

/** Accounts under one field of the index that one command reads. */
export const CANDIDATES_MAX = 100;
