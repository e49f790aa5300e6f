/**
 * Goal: what a first user meets. One command starts four processes that heal by themselves, and one Ctrl-C ends them in order.
 * Method: the real start.js with real servers, and stand-ins for the two services, so that only what start.js promises is asked.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { findServers, freePort } from '@rollcall/servers';
import { Redis } from 'ioredis';
import { kill, type Place, runs } from '../support/running.js';

const repository = path.resolve(__dirname, '../..');
/** An engine that does not answer: servers are then programs of this machine. */
const PROGRAMS = { DOCKER_HOST: 'tcp://127.0.0.1:1' };
const NAMES = ['ingest', 'worker', 'redis', 'mongodb'] as const;
type Run = Record<(typeof NAMES)[number], Place & { url?: string; uri?: string }>;

jest.setTimeout(180_000); // containers take long to start on a busy machine

let root: string;
let dataDir: string;
let ports: { INGEST_PORT: string; OPS_PORT: string; INGEST_METRICS_PORT: string };
const started: Start[] = [];

beforeAll(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'rollcall-start-'));
  const servers = path.join(root, 'shared/servers');
  for (const part of ['dist', 'package.json', 'fetch-mongod.mjs'])
    cpSync(path.join(repository, 'shared/servers', part), path.join(servers, part), { recursive: true });
  symlinkSync(path.join(repository, 'node_modules'), path.join(root, 'node_modules'));
  writeStandIn('ingest/dist/main.js', service('INGEST_PORT'));
  writeStandIn('worker/dist/main.js', service('OPS_PORT'));
  writeStandIn('worker/dist/seed.js', SEED);
});

beforeEach(async () => {
  dataDir = mkdtempSync(path.join(root, 'data-'));
  const [ingest, ops, metrics] = [await freePort(), await freePort(), await freePort()].map(String);
  ports = { INGEST_PORT: ingest!, OPS_PORT: ops!, INGEST_METRICS_PORT: metrics! };
});

