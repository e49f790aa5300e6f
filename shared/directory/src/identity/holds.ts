/** An administrator's hold is on the person: what it keeps, and what it keeps out. */
import { ScimError } from '@rollcall/scim';
import { holdableFields, type IndexField, isHeld } from '../index-fields.js';
import { isActive, type Resource } from '../resource.js';
import { type ExternalIdSetting, isStable } from './external-id.js';

/**
 * The account with all that its hold has kept: what it was before this change stays with it while it is held.
 * @throws ScimError 403 where it has been too many people: a hold that forgot one could be walked around
 */
export function withHeldIdentities(before: Resource | undefined, next: Resource): Resource {
  if (!before || !isHeld(before) || !isHeld(next)) return next;
  const now = holdableFields(next);
  const gone = holdableFields(before).filter((field) => !now.includes(field));
  const known = before.account.held ?? [];
  if (gone.length === 0 && next.account.held === before.account.held) return next;
  const held = [...new Set([...known, ...gone])];
  if (held.length > HELD_MAX)
    throw new ScimError(
      403,
      undefined,
      `an administrator preserved this account; it keeps at most ${HELD_MAX} former names and externalIds`,
    );
  return held.length === 0 ? next : { ...next, account: { ...next.account, held } };
}

/**
 * The fields of the index that no held account may stand under, where `next` becomes active, or is active and gets one of these names or externalIds. An
 * account that shares them already is not disturbed.
 */
export function fieldsKeptFree(
  before: Resource | undefined,
  next: Resource,
  setting: ExternalIdSetting | undefined,
): readonly IndexField[] {
  if (next.type !== 'User' || !hasAccess(next)) return [];
  const had = before && hasAccess(before) ? holdableFields(before) : [];
  return holdableFields(next).filter((field) => !had.includes(field) && isTelling(field, setting));
}

const hasAccess = (resource: Resource): boolean => !resource.deleted && isActive(resource);
const isTelling = (field: IndexField, setting: ExternalIdSetting | undefined): boolean =>
  !field.startsWith(HELD_ID) || isStable(field.slice(HELD_ID.length), setting);

const HELD_ID = 'h:x:';
/** Former names and externalIds of one held account. */
const HELD_MAX = 200;
