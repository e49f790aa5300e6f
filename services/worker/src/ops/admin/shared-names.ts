// Which groups of a tenant have one name: asked before each name must be one group's alone.
import { bears, claimField, type IndexField, NAME_ATTRIBUTE, nameOf } from '@rollcall/directory';
import { fieldOfStored, idOfMember, onMongo, type Reader, readUnsettled, typeOfMember } from '@rollcall/store';
import type { AdminDeps } from './context.js';

export interface SharedName {
  readonly displayName: string;
  /** Ids. */
  readonly groups: readonly string[];
}

/**
 * Names that more than one live group has, in its newest accepted state. Two that MongoDB has both are found there, all others by one that is on its way.
 * @returns up to `SHOWN_MAX` of them, and whether there are more
 * @throws TransientError while either store is away
 */
export async function sharedNames(
  { mongo, reader }: Pick<AdminDeps, 'mongo'> & { readonly reader: Reader },
  tenant: string,
): Promise<{ names: SharedName[]; more: boolean }> {
  const view = await reader.view(tenant, 'read');
  // What is unsettled first: what is settled in between is in MongoDB then.
  const unsettled = (await readUnsettled(reader.continuity.redis.redis, view.keys)).filter((member) => typeOfMember(member) === 'Group');
  const fields = new Set<IndexField>();
  for (const { resource } of (await reader.resources(view, unsettled.map(idOfMember))).values()) {
    const name = resource.deleted ? undefined : nameOf(resource);
    if (name !== undefined) fields.add(claimField(NAME_ATTRIBUTE.Group, name));
  }
  const stored = mongo
    .collection('groups')
    .aggregate<{ _id: string }>([
      { $match: { tenant, nameKey: { $type: 'string' } } },
      { $group: { _id: '$nameKey', count: { $sum: 1 } } },
      { $match: { count: { $gt: 1 } } },
    ]);
  for (const { _id } of await onMongo(stored.toArray())) fields.add(fieldOfStored('Group', 'nameKey', _id));

  const names: SharedName[] = [];
  const all = [...fields];
  for (let at = 0; at < all.length; at += PART) {
    const entries = await reader.entries(view, all.slice(at, at + PART));
    for (const [field, { ids }] of entries) {
      if (ids.length < 2) continue;
      const holders = [...(await reader.resources(view, ids)).values()].filter((holder) => bears(holder, field));
      if (holders.length < 2) continue;
      if (names.length >= SHOWN_MAX) return { names, more: true };
      names.push({ displayName: nameOf(holders[0]!.resource)!, groups: holders.map(({ resource }) => resource.id).slice(0, SHOWN_MAX) });
    }
  }
  return { names, more: false };
}

const PART = 500;
const SHOWN_MAX = 100;
