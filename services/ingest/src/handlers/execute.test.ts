import { type Command, type Resource, TransientError, type Versioned } from '@rollcall/directory';
import type { Doorbell } from '@rollcall/queue';
import { CORE_TYPES, parsePatch, type ResourceTypes, ScimError, USER, USER_URN, withUserPrincipalName } from '@rollcall/scim';
import type { CommitOutcome, CommitRequest, TenantView } from '@rollcall/store';
import { createMetrics } from '@rollcall/telemetry';
import { CommandQueue } from '../command-queue.js';
import { type Asked, createCommand } from '../validate/body.js';
import { type ExecuteDeps, makeExecute } from './execute.js';

const ID = '01932c07-2f4e-7cde-8a90-1234567890ab';
const ADA: Resource = {
  type: 'User',
  id: ID,
  created: '2026-01-01T00:00:00.000Z',
  deleted: false,
  attributes: { userName: 'ada' },
  account: { preservedBy: [], origin: 'scim', managedBy: 'scim' },
};
const at = (version: number, resource: Resource = ADA): Versioned => ({ resource, version, born: 1, modified_ms: 0 });
const patch = (value: object, ifMatch?: string): Command => ({
  kind: 'patch',
  type: 'User',
  id: ID,
  operations: parsePatch(USER, { Operations: [{ op: 'replace', value: { ...value } }] }),
  ...(ifMatch === undefined ? {} : { ifMatch }),
});
const create: Command = { kind: 'create', type: 'User', attributes: { userName: 'grace' } };
const CALLER = { tenant: 'acme', credential: 't1', settings: 1 };

/** Answers each commit by the next outcome; the last one stays. */
function setUp(
  outcomes: (CommitOutcome['kind'] | Error)[],
  more: Partial<ExecuteDeps> & { settings?: number; current?: () => Versioned } = {},
) {
  const commits: CommitRequest[] = [];
  const rings: Doorbell[] = [];
  const log: string[] = [];
  let views = 0;
  const execute = makeExecute({
    reader: {
      async view(tenant) {
        views += 1;
        return { tenant, complete: true, settings: more.settings ?? 1 } as TenantView;
      },
      resource: async () => (more.current ?? (() => at(7)))(),
      resources: async () => new Map(),
      entries: async (_view, fields) => new Map(fields.map((field) => [field, { raw: '', ids: [] }])),
    },
    rules: { of: async () => undefined, deployment: CORE_TYPES },
    memberships: {
      named: async () => new Map(),
      count: async () => 0,
      all: async () => [],
      above: async () => new Set(),
      hasAnyone: async () => false,
    },
    committer: {
      async commit(_view, decision, request): Promise<CommitOutcome> {
        commits.push(request);
        log.push('commit');
        const outcome = outcomes[Math.min(commits.length, outcomes.length) - 1]!;
        if (outcome instanceof Error) throw outcome;
        if (outcome === 'ok') return { kind: 'ok', committed: at(8, decision.next), ring: true };
        if (outcome === 'full') return { kind: 'full', of: 'resources' };
        return outcome === 'conflict' ? { kind: 'conflict', what: 'version' } : { kind: outcome };
      },
    },
    ringer: {
      async ring(doorbell) {
        log.push('ring');
        rings.push(doorbell);
      },
    },
    memory: { mayAccept: async () => true },
    metrics: createMetrics({ process: false }),
    queue: new CommandQueue(),
    tell: { accepted: () => undefined, refused: () => undefined, skipped: () => undefined },
    readmit: async () => void log.push('readmit'),
    newId: () => ID,
    now: () => new Date(0),
    random: () => 0,
    fault: (name) => void log.push(name),
    deadline_ms: 1_000,
    resourceBytesMax: 1_000,
    ...more,
  });
  const ask = (asked: Asked) => execute(CALLER, asked, 'r1');
  return { ask, run: (command: Command) => ask(() => command), commits, rings, log, views: () => views };
}

