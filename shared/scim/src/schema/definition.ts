/**
 * What a schema says (RFC 7643 §2.2, §7). One table per resource type drives validation, discovery, filters, PATCH and projection.
 * Look-up maps are built once, when the table is made; nothing here runs per request.
 */
import type { JsonObject } from '../json.js';

export type AttributeType = 'string' | 'boolean' | 'decimal' | 'integer' | 'dateTime' | 'binary' | 'reference' | 'complex';
export type Mutability = 'readOnly' | 'readWrite' | 'immutable' | 'writeOnly';
export type Returned = 'always' | 'never' | 'default' | 'request';
export type Uniqueness = 'none' | 'server' | 'global';

export interface AttributeDefinition {
  readonly name: string;
  readonly type: AttributeType;
  readonly multiValued: boolean;
  readonly description: string;
  readonly required: boolean;
  readonly caseExact: boolean;
  readonly mutability: Mutability;
  readonly returned: Returned;
  readonly uniqueness: Uniqueness;
  /** Of a text, in characters (UTF-16); absent: whatever fits into a body. SCIM has no word for it, OpenAPI has. */
  readonly maxLength?: number;
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  /** Known, and so refused or left out as it is read-only, but it never has a value: it is not announced. */
  readonly neverSet?: true;
  readonly subAttributes?: readonly AttributeDefinition[];
  /** Place in its table: the order in which canonical attributes are written. */
  readonly position: number;
  /** Sub-attributes by name, as spelled and in lower case; empty unless complex. */
  readonly byName: ReadonlyMap<string, AttributeDefinition>;
}

export interface SchemaDefinition {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly attributes: readonly AttributeDefinition[];
  /** Attributes by name, as spelled and in lower case. */
  readonly byName: ReadonlyMap<string, AttributeDefinition>;
  /** Those of `attributes` that are immutable, or have sub-attributes that are. */
  readonly immutable: readonly AttributeDefinition[];
  /** Whether something of it is returned on request alone. */
  readonly hasOnRequest: boolean;
}

export interface ExtensionDefinition {
  readonly schema: SchemaDefinition;
  readonly required: boolean;
}

export interface ResourceTypeDefinition {
  readonly name: string;
  readonly description: string;
  /** Relative to the base URL, with a leading slash: `/Users`. */
  readonly endpoint: string;
  readonly schema: SchemaDefinition;
  readonly extensions: readonly ExtensionDefinition[];
  /** What a create means where the client leaves it out; a replace keeps what is, even where it is required. It can't be given without a value. */
  readonly defaults: JsonObject;
  /** Lower-case names that clients may send and that are never stored, returned, announced or noted: `password`. */
  readonly dropped: ReadonlySet<string>;
  /** Attributes beside the core schema's, at the top level too; an extension announces them. */
  readonly custom: readonly AttributeDefinition[];
  /** The common attributes (RFC 7643 §3.1), the core schema's and the custom ones, in table order. */
  readonly attributes: readonly AttributeDefinition[];
  /** The same by name, as spelled and in lower case. */
  readonly byName: ReadonlyMap<string, AttributeDefinition>;
  /** Those of `attributes` that are immutable, or have sub-attributes that are. */
  readonly immutable: readonly AttributeDefinition[];
  /** Whether something of it, or of its extensions, is returned on request alone. */
  readonly hasOnRequest: boolean;
  /** Core schema and extensions by URN in lower case. */
  readonly byUrn: ReadonlyMap<string, SchemaDefinition>;
}

/** An attribute as a table writes it: what is left out has RFC 7643's default (§2.2). */
export interface AttributeInput {
  readonly name: string;
  readonly type?: AttributeType;
  readonly multiValued?: boolean;
  readonly description?: string;
  readonly required?: boolean;
  readonly caseExact?: boolean;
  readonly mutability?: Mutability;
  readonly returned?: Returned;
  readonly uniqueness?: Uniqueness;
  readonly maxLength?: number;
  readonly canonicalValues?: readonly string[];
  readonly referenceTypes?: readonly string[];
  readonly neverSet?: true;
  readonly subAttributes?: readonly AttributeInput[];
}

