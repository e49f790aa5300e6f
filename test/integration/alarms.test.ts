// Each alarm of deploy/prometheus/alerts.yml: its cause is made on real processes, and its expression is evaluated on what they export.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { makeKeys } from '@rollcall/store';
import { parse } from 'yaml';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { Scraped } from '../support/promql.js';
import { patchBody, userBody } from '../support/users.js';

jest.setTimeout(120_000);

interface Rule {
  readonly alert: string;
  readonly expr: string;
}
const file = path.resolve(__dirname, '../../deploy/prometheus/alerts.yml');
const { groups } = parse(readFileSync(file, 'utf8')) as { groups: readonly { readonly rules: readonly Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

const PARTITIONS = 4;
const env = {
  PARTITIONS: String(PARTITIONS),
  SWEEP_INTERVAL_MS: '50',
  LEASE_MS: '500',
  TOKEN_CHECK_INTERVAL_MS: '50',
  SIGN_IN_FAILURES_MAX: '100000',
};

/** What the causes work with. */
interface Scene {
  readonly cluster: Cluster;
  readonly acme: ReturnType<ReturnType<typeof makeKeys>['tenant']>;
  readonly keys: ReturnType<typeof makeKeys>;
  readonly okta: ReturnType<Cluster['client']>;
  readonly ops: (method: string, path: string, body?: unknown) => Promise<Response>;
  /** Ends what a cause began, after the alarm was seen. */
  readonly later: (undo: () => unknown) => void;
}
type Cause = (scene: Scene) => Promise<unknown>;

let unique = 0;
const aUser = (more: Record<string, unknown> = {}) => {
  unique += 1;
  return userBody(`user${unique}`, more);
};

/** A person whose account is in MongoDB, and whose copy is in Redis. */
async function anApplied({ cluster, okta }: Scene): Promise<string> {
  // The cause before this one may have ended just now.
  const { body } = await until(
    'a create',
    () => okta.create(aUser()),
    ({ status }) => status === 201,
  );
  await cluster.quiet();
  return body.id;
}

/** Stops a process of ours for the time of an alarm: it keeps its port and answers nothing. */
function freeze({ later }: Scene, pid: number | undefined): void {
  process.kill(pid!, 'SIGSTOP');
  later(() => process.kill(pid!, 'SIGCONT'));
}
const freezeWorker = (scene: Scene) => freeze(scene, scene.cluster.worker.pid());

async function loseADocument(scene: Scene): Promise<void> {
  const _id = await anApplied(scene);
  const { deletedCount } = await scene.cluster.db.collection<{ _id: string }>('accounts').deleteOne({ _id });
  expect(deletedCount).toBe(1);
}

const CAUSES: Readonly<Record<string, Cause>> = {
  RollcallWorkerGone: async (scene) => freezeWorker(scene),
  RollcallIngestGone: async (scene) => freeze(scene, scene.cluster.ingests[0]!.pid()),
  RollcallStoreAway: async ({ cluster, later }) => {
    await cluster.mongoServer!.freeze();
    later(() => cluster.mongoServer!.thaw());
  },
  RollcallLeaversWait: async (scene) => {
    const { cluster, okta } = scene;
    const id = await anApplied(scene);
    process.kill(cluster.worker.pid()!, 'SIGSTOP');
    await okta.patch(id, patchBody({ op: 'replace', path: 'active', value: false }));
    await new Promise((resolve) => setTimeout(resolve, 1_200)); // longer than the alarm allows
    process.kill(cluster.worker.pid()!, 'SIGCONT');
  },
  // The worker is frozen, so that only ingest can tell.
  RollcallBacklogOld: async (scene) => {
    const { cluster, okta, acme } = scene;
    freezeWorker(scene);
    await okta.create(aUser());
    await cluster.redis.zincrby(acme.partition.pending(), -61_000_000, 'acme');
  },
  RollcallBacklogLong: async (scene) => {
    const { cluster, acme, later } = scene;
    freezeWorker(scene);
    const script = "for n = 1, 100001 do redis.call('ZADD', KEYS[1], 1, 'Ux' .. n) end";
    await cluster.redis.eval(script, 1, acme.pending());
    await cluster.redis.zadd(acme.partition.pending(), Date.now() * 1_000, 'acme');
    later(async () => {
      await cluster.redis.zremrangebyscore(acme.pending(), 1, 1);
      await cluster.redis.zrem(acme.partition.pending(), 'acme');
    });
  },
  RollcallQueuePaused: async ({ ops, later }) => {
    expect((await ops('PUT', '/queues/api/queues/apply/pause')).status).toBe(200);
    later(() => ops('PUT', '/queues/api/queues/apply/resume'));
  },
  RollcallNobodySweeps: async ({ cluster, keys, later }) => {
    await cluster.redis.set(keys.sweeperLease(), 'another process, which hangs', 'PX', 60_000);
    later(() => cluster.redis.del(keys.sweeperLease()));
  },
  RollcallDeadLetters: async ({ cluster, okta, ops, later }) => {
    const validator = { validator: { 'attributes.title': { $ne: 'Forbidden' } }, validationLevel: 'strict', validationAction: 'error' };
    await cluster.db.command({ collMod: 'accounts', ...validator });
    await okta.create(aUser({ title: 'Forbidden' }));
    later(async () => {
      await cluster.db.command({ collMod: 'accounts', validator: {}, validationLevel: 'off' });
      await ops('POST', '/admin/v1/dead-letters/redrive', { all: true });
    });
  },
  RollcallHistoryPilesUp: async (scene) => {
    const { cluster, acme, later } = scene;
    freezeWorker(scene);
    await cluster.redis.eval("for n = 1, 50001 do redis.call('XADD', KEYS[1], '*', 'a', 'b') end", 1, acme.partition.history());
    later(() => cluster.redis.del(acme.partition.history()));
  },
  RollcallRedisMemory: async (scene) => {
    const { cluster, acme, later } = scene;
    const used = Number(/used_memory:(\d+)/.exec(await cluster.redis.info('memory'))![1]);
    await cluster.redis.config('SET', 'maxmemory', Math.round(used * 1.3));
    later(async () => {
      await cluster.redis.config('SET', 'maxmemory', 0);
      // Both processes look again after a moment: from then on writes are accepted, and copies kept.
      const isKept = async () => {
        const { status, body } = await scene.okta.create(aUser());
        if (status !== 201) return false;
        await cluster.quiet();
        return (await cluster.redis.hexists(acme.resource(body.id), 'doc')) === 1;
      };
      await until('memory to be free', isKept);
    });
  },
  RollcallStoresDiffer: loseADocument,
  RollcallAcceptedAgain: loseADocument,
  RollcallErrors: async (scene) => {
    const { cluster, okta, acme, later } = scene;
    const id = await anApplied(scene);
    await cluster.redis.hset(acme.resource(id), 'doc', '{'); // as no release of ours writes it
    expect((await okta.get(id)).status).toBe(500);
    later(() => cluster.redis.del(acme.resource(id)));
  },
  RollcallRefusals: async ({ cluster, okta, later }) => {
    await cluster.mongoServer!.freeze();
    later(() => cluster.mongoServer!.thaw());
    const isAway = async () => (await okta.list()).status === 503;
    await until('a list to be refused', isAway);
    for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 25 }, () => okta.list()));
  },
  RollcallTokensExpire: async ({ cluster, later }) => {
    const tokens = cluster.db.collection('tokens');
    const token = (await tokens.findOne({ tenant: 'acme' }))!;
    await tokens.updateOne({ _id: token._id }, { $set: { expiresAt: new Date(Date.now() + 3 * 86_400_000) } });
    later(() => tokens.updateOne({ _id: token._id }, { $set: { expiresAt: token.expiresAt } }));
  },
  RollcallTokensGuessed: async ({ cluster }) => {
    const url = `${cluster.ingests[0]!.url}/scim/v2/Users`;
    const guess = () => fetch(url, { headers: { Authorization: `Bearer rc_${'0'.repeat(40)}` } }).then((answer) => answer.text());
    for (let round = 0; round < 20; round += 1) await Promise.all(Array.from({ length: 25 }, guess));
  },
};

