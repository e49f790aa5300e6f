// Tenants of a given size, written straight into MongoDB in the form that the worker gives to documents: what takes an identity provider an hour
// of POSTs is there in seconds, and the service loads its index as it does for any tenant that it meets.
import type { Account, Resource, Versioned } from '@rollcall/directory';
import { GROUP, type JsonObject, type ResourceTypeDefinition, USER, validateResource } from '@rollcall/scim';
import { type StoredMembership, type StoredResource, toStored } from '@rollcall/store';
import { httpRequest, load } from './load.js';
import { personBody, userNameOf } from './people.js';
import type { Tenant, World } from './world.js';

export interface Sized extends Tenant {
  readonly size: number;
  idOf(n: number): string;
  userNameOf(n: number): string;
  /** Groups, by how many of the tenant's people they have: the first ones. */
  readonly groups: ReadonlyMap<number, string>;
}

const BATCH = 5_000;
const LOAD_MS_MAX = 10 * 60_000;
const POLL_MS = 200;
const ACCOUNT: Account = { preservedBy: [], origin: 'scim', managedBy: 'scim' };

/** Makes a tenant with `size` people and groups of the given sizes; resolves once its index is loaded. */
export async function makeSized(world: World, name: string, size: number, groupSizes: readonly number[] = []): Promise<Sized> {
  const began = performance.now();
  const tenant = await world.tenant(name);
  const now_ms = Date.now();
  let versions = 0;
  const stored = (type: ResourceTypeDefinition, id: string, body: JsonObject): StoredResource => {
    versions += 1;
    const { attributes } = validateResource(type, body, { purpose: 'create' });
    const created = new Date(now_ms).toISOString();
    const resource: Resource = { type: type === USER ? 'User' : 'Group', id, created, deleted: false, attributes, account: ACCOUNT };
    const versioned: Versioned = { resource, version: versions, born: versions, modified_ms: now_ms };
    return toStored(name, versioned, id);
  };
  const idOf = (n: number) => idAt(now_ms, n);
  await inBatches(size, (n) => stored(USER, idOf(n), JSON.parse(personBody(name, n)) as JsonObject), world.collection('accounts'));
  const groups = new Map(groupSizes.map((members, i) => [members, idAt(now_ms, size + i)]));
  for (const [members, group] of groups) {
    await world.collection('groups').insertOne(stored(GROUP, group, { displayName: `${name} ${members}` }));
    const edge = (n: number): StoredMembership => {
      const member = idOf(n);
      return { _id: `${group}/${member}`, tenant: name, group, member, type: 'User', version: versions, removed: false };
    };
    await inBatches(members, edge, world.collection('memberships'));
  }
  const written = performance.now();
  await loaded(world, tenant, `/scim/v2/Users?filter=${encodeURIComponent(`userName eq "${userNameOf(name, 0)}"`)}`);
  const [writing_s, loading_s] = [written - began, performance.now() - written].map((ms) => (ms / 1_000).toFixed(1));
  console.log(`tenant ${name}: ${size.toLocaleString('en-US')} people written in ${writing_s} s, index loaded in ${loading_s} s`);
  return { ...tenant, size, idOf, userNameOf: (n) => userNameOf(name, n), groups };
}

/** The first request makes the service meet the tenant; each further one sees to it that somebody loads. */
async function loaded(world: World, { token, ...tenant }: Tenant, path: string): Promise<void> {
  const port = world.ports.ingest;
  const end = performance.now() + LOAD_MS_MAX;
  do {
    if (performance.now() > end) throw new Error(`the index of ${tenant.name} is not loaded after ${LOAD_MS_MAX / 1_000} s`);
    await load({
      port,
      request: () => httpRequest('GET', path, port, token),
      status: 200,
      connections: 1,
      limit_ms: 5_000,
      requestsMax: 1,
    });
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  } while (!(await world.complete({ token, ...tenant })));
}

async function inBatches<T extends StoredResource | StoredMembership>(
  count: number,
  make: (n: number) => T,
  collection: { insertMany(documents: T[], options: { ordered: false }): Promise<unknown> },
): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from);
    await collection.insertMany(
      Array.from({ length }, (_, i) => make(from + i)),
      { ordered: false },
    );
  }
}

/** The n-th id of a run: a UUIDv7 (RFC 9562 §5.7) whose random part is the number. */
function idAt(now_ms: number, n: number): string {
  const [time, number] = [now_ms.toString(16).padStart(12, '0'), n.toString(16).padStart(12, '0')];
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${number}`;
}
