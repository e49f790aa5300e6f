import { randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeContainersOf } from './engine.js';
import { errorCode, messageOf, OperatorError } from './errors.js';
import { type Exit, type GuardedProcess, spawnGuarded } from './guard.js';
import { type Identity, identify, isAlive, throughShell } from './identity.js';
import { type MongoServer, startMongo } from './mongo.js';
import { freePort, portProblem } from './ports.js';
import { type RedisServer, startRedis } from './redis.js';
import { findServers, type Source } from './sources.js';
import { banner } from './start/banner.js';
import { DEMO_TENANT, seedDemo } from './start/demo.js';
import { keptToken, lockDataDir, type Past, type RunFile, readPast, writePast, writeWhole } from './start/files.js';
import { freshLog, Service, waitUntilReady } from './start/service.js';
import { readSettings, type Settings } from './start/settings.js';
import { makeScreen } from './start/show.js';
import { type Supervised, type Supervision, supervise } from './supervise.js';
import { withoutSecrets } from './uri.js';

/** Main program of `npm start` and, with `--watch`, of `npm run dev`: this file alone reads the environment, hears signals and exits. */
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const say = (message: string) => void process.stdout.write(`rollcall: ${message}\n`);

/** Aborted by the first Ctrl-C: no new step of the start is taken. */
const stopping = new AbortController();
/** Aborted by the second: nobody is waited for any more. */
const hurry = new AbortController();
/** What is to be ended, in the order in which it was started; each is told by its name. */
const open: { name: string; stop(): Promise<void> }[] = [];
let supervisions: Supervision[] = [];

/** The data folder as it is shown, once it is known. */
let keptIn: string | undefined;