export interface SchemaInput {
  readonly id: string;
  readonly name: string;
  readonly description?: string;
  readonly attributes: readonly AttributeInput[];
}

export interface ResourceTypeInput {
  readonly name: string;
  readonly description?: string;
  readonly endpoint: string;
  readonly schema: SchemaDefinition;
  readonly extensions?: readonly ExtensionDefinition[];
  readonly defaults?: JsonObject;
  readonly dropped?: readonly string[];
  readonly custom?: readonly AttributeInput[];
}

/** @throws Error that names the attribute, where the table breaks RFC 7643 or a name could reach a prototype */
export function defineSchema({ id, name, description = '', attributes }: SchemaInput): SchemaDefinition {
  // The URN is a key of the resource; that it holds a colon keeps it apart from every attribute's name.
  if (!SCHEMA_ID.test(id)) throw new Error(`schema ${JSON.stringify(id)}: expected a URI without white space`);
  const defined = attributes.map((attribute, position) => defineAttribute(attribute, position, name));
  return {
    id,
    name,
    description,
    attributes: defined,
    byName: mapByName(defined, name),
    immutable: immutableOf(defined),
    hasOnRequest: isAnyOnRequest(defined),
  };
}

/**
 * A resource type from its parts:
 * `defineResourceType({ ...USER_PARTS, extensions: [{ schema: ENTERPRISE, required: false }, { schema: mine, required: false }] })`.
 *
 * @throws Error where two schemas share a URN or a core attribute shares a common attribute's name
 */
export function defineResourceType(input: ResourceTypeInput): ResourceTypeDefinition {
  const { name, description = '', endpoint, schema, extensions = [], defaults = {}, dropped = [] } = input;
  const custom = (input.custom ?? []).map((attribute, position) => defineAttribute(attribute, position, name));
  const attributes = [...COMMON, ...schema.attributes, ...custom].map((attribute, position) => ({ ...attribute, position }));
  const byUrn = new Map<string, SchemaDefinition>();
  for (const each of [schema, ...extensions.map((extension) => extension.schema)]) {
    const key = each.id.toLowerCase();
    if (byUrn.has(key)) throw new Error(`resource type ${name}: schema ${each.id} is given twice`);
    byUrn.set(key, each);
  }
  return {
    name,
    description,
    endpoint,
    schema,
    extensions,
    defaults,
    dropped: new Set(dropped.map((each) => each.toLowerCase())),
    custom,
    attributes,
    byName: mapByName(attributes, name),
    immutable: immutableOf(attributes),
    hasOnRequest: isAnyOnRequest(attributes) || extensions.some((extension) => extension.schema.hasOnRequest),
    byUrn,
  };
}

/** Finds a name irrespective of its case; the usual spelling costs one look-up. */
export function lookUp(byName: ReadonlyMap<string, AttributeDefinition>, name: string): AttributeDefinition | undefined {
  return byName.get(name) ?? byName.get(name.toLowerCase());
}

/** Of what a resource is found by: it is folded, indexed and compared again and again. Okta's and Entra's own are a fourth as long at most. */
export const KEY_LENGTH_MAX = 1_024;

