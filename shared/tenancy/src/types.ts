// The resource types of a tenant: what the deployment serves, and what the tenant's settings add to it.
import {
  type Extensions,
  extendTypes,
  extensionsFromJson,
  type JsonValue,
  type ResourceTypes,
  SchemaForm,
  withUserPrincipalName,
} from '@rollcall/scim';
import * as z from 'zod';
import { settingsOf } from './settings.js';
import type { TenantRecord } from './tenants.js';

export const EXTENSION_SCHEMAS_MAX = 10;
export const EXTENSION_ATTRIBUTES_MAX = 100;
/** Settings are read with every request, so they are kept small. */
export const EXTENSIONS_BYTES_MAX = 16_384;

const Schemas = z.array(SchemaForm).max(EXTENSION_SCHEMAS_MAX).default([]);
const Declared = z.strictObject({ User: Schemas, Group: Schemas });

/** What a tenant declares, as an administrator writes it and as it is stored: extension schemas by resource type, in the form of RFC 7643 §7. */
export const ExtensionsSetting = Declared.refine((declared) => attributesIn(declared) <= EXTENSION_ATTRIBUTES_MAX, {
  error: `expected at most ${EXTENSION_ATTRIBUTES_MAX} attributes and sub-attributes altogether`,
}).refine((declared) => Buffer.byteLength(JSON.stringify(declared)) <= EXTENSIONS_BYTES_MAX, {
  error: `expected at most ${EXTENSIONS_BYTES_MAX} bytes altogether`,
});
export type ExtensionsSetting = z.infer<typeof ExtensionsSetting>;

const attributesIn = ({ User, Group }: z.infer<typeof Declared>): number =>
  [...User, ...Group].flatMap(({ attributes }) => attributes).reduce((sum, { subAttributes = [] }) => sum + 1 + subAttributes.length, 0);

/** What these settings declare. @throws Error that says what is wrong, for the administrator who wrote it */
export const extensionsOf = ({ extensions = {} }: TenantRecord['settings']): Extensions => extensionsFromJson(extensions as JsonValue);

/** Makes the types of a tenant from its settings. Tenants that add nothing share the deployment's. */
export type TypesOf = (settings: TenantRecord['settings']) => ResourceTypes;

/** @throws by what it makes: as `extensionsOf`; Error where a tenant declares a URN of the core schemas */
export function makeTypesOf(deployment: ResourceTypes): TypesOf {
  let withUpn: ResourceTypes | undefined;
  return (settings) => {
    if (takesUserPrincipalName(settings)) withUpn ??= withUserPrincipalName(deployment);
    const types = takesUserPrincipalName(settings) ? withUpn! : deployment;
    if (settings.extensions === undefined) return types;
    const { User, Group } = extensionsOf(settings);
    // What a deployment declared later, under a URN that was the tenant's own, goes before.
    const isFree = (type: 'User' | 'Group') => (schema: { readonly id: string }) => !declaredBy(deployment, type, schema.id);
    return extendTypes(types, { User: User.filter(isFree('User')), Group: Group.filter(isFree('Group')) });
  };
}

/** Whether a URN is that of an extension that all tenants have. */
export const declaredBy = (types: ResourceTypes, type: 'User' | 'Group', urn: string): boolean =>
  types[type].extensions.some(({ schema }) => schema.id.toLowerCase() === urn.toLowerCase());

/** Once people were known by it, it stays: what is stored is shown, also where they are known by something else again. */
const takesUserPrincipalName = (settings: TenantRecord['settings']): boolean =>
  settings.tookUserPrincipalName === true || settingsOf(settings).identityAttribute === 'userPrincipalName';
