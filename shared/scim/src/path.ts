/** Attribute names as filters, PATCH and queries spell them (RFC 7644 §3.4.2.2, §3.10): `[URN:]name[.sub]`, in any case. */
import { type AttributeDefinition, lookUp, type ResourceTypeDefinition, type SchemaDefinition } from './schema/definition.js';
import { ENTERPRISE_URN, GROUP_URN, USER_URN } from './urns.js';

/** A name resolved against the tables. `urn` is the extension's; undefined for core and common attributes. */
export interface AttributePath {
  readonly urn: string | undefined;
  readonly attribute: AttributeDefinition;
  readonly sub: AttributeDefinition | undefined;
}

export type Resolved =
  | { readonly kind: 'attribute'; readonly path: AttributePath }
  /** The URN of a schema by itself; `urn` is undefined for the core schema. */
  | { readonly kind: 'schema'; readonly schema: SchemaDefinition; readonly urn: string | undefined }
  /** Well-formed, taken from clients and never kept: `password`. */
  | { readonly kind: 'dropped' }
  /** Well-formed, and about nothing that the tables know: a plain name, or the URN of another schema. It may be left out of a request. */
  | { readonly kind: 'unknown' }
  /** It begins with a schema or an attribute that is known, and names nothing of it. It is never left out of a request. */
  | Wrong
  /** Outside the grammar. */
  | { readonly kind: 'malformed' };

export interface Wrong {
  readonly kind: 'wrong';
  /** What it begins with; both undefined: a standard schema that this resource type does not have. */
  readonly schema?: SchemaDefinition | undefined;
  readonly attribute?: AttributeDefinition | undefined;
  /** It is outside the grammar besides. */
  readonly malformed?: true;
}

/**
 * What a client's attribute name means: the one rule for paths, for keys of a body and for filters. A dot between a schema's URN and the attribute
 * (`urn:…:User.department`) is read as the colon that belongs there.
 *
 * @example resolvePath(USER, 'name.givenNam').kind === 'wrong'; resolvePath(USER, 'shoeSize').kind === 'unknown'
 */
export function resolvePath(type: ResourceTypeDefinition, text: string): Resolved {
  const attribute = type.byName.get(text);
  if (attribute !== undefined) return { kind: 'attribute', path: { urn: undefined, attribute, sub: undefined } };
  if (!text.includes(':')) return resolveName(type, undefined, type.byName, text);

  const folded = text.toLowerCase();
  const whole = type.byUrn.get(folded);
  if (whole !== undefined) return { kind: 'schema', schema: whole, urn: whole === type.schema ? undefined : whole.id };
  let found: SchemaDefinition | undefined;
  for (const [urn, schema] of type.byUrn) {
    // The longest wins, in case one extension's URN begins with another's.
    if (beginsWith(folded, urn) && urn.length > (found?.id.length ?? 0)) found = schema;
  }
  if (found !== undefined) {
    const separator = text[found.id.length];
    if (separator !== ':' && separator !== '.') return { kind: 'wrong', schema: found };
    const rest = text.slice(found.id.length + 1);
    // Common attributes may be qualified by the core schema's URN.
    const resolved =
      found === type.schema ? resolveName(type, undefined, type.byName, rest) : resolveName(type, found.id, found.byName, rest);
    if (resolved.kind === 'malformed') return { kind: 'wrong', schema: found, malformed: true };
    return resolved.kind === 'unknown' ? { kind: 'wrong', schema: found } : resolved;
  }
  if (STANDARD_URNS.some((urn) => beginsWith(folded, urn))) return { kind: 'wrong' };
  return FOREIGN.test(text) ? { kind: 'unknown' } : { kind: 'malformed' };
}

/** What should have stood in place of a wrong name, for an error: `expected an attribute of urn:…:User (employeeNumber, …)`. */
export function expectedAt(type: ResourceTypeDefinition, { schema, attribute }: Wrong): string {
  if (attribute !== undefined) {
    const subs = attribute.subAttributes?.map(({ name }) => name);
    return subs === undefined
      ? `expected ${attribute.name} alone, as it has no sub-attributes`
      : `expected a sub-attribute of ${attribute.name} (${subs.join(', ')})`;
  }
  if (schema === undefined) return `expected an attribute of a ${type.name}: ${type.name} has no such schema`;
  const names = (schema === type.schema ? type : schema).attributes.map(({ name }) => name);
  return `expected an attribute of ${schema.id} (${names.join(', ')})`;
}

/** Whether a schema's URN is all of a text, or ends where another word begins: `…:Users` does not begin with `…:User`. */
function beginsWith(folded: string, urn: string): boolean {
  return folded.startsWith(urn) && !WORD.test(folded[urn.length] ?? '');
}

/** The canonical spelling: `urn:…:User:manager.value`, `emails.value`, `userName`. */
export function printPath({ urn, attribute, sub }: AttributePath): string {
  const name = sub === undefined ? attribute.name : `${attribute.name}.${sub.name}`;
  return urn === undefined ? name : `${urn}:${name}`;
}

const NAME = /^([A-Z][A-Z0-9_-]*)(?:\.(\$ref|[A-Z][A-Z0-9_-]*))?$/i;
/** The first name of a text that is no name as a whole: `emails.value.x`, `emails[type eq "work"]`. */
const FIRST_NAME = /^([A-Z][A-Z0-9_-]*)\s*[.[]/i;
const FOREIGN = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s"[\]()]+$/;
const WORD = /^[a-z0-9_-]$/;
/** Known at each resource type, also where it has no attributes of them. */
const STANDARD_URNS: readonly string[] = [USER_URN, GROUP_URN, ENTERPRISE_URN].map((urn) => urn.toLowerCase());

function resolveName(
  type: ResourceTypeDefinition,
  urn: string | undefined,
  byName: ReadonlyMap<string, AttributeDefinition>,
  text: string,
): Resolved {
  const match = NAME.exec(text);
  if (match === null) {
    const first = FIRST_NAME.exec(text)?.[1];
    const known = first === undefined ? undefined : lookUp(byName, first);
    return known === undefined ? { kind: 'malformed' } : { kind: 'wrong', attribute: known, malformed: true };
  }
  const [, name = '', subName] = match;
  const attribute = lookUp(byName, name);
  if (attribute === undefined) return { kind: urn === undefined && type.dropped.has(name.toLowerCase()) ? 'dropped' : 'unknown' };
  if (subName === undefined) return { kind: 'attribute', path: { urn, attribute, sub: undefined } };
  const sub = lookUp(attribute.byName, subName);
  return sub === undefined ? { kind: 'wrong', attribute } : { kind: 'attribute', path: { urn, attribute, sub } };
}