const NAME = /^(?:\$ref|[A-Za-z][A-Za-z0-9_-]{0,127})$/;
const SCHEMA_ID = /^[A-Za-z][A-Za-z0-9+.-]*:(?:(?!["()[\]])[!-~])+$/;
/** `constructor`, `toString` and the like: reading them from a plain object would find the prototype's. */
const INHERITED: ReadonlySet<string> = new Set([
  'prototype',
  ...Object.getOwnPropertyNames(Object.prototype).map((name) => name.toLowerCase()),
]);
const CASE_EXACT_TYPES: readonly AttributeType[] = ['binary', 'reference']; // RFC 7643 §2.3.6, §2.3.7

function defineAttribute(input: AttributeInput, position: number, parent: string): AttributeDefinition {
  const { name, type = 'string', subAttributes, ...rest } = input;
  const where = `${parent}.${name}`;
  if (!NAME.test(name) || INHERITED.has(name.toLowerCase())) throw new Error(`attribute ${where}: the name is not allowed`);
  if ((type === 'complex') !== (subAttributes !== undefined)) throw new Error(`attribute ${where}: complex means having sub-attributes`);
  if (subAttributes?.some((sub) => sub.type === 'complex')) throw new Error(`attribute ${where}: a sub-attribute can't be complex`);
  const defined = subAttributes?.map((sub, at) => defineAttribute(sub, at, where));
  return {
    name,
    type,
    multiValued: false,
    description: '',
    required: false,
    caseExact: CASE_EXACT_TYPES.includes(type),
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...rest,
    ...(defined === undefined ? {} : { subAttributes: defined }),
    position,
    byName: mapByName(defined ?? [], where),
  };
}

/** A type with more than it has: extensions that a deployment or a tenant declares, and attributes at the top level. @throws as defineResourceType */
export function extendResourceType(
  type: ResourceTypeDefinition,
  { schemas = [], custom = [] }: { readonly schemas?: readonly SchemaDefinition[]; readonly custom?: readonly AttributeInput[] },
): ResourceTypeDefinition {
  return defineResourceType({
    ...type,
    dropped: [...type.dropped],
    extensions: [...type.extensions, ...schemas.map((schema) => ({ schema, required: false }))],
    custom: [...type.custom, ...custom],
  });
}

function immutableOf(attributes: readonly AttributeDefinition[]): AttributeDefinition[] {
  return attributes.filter(({ mutability, subAttributes = [] }) =>
    mutability === 'readOnly' ? false : [mutability, ...subAttributes.map((sub) => sub.mutability)].includes('immutable'),
  );
}

const isAnyOnRequest = (attributes: readonly AttributeDefinition[]): boolean =>
  attributes.some(({ returned, subAttributes = [] }) => returned === 'request' || isAnyOnRequest(subAttributes));

function mapByName(attributes: readonly AttributeDefinition[], parent: string): Map<string, AttributeDefinition> {
  const map = new Map<string, AttributeDefinition>();
  for (const attribute of attributes) {
    const folded = attribute.name.toLowerCase();
    if (map.has(folded)) throw new Error(`attribute ${parent}.${attribute.name}: the name is given twice`);
    map.set(folded, attribute);
  }
  for (const attribute of attributes) map.set(attribute.name, attribute);
  return map;
}

/** RFC 7643 §3.1, and `schemas` (§3). They belong to every resource and are announced by none. */
const COMMON: readonly AttributeDefinition[] = [
  {
    name: 'schemas',
    type: 'reference',
    multiValued: true,
    required: true,
    caseExact: false,
    mutability: 'readOnly',
    returned: 'always',
    description: 'The URNs of the schemas whose attributes the resource has.',
  },
  {
    name: 'id',
    caseExact: true,
    mutability: 'readOnly',
    returned: 'always',
    uniqueness: 'server',
    description: 'The identifier that the service provider gave the resource.',
  },
  {
    name: 'externalId',
    caseExact: true,
    maxLength: KEY_LENGTH_MAX,
    description: 'The identifier that the provisioning client gave the resource.',
  },
  {
    name: 'meta',
    type: 'complex',
    mutability: 'readOnly',
    description: 'What the service provider knows about the resource itself.',
    subAttributes: [
      { name: 'resourceType', caseExact: true, mutability: 'readOnly', description: "The name of the resource's type." },
      { name: 'created', type: 'dateTime', mutability: 'readOnly', description: 'When the resource was created.' },
      { name: 'lastModified', type: 'dateTime', mutability: 'readOnly', description: 'When the resource was last changed.' },
      { name: 'location', type: 'reference', referenceTypes: ['uri'], mutability: 'readOnly', description: 'The URI of the resource.' },
      { name: 'version', caseExact: true, mutability: 'readOnly', description: 'The version of the resource: its ETag.' },
    ],
  } satisfies AttributeInput,
].map((input, position) => defineAttribute(input as AttributeInput, position, 'common'));
