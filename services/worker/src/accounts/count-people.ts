import { countField, type MongoLink, type mongo, onMongo, type Reader, type StoredResource } from '@rollcall/store';

export interface PeopleCounts {
  /** A deleted user is counted as deleted only, a blocked one as blocked only. */
  readonly users: { readonly active: number; readonly deactivated: number; readonly blocked: number; readonly deleted: number };
  readonly groups: number;
}

export interface CountDeps {
  readonly mongo: Pick<MongoLink, 'collection'>;
  readonly reader: Pick<Reader, 'view' | 'liveCount'>;
}

/**
 * How many users and groups a tenant has, by state, as MongoDB has them. Only accounts that are not active are counted there, by an index of
 * them alone; the others are what is left of all live users, whose number Redis keeps.
 * @throws TransientError while a store is away, or the count takes longer than `COUNT_TIME_MS`
 */
export async function countPeople({ mongo, reader }: CountDeps, tenant: string): Promise<PeopleCounts> {
  const accounts = mongo.collection('accounts');
  const options = { maxTimeMS: COUNT_TIME_MS };
  const off = (filter: mongo.Filter<StoredResource>) =>
    onMongo(accounts.countDocuments({ tenant, 'account.preservedBy.0': { $exists: true }, ...filter }, options));
  const view = await reader.view(tenant, 'read');
  const live = async (type: 'User' | 'Group') =>
    (await reader.liveCount(view, countField(type))) ??
    onMongo(mongo.collection(type === 'User' ? 'accounts' : 'groups').countDocuments({ tenant, live: true }, options));
  const [users, groups, notActive, blocked, deleted] = await Promise.all([
    live('User'),
    live('Group'),
    off({ live: true }),
    off({ live: true, 'account.preservedBy': 'administrator' }),
    off({ live: false, 'account.purged': { $ne: true } }),
  ]);
  return { users: { active: Math.max(0, users - notActive), deactivated: notActive - blocked, blocked, deleted }, groups };
}

const COUNT_TIME_MS = 1_500;
