/** Attribute names as filters, PATCH and queries spell them (RFC 7644 §3.4.2.2, §3.10): `[URN:]name[.sub]`, in any case. */
import { type AttributeDefinition, lookUp, type ResourceTypeDefinition, type SchemaDefinition } from './schema/definition.js';

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
  /** Well-formed, but no table knows it. */
  | { readonly kind: 'unknown' }
  /** Outside the grammar. */
  | { readonly kind: 'malformed' };

/** What a client's attribute name means. */
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
    if (folded.startsWith(`${urn}:`) && urn.length > (found?.id.length ?? 0)) found = schema;
  }
  if (found !== undefined) {
    const rest = text.slice(found.id.length + 1);
    // Common attributes may be qualified by the core schema's URN.
    return found === type.schema ? resolveName(type, undefined, type.byName, rest) : resolveName(type, found.id, found.byName, rest);
  }
  return FOREIGN.test(text) ? { kind: 'unknown' } : { kind: 'malformed' };
}

/** The canonical spelling: `urn:…:User:manager.value`, `emails.value`, `userName`. */
export function printPath({ urn, attribute, sub }: AttributePath): string {
  const name = sub === undefined ? attribute.name : `${attribute.name}.${sub.name}`;
  return urn === undefined ? name : `${urn}:${name}`;
}

const NAME = /^([A-Z][A-Z0-9_-]*)(?:\.(\$ref|[A-Z][A-Z0-9_-]*))?$/i;
const FOREIGN = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s"[\]()]+$/;

function resolveName(
  type: ResourceTypeDefinition,
  urn: string | undefined,
  byName: ReadonlyMap<string, AttributeDefinition>,
  text: string,
): Resolved {
  const match = NAME.exec(text);
  if (match === null) return { kind: 'malformed' };
  const [, name = '', subName] = match;
  const attribute = lookUp(byName, name);
  if (attribute === undefined) return { kind: urn === undefined && type.dropped.has(name.toLowerCase()) ? 'dropped' : 'unknown' };
  if (subName === undefined) return { kind: 'attribute', path: { urn, attribute, sub: undefined } };
  const sub = lookUp(attribute.byName, subName);
  return sub === undefined ? { kind: 'unknown' } : { kind: 'attribute', path: { urn, attribute, sub } };
}
