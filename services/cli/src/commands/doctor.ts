// Is everything set as it must be? Asks the worker, which knows what it needs; where it does not answer, the servers themselves.
import { CliError, type Command, type Context, EXIT, Refused } from '../command.js';
import { type Finding, readWaiting, storeSettings, withMongo, withRedis } from '../direct.js';
import { span } from '../time.js';

export const doctorCommands: readonly Command[] = [
  {
    usage: 'doctor',
    summary: 'check the settings of the live servers, and say what to mend; exit code 1 if anything is wrong',
    options: [['--direct', 'ask Redis and MongoDB themselves, by REDIS_URL and MONGODB_URI: works without a worker']],
    run: async (given, context) => {
      const findings = given.direct === true ? await direct(context) : await byWorker(context);
      context.out.table(
        context.out.json ? findings : findings.map((finding) => ({ ...finding, '': finding.ok ? 'ok' : 'NOT OK', fix: finding.fix ?? '' })),
        ['', 'check', 'is', 'fix'],
        'Nothing was checked.',
      );
      return findings.every(({ ok }) => ok) ? EXIT.done : EXIT.refused;
    },
  },
];

async function byWorker(context: Context): Promise<Finding[]> {
  try {
    const { items } = await (await context.api()).ask('GET', '/doctor');
    const worker: Finding = { check: 'worker', ok: true, is: 'answers' };
    return [worker, ...((Array.isArray(items) ? items : []) as Finding[])];
  } catch (error) {
    const isAway = error instanceof CliError && error.exitCode === EXIT.away;
    if (!isAway && !(error instanceof Refused && error.status >= 500)) throw error;
    const fix = isAway ? 'start a worker, and set ROLLCALL_ADMIN_URL to its operations port' : 'see its log';
    const worker: Finding = { check: 'worker', ok: false, is: isAway ? 'does not answer' : error.message, fix };
    const { REDIS_URL, MONGODB_URI } = context.env;
    return [worker, ...(REDIS_URL || MONGODB_URI ? await direct(context) : [])];
  }
}

async function direct(context: Context): Promise<Finding[]> {
  const config = await storeSettings(context);
  const { REDIS_URL, MONGODB_URI } = context.env;
  const found = await Promise.all([
    REDIS_URL ? ofRedis(config.REDIS_URL, config.DURABILITY) : [],
    MONGODB_URI ? ofMongo(config.MONGODB_URI) : [],
    // Where Redis does not answer, the line about Redis says so.
    REDIS_URL ? ofWork(config).catch(() => []) : [],
  ]);
  return found.flat();
}

/** Is there a worker, and what waits for it? */
async function ofWork(config: Awaited<ReturnType<typeof storeSettings>>): Promise<Finding[]> {
  const { tenants, hasWorker } = await readWaiting(config);
  const pending = tenants.reduce((sum, tenant) => sum + tenant.pending, 0);
  const oldest_ms = tenants.reduce((oldest, { oldestPending_ms }) => Math.max(oldest, oldestPending_ms), 0);
  const dead = tenants.reduce((sum, tenant) => sum + tenant.dead, 0);
  const waits = `${pending} pending${pending > 0 ? `, the oldest for ${span(oldest_ms)}` : ''}`;
  return [
    hasWorker
      ? { check: 'worker’s lease', ok: true, is: 'held' }
      : { check: 'worker’s lease', ok: false, is: 'held by no worker', fix: 'start a worker: without one nothing is written to MongoDB' },
    oldest_ms < OLDEST_MAX_MS
      ? { check: 'backlog', ok: true, is: waits }
      : {
          check: 'backlog',
          ok: false,
          is: waits,
          fix: 'is a worker running, and MongoDB there? rollcall status --direct says which tenants wait',
        },
    dead === 0
      ? { check: 'dead letters', ok: true, is: '0' }
      : { check: 'dead letters', ok: false, is: String(dead), fix: 'rollcall dead-letter list, as soon as a worker runs' },
  ];
}

async function ofRedis(url: string, durability: string): Promise<Finding[]> {
  const wanted: [setting: string, fits: (is: string) => boolean, should: string][] = [
    ['appendonly', (is) => is === 'yes', 'yes'],
    ['appendfsync', (is) => is === 'always' || is === durability, durability],
    ['maxmemory-policy', (is) => is === 'noeviction', 'noeviction'],
  ];
  try {
    return await withRedis(url, async (redis) => {
      const findings: Finding[] = [];
      for (const [setting, fits, should] of wanted) {
        const [, is = ''] = (await redis.config('GET', setting)) as string[];
        const check = `Redis ${setting}`;
        findings.push(
          fits(is)
            ? { check, ok: true, is }
            : { check, ok: false, is, fix: `CONFIG SET ${setting} ${should}, and the same in its configuration file` },
        );
      }
      return findings;
    });
  } catch {
    return [{ check: 'Redis', ok: false, is: 'does not answer', fix: 'check that it runs, and the address and credentials in REDIS_URL' }];
  }
}

async function ofMongo(uri: string): Promise<Finding[]> {
  try {
    return await withMongo(uri, async (db) => {
      const hello = await db.command({ hello: 1 });
      const isSet = hello.setName !== undefined || hello.msg === 'isdbgrid';
      const names = hello.isWritablePrimary
        ? await db
            .collection('accounts')
            .indexes()
            .catch(() => [])
        : [];
      const indexed = names.some(({ name }) => name === NAME_INDEX);
      return [
        isSet
          ? { check: 'MongoDB replica set', ok: true, is: String(hello.setName ?? 'sharded') }
          : {
              check: 'MongoDB replica set',
              ok: false,
              is: 'none',
              fix: 'start mongod with --replSet and initiate it; a single node is enough',
            },
        hello.isWritablePrimary
          ? { check: 'MongoDB primary', ok: true, is: 'answers' }
          : { check: 'MongoDB primary', ok: false, is: 'none', fix: 'rs.status() says why there is none' },
        indexed
          ? { check: 'MongoDB indexes', ok: true, is: 'names are unique' }
          : { check: 'MongoDB indexes', ok: false, is: `accounts has no ${NAME_INDEX}`, fix: 'start the worker: it makes them' },
      ];
    });
  } catch {
    return [
      { check: 'MongoDB', ok: false, is: 'does not answer', fix: 'check that it runs, and the address and credentials in MONGODB_URI' },
    ];
  }
}

const NAME_INDEX = 'tenant_1_nameKey_1';
/** How long a change may wait before the doctor finds fault with it. */
const OLDEST_MAX_MS = 60_000;
