/** The resource types that the oracles draw from: ours, and one with an attribute of every type that a deployment may declare. */
import {
  defineResourceType,
  ENTERPRISE,
  GROUP,
  GROUP_PARTS,
  type ResourceTypeDefinition,
  schemaFromJson,
  USER,
  USER_PARTS,
} from '@rollcall/scim';

const BADGE = schemaFromJson({
  id: 'urn:example:params:scim:schemas:extension:badge:2.0:User',
  name: 'Badge',
  attributes: [
    { name: 'number', type: 'integer' },
    { name: 'height', type: 'decimal' },
    { name: 'since', type: 'dateTime' },
    { name: 'exact', caseExact: true },
    { name: 'colours', multiValued: true },
    { name: 'codes', caseExact: true, multiValued: true },
    { name: 'key', type: 'binary' },
    { name: 'page', type: 'reference', referenceTypes: ['external'] },
    {
      name: 'doors',
      type: 'complex',
      multiValued: true,
      subAttributes: [
        { name: 'value' },
        { name: 'floor', type: 'integer' },
        { name: 'until', type: 'dateTime' },
        { name: 'hours', multiValued: true },
        { name: 'primary', type: 'boolean' },
      ],
    },
  ],
});

export const EXTENDED_USER = defineResourceType({
  ...USER_PARTS,
  extensions: [
    { schema: ENTERPRISE, required: false },
    { schema: BADGE, required: false },
  ],
});

export const EXTENDED_GROUP = defineResourceType({ ...GROUP_PARTS, extensions: [{ schema: BADGE, required: false }] });

export const TYPES: readonly (readonly [string, ResourceTypeDefinition])[] = [
  ['User', USER],
  ['Group', GROUP],
  ['User with a declared extension', EXTENDED_USER],
  ['Group with a declared extension', EXTENDED_GROUP],
];