afterEach(async () => {
  for (const { process, exit } of started.splice(0)) {
    process.kill('SIGKILL');
    await exit;
  }
  await until(nothingOfThePastRuns);
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('npm start', () => {
  it('starts servers and services, says what a first user needs, ends in order on one SIGINT, and finds its data again', async () => {
    const start = await ready();
    const run = runFile();
    expect(statSync(path.join(dataDir, 'run.json')).mode & 0o777).toBe(0o600);
    expect(start.output()).toContain(`http://127.0.0.1:${ports.INGEST_PORT}/scim/v2`);
    const token = readFileSync(path.join(dataDir, 'demo-token'), 'utf8').trim();
    expect(token).toMatch(/^rc_[\w-]{43}$/);
    expect(statSync(path.join(dataDir, 'demo-token')).mode & 0o777).toBe(0o600);
    expect(start.output()).toContain(token);
    const seed = JSON.parse(readFileSync(path.join(dataDir, 'logs/seed.log'), 'utf8')) as Record<string, string>;
    expect(seed).toMatchObject({
      ROLLCALL_SEED_TENANT: 'demo',
      ROLLCALL_SEED_TOKEN: token,
      REDIS_URL: run.redis.url,
      MONGODB_URI: run.mongodb.uri,
    });
    // The curl line is run as it is printed.
    const line = start
      .output()
      .split('\n')
      .find((one) => one.startsWith('curl '))!;
    const echoed = JSON.parse(execFileSync('/bin/sh', ['-c', line.replace('curl -i', 'curl -s')], { encoding: 'utf8' })) as Record<
      string,
      string
    >;
    expect(echoed).toMatchObject({ url: '/scim/v2/Users', authorization: `Bearer ${token}`, type: 'application/scim+json' });
    for (const [name, value] of [
      ['appendonly', 'yes'],
      ['appendfsync', 'always'],
      ['maxmemory-policy', 'noeviction'],
      ['save', ''],
    ])
      expect(await withRedis(run, (redis) => redis.config('GET', name!))).toEqual([name, value]);
    await withRedis(run, (redis) => redis.set('kept', 'yes'));

    expect(start.output()).not.toContain('listens'); // the services' lines are in the logs alone
    expect(readFileSync(path.join(dataDir, 'logs/ingest.log'), 'utf8')).toContain('ingest listens');

    start.process.kill('SIGINT');
    expect(await start.exit).toEqual({ code: 0, signal: null });
    expect(start.output()).toMatch(new RegExp(`\nrollcall: stopped; data kept in ${path.basename(dataDir)}\n$`));
    expect(await running(run)).toEqual([]);
    expect(existsSync(path.join(dataDir, 'run.json'))).toBe(false);
    // Both stand-ins were asked, ingest first, and the worker only once ingest had gone; Redis and MongoDB were still there.
    expect(readFileSync(path.join(root, 'stops'), 'utf8')).toBe('ingest asked\ningest gone\nworker asked\nworker gone\n');
    const redisEnd = endOf('redis.log', /User requested shutdown/);
    expect(redisEnd).toBeLessThanOrEqual(endOf('mongodb.log', /SignalHandler|Received signal/));

    const again = await ready();
    expect(runFile().redis.url).toBe(run.redis.url);
    expect(runFile().mongodb.uri).toBe(run.mongodb.uri);
    expect(again.output()).toContain(token);
    expect(await withRedis(runFile(), (redis) => redis.get('kept'))).toBe('yes');
    again.process.kill('SIGTERM');
    expect(await again.exit).toEqual({ code: 0, signal: null });
  });

  it('shows the lines of the services, too, with --verbose', async () => {
    const start = await ready({}, ['--verbose']);
    await until(() => /ingest listens/.test(start.output()) && /worker listens/.test(start.output()));
  });

  it.each(NAMES)('heals by itself after SIGKILL of %s, on the same data and ports, and run.json names the new one', async (name) => {
    await ready();
    const before = runFile();
    await withRedis(before, (redis) => redis.set('kept', 'yes'));
    await kill(before[name]);
    await until(() => placeOf(runFile()[name]) !== placeOf(before[name]));
    const after = runFile();
    expect({ ...after, [name]: undefined }).toEqual({ ...before, [name]: undefined });
    const elsewhere = { pid: undefined, container: undefined };
    expect({ ...after[name], ...elsewhere }).toEqual({ ...before[name], ...elsewhere });
    expect(await runs(after[name])).toBe(true);
    expect(await withRedis(after, (redis) => redis.get('kept'))).toBe('yes');
  });

  // Containers of the killed start were still at the data: MongoDB did not start until the reaper had removed them, or never.
  it('leaves no process within 3 s of its own SIGKILL, and starts again at once on the same data', async () => {
    const start = await ready();
    const run = runFile();
    await withRedis(run, (redis) => redis.set('kept', 'yes'));
    start.process.kill('SIGKILL');
    await start.exit;
    const killed = performance.now();
    await until(async () => (await running(run)).every((name) => run[name].container !== undefined));
    expect(performance.now() - killed).toBeLessThan(3_000);
    await ready();
    expect(await running(run)).toEqual([]);
    expect(await withRedis(runFile(), (redis) => redis.get('kept'))).toBe('yes');
  });

  it('replaces a guardian that was killed, so that its own SIGKILL still leaves no orphan', async () => {
    const start = await ready(PROGRAMS); // containers have a reaper in place of guardians
    const run = runFile();
    for (const pid of childrenOf(run.redis.pid!)) process.kill(pid, 'SIGKILL');
    await until(() => /guardian of Redis/.test(start.output()));
    start.process.kill('SIGKILL');
    await until(async () => (await running(run)).length === 0);
  });

  it('ends a service that does not stop as soon as SIGINT comes twice', async () => {
    const start = await ready({ STAND_IN_STAYS: '1' });
    const run = runFile();
    start.process.kill('SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(await runs(run.ingest)).toBe(true);
    start.process.kill('SIGINT');
    const asked = performance.now();
    expect(await start.exit).toEqual({ code: 0, signal: null });
    // A container engine takes seconds to kill and remove; without a hurry the service would have 30 s.
    expect(performance.now() - asked).toBeLessThan(run.redis.container === undefined ? 3_000 : 15_000);
    expect(await running(run)).toEqual([]);
  });

  it('refuses a second start on the same data, and says who has them', async () => {
    const start = await ready();
    const second = new Start({});
    expect(await second.exit).toEqual({ code: 1, signal: null });
    expect(second.output()).toMatch(
      new RegExp(`^rollcall: Another rollcall \\(pid ${start.process.pid}\\) runs on .*ROLLCALL_DATA_DIR.*\n$`),
    );
    expect(await runs(runFile().ingest)).toBe(true);
  });

  it.each(['INGEST_PORT', 'OPS_PORT', 'INGEST_METRICS_PORT'] as const)(
    'refuses a port in use before anything is started, and names %s',
    async (setting) => {
      const server = createServer().listen(Number(ports[setting]), '127.0.0.1');
      const start = new Start({});
      expect(await start.exit).toEqual({ code: 1, signal: null });
      expect(start.output()).toMatch(new RegExp(`^rollcall: Port ${ports[setting]} is in use: .*${setting}=\\d+ npm start\n$`));
      await new Promise((resolve) => server.close(resolve));
    },
  );

  it('says in one sentence what is wrong with settings, all at once', async () => {
    const start = new Start({ REDIS_URL: 'http://127.0.0.1', INGEST_PORT: 'eighty', ROLLCALL_DEMO_TOKEN: 'short' });
    expect(await start.exit).toEqual({ code: 1, signal: null });
    expect(start.output()).toMatch(/^rollcall: Wrong settings: REDIS_URL: .*; INGEST_PORT: .*; ROLLCALL_DEMO_TOKEN: .*\.\n$/);
  });

  it('says in one sentence that the server of REDIS_URL does not answer, and what to do', async () => {
    const start = new Start({ REDIS_URL: `redis://ada:secret@127.0.0.1:${await freePort()}` });
    expect(await start.exit).toEqual({ code: 1, signal: null });
    expect(start.output()).toMatch(/^rollcall: REDIS_URL: no Redis answers at redis:\/\/127\.0\.0\.1:\d+ .*unset REDIS_URL.*$/m);
    expect(start.output()).not.toContain('secret');
  });

  it('uses the servers that REDIS_URL and MONGODB_URI name, and does not end them', async () => {
    const host = await ready();
    const theirs = runFile();
    const first = { dataDir, ports };
    dataDir = mkdtempSync(path.join(root, 'data-'));
    ports = { INGEST_PORT: String(await freePort()), OPS_PORT: String(await freePort()), INGEST_METRICS_PORT: String(await freePort()) };
    const start = await ready({ REDIS_URL: theirs.redis.url!, MONGODB_URI: theirs.mongodb.uri! });
    expect(runFile().redis).toEqual({ url: theirs.redis.url });
    expect(runFile().mongodb).toEqual({ uri: theirs.mongodb.uri });
    start.process.kill('SIGINT');
    expect(await start.exit).toEqual({ code: 0, signal: null });
    ({ dataDir, ports } = first);
    expect(await running(theirs)).toEqual(NAMES);
    expect(host.process.exitCode).toBeNull();
  });

  it('takes servers from the PATH before any download, and passes over one that is too old, saying so', async () => {
    const { REDIS_URL: _redis, MONGODB_URI: _mongo, ...inherited } = process.env;
    const env = { ...inherited, ...PROGRAMS };
    const { redis, mongo } = await findServers({ env });
    if (redis.kind !== 'program' || mongo.kind !== 'program') throw new Error('without URLs and Docker, programs are all there is');
    const [old, good, cache] = ['old', 'good', 'cache'].map((name) => path.join(dataDir, '..', `${path.basename(dataDir)}-${name}`));
    for (const folder of [old!, good!, cache!]) mkdirSync(folder);
    writeFileSync(path.join(old!, 'redis-server'), '#!/bin/sh\necho "Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64"\n', {
      mode: 0o755,
    });
    symlinkSync(redis.path, path.join(good!, redis.server.product === 'Redis' ? 'redis-server' : 'valkey-server'));
    symlinkSync(mongo.path, path.join(good!, 'mongod'));
    const start = await ready({
      ...PROGRAMS,
      PATH: [old, good, inherited.PATH].join(path.delimiter),
      ROLLCALL_CACHE_DIR: cache!,
    });
    const run = runFile();
    expect(readdirSync(cache!)).toEqual([]);
    expect(start.output()).toContain(`${path.join(old!, 'redis-server')} is Redis 6.2.14, and rollcall needs 7.0 or newer`);
    // Redis writes a title of its own over its arguments; MongoDB keeps them.
    expect(execFileSync('ps', ['-o', 'args=', '-p', String(run.mongodb.pid!)], { encoding: 'utf8' })).toContain(path.join(good!, 'mongod'));
    expect(await withRedis(run, (server) => server.set('kept', 'yes'))).toBe('OK');
  });

  it('takes the token that ROLLCALL_DEMO_TOKEN names, and keeps it', async () => {
    const token = `chosen-by-'hand'-${'x'.repeat(32)}`;
    const start = await ready({ ROLLCALL_DEMO_TOKEN: token });
    expect(readFileSync(path.join(dataDir, 'demo-token'), 'utf8').trim()).toBe(token);
    const line = start
      .output()
      .split('\n')
      .find((one) => one.startsWith('curl '))!;
    const echoed = JSON.parse(execFileSync('/bin/sh', ['-c', line.replace('curl -i', 'curl -s')], { encoding: 'utf8' })) as Record<
      string,
      string
    >;
    expect(echoed.authorization).toBe(`Bearer ${token}`);
  });

  it('gives up on a service that ends each time, with its last lines, and leaves nothing behind', async () => {
    const start = new Start({ STAND_IN_FAILS: '1' });
    expect(await start.exit).toEqual({ code: 1, signal: null });
    expect(start.output()).toMatch(
      /rollcall: (ingest|worker) ends each time it is started \(exit code 3\); .*last lines say:\n {2}no luck today/,
    );
    await until(nothingOfThePastRuns);
  });

  it('ends on SIGTERM in the middle of a start, with nothing left behind', async () => {
    const start = new Start({});
    await until(() => existsSync(path.join(dataDir, 'past.json')) && pastPids().length > 0);
    start.process.kill('SIGTERM');
    expect(await start.exit).toEqual({ code: 0, signal: null });
    await until(nothingOfThePastRuns);
  });
});

/** One run of start.js. */
class Start {
  readonly process: ChildProcess;
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly isReady: Promise<void>;
  readonly #lines: string[] = [];

  constructor(env: Record<string, string>, args: readonly string[] = []) {
    const { REDIS_URL: _redis, MONGODB_URI: _mongo, npm_lifecycle_event: _npm, ...inherited } = process.env;
    this.process = spawn(process.execPath, [path.join(root, 'shared/servers/dist/start.js'), ...args], {
      env: { ...inherited, ...ports, ROLLCALL_DATA_DIR: dataDir, ...env },
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    started.push(this);
    this.exit = new Promise((resolve) => this.process.once('close', (code, signal) => resolve({ code, signal })));
    this.isReady = new Promise((resolve, reject) => {
      for (const stream of [this.process.stdout!, this.process.stderr!])
        createInterface({ input: stream }).on('line', (line) => {
          this.#lines.push(line);
          if (line.startsWith('ready')) resolve();
        });
      void this.exit.then(() => reject(new Error(`it ended: ${this.output()}`)));
    });
    this.isReady.catch(() => {});
  }

  output(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }
}

async function ready(env: Record<string, string> = {}, args: readonly string[] = []): Promise<Start> {
  rmSync(path.join(root, 'stops'), { force: true });
  const start = new Start(env, args);
  await start.isReady;
  return start;
}

const runFile = () => JSON.parse(readFileSync(path.join(dataDir, 'run.json'), 'utf8')) as Run;

function pastPids(): number[] {
  const file = path.join(dataDir, 'past.json');
  if (!existsSync(file)) return [];
  const { processes } = JSON.parse(readFileSync(file, 'utf8')) as { processes: Record<string, { pid: number }> };
  return Object.values(processes).map(({ pid }) => pid);
}

/** Which of the four of a start run. */
async function running(run: Run): Promise<readonly (typeof NAMES)[number][]> {
  const alive = await Promise.all(NAMES.map((name) => runs(run[name])));
  return NAMES.filter((_, at) => alive[at]);
}

const placeOf = ({ pid, container }: Place): unknown => container ?? pid;

async function nothingOfThePastRuns(): Promise<boolean> {
  const alive = await Promise.all(pastPids().map((pid) => runs({ pid })));
  return !alive.includes(true);
}

const childrenOf = (pid: number): number[] =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split(/\s+/)
    .filter((pid) => pid !== '')
    .map(Number);

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`never so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function withRedis<T>(run: Run, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(run.redis.url!);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

/** When a server's log says that it was asked to end. */
function endOf(file: string, pattern: RegExp): number {
  const line =
    readFileSync(path.join(dataDir, 'logs', file), 'utf8')
      .split('\n')
      .find((one) => pattern.test(one)) ?? '';
  const iso = /"\$date":"([^"]+)"/.exec(line)?.[1];
  const date = /\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d\.\d{3}/.exec(line)?.[0];
  return Date.parse(iso ?? `${date} UTC`);
}

function writeStandIn(file: string, text: string): void {
  const target = path.join(root, 'services', file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, text);
  writeFileSync(path.join(root, 'services/package.json'), '{ "type": "module" }');
}

/** Answers /readyz, echoes what a request brought, and takes a moment to stop. */
const service = (port: string) => `
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
const name = '${port}' === 'OPS_PORT' ? 'worker' : 'ingest';
if (process.env.STAND_IN_FAILS) { console.log('no luck today'); process.exit(3); }
const server = createServer((request, response) => {
  response.end(JSON.stringify({ url: request.url, authorization: request.headers.authorization, type: request.headers['content-type'] }));
}).listen(Number(process.env['${port}']), '127.0.0.1', () => console.log(JSON.stringify({ level: 30, msg: name + ' listens' })));
process.on('SIGTERM', () => {
  appendFileSync('stops', name + ' asked\\n');
  if (process.env.STAND_IN_STAYS) return;
  setTimeout(() => { appendFileSync('stops', name + ' gone\\n'); process.exit(0); }, 200);
});
process.on('SIGINT', () => appendFileSync('stops', name + ' heard Ctrl-C\\n'));
`;
const SEED = `
const { ROLLCALL_SEED_TENANT, ROLLCALL_SEED_TOKEN, REDIS_URL, MONGODB_URI } = process.env;
console.log(JSON.stringify({ ROLLCALL_SEED_TENANT, ROLLCALL_SEED_TOKEN, REDIS_URL, MONGODB_URI }));
`;
