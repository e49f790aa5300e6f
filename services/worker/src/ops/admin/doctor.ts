// /admin/v1/doctor: holds the live servers against what rollcall needs, and says what to mend.
import { TransientError } from '@rollcall/directory';
import { checkServer, type MongoLink, onMongo, onRedis } from '@rollcall/store';
import { z } from 'zod';
import type { AdminDeps } from './context.js';
import { type AdminRoute, route } from './route.js';

const FindingForm = z
  .object({
    check: z.string(),
    ok: z.boolean(),
    is: z.string(),
    fix: z.string().optional().describe('what to do about it, where it is not ok'),
  })
  .meta({ id: 'Finding' });
type Finding = z.infer<typeof FindingForm>;

export interface DoctorDeps extends AdminDeps {
  readonly durability: 'always' | 'everysec';
  /** Whether an operator has paused the queue `apply`; undefined if Redis does not say. */
  readonly pausedByOperator: () => Promise<boolean | undefined>;
}

export function doctorRoutes(deps: DoctorDeps): AdminRoute[] {
  const { redis, mongo } = deps;
  const checks: readonly [what: string, look: () => Promise<Finding[]>][] = [
    ['Redis', () => redisFindings(deps)],
    ['MongoDB', () => mongoFindings(mongo)],
    ['what is held', () => heldFindings(deps)],
    ['queue', () => queueFindings(deps)],
  ];
  return [
    route({
      method: 'GET',
      path: '/doctor',
      summary: 'Checks the settings of the live servers, and says what to mend',
      answers: { 200: z.object({ ok: z.boolean(), items: z.array(FindingForm) }) },
      handle: async () => {
        const found = await Promise.all(
          checks.map(([what, look]) =>
            look().catch((error: unknown) => {
              const is =
                !redis.availability.away || what === 'MongoDB'
                  ? `could not be looked at (${error instanceof Error ? error.name : 'error'})`
                  : 'away';
              return [finding(what, false, is, `is it there, and may we sign in? See /readyz and the worker's log`)];
            }),
          ),
        );
        const items = found.flat();
        return { status: 200, body: { ok: items.every(({ ok }) => ok), items } };
      },
    }),
  ];
}

async function redisFindings({ redis, durability }: AdminDeps & { readonly durability: 'always' | 'everysec' }): Promise<Finding[]> {
  const wrong = new Map((await onRedis(checkServer(redis.redis, durability))).map((finding) => [finding.setting, finding]));
  const settings = ['appendonly', 'appendfsync', 'maxmemory-policy'].map((setting) => {
    const { is, should } = wrong.get(setting) ?? {};
    return finding(
      `Redis ${setting}`,
      should === undefined,
      is ?? 'as it must be',
      `CONFIG SET ${setting} ${should}, and in its configuration file, or it is lost with a restart`,
    );
  });
  const [persistence, memory, replication] = await onRedis(
    Promise.all([redis.redis.info('persistence'), redis.redis.info('memory'), redis.redis.info('replication')]),
  );
  const writes = field(persistence, 'aof_last_write_status');
  const used = Number(field(memory, 'used_memory'));
  const most = Number(field(memory, 'maxmemory')) || Number(field(memory, 'total_system_memory'));
  const share = most > 0 ? used / most : 0;
  const role = field(replication, 'role');
  return [
    ...settings,
    finding(
      'Redis append-only file',
      writes === 'ok',
      writes || 'not known',
      'it can’t be written: look at the disk of Redis, and at its log',
    ),
    finding(
      'Redis memory',
      share < MEMORY_SHARE_MAX,
      `${Math.round(share * 100)} % used`,
      'give it more: from 70 % on writes are answered 503',
    ),
    finding('Redis role', role === 'master', role, 'REDIS_URL must lead to the primary'),
  ];
}

async function mongoFindings(link: MongoLink): Promise<Finding[]> {
  const hello = await onMongo(link.connection.db!.command({ hello: 1 }));
  const isSet = hello.setName !== undefined || hello.msg === 'isdbgrid';
  const members = Array.isArray(hello.hosts) ? hello.hosts.length : 1;
  const missing: string[] = [];
  for (const model of Object.values(link.models)) {
    const { toCreate } = await onMongo(model.diffIndexes());
    missing.push(...toCreate.map((keys) => `${model.collection.collectionName} ${JSON.stringify(keys)}`));
  }
  return [
    finding(
      'MongoDB replica set',
      isSet,
      isSet ? String(hello.setName ?? 'sharded') : 'none',
      'start mongod with --replSet and initiate it: transactions and majority writes need it',
    ),
    finding(
      'MongoDB primary',
      hello.isWritablePrimary === true,
      hello.isWritablePrimary === true ? 'answers' : 'none',
      'rs.status() says why there is none',
    ),
    // One member is enough to run, so this is said and no fault.
    finding('MongoDB members', true, members === 1 ? '1: nothing is lost with a crash, but with its disk' : String(members)),
    finding(
      'MongoDB indexes',
      missing.length === 0,
      missing.length === 0 ? 'all there' : `missing: ${missing.join(', ')}`,
      'restart the worker: it makes them, and says why where it can’t',
    ),
  ];
}

async function queueFindings({ pausedByOperator, mongo }: DoctorDeps): Promise<Finding[]> {
  const isPaused = await pausedByOperator();
  if (isPaused === undefined) throw new TransientError('Redis does not say whether the queue is paused', { away: 'redis' });
  if (!isPaused) return [finding('queue apply', true, 'running')];
  const known = await lastPause(mongo).catch(() => undefined); // the finding is worth telling without
  return [
    finding(
      'queue apply',
      false,
      known ? `paused by ${known.byName} at ${known.at.toISOString()}: only leavers are applied` : 'paused: only leavers are applied',
      'resume it on Bull Board (/queues)',
    ),
  ];
}

/** The newest line of the audit trail that says who paused the queue, or all queues. */
const lastPause = (mongo: MongoLink) =>
  onMongo(
    mongo
      .collection('audit')
      .find({ action: 'queue.paused', 'target.id': { $in: ['apply', 'all'] } })
      .sort({ _id: -1 })
      .limit(1)
      .maxTimeMS(PAUSE_LOOKUP_MS)
      .next(),
  );

async function heldFindings({ redis: link, keys }: AdminDeps): Promise<Finding[]> {
  const partitions = Array.from({ length: keys.partitions }, (_, number) => keys.partition(number));
  const counts = await onRedis(
    Promise.all(partitions.map(async (of) => [await link.redis.zcard(of.dead()), await link.redis.xlen(of.history())] as const)),
  );
  const dead = counts.reduce((sum, [count]) => sum + count, 0);
  const history = counts.reduce((sum, [, length]) => sum + length, 0);
  return [
    finding('dead letters', dead === 0, String(dead), 'rollcall dead-letter list says which and why'),
    finding(
      'history not yet in MongoDB',
      history < HISTORY_MAX,
      String(history),
      'MongoDB is away or slow, or no worker has the sweeper’s lease',
    ),
  ];
}

const finding = (check: string, ok: boolean, is: string, fix = ''): Finding => (ok ? { check, ok, is } : { check, ok, is, fix });
const field = (info: string, name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';

const MEMORY_SHARE_MAX = 0.6;
const HISTORY_MAX = 50_000;
const PAUSE_LOOKUP_MS = 1_000;
