// Is everything set as it must be? Asked of the worker, which knows what it needs; and of the servers themselves, where it can't be asked.
import type { JsonObject } from '../api.js';
import { CliError, type Command, type Context, EXIT } from '../command.js';

type Finding = JsonObject & { readonly check: string; readonly ok: boolean; readonly is: string; readonly fix?: string };

export const doctorCommands: readonly Command[] = [
  {
    usage: 'doctor',
    summary: 'check the settings of the live servers, and say what to mend; exit code 1 where something is',
    options: [['--direct', 'ask Redis and MongoDB themselves, by REDIS_URL and MONGODB_URI']],
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
    if (!(error instanceof CliError) || error.exitCode !== EXIT.away) throw error;
    const worker: Finding = {
      check: 'worker',
      ok: false,
      is: error.message,
      fix: 'is the worker started, and ROLLCALL_ADMIN_URL its operations port?',
    };
    const { REDIS_URL, MONGODB_URI } = context.env;
    return [worker, ...(REDIS_URL || MONGODB_URI ? await direct(context) : [])];
  }
}

async function direct({ env }: Context): Promise<Finding[]> {
  const { REDIS_URL, MONGODB_URI } = env;
  if (!REDIS_URL && !MONGODB_URI) throw new CliError('set REDIS_URL and MONGODB_URI, as the services have them', EXIT.usage);
  const found = await Promise.all([
    REDIS_URL ? ofRedis(REDIS_URL, env.DURABILITY || 'always') : [],
    MONGODB_URI ? ofMongo(MONGODB_URI) : [],
  ]);
  return found.flat();
}

async function ofRedis(url: string, durability: string): Promise<Finding[]> {
  const { Redis } = await import('ioredis'); // drivers take their time to load, and no other command needs them
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: WAIT_MS,
    commandTimeout: WAIT_MS,
    retryStrategy: null,
    maxRetriesPerRequest: 0,
  });
  redis.on('error', () => undefined); // said below
  const wanted: [setting: string, fits: (is: string) => boolean, should: string][] = [
    ['appendonly', (is) => is === 'yes', 'yes'],
    ['appendfsync', (is) => is === 'always' || is === durability, durability],
    ['maxmemory-policy', (is) => is === 'noeviction', 'noeviction'],
  ];
  try {
    await redis.connect();
    const findings: Finding[] = [];
    for (const [setting, fits, should] of wanted) {
      const [, is = ''] = (await redis.config('GET', setting)) as string[];
      const check = `Redis ${setting}`;
      findings.push(
        fits(is)
          ? { check, ok: true, is }
          : { check, ok: false, is, fix: `CONFIG SET ${setting} ${should}, and in its configuration file` },
      );
    }
    return findings;
  } catch {
    return [{ check: 'Redis', ok: false, is: 'does not answer', fix: 'is it there, and does REDIS_URL lead to it?' }];
  } finally {
    redis.disconnect();
  }
}

async function ofMongo(uri: string): Promise<Finding[]> {
  const { createConnection } = await import('mongoose');
  const connection = createConnection();
  try {
    await connection.openUri(uri, { serverSelectionTimeoutMS: WAIT_MS, connectTimeoutMS: WAIT_MS, autoIndex: false, autoCreate: false });
    const hello = await connection.db!.command({ hello: 1 });
    const isSet = hello.setName !== undefined || hello.msg === 'isdbgrid';
    const names = hello.isWritablePrimary
      ? await connection
          .db!.collection('accounts')
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
  } catch {
    return [{ check: 'MongoDB', ok: false, is: 'does not answer', fix: 'is it there, and does MONGODB_URI lead to it?' }];
  } finally {
    await connection.close(true).catch(() => undefined);
  }
}

const WAIT_MS = 3_000;
const NAME_INDEX = 'tenant_1_nameKey_1';
