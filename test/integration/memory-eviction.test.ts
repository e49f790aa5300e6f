// Goal: copies of what MongoDB has give way before a write is refused for memory, and nothing that was answered goes back by that.
import type { Resource } from '@rollcall/directory';
import { GROUP_URN, seeded } from '@rollcall/scim';
import { evict, fill, fromStored, markerTtl_s, type StoredResource, writeDocument } from '@rollcall/store';
import { type Cluster, startCluster } from '../support/cluster.js';
import { drain } from '../support/drain.js';
import { until } from '../support/environment.js';
import { openStores } from '../support/stores.js';
import { createUser, deleteUser, patchBody, patchUser, userBody } from '../support/users.js';

jest.setTimeout(180_000);

const EVICTED = 'redis.copies.evicted';
const inactive = patchBody({ op: 'replace', path: 'active', value: false });

describe('a Redis that is short of memory', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ ownServers: true, tenants: ['large', 'other'], env: { REQUEST_DEADLINE_MS: '8000' } });
  });
  beforeEach(() => cluster.redis.config('SET', 'maxmemory', '0'));
  afterAll(() => cluster[Symbol.asyncDispose]());

  /** Sets the limit so that this share of the memory is in use by now. */
  const useShare = async (share: number) => {
    const used = Number(/used_memory:(\d+)/.exec(await cluster.redis.info('memory'))?.[1]);
    await cluster.redis.config('SET', 'maxmemory', String(Math.round(used / share)));
  };
  const shareSeen = async () => {
    const details = (await (await fetch(`${cluster.ingests[0]!.url}/readyz`)).json()) as { redisMemoryUsed: number };
    return details.redisMemoryUsed;
  };
  const hasEvicted = async () => `${await cluster.worker.log()}${await cluster.ingests[0]!.log()}`.includes(EVICTED);
  const isKept = async (id: string) => {
    const [key] = await cluster.redis.keys(`${cluster.prefix}:*:r:${id}`);
    return key !== undefined && (await cluster.redis.hexists(key, 'doc')) === 1;
  };

  // One tenant's settled copies refused every other tenant's writes, and then leavers, for up to an hour.
  it.each([
    ['a write', 0.75],
    ['a leaver', 0.9],
  ])('takes %s of another tenant while settled copies fill it', async (what, share) => {
    const [large, other] = [cluster.client('large'), cluster.client('other')];
    const kept = await other.create(userBody(`kept-${share}`));
    for (let n = 0; n < 20; n += 1) await large.create(userBody(`p${n}-${share}`, { title: 'x'.repeat(700_000) }));
    await cluster.quiet();
    await useShare(share);
    await until('the memory to be seen as short', async () => (await shareSeen()) >= 0.7 || (await hasEvicted()));
    const answer = what === 'a write' ? await other.create(userBody(`new-${share}`)) : await other.patch(kept.body.id, inactive);
    expect(answer.status).toBe(what === 'a write' ? 201 : 200);
    await until('copies to be evicted', hasEvicted);
  });

  it('keeps no copies of what it settles from 60 % on, and reads and changes it all the same', async () => {
    const scim = cluster.client('other');
    await useShare(0.65);
    const { body: member } = await scim.create(userBody('unkept'));
    let made = 0;
    await until('a copy that is not kept', async () => {
      made += 1;
      await scim.patch(member.id, patchBody({ op: 'replace', path: 'title', value: `T${made}` }));
      await cluster.quiet();
      return !(await isKept(member.id));
    });
    const read = await scim.get(member.id);
    expect(read).toMatchObject({ status: 200, body: { title: `T${made}` } });
    expect(await scim.find(`userName eq "${member.userName}"`)).toMatchObject({ body: { totalResults: 1 } });
    const patched = await scim.patch(member.id, patchBody({ op: 'replace', path: 'title', value: 'last' }), {
      headers: { 'If-Match': read.headers.etag! },
    });
    expect(patched.status).toBe(200);
    expect((await scim.get(member.id)).body.title).toBe('last');

    // Adding a member leaves a group's document as it is: of a marker, Redis has none.
    const group = (await scim.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'Unkept' })).body.id;
    await cluster.quiet();
    expect(await isKept(group)).toBe(false);
    const add = patchBody({ op: 'add', path: 'members', value: [{ value: member.id }] });
    expect((await scim.request('PATCH', `/Groups/${group}`, add)).status).toBeLessThan(300);
    await cluster.quiet();
    const { body } = await scim.request('GET', `/Groups/${group}`);
    expect(body).toMatchObject({ displayName: 'Unkept', members: [{ value: member.id }] });
  });
});

