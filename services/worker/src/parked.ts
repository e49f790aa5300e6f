import { nameOf, type ResourceTypeName } from '@rollcall/directory';
import { foldCase } from '@rollcall/scim';
import { collectionOf, fromStored, onMongo, readStates, type StoredResource } from '@rollcall/store';
import { type AuditDeps, repair } from './audit.js';

/**
 * Gives parked resources their names back where nothing is on its way to them any more: Redis had forgotten it, and the epoch was raised.
 * One whose name somebody else has by now is left, and said.
 */
export async function repairParked(deps: AuditDeps): Promise<void> {
  for (const type of ['User', 'Group'] as const) {
    const collection = deps.mongo.collection(collectionOf(type));
    const found = await onMongo(collection.find({ parked: true }).hint(PARKED_INDEX).limit(PARKED_MAX).toArray());
    for (const document of found) await repairOne(deps, type, document);
  }
}

async function repairOne(deps: AuditDeps, type: ResourceTypeName, document: StoredResource): Promise<void> {
  const { _id, tenant, version } = document;
  const [state] = await readStates(deps.redis.redis, deps.keys.tenant(tenant), [_id]);
  if (state?.pending) return; // its own apply, or an operator, will replace the whole document
  if (state && state.version > version) return repair(deps, tenant, state, 'epoch');
  const name = document.live ? nameOf(fromStored(document).resource) : undefined;
  const change = { $unset: { parked: 1 as const }, ...(name === undefined ? {} : { $set: { nameKey: foldCase(name) } }) };
  const collection = deps.mongo.collection(collectionOf(type));
  try {
    const { modifiedCount } = await onMongo(collection.updateOne({ _id, tenant, version, parked: true }, change));
    if (modifiedCount > 0)
      deps.log.warn({ event: 'name.restored', tenant, id: _id, version }, 'a resource whose name was set aside has it again');
  } catch (error) {
    if ((error as { code?: unknown }).code !== DUPLICATE_KEY) throw error;
    deps.metrics.auditDifferences.inc();
    deps.log.error(
      { event: 'name.taken', tenant, id: _id, version },
      'a resource whose name was set aside cannot have it again: another resource has the name',
    );
  }
}

const PARKED_INDEX = 'tenant_1_parked_1';
const PARKED_MAX = 100;
const DUPLICATE_KEY = 11000;
