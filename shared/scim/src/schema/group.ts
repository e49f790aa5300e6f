/** Group (RFC 7643 §4.2, §8.7.1). */
import { GROUP_URN } from '../urns.js';
import { defineResourceType, defineSchema, KEY_LENGTH_MAX, type ResourceTypeDefinition, type ResourceTypeInput } from './definition.js';

export const GROUP_SCHEMA = defineSchema({
  id: GROUP_URN,
  name: 'Group',
  description: 'Group',
  attributes: [
    // §4.2 says REQUIRED where §8.7.1 says false: a group without a name is of no use to anyone.
    { name: 'displayName', required: true, uniqueness: 'server', maxLength: KEY_LENGTH_MAX, description: 'The name of the group.' },
    {
      name: 'members',
      type: 'complex',
      multiValued: true,
      description: 'The members of the group.',
      subAttributes: [
        // Required and caseExact, unlike in §8.7.1: a member without an id is nobody, and it is an id. A `$ref` alone is taken, as it holds the id.
        { name: 'value', required: true, caseExact: true, mutability: 'immutable', description: 'The id of the member.' },
        {
          name: '$ref',
          type: 'reference',
          referenceTypes: ['User', 'Group'],
          mutability: 'immutable',
          description: 'The URI of the member.',
        },
        { name: 'type', mutability: 'immutable', canonicalValues: ['User', 'Group'], description: "The member's resource type." },
        { name: 'display', mutability: 'readOnly', description: 'The name of the member.' },
      ],
    },
  ],
});

/** The parts of {@link GROUP}, for deployments that add extensions of their own. */
export const GROUP_PARTS: ResourceTypeInput = { name: 'Group', description: 'Group', endpoint: '/Groups', schema: GROUP_SCHEMA };

export const GROUP: ResourceTypeDefinition = defineResourceType(GROUP_PARTS);
