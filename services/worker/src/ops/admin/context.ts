// What the admin API works with, and what most of its routes do first.
import { TransientError } from '@rollcall/directory';
import type { Keys, MongoLink, RedisLink, StoredTenant } from '@rollcall/store';
import { type ChangeContext, changeTenant, findTenant, type Records, TenantId, type TenantRecord } from '@rollcall/tenancy';
import { Problem } from '../problem.js';
import type { RawRequest } from './route.js';

export interface AdminDeps {
  readonly mongo: MongoLink;
  readonly redis: RedisLink;
  readonly keys: Keys;
  readonly records: Records;
  readonly now: () => Date;
}

type Asked = Pick<RawRequest, 'params' | 'operator' | 'requestId'>;

/** Who changes what and when, for the trail. */
export const contextOf = ({ mongo, now }: Pick<AdminDeps, 'mongo' | 'now'>, { operator, requestId }: Asked): ChangeContext => ({
  mongo,
  now: now(),
  actor: { id: operator.id, name: operator.name, requestId },
});

/** A part of the path. */
export function part({ params }: Pick<Asked, 'params'>, name: string): string {
  const value = params[name];
  if (value === undefined) throw new Error(`the path has no ${name}`);
  return value;
}

/** The tenant that the path names. @throws Problem 404 */
export async function tenantOf({ mongo }: Pick<AdminDeps, 'mongo'>, request: Pick<Asked, 'params'>): Promise<StoredTenant> {
  const id = part(request, 'tenant');
  const tenant = TenantId.safeParse(id).success ? await findTenant(mongo, id) : undefined;
  if (!tenant) throw noTenant();
  return tenant;
}

/**
 * Id and state of the tenant that the path names, also while MongoDB, which is the record, is away: then from Redis, where requests read it.
 * @throws Problem 404; TransientError where neither can tell
 */
export async function tenantEvenIfAway(
  { mongo, records }: Pick<AdminDeps, 'mongo' | 'records'>,
  request: Pick<Asked, 'params'>,
): Promise<Pick<TenantRecord, 'id' | 'status'>> {
  try {
    const { _id: id, status } = await tenantOf({ mongo }, request);
    return { id, status };
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    const known = await records.tenant(part(request, 'tenant'));
    if (!known) throw noTenant();
    return known;
  }
}

/** The tenant that the path names, where something may still be changed about it. @throws Problem 404, or 409 while it is being deleted */
export async function standingTenantOf(deps: Pick<AdminDeps, 'mongo'>, request: Pick<Asked, 'params'>): Promise<StoredTenant> {
  const tenant = await tenantOf(deps, request);
  if (tenant.status === 'deleting') throw new Problem(409, 'this tenant is being deleted: resume it first');
  return tenant;
}

/**
 * Changes the tenant that the path names, and tells every replica; `update` says what becomes of it, or throws; undefined: nothing.
 * @throws Problem as `standingTenantOf`
 */
export async function changeStanding(
  deps: AdminDeps,
  request: Asked,
  action: string,
  update: (current: StoredTenant) => Partial<Pick<StoredTenant, 'settings' | 'source'>> | undefined,
): Promise<StoredTenant> {
  const { _id } = await standingTenantOf(deps, request);
  const stored = await changeTenant(contextOf(deps, request), _id, action, (current) => {
    const set = update(current);
    return set && { $set: set };
  });
  if (!stored) throw noTenant();
  await deps.records.carryTenant(stored);
  return stored;
}

export const noTenant = () => new Problem(404, 'there is no such tenant');
