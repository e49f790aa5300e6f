/**
 * PATCH on a group as changes to its members (RFC 7644 §3.5.2), which can be written without loading the whole set: a group may have 100,000.
 */
import { ScimError } from '../errors.js';
import type { Filter } from '../filter/ast.js';
import { Ignored, type UnknownAttributes } from '../ignored.js';
import { isObject, type JsonObject, type JsonValue } from '../json.js';
import { resolvePath } from '../path.js';
import type { AttributeDefinition, ResourceTypeDefinition } from '../schema/definition.js';
import { checkRequired } from '../validate.js';
import { coerce, meantToGo, type Place } from '../value.js';
import { placeOf } from './apply.js';
import type { PatchOperation } from './operation.js';

export type MemberChange =
  /** Canonical elements; whoever is there already stays. */
  | { readonly kind: 'add'; readonly members: readonly JsonObject[] }
  /** By their `value`; whoever isn't there is no error. */
  | { readonly kind: 'remove'; readonly values: readonly string[] }
  /** Everybody goes, these come. */
  | { readonly kind: 'replace'; readonly members: readonly JsonObject[] };

export interface SplitOperations {
  /** In the order in which they apply. */
  readonly changes: readonly MemberChange[];
  /** What is left for `applyPatch`; it doesn't touch `members`. */
  readonly rest: readonly PatchOperation[];
  readonly ignored: readonly string[];
}

/**
 * Undefined, where some operation can only be understood with the whole set at hand (`members[type eq "Group"]`, `members.display`):
 * then load it, and let `applyPatch` do it.
 *
 * @throws ScimError `invalidValue` for members that are none
 */
export function splitMemberOperations(
  type: ResourceTypeDefinition,
  operations: readonly PatchOperation[],
  options: { readonly unknownAttributes?: UnknownAttributes } = {},
): SplitOperations | undefined {
  const attribute = type.byName.get('members');
  if (attribute === undefined) return { changes: [], rest: operations, ignored: [] };
  const ignored = new Ignored(options.unknownAttributes ?? 'ignore');
  const changes: MemberChange[] = [];
  const rest: PatchOperation[] = [];
  for (const operation of operations) {
    const place = placeOf(operation, ignored);
    const { target } = operation;
    if (target === undefined) {
      const left = takeMember(type, attribute, operation, changes, place);
      if (left === undefined) return undefined;
      rest.push(left);
    } else if (target.kind === 'attribute' && target.attribute === attribute) {
      const change = changeOf(operation, attribute, place);
      if (change === undefined) return undefined;
      changes.push(change);
    } else if (target.kind === 'schema' && target.urn === undefined) return undefined;
    else rest.push(operation);
  }
  return { changes, rest, ignored: ignored.list() };
}

/** Takes `members` out of a path-less value. */
function takeMember(
  type: ResourceTypeDefinition,
  attribute: AttributeDefinition,
  operation: PatchOperation,
  changes: MemberChange[],
  place: Place,
): PatchOperation | undefined {
  const { op, value } = operation;
  if (!isObject(value) || op === 'remove') return operation;
  let found: string | undefined;
  for (const key of Object.keys(value)) {
    const resolved = resolvePath(type, key.split('[', 1)[0]!);
    if (resolved.kind === 'schema' && resolved.urn === undefined) return undefined;
    if (resolved.kind !== 'attribute' || resolved.path.attribute !== attribute) continue;
    if (found !== undefined || resolved.path.sub !== undefined || key.includes('[')) return undefined;
    found = key;
  }
  if (found === undefined) return operation;
  const { [found]: members, ...others } = value;
  changes.push({ kind: op, members: membersOf(attribute, members!, place) });
  return { ...operation, value: others, isRest: true };
}

function changeOf({ op, target, value: given }: PatchOperation, attribute: AttributeDefinition, place: Place): MemberChange | undefined {
  if (target?.kind !== 'attribute' || target.sub !== undefined) return undefined;
  if (target.filter !== undefined) {
    const values = op === 'remove' ? valuesOf(target.filter) : undefined;
    return values === undefined ? undefined : { kind: 'remove', values };
  }
  if (op !== 'remove') return { kind: op, members: membersOf(attribute, given ?? null, place) };
  const value = meantToGo(attribute, given);
  if (value === undefined || value === null || value === '') return { kind: 'replace', members: [] };
  return { kind: 'remove', values: membersOf(attribute, value, place).map((member) => String(member.value)) };
}

function membersOf(attribute: AttributeDefinition, raw: JsonValue, place: Place): JsonObject[] {
  const members = coerce(attribute, raw, place);
  checkRequired(attribute, members, `${place.prefix}${attribute.name}`);
  if (members === undefined) return [];
  if (!Array.isArray(members)) throw ScimError.of('invalidValue', `${place}: expected an array`);
  return members.filter(isObject);
}

/** `value eq "a" or value eq "b"`. */
function valuesOf(filter: Filter): string[] | undefined {
  if (filter.kind === 'or') {
    const all = filter.filters.map(valuesOf);
    return all.every((each) => each !== undefined) ? all.flat() : undefined;
  }
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || filter.path.attribute.name !== 'value') return undefined;
  return typeof filter.value === 'string' ? [filter.value] : undefined;
}
