import { randomUUID } from 'node:crypto';
import type { Decision, Versioned } from '@rollcall/directory';
import { openStores, type Ran } from '../support/stores.js';
import { createUser, deleteUser } from '../support/users.js';

const committed = (ran: Ran): Versioned => {
  if (ran.kind !== 'ok') throw new Error(`expected ok, got ${JSON.stringify(ran)}`);
  return ran.committed;
};

// What hinted at a stage from each of its members stayed for good, with every attempt of a request that met another one.
it('a commit of many members that conflicts leaves nothing behind', async () => {
  await using stores = await openStores();
  await stores.tenant('acme');
  const view = await stores.reader.view('acme', 'write');
  const account = { preservedBy: [], origin: 'scim', managedBy: 'scim' } as const;
  const next = { type: 'Group', id: randomUUID(), created: '2026-01-01T00:00:00Z', deleted: false, attributes: {}, account } as const;
  const changes = Array.from({ length: 1_500 }, () => ({ id: randomUUID(), type: 'User' as const, present: true }));
  const premises = { version: 7, others: [], entries: [] };
  const decision: Extract<Decision, { kind: 'accept' }> = {
    ...{ kind: 'accept', operation: 'replace', next, premises, urgent: false },
    members: { replaced: true, changes },
  };
  const request = { requestKey: randomUUID(), requestId: 'r', by: 't', stamp: 's', at: '2026-01-01T00:00:00Z' };
  const before = await stores.redis.redis.keys(`${stores.corner.prefix}:*`);
  const outcome = await stores.committer.commit(view, decision, { ...request, deadline: performance.now() + 5_000 });
  expect(outcome).toMatchObject({ kind: 'conflict', what: 'version' });
  expect((await stores.redis.redis.keys(`${stores.corner.prefix}:*`)).sort()).toEqual(before.sort());
});

// Only a POST voided the memberships of before; whether they came back otherwise hung on whether the worker had been there.
it('whom an administrator brings back comes back without the groups of before', async () => {
  await using stores = await openStores();
  await stores.tenant('acme');
  const { id } = committed(await stores.run('acme', createUser('ada'))).resource;
  await stores.run('acme', { kind: 'preserve', type: 'User', id });
  await stores.run('acme', deleteUser(id));
  const back = committed(await stores.run('acme', { kind: 'reactivate', type: 'User', id }));
  expect(back.resource.deleted).toBe(false);
  expect(back.since).toBe(back.version);
  const view = await stores.reader.view('acme', 'read');
  expect((await stores.reader.resource(view, id))?.since).toBe(back.version);
});
