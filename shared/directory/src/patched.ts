import {
  applyPatch,
  type JsonObject,
  type Patched,
  type PatchOperation,
  type PatchOptions,
  type ResourceTypeDefinition,
} from '@rollcall/scim';

/**
 * What the operations make of a user's attributes. A decision that asks for more is made again, with the same operations on the same attributes: they
 * are applied once, as they may be much work.
 * @throws ScimError as applyPatch
 */
export function patchedUser(
  type: ResourceTypeDefinition,
  attributes: JsonObject,
  operations: readonly PatchOperation[],
  options: PatchOptions,
): Patched {
  const before = made.get(operations);
  const isSame = before?.type === type && before.attributes === attributes && before.unknown === options.unknownAttributes;
  if (isSame) return before.patched;
  const patched = applyPatch(type, attributes, operations, options);
  made.set(operations, { type, attributes, unknown: options.unknownAttributes, patched });
  return patched;
}

interface Made {
  readonly type: ResourceTypeDefinition;
  readonly attributes: JsonObject;
  readonly unknown: PatchOptions['unknownAttributes'];
  readonly patched: Patched;
}

/** Of each request that is being decided: it goes with its operations. */
const made = new WeakMap<readonly PatchOperation[], Made>();