async function start(settings: Settings, { watching, verbose }: { watching: boolean; verbose: boolean }): Promise<void> {
  const { dataDir } = settings;
  const shown = path.relative(process.cwd(), dataDir) || '.';
  const screen = verbose ? await makeScreen(process.stdout) : undefined;
  await mkdir(path.join(dataDir, 'logs'), { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw new OperatorError(
      `The data folder ${dataDir} cannot be used (${errorCode(error) ?? messageOf(error)}): make it writable, or set ROLLCALL_DATA_DIR to another one.`,
    );
  });
  const unlock = lockDataDir(dataDir, shown);
  keptIn = shown;
  open.push({ name: 'lock', stop: async () => unlock() });

  const past = readPast(dataDir);
  await endLeftovers(past);
  await checkPorts(settings);
  const token = keptToken(path.join(dataDir, 'demo-token'), settings.demoToken, 'rc_');
  const operatorToken = keptToken(path.join(dataDir, 'operator-token'), settings.operatorToken, 'op_');

  // What the next start must know is on the disk before the process can have done anything.
  const ports = { redisPort: past.redisPort, mongoPort: past.mongoPort };
  const processes: Record<string, Identity> = {};
  const remember = (name: string) => (pid: number | undefined) => {
    if (pid !== undefined) processes[name] = identify(pid);
    writePast(dataDir, { ...ports, processes });
  };

  const found = await findServers({ env: process.env, progress: say, signal: stopping.signal });
  stopping.signal.throwIfAborted();
  const [redisDir, mongoDir] = [path.join(dataDir, 'redis'), path.join(dataDir, 'mongodb')];
  // Containers of a start that was killed; before the ports are looked at, as they still have them.
  if (found.redis.kind === 'docker') await removeContainersOf(redisDir);
  if (found.mongo.kind === 'docker') await removeContainersOf(mongoDir);
  ports.redisPort = await usablePort(past.redisPort);
  ports.mongoPort = await usablePort(past.mongoPort);
  const log = (name: string) => path.join(dataDir, 'logs', `${name}.log`);
  for (const name of ['redis', 'mongodb']) freshLog(log(name));
  say(`starting ${described('Redis', found.redis)} and ${described('MongoDB', found.mongo)}`);
  const servers = await Promise.allSettled([
    startRedis({
      source: found.redis,
      dir: redisDir,
      port: ports.redisPort,
      log: log('redis'),
      warn: say,
      onStart: remember('Redis'),
    }),
    startMongo({
      source: found.mongo,
      dir: mongoDir,
      port: ports.mongoPort,
      log: log('mongodb'),
      warn: say,
      onStart: remember('MongoDB'),
    }),
  ]);
  const [redis, mongo] = servers.map((one) => (one.status === 'fulfilled' ? one.value : undefined)) as [
    RedisServer | undefined,
    MongoServer | undefined,
  ];
  // MongoDB is ended last: Redis holds what MongoDB does not have yet, and the services are gone by then.
  for (const server of [mongo, redis]) if (server?.ours) keepAlive(server);
  const failed = servers.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  if (redis === undefined || mongo === undefined) return;
  stopping.signal.throwIfAborted();

  const env: NodeJS.ProcessEnv = {
    ...process.env,
    REDIS_URL: redis.url,
    MONGODB_URI: mongo.uri,
    INGEST_PORT: String(settings.ingestPort),
    OPS_PORT: String(settings.opsPort),
    INGEST_METRICS_PORT: String(settings.metricsPort),
    ROLLCALL_OPERATOR_TOKEN: operatorToken,
    ...(settings.publicUrl === undefined ? {} : { PUBLIC_URL: settings.publicUrl }),
  };
  delete env.ROLLCALL_DEMO_TOKEN; // the services know tokens by their hash alone
  const entryOf = (file: string) => path.join(ROOT, 'services', file);
  say(`setting up the tenant '${DEMO_TENANT}'`);
  await seedDemo({ entry: entryOf('worker/dist/seed.js'), token, env, log: freshLog(log('seed')), signal: stopping.signal });

  const urls = { ingest: `http://127.0.0.1:${settings.ingestPort}`, worker: `http://127.0.0.1:${settings.opsPort}` };
  let isReady = false;
  const update = () => {
    if (!isReady) return;
    const run: RunFile = {
      ingest: { url: urls.ingest, pid: ingest.service.pid, metricsUrl: `http://127.0.0.1:${settings.metricsPort}/metrics` },
      worker: { url: urls.worker, pid: worker.service.pid },
      redis: { url: redis.url, pid: redis.pid, container: redis.container },
      mongodb: { uri: mongo.uri, pid: mongo.pid, container: mongo.container },
    };
    writeWhole(path.join(dataDir, 'run.json'), `${JSON.stringify(run, null, 2)}\n`);
  };
  const service = async (name: 'ingest' | 'worker') => {
    const file = freshLog(log(name));
    const ends: Exit[] = [];
    const show = (line: string) => {
      file(line);
      screen?.line(line);
    };
    const one = new Service({ name, entry: entryOf(`${name}/dist/main.js`), env, cwd: ROOT, log: show, warn: say }, (pid) => {
      remember(name)(pid);
      update();
    });
    return { service: one, url: urls[name], ends: () => ends, onEnd: (exit: Exit) => void (isReady || ends.push(exit)) };
  };
  // Ended from the last to the first: ingest before worker.
  say('starting ingest and worker');
  const worker = await service('worker');
  const ingest = await service('ingest');
  for (const { service: one, onEnd } of [worker, ingest]) {
    await one.start();
    keepAlive(one, update, onEnd);
  }
  onRestart = update;
  await waitUntilReady([ingest, worker], stopping.signal);

  isReady = true;
  open.push({ name: 'run.json', stop: () => rm(path.join(dataDir, 'run.json'), { force: true }) });
  update();
  process.stdout.write(
    banner({
      dataDir: shown,
      logs: path.join(shown, 'logs'),
      servers: [redis, mongo].map(({ server }) => `${server.product} ${server.version}`).join(', '),
      ingestUrl: urls.ingest,
      opsUrl: urls.worker,
      publicUrl: settings.publicUrl,
      token,
      operatorToken,
      salt: randomBytes(3).toString('hex'),
    }),
  );
  process.stdout.write(`ready in ${(process.uptime()).toFixed(1)} s; Ctrl-C stops everything and keeps the data\n`);
  screen?.open();
  if (watching) await watchSources([ingest.service, worker.service]);
}

/** Where a server comes from, in a few words. */
function described(name: string, source: Source): string {
  if (source.kind === 'url') return `${name} (the one at ${withoutSecrets(source.url)})`;
  if (source.kind === 'docker') return `${name} (${source.image}, in Docker)`;
  return `${name} (${source.server.product} ${source.server.version}, ${source.path})`;
}

/** What is to be done when Redis or MongoDB runs as another process. */
let onRestart = () => {};

function keepAlive(server: Supervised, restarted: () => void = () => onRestart(), onEnd?: (exit: Exit) => void): void {
  const supervision = supervise(server, { log: say, onRestart: restarted, onEnd });
  supervisions.push(supervision);
  open.push({
    name: server.name,
    stop: () => supervision.stop({ deadline_ms: server instanceof Service ? 30_000 : 20_000, hurry: hurry.signal }),
  });
}

/** Ends everything, the last first. Every end is tried, whatever became of the others. */
async function stop(): Promise<void> {
  stopping.abort();
  for (const supervision of supervisions) supervision.release(); // nobody is started again behind our back
  supervisions = [];
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    await one.stop().catch((error: unknown) => say(`${one?.name} could not be ended in order: ${messageOf(error)}`));
  }
}

