import { isObject, type JsonObject, type JsonValue } from './json.js';
import { printPath, resolvePath } from './path.js';
import { type AttributeDefinition, lookUp, type ResourceTypeDefinition } from './schema/definition.js';

/**
 * What a client gave of what is returned on request alone: the answer to its POST, PUT or PATCH shows that (RFC 7643 §7, `returned`).
 * @param given values by the paths under which they came: attributes, the value of an operation without a path, or the path and the value of another
 * @returns names, as `project` takes them
 */
export function specifiedIn(type: ResourceTypeDefinition, given: Iterable<JsonObject>): string[] {
  if (!type.hasOnRequest) return [];
  const names = new Set<string>();
  for (const members of given) for (const key of Object.keys(members)) nameAt(type, key, members[key]!, names);
  return [...names];
}

function nameAt(type: ResourceTypeDefinition, path: string, value: JsonValue, names: Set<string>): void {
  const resolved = resolvePath(type, withoutBrackets(path));
  if (resolved.kind === 'schema' && isObject(value))
    for (const key of Object.keys(value)) nameAt(type, `${resolved.schema.id}:${key}`, value[key]!, names);
  if (resolved.kind !== 'attribute') return;
  const { urn, attribute, sub } = resolved.path;
  if (attribute.returned === 'request') names.add(printPath({ urn, attribute, sub: undefined }));
  if (!attribute.subAttributes?.some(isOnRequest)) return;
  for (const each of sub === undefined ? subsIn(attribute, value) : [sub])
    if (isOnRequest(each)) names.add(printPath({ urn, attribute, sub: each }));
}

/** `emails[type eq "work"].value` is about `emails.value`. */
function withoutBrackets(path: string): string {
  const open = path.indexOf('[');
  return open < 0 ? path : path.slice(0, open).trimEnd() + path.slice(path.lastIndexOf(']') + 1);
}

/** The sub-attributes that a value of a complex attribute has. */
function subsIn(attribute: AttributeDefinition, value: JsonValue): AttributeDefinition[] {
  if (Array.isArray(value)) return value.flatMap((element) => subsIn(attribute, element));
  const names = isObject(value) ? Object.keys(value) : ['value']; // a bare string stands for it
  return names.map((name) => lookUp(attribute.byName, name)).filter((sub) => sub !== undefined);
}

const isOnRequest = ({ returned }: AttributeDefinition): boolean => returned === 'request';
