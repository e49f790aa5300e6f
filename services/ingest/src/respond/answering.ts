import type { Command } from '@rollcall/directory';
import { isObject, type JsonObject, type PatchOperation, type ResourceTypes, type Selection, specifiedIn } from '@rollcall/scim';

/** What the answer to a write shows: what its query asked for, and what its body gave (RFC 7643 §7, `returned`). */
export function answering(selection: Selection, command: Command, types: ResourceTypes): Selection {
  if (command.kind !== 'create' && command.kind !== 'replace' && command.kind !== 'patch') return selection;
  const specified = specifiedIn(types[command.type], 'operations' in command ? command.operations.map(membersOf) : [command.attributes]);
  return specified.length === 0 ? selection : { ...selection, specified };
}

const membersOf = ({ path, value }: PatchOperation): JsonObject => {
  if (path !== undefined) return { [path]: value ?? null };
  return isObject(value) ? value : {};
};