describe('carrying out a command', () => {
  it('commits, then rings for the tenant, with a fault point between', async () => {
    const { run, log, rings } = setUp(['ok']);
    expect(await run(create)).toMatchObject({ operation: 'create', versioned: { version: 8 } });
    expect(log).toEqual(['commit', 'before ring', 'ring']);
    expect(rings).toEqual([{ tenant: 'acme' }]);
  });

  it('rings for a leaver by itself, besides', async () => {
    const { run, rings } = setUp(['ok']);
    await run(patch({ active: false }));
    expect(rings).toEqual([{ tenant: 'acme', type: 'User', id: ID, version: 8, requestId: 'r1' }, { tenant: 'acme' }]);
  });

  it('commits nothing, and rings for nobody, where nothing changes', async () => {
    const { run, log } = setUp(['ok']);
    expect(await run(patch({ active: true }))).toMatchObject({ operation: 'unchanged', versioned: { version: 7 } });
    expect(log).toEqual([]);
  });

  it('decides again after a conflict and after a fresh head, with a new view under the same request key', async () => {
    const { run, commits, views } = setUp(['conflict', 'fresh', 'ok']);
    await run(patch({ title: 'x' }));
    expect(views()).toBe(3);
    expect(new Set(commits.map(({ requestKey }) => requestKey)).size).toBe(1);
    expect(new Set(commits.map(({ deadline }) => deadline)).size).toBe(1);
  });

  it('reads what was asked for anew, where the tenant has other types by the time it is decided', async () => {
    const more = withUserPrincipalName(CORE_TYPES);
    const read: ResourceTypes[] = [];
    const rules = { recycledIdentity: 'reactivate' as const };
    const settled = [CORE_TYPES, more].map((types) => ({ rules, types }));
    const of = async (_tenant: string, revision: number) => settled[revision - 1];
    const { ask } = setUp(['conflict', 'ok'], { settings: 2, rules: { of, deployment: CORE_TYPES } });
    const { versioned, types } = await ask((by) => {
      read.push(by.types);
      return createCommand('User', { schemas: [USER_URN], userName: 'ada', userPrincipalName: 'ada@corp' }, by);
    });
    expect(versioned.resource.attributes).toMatchObject({ userPrincipalName: 'ada@corp' });
    expect([read, types]).toEqual([[CORE_TYPES, more], more]);
  });

  it('gives up after 8 conflicts: 503, or 412 where the client sent If-Match', async () => {
    const plain = setUp(['conflict']);
    await expect(plain.run(patch({ title: 'x' }))).rejects.toMatchObject({ name: 'TransientError', retryAfter_s: 1 });
    expect(plain.commits).toHaveLength(8);
    await expect(setUp(['conflict']).run(patch({ title: 'x' }, 'W/"7"'))).rejects.toMatchObject({ status: 412 });
  });

  it('judges If-Match again by what is there after a conflict', async () => {
    const versions = [7, 8];
    const { run, commits } = setUp(['conflict', 'ok'], { current: () => at(versions.shift() ?? 0) });
    await expect(run(patch({ title: 'x' }, 'W/"7"'))).rejects.toMatchObject({ status: 412 });
    expect(commits).toHaveLength(1);
  });

  it('answers 429 at the backlog cap, and 503 where memory is short, but lets a leaver pass', async () => {
    await expect(setUp(['full']).run(create)).rejects.toMatchObject({ status: 429, retryAfter_s: 5 });
    const short = setUp(['ok'], { memory: { mayAccept: async (urgent) => urgent } });
    await expect(short.run(create)).rejects.toMatchObject({ status: 503, retryAfter_s: 5 });
    await expect(short.run(patch({ active: false }))).resolves.toMatchObject({ operation: 'patch' });
  });

  it('asks for no entry before the first commit of a create, and for all where that meets somebody', async () => {
    const seen: string[][] = [];
    const view = { tenant: 'acme', complete: true, settings: 1 } as TenantView;
    const readsOf = (complete: boolean) => ({
      view: async () => ({ ...view, complete }),
      resource: async () => undefined,
      resources: async () => new Map(),
      entries: async (_view: TenantView, fields: readonly string[]) => {
        seen.push([...fields]);
        return new Map(fields.map((field) => [field, { raw: '', ids: [] }])) as never;
      },
    });
    await setUp(['ok'], { reader: readsOf(true) }).run(create);
    expect(seen).toEqual([]);
    const met = setUp(['conflict', 'ok'], { reader: readsOf(true) });
    await met.run(create);
    expect(seen).not.toEqual([]);
    expect(met.commits).toHaveLength(2);
    seen.length = 0;
    await setUp(['ok'], { reader: readsOf(false) }).run(create);
    expect(seen).not.toEqual([]); // an index that is not complete proves no absence
  });

  it('does not decide again where the outcome is unknown', async () => {
    const { run, commits } = setUp([new TransientError('not known', { away: 'redis' }), 'ok']);
    await expect(run(create)).rejects.toBeInstanceOf(TransientError);
    expect(commits).toHaveLength(1);
  });

  it('answers within its deadline, whatever hangs', async () => {
    const hanging = setUp(['ok'], { deadline_ms: 10, committer: { commit: () => new Promise(() => undefined) } });
    const began = performance.now();
    await expect(hanging.run(create)).rejects.toBeInstanceOf(TransientError);
    await expect(hanging.run(create)).rejects.toBeInstanceOf(TransientError); // waits behind the first
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('asks again whether the tenant may, where its settings have changed since it was let in', async () => {
    const readmit = async () => Promise.reject(new ScimError(403, undefined, 'suspended'));
    const { run, commits } = setUp(['ok'], { settings: 2, readmit });
    await expect(run(create)).rejects.toMatchObject({ status: 403 });
    expect(commits).toEqual([]);
  });

  it('refuses a patch that would make the resource too large: 413', async () => {
    await expect(setUp(['ok']).run(patch({ title: 'x'.repeat(1_000) }))).rejects.toMatchObject({ status: 413 });
  });

  it('throws what the decision refuses', async () => {
    const gone = setUp(['ok'], { current: () => at(7, { ...ADA, deleted: true }) });
    await expect(gone.run(patch({ title: 'x' }))).rejects.toMatchObject({ status: 404 });
  });
});
