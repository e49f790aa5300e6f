// The rows that show what size costs: the same request to something small and to something big, in one run.

import { hostileRow } from './hostile-row.js';
import { download, httpRequest, type LoadResult, load, together } from './load.js';
import { drained, type Measured, measured, type Row, read } from './measure.js';
import { makeSized, type Sized } from './sized.js';
import type { World } from './world.js';

const SMALL_GROUP = 10;
const BIG_GROUP = 100_000;
/** People of the tenant whom no group has: one of them is added and removed. */
const SPARE = 1_000;
const AT_ONCE = 5_000;
const TIMES_AT_ONCE = 3;
const SMALL_TENANT = 10_000;
/** Whom the look-ups ask for again and again, spread over the tenant; the rest are asked for once. */
const ASKED = 2_000;
/** Few enough that the small tenant has some for every round that there may be. */
const ASKED_ONCE = 380;
const SECONDS_MAX = 3;
const OUTLINE = '?excludedAttributes=members';

/** @param bigTenant how many people the big tenant of row k has */
export function sizedRows(bigTenant: number): readonly Row[] {
  const groups = once((world: World) => makeGroups(world));
  const small = once((world: World) => makeAsked(world, 'small', SMALL_TENANT));
  const big = once((world: World) => makeAsked(world, 'big', bigTenant));
  const inAndOut = (key: string, members: number, query: string, status: number): Row => ({
    key,
    title: `PATCH one member in, out; group of ${figure(members)}${query === '' ? `, answered ${status}` : ', answered in outline'}`,
    seconds_max: SECONDS_MAX,
    measure: async (world, seconds) => {
      const tenant = await groups(world);
      const path = `/scim/v2/Groups/${tenant.groups.get(members)}${query}`;
      const somebody = [tenant.idOf(BIG_GROUP)];
      // One connection: each removal finds what was added before, and the group keeps its size.
      const result = await measured(world, undefined, () =>
        patches(world, tenant, path, status, { limit_ms: seconds * 1_000 }, (n) => change(n % 2 === 0, somebody)),
      );
      if (result.load.requests % 2 === 1)
        await patches(world, tenant, path, status, { limit_ms: 1_000, requestsMax: 1 }, () => change(false, somebody));
      return result;
    },
  });
  const outline = (key: string, members: number): Row => ({
    key,
    title: `GET ?excludedAttributes=members; group of ${figure(members)}`,
    seconds_max: SECONDS_MAX,
    measure: async (world, seconds) => {
      const { token, groups: ids } = await groups(world);
      const path = `/scim/v2/Groups/${ids.get(members)}${OUTLINE}`;
      return measured(world, undefined, () => read(world, () => path, { token, limit_ms: seconds * 1_000 }));
    },
  });
  const atOnce = (key: string, adding: boolean): Row => ({
    key,
    title: `PATCH ${adding ? 'adding' : 'removing'} ${figure(AT_ONCE)} members of ${figure(BIG_GROUP)}`,
    measure: async (world) => {
      const tenant = await groups(world);
      const path = `/scim/v2/Groups/${tenant.groups.get(BIG_GROUP)}`;
      return measured(world, undefined, async () => {
        const runs: LoadResult[] = [];
        for (let time = 0; time < TIMES_AT_ONCE; time += 1) {
          const ids = Array.from({ length: AT_ONCE }, (_, i) => tenant.idOf(time * AT_ONCE + i));
          runs.push(await patches(world, tenant, path, 204, { limit_ms: 10_000, requestsMax: 1 }, () => change(adding, ids)));
          await drained(world);
        }
        const left = await world
          .collection('memberships')
          .countDocuments({ tenant: tenant.name, group: tenant.groups.get(BIG_GROUP)!, removed: false });
        const expected = BIG_GROUP - (adding ? 0 : TIMES_AT_ONCE * AT_ONCE);
        if (left !== expected) throw new Error(`row ${key}: ${left} members are left, and not ${expected}`);
        return together(runs);
      });
    },
  });
  const lookUps = (key: string, tenantOf: (world: World) => Promise<Asked>, size: number): Row => ({
    key,
    title: `filter userName eq, ${figure(ASKED)} of ${figure(size)} people`,
    seconds_max: SECONDS_MAX,
    measure: async (world, seconds) => {
      const tenant = await tenantOf(world);
      return measured(world, undefined, () => lookUp(world, tenant, (n) => tenant.asked[n % ASKED]!, { limit_ms: seconds * 1_000 }));
    },
  });
  const firstLookUps = (key: string, tenantOf: (world: World) => Promise<Asked>, size: number): Row => ({
    key,
    title: `filter userName eq, never asked for, of ${figure(size)} people`,
    measure: async (world) => {
      const tenant = await tenantOf(world);
      const limits = { limit_ms: 30_000, requestsMax: ASKED_ONCE };
      return measured(world, undefined, () => lookUp(world, tenant, () => tenant.next(), limits));
    },
  });
  return [
    inAndOut('f1', SMALL_GROUP, OUTLINE, 200),
    inAndOut('f2', BIG_GROUP, OUTLINE, 200),
    inAndOut('f3', SMALL_GROUP, '', 200),
    inAndOut('f4', BIG_GROUP, '', 204),
    atOnce('g1', false),
    atOnce('g2', true),
    outline('h1', SMALL_GROUP),
    outline('h2', BIG_GROUP),
    {
      key: 'i',
      title: `GET the whole group of ${figure(BIG_GROUP)}`,
      seconds_max: SECONDS_MAX,
      measure: async (world, seconds) => whole(world, await groups(world), seconds),
    },
    lookUps('k1', small, SMALL_TENANT),
    lookUps('k2', big, bigTenant),
    firstLookUps('k3', small, SMALL_TENANT),
    firstLookUps('k4', big, bigTenant),
    hostileRow(groups, BIG_GROUP),
  ];
}

