import {
  applyPatch,
  GROUP,
  isObject,
  type JsonObject,
  type PatchOperation,
  type PatchOptions,
  quote,
  type ResourceTypeDefinition,
  refsAsValues,
  ScimError,
  splitMemberOperations,
} from '@rollcall/scim';
import type { TenantRules } from './decide.js';
import type { ResourceTypeName } from './resource.js';

/**
 * What a member is. There was no such live resource when it was named: `Unknown`, where the tenant keeps and shows such members; `Skipped`, where it
 * leaves them out until the resource is there.
 */
export type MemberType = ResourceTypeName | 'Unknown' | 'Skipped';

/** What is known of a resource that a request names as a member of a group. */
export interface NamedMember {
  /** Undefined: there is no such live resource. */
  readonly type: ResourceTypeName | undefined;
  /** It is a member of the group now. */
  readonly present: boolean;
  /** It was named and skipped: it is a member of the group as soon as it is there. */
  readonly awaited?: boolean;
}

/** What a decision changes about a group's members: edges, not a list, so that a change costs its delta. */
export interface MemberDelta {
  /** Everybody who was a member before this version is none any more; `changes` are then all that are. */
  readonly replaced: boolean;
  readonly changes: readonly { readonly id: string; readonly type: MemberType; readonly present: boolean }[];
}

/** What a request wants of a group's members. */
export interface MemberWish {
  readonly replaced: boolean;
  /** By id: true = in, false = out. */
  readonly wanted: ReadonlyMap<string, boolean>;
}

/** What a decision on members may look at. */
export interface MemberState {
  readonly named: ReadonlyMap<string, NamedMember>;
  /** How many members the group has; needed only to see that a replacement changes nothing. */
  readonly count?: number | undefined;
  /** The whole set, needed only for operations that can't be understood without it. */
  readonly all?: readonly JsonObject[] | undefined;
  /** Groups that the group is in, directly or by way of others; needed only where it must not come to be in itself. */
  readonly above?: ReadonlySet<string> | undefined;
  /** Whether the group has a member that is there; needed only where a replacement names none that is. */
  readonly anyone?: boolean | undefined;
}

export interface MemberLook {
  readonly named: readonly string[];
  readonly count: boolean;
  readonly all: boolean;
  readonly above?: true;
  readonly anyone?: true;
}

/** Splits the members from a group's attributes: what is stored as a document, and what as edges. */
export function takeMembers(attributes: JsonObject): { readonly attributes: JsonObject; readonly ids: readonly string[] } {
  const { members, ...rest } = attributes;
  return { attributes: rest, ids: Array.isArray(members) ? members.filter(isObject).map((member) => String(member.value)) : [] };
}

/** A PUT, or a POST: these are the members, and nobody else. */
export const replacing = (ids: readonly string[]): MemberWish => ({ replaced: true, wanted: new Map(ids.map((id) => [id, true])) });

export interface PatchedMembers {
  readonly attributes: JsonObject;
  readonly wish: MemberWish;
  /** Names that no schema knows, which were left out. */
  readonly ignored: readonly string[];
}

/**
 * What the operations of a PATCH on a group want of its members, and of its other attributes.
 * @returns undefined where they can only be understood with the whole set at hand
 * @throws ScimError as applyPatch
 */
export function patchedMembers(
  attributes: JsonObject,
  operations: readonly PatchOperation[],
  all: readonly JsonObject[] | undefined,
  group: ResourceTypeDefinition = GROUP,
  options: PatchOptions = {},
): PatchedMembers | undefined {
  const meant = refsAsValues(operations);
  const split = splitMemberOperations(group, meant, options);
  if (split) {
    const wanted = new Map<string, boolean>();
    let replaced = false;
    for (const change of split.changes) {
      if (change.kind === 'replace') {
        wanted.clear();
        replaced = true;
      }
      if (change.kind === 'remove') for (const id of change.values) replaced ? wanted.delete(id) : wanted.set(id, false);
      else for (const member of change.members) wanted.set(String(member.value), true);
    }
    const rest = applyPatch(group, attributes, split.rest, options);
    return { attributes: rest.attributes, wish: { replaced, wanted }, ignored: [...split.ignored, ...rest.ignored] };
  }
  if (all === undefined) return undefined;
  const applied = applyPatch(group, { ...attributes, members: [...all] }, meant, options);
  const patched = takeMembers(applied.attributes);
  const after = new Set(patched.ids);
  const before = new Set(all.map((member) => String(member.value)));
  const wanted = new Map<string, boolean>();
  for (const id of before) if (!after.has(id)) wanted.set(id, false);
  for (const id of after) if (!before.has(id)) wanted.set(id, true);
  return { attributes: patched.attributes, wish: { replaced: false, wanted }, ignored: applied.ignored };
}

