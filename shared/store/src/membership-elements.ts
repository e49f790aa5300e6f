// Memberships as a client sees them, from either side.
import { CORE_TYPES, type JsonObject, locationOf } from '@rollcall/scim';
import type { GroupOfMember, Member } from './memberships.js';

/** A member as its group shows it. */
export const memberElement = ({ id, type, display }: Member, baseUrl: string): JsonObject => ({
  value: id,
  ...(type === undefined ? {} : { $ref: locationOf(CORE_TYPES[type], id, baseUrl), type }),
  ...(display === undefined ? {} : { display }),
});

/** A group as a person who is in it shows it. */
export const groupElement = ({ id, display }: GroupOfMember, type: 'direct' | 'indirect', baseUrl: string): JsonObject => ({
  value: id,
  $ref: locationOf(CORE_TYPES.Group, id, baseUrl),
  ...(display === undefined ? {} : { display }),
  type,
});