/** One after the other, each read to its end and thrown away. */
async function whole(world: World, tenant: Sized, seconds: number): Promise<Measured> {
  const { ingest: port } = world.ports;
  const request = httpRequest('GET', `/scim/v2/Groups/${tenant.groups.get(BIG_GROUP)}`, port, tenant.token);
  let bytes = 0;
  const result = await measured(world, undefined, async () => {
    const runs: LoadResult[] = [];
    const end = performance.now() + seconds * 1_000;
    do {
      const run = await download(port, request);
      bytes = run.bytes;
      runs.push(run);
    } while (performance.now() < end);
    return together(runs);
  });
  return { ...result, note: `an answer has ${(bytes / 1e6).toFixed(1)} MB` };
}

function patches(
  { ports: { ingest: port } }: World,
  { token }: Sized,
  path: string,
  status: number,
  limits: { readonly limit_ms: number; readonly requestsMax?: number },
  body: (n: number) => string,
): Promise<LoadResult> {
  return load({ port, request: (n) => httpRequest('PATCH', path, port, token, body(n)), status, connections: 1, ...limits });
}

function change(adding: boolean, ids: readonly string[]): string {
  const value = ids.map((id) => ({ value: id }));
  return JSON.stringify({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
    Operations: [{ op: adding ? 'add' : 'remove', path: 'members', value }],
  });
}

function lookUp(world: World, tenant: Asked, person: (n: number) => number, limits: { limit_ms: number; requestsMax?: number }) {
  const path = (n: number) => `/scim/v2/Users?filter=${encodeURIComponent(`userName eq "${tenant.userNameOf(person(n))}"`)}`;
  return read(world, path, { token: tenant.token, ...limits });
}

async function makeGroups(world: World): Promise<Sized> {
  const tenant = await makeSized(world, 'groups', BIG_GROUP + SPARE, [SMALL_GROUP, BIG_GROUP]);
  for (const [members, id] of tenant.groups) {
    const url = `http://127.0.0.1:${world.ports.ingest}/scim/v2/Groups/${id}`;
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${tenant.token}` } });
    const group = (await answer.json()) as { members?: unknown[] };
    if (group.members?.length !== members) throw new Error(`a group of ${members} is shown with ${group.members?.length} members`);
  }
  return tenant;
}

interface Asked extends Sized {
  readonly asked: readonly number[];
  /** Somebody who was not asked for before. */
  next(): number;
}

async function makeAsked(world: World, name: string, size: number): Promise<Asked> {
  const tenant = await makeSized(world, name, size);
  const asked: number[] = [];
  const others: number[] = [];
  // Every so many-th: neighbours lie together in MongoDB, and would make it look better than it is.
  const each = Math.floor(size / ASKED);
  for (let n = 0; n < ASKED; n += 1) asked.push(n * each);
  for (let offset = 1; offset < each && others.length < SMALL_TENANT; offset += 1) for (const n of asked) others.push(n + offset);
  let next = 0;
  const made = { ...tenant, asked, next: () => others[next++ % others.length]! };
  await lookUp(world, made, (n) => asked[n]!, { limit_ms: 60_000, requestsMax: ASKED });
  return made;
}

/** Made when it is first needed, once for each world. */
function once<T>(make: (world: World) => Promise<T>): (world: World) => Promise<T> {
  const made = new WeakMap<World, Promise<T>>();
  return (world) => {
    const there = made.get(world) ?? make(world);
    made.set(world, there);
    return there;
  };
}

const figure = (value: number): string => value.toLocaleString('en-US');