/**
 * What a wish changes, given what is a member: undefined if nothing; a `look` where too little is known.
 * @param rules what becomes of a member that is not there: `refuse` (default), `keep`, or `skip`: it is a member as soon as it is there
 *   (docs/decisions/0038)
 * @throws ScimError invalidValue where an unknown member is refused; with `skip`, where nothing of a request can come about, or a replacement that
 *   names none but unknown members would empty the group
 */
export function memberDelta(
  wish: MemberWish,
  state: MemberState,
  rules: Pick<TenantRules, 'unknownMembers'> = {},
): MemberDelta | MemberLook | undefined {
  const unknown = [...wish.wanted.keys()].filter((id) => !state.named.has(id));
  const needsCount = wish.replaced && state.count === undefined;
  if (unknown.length > 0 || needsCount) return { named: unknown, count: needsCount, all: false };
  const skipped = new Set(skippedBy(wish, state, rules));
  // What is none of our ids never comes: there is nothing to wait for.
  const wanted = [...wish.wanted].filter(([id]) => !skipped.has(id) || isId(id));
  if (wanted.length === 0 && skipped.size > 0) throw unknownMember([...skipped][0]!);
  const typeOfUnknown = rules.unknownMembers === 'skip' ? 'Skipped' : 'Unknown';
  const isThere = (id: string) => state.named.get(id)!.present || state.named.get(id)!.awaited === true;
  const changes: { id: string; type: MemberType; present: boolean }[] = [];
  for (const [id, present] of wanted) {
    const { type } = state.named.get(id)!;
    if (present && !isThere(id) && type === undefined) checkUnknown(id, rules);
    if (wish.replaced || present !== isThere(id)) changes.push({ id, type: type ?? typeOfUnknown, present });
  }
  if (!wish.replaced) return changes.length > 0 ? { replaced: false, changes } : undefined;
  const same = state.count === wanted.length && wanted.every(([id]) => isThere(id));
  if (same) return undefined;
  if (skipped.size > 0 && skipped.size === wish.wanted.size) {
    if (state.anyone === undefined) return { named: [], count: false, all: false, anyone: true };
    if (state.anyone) throw wouldEmpty([...skipped][0]!);
  }
  return { replaced: true, changes };
}

/** Which members a wish names that are not there, and that the tenant skips. @param state all that are named, as for `memberDelta` */
export function skippedBy({ wanted }: MemberWish, { named }: MemberState, rules: Pick<TenantRules, 'unknownMembers'> = {}): string[] {
  if (rules.unknownMembers !== 'skip') return [];
  return [...wanted].flatMap(([id, present]) => {
    const member = named.get(id);
    return present && member && !member.present && member.type === undefined ? [id] : [];
  });
}

/**
 * Groups that a delta puts into a group which must not come to be in itself, where they were not in it before.
 * @throws ScimError invalidValue for one that would close a circle, as far as `above` is known
 */
export function nestedBy(group: string, { changes }: MemberDelta, { named, above }: MemberState): string[] {
  const added = changes.filter(({ id, type, present }) => present && type === 'Group' && !named.get(id)?.present).map(({ id }) => id);
  const circular = added.find((id) => id === group || above?.has(id));
  if (circular !== undefined)
    throw ScimError.of(
      'invalidValue',
      `members.value: with ${quote(circular)} as a member the group would be in itself; this tenant refuses that`,
    );
  return added;
}

function checkUnknown(id: string, { unknownMembers = 'refuse' }: Pick<TenantRules, 'unknownMembers'>): void {
  if (unknownMembers === 'refuse') throw unknownMember(id);
  if (id.length > UNKNOWN_CHARACTERS_MAX)
    throw ScimError.of('invalidValue', `members.value: expected at most ${UNKNOWN_CHARACTERS_MAX} characters, got ${id.length}`);
}

const unknownMember = (id: string): ScimError => ScimError.of('invalidValue', `members.value: there is no User or Group ${quote(id)}`);
/**
 * Refuses a new group of which no named member is there: most likely the ids are wrong, or another tenant's.
 * @param skipped as `skippedBy` says
 * @throws ScimError invalidValue
 */
export function checkNewGroup({ wanted }: MemberWish, skipped: readonly string[]): void {
  if (skipped.length > 0 && skipped.length === wanted.size)
    throw ScimError.of(
      'invalidValue',
      `members: expected at least one User or Group that is there, got none (${quote(skipped[0]!)} and so on); to create an empty group, send no members`,
    );
}

const wouldEmpty = (id: string): ScimError =>
  ScimError.of(
    'invalidValue',
    `members: expected at least one User or Group that is there, got none (${quote(id)} and so on); to empty the group, send no members`,
  );

/** Whether a text has the form of the ids that we give. */
export const isId = (text: string): boolean => UUID.test(text);
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Ids are ours; what somebody else may take for one is no longer. */
const UNKNOWN_CHARACTERS_MAX = 256;

export const isLook = (delta: MemberDelta | MemberLook | undefined): delta is MemberLook => delta !== undefined && 'named' in delta;