it('each alarm has a cause that is tried here', () => {
  expect(Object.keys(CAUSES)).toEqual(rules.map(({ alert }) => alert));
});

describe('an alarm fires for its cause, and was silent before', () => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startCluster({ ownServers: true, tenants: ['acme'], env });
  });
  afterAll(async () => cluster[Symbol.asyncDispose]());

  it.each(rules)('$alert', async ({ alert, expr }) => {
    const undone: (() => unknown)[] = [];
    const keys = makeKeys(cluster.prefix, PARTITIONS);
    const scene: Scene = {
      ...{ cluster, keys, acme: keys.tenant('acme'), okta: cluster.client('acme') },
      ops: (method, where, body) =>
        fetch(`${cluster.worker.url}${where}`, {
          method,
          headers: { Authorization: `Bearer ${cluster.operatorToken}`, 'Content-Type': 'application/json' },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      later: (undo) => undone.unshift(undo),
    };
    const scraped = new Scraped();
    let at_s = 0;
    const targets = { 'rollcall-ingest': cluster.ingestMetricsUrl, 'rollcall-worker': cluster.worker.url };
    const fires = async () => {
      at_s += SCRAPE_INTERVAL_S;
      for (const [job, url] of Object.entries(targets)) {
        const answer = fetch(`${url}/metrics`, { signal: AbortSignal.timeout(SCRAPE_TIMEOUT_MS) }).then((response) => response.text());
        scraped.add(at_s, { job, instance: url }, await answer.catch(() => undefined));
      }
      return scraped.evaluate(expr, at_s).length > 0;
    };
    await fires();
    await until('the alarm to be silent', fires, (isFiring) => !isFiring, 30_000);
    try {
      await CAUSES[alert]!(scene);
      await until(`${alert} to fire: ${expr}`, fires, Boolean, 60_000);
    } finally {
      for (const undo of undone) await undo();
    }
    await cluster.quiet();
  });
});

const SCRAPE_INTERVAL_S = 15;
const SCRAPE_TIMEOUT_MS = 3_000;