/** Processes of a start that was killed: their guardians end them, but two servers must never be at the same data. */
async function endLeftovers({ processes = {} }: Past): Promise<void> {
  const alive = () => Object.entries(processes).filter(([, identity]) => isAlive(identity));
  if (alive().length > 0)
    say(
      `waiting for what an earlier start left behind: ${alive()
        .map(([name, { pid }]) => `${name} (pid ${pid})`)
        .join(', ')}`,
    );
  const end = Date.now() + 4_000;
  while (alive().length > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const [, { pid }] of alive()) process.kill(pid, 'SIGKILL');
  while (alive().length > 0 && Date.now() < end + 4_000) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function checkPorts({ ingestPort, opsPort, metricsPort }: Settings): Promise<void> {
  const ports = [
    [ingestPort, 'INGEST_PORT'],
    [opsPort, 'OPS_PORT'],
    [metricsPort, 'INGEST_METRICS_PORT'],
  ] as const;
  for (const [port, setting] of ports) {
    const problem = await portProblem(port);
    if (problem === 'forbidden') throw new OperatorError(`Port ${port} may not be used by this user: set ${setting} to one from 1024 on.`);
    if (problem !== undefined)
      throw new OperatorError(
        `Port ${port} is in use: end the program that has it, or set ${setting} to a free one, e.g. ${setting}=${await freePort()} npm start`,
      );
  }
}

/** The port of the time before, so that what people noted down still holds; another one where somebody has it. */
const usablePort = async (port: number | undefined): Promise<number> =>
  port !== undefined && (await portProblem(port)) === undefined ? port : freePort();

/** Compiles on each change, and ends the services whose code has changed: their supervision starts them again. */
async function watchSources(services: readonly Service[]): Promise<void> {
  const compiler: GuardedProcess = await spawnGuarded({
    name: 'compiler',
    command: process.execPath,
    args: [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-b', '--watch', '--preserveWatchOutput'],
    env: process.env,
    cwd: ROOT,
    log: (line) => void process.stdout.write(`tsc: ${line}\n`),
    group: true,
  });
  open.push({ name: 'compiler', stop: async () => void (await compiler.stop({ deadline_ms: 2_000 })) });
  let timer: NodeJS.Timeout | undefined;
  let changed = new Set<Service>();
  for (const folder of ['services', 'shared']) {
    const watcher = watch(path.join(ROOT, folder), { recursive: true }, (_, file) => {
      if (file === null || !/[/\\]dist[/\\].*\.(js|lua)$/.test(file) || /node_modules/.test(file)) return;
      for (const one of services) if (folder === 'shared' || file.startsWith(`${one.name}${path.sep}`)) changed.add(one);
      clearTimeout(timer);
      timer = setTimeout(() => {
        const now = changed;
        changed = new Set();
        for (const one of now) void one.stop({ because: 'after a change' }).catch((error: unknown) => say(messageOf(error)));
      }, 300);
    });
    open.push({ name: 'watcher', stop: async () => watcher.close() });
  }
}

async function main(): Promise<void> {
  if (process.platform === 'win32') throw new OperatorError('rollcall starts on Linux and macOS: on Windows, run it inside WSL.');
  const watching = process.argv.includes('--watch');
  await start(readSettings(process.env, process.cwd()), { watching, verbose: watching || process.argv.includes('--verbose') });
}

let ending: Promise<void> | undefined;
let endedAt_ms = 0;

/** Ends everything, also what a start that was cut short still had in hand, and then this process. */
function end(code: number): Promise<void> {
  stopping.abort();
  ending = stop()
    .then(() => Promise.race([started, new Promise((resolve) => setTimeout(resolve, 5_000))]))
    .then(stop)
    .then(() => {
      if (code === 0) say(keptIn === undefined ? 'stopped' : `stopped; data kept in ${keptIn}`);
      process.exit(code);
    });
  return ending;
}

function onSignal(): void {
  if (ending === undefined) {
    endedAt_ms = performance.now();
    say('stopping: ingest, worker, Redis, MongoDB');
    void end(0);
    return;
  }
  // npm passes on the Ctrl-C that the terminal has sent us already: what comes at the same moment is the same one.
  if (performance.now() - endedAt_ms < 500 || hurry.signal.aborted) return;
  say('stopping at once');
  hurry.abort();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, onSignal);
process.stdout.on('error', () => {}); // whoever read it is gone; that is no reason to end

// npm that was killed cannot pass on anything: whoever started us with it wants us gone, too.
if (process.env.npm_lifecycle_event !== undefined) {
  const npm = () => throughShell(process.ppid);
  const first = npm();
  setInterval(() => npm() !== first && ending === undefined && onSignal(), 500).unref();
}

function fail(error: unknown): void {
  if (ending !== undefined) return; // what was interrupted has nothing to say
  process.stderr.write(`rollcall: ${error instanceof OperatorError ? error.message : error instanceof Error ? error.stack : error}\n`);
  void end(1);
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);

const started = main().catch(fail);