// One tenant could fill Redis with what MongoDB does not have yet, up to 200,000 resources of any size.
describe('bytes of a tenant that MongoDB has not yet', () => {
  it('are bounded: writes are answered 429, leavers and other tenants pass, and after the drain writes do', async () => {
    const env = { BODY_BYTES_MAX: '262144', BACKLOG_BYTES_MAX: '1048576' };
    await using cluster = await startCluster({ workers: 0, tenants: ['large', 'other'], env });
    const scim = cluster.client('large');
    const leavers = [await scim.create(userBody('a')), await scim.create(userBody('b'))].map(({ body }) => body.id);
    const large = (n: number) => scim.create(userBody(`p${n}`, { title: 'x'.repeat(200_000) }));
    let taken = 0;
    const next = () => {
      taken += 1;
      return large(taken);
    };
    const refused = await until('the limit', next, ({ status }) => status !== 201);
    expect(taken).toBeGreaterThan(1);
    expect(refused).toMatchObject({ status: 429, body: { status: '429' } });
    expect(refused.headers['retry-after']).toBe('5');
    expect((await scim.create(userBody('small'))).status).toBe(201);
    expect((await scim.patch(leavers[0]!, inactive)).status).toBe(200);
    expect((await scim.delete(leavers[1]!)).status).toBe(204);
    expect((await cluster.client('other').create(userBody('p', { title: 'x'.repeat(200_000) }))).status).toBe(201);

    await cluster.worker.start();
    await cluster.quiet();
    expect((await large(taken + 1)).status).toBe(201);
    await cluster.quiet();
    const heads = await cluster.redis.keys(`${cluster.prefix}:*:head`);
    const left = await Promise.all(heads.map((head) => cluster.redis.hmget(head, 'unsettled', 'unrecorded')));
    expect(left.flat().map(Number)).toEqual([0, 0, 0, 0]);
  });
});

// Goal: whatever is evicted, settled without being kept, or filled from an old reading, a read never goes back behind what was accepted.
describe('reads of one resource, with copies evicted in between', () => {
  it.each([1, 2, 3, 4])('show the newest accepted state (seed %i)', async (seed) => {
    await using stores = await openStores();
    const tenant = 'acme';
    await stores.tenant(tenant);
    const keys = stores.keys.tenant(tenant);
    const redis = stores.redis.redis;
    const random = seeded(seed);
    const created = await stores.run(tenant, createUser('ada'));
    if (created.kind !== 'ok') throw new Error(created.kind);
    const id = created.committed.resource.id;
    let newest: Resource = created.committed.resource;
    const readings: { document: StoredResource; taken_us: number }[] = [];
    const acts: Record<string, () => Promise<unknown>> = {
      accept: async () => {
        const ran = await stores.run(tenant, patchUser(id, { op: 'replace', path: 'title', value: `T${Math.floor(random() * 1e9)}` }));
        if (ran.kind === 'ok') newest = ran.committed.resource;
        expect(ran.kind).toBe('ok');
      },
      drain: () => drain(stores, tenant),
      drainUnkept: () => drain(stores, tenant, { keepsCopies: false }),
      evict: () => evict.run(redis, { resources: [keys.resource(id)], markerTtl_s: markerTtl_s(5_000) }),
      takeReading: async () => {
        const taken_us = await stores.redis.now_us();
        const document = await stores.mongo.collection('accounts').findOne({ _id: id, tenant });
        if (document) readings.push({ document, taken_us });
      },
      // As a process that read MongoDB a while ago, and was slow to keep it.
      fillOld: async () => {
        const reading = readings[Math.floor(random() * readings.length)];
        if (!reading) return;
        const { resource, version, born, modified_ms } = fromStored(reading.document);
        const copy = { id, document: writeDocument(resource), version, born, modified_us: modified_ms * 1_000, epoch: 1, gone: false };
        const kind = { type: 'User', stamp: reading.document.stamp, taken_us: reading.taken_us } as const;
        await fill.run(redis, { keys, ...copy, ...kind, fillAgeMax_ms: 60_000, settledTtl_s: 3_600 });
      },
    };
    const names = Object.keys(acts);
    const done: string[] = [];
    for (let step = 0; step < 120; step += 1) {
      const name = names[Math.floor(random() * names.length)]!;
      done.push(name);
      await acts[name]!();
      const view = await stores.reader.view(tenant, random() < 0.5 ? 'read' : 'write');
      const read = await stores.reader.resource(view, id);
      expect({ after: done.slice(-8), title: read?.resource.attributes.title }).toEqual({
        after: done.slice(-8),
        title: newest.attributes.title,
      });
    }
    // Deleted ones do not come back, either.
    await stores.run(tenant, deleteUser(id));
    await drain(stores, tenant, { keepsCopies: false });
    await acts.fillOld!();
    const view = await stores.reader.view(tenant, 'read');
    expect((await stores.reader.resource(view, id))?.resource.deleted).toBe(true);
  });
});
