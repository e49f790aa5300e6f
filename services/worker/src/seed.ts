// Makes a tenant and its token, where they are missing: `node dist/seed.js`, by `npm start` and by whoever sets up a first tenant.
import { ConfigError, loadConfig } from '@rollcall/config';
import { MongoLink, makeKeys, onMongo, RedisLink } from '@rollcall/store';
import { createLog, Stack } from '@rollcall/telemetry';
import { addToken, ensureTenant, isGuessable, Records, TenantId } from '@rollcall/tenancy';
import { prepare } from './prepare.js';
import { type Trouble, troubleOf } from './trouble.js';

const WAIT_MS = 30_000;

process.exitCode = await seed(process.env).then(
  () => 0,
  (error: unknown) => {
    process.stderr.write(`seed: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  },
);

async function seed(env: NodeJS.ProcessEnv): Promise<void> {
  const { ROLLCALL_SEED_TENANT: tenant, ROLLCALL_SEED_TOKEN: token } = env;
  if (!tenant || !token) throw new ConfigError(missing({ ROLLCALL_SEED_TENANT: tenant, ROLLCALL_SEED_TOKEN: token }));
  if (!TenantId.safeParse(tenant).success)
    throw new ConfigError([{ name: 'ROLLCALL_SEED_TENANT', expected: '1 to 63 lower-case letters, digits and hyphens' }]);
  const config = loadConfig(env);
  const log = createLog({ service: 'rollcall-seed', level: config.LOG_LEVEL });
  const last: { Redis?: Trouble; MongoDB?: Trouble } = {};
  const onError = (server: keyof typeof last, setting: string) => (error: Error) => {
    log.debug({ event: 'seed.connection.failed', server, error }, 'connection failed');
    const trouble = troubleOf(error);
    last[server] = trouble;
    if (trouble.refused) giveUp(`${server} refuses the connection: ${trouble.message}; check the credentials in ${setting}`);
  };
  // ioredis prints guesses there of what a refusal means; the refusal itself is told above.
  console.warn = () => undefined;
  const redis = new RedisLink({
    url: config.REDIS_URL,
    commandTimeout_ms: config.MONGO_TIMEOUT_MS,
    onError: onError('Redis', 'REDIS_URL'),
  });
  const mongo = new MongoLink({
    uri: config.MONGODB_URI,
    timeout_ms: config.MONGO_TIMEOUT_MS,
    historyDays: config.HISTORY_DAYS,
    onError: onError('MongoDB', 'MONGODB_URI'),
  });
  const records = new Records(redis, mongo, makeKeys(config.ROLLCALL_KEY_PREFIX, config.PARTITIONS));
  const stack = new Stack({ log, stopTimeout_ms: config.STOP_TIMEOUT_MS });
  const late = setTimeout(() => {
    const server = redis.up ? 'MongoDB' : 'Redis';
    const heard = last[server] === undefined ? '' : ` (${last[server].message})`;
    giveUp(`no answer from ${server} in ${WAIT_MS / 1_000} s${heard}: ${redis.up ? 'does it run, with a primary' : 'does it run'}?`);
  }, WAIT_MS);
  try {
    if (isGuessable(token))
      log.warn(
        { event: 'seed.token.guessable' },
        'ROLLCALL_SEED_TOKEN may be guessed: make a random one, as `openssl rand -base64 32` does',
      );
    await stack.start(redis, mongo);
    const deps = { redis, mongo, partitions: config.PARTITIONS, durability: config.DURABILITY, log };
    while (!(await mongo.ping())) await new Promise((resolve) => setTimeout(resolve, 100));
    await prepare(deps);
    const now = new Date();
    await records.writeTenant(await ensureTenant(mongo, { id: tenant }, now));
    const { hash } = await addToken(mongo, { tenant, name: 'seed', token, now });
    await records.writeToken((await onMongo(mongo.collection('tokens').findOne({ hash })))!);
    // Only once all records are there is a token's absence a proof.
    await records.rewriteAll();
  } finally {
    clearTimeout(late);
    await stack.stop();
  }
}

function giveUp(reason: string): never {
  process.stderr.write(`seed: ${reason}\n`);
  process.exit(1);
}

function missing(wanted: Record<string, string | undefined>) {
  const absent = Object.entries(wanted).filter(([, value]) => !value);
  return absent.map(([name]) => ({ name, expected: 'a value' }));
}
