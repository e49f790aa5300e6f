// npm run conformance: starts servers and services of its own, has scim2-tester check them, and ends with 0 only if it found nothing.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findServers, freePort, type GuardedProcess, spawnService, startMongo, startRedis } from '@rollcall/servers';
import { judge, NoTester, prepareTester, runTester } from './tester.js';

const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = path.join(root, 'test', 'conformance');
const entry = (service: string, file: string) => path.join(root, 'services', service, 'dist', file);

process.exitCode = await conformance().catch((error: unknown) => {
  console.error(error instanceof NoTester ? `conformance: not checked, as ${error.message}` : error);
  return error instanceof NoTester ? 2 : 1;
});

async function conformance(): Promise<number> {
  const interpreter = prepareTester(folder, process.env);
  /** What is to be ended, in the order in which it was started. */
  const open: (() => unknown)[] = [];
  const close = async () => {
    for (let end = open.pop(); end !== undefined; end = open.pop()) await Promise.resolve(end()).catch((error) => console.error(error));
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void close().then(() => process.exit(1)));
  try {
    const { baseUrl, token } = await startPair(open);
    const { table, failures } = judge(
      await runTester(interpreter, folder, baseUrl, token),
      readFileSync(path.join(root, 'docs', 'scim.md'), 'utf8'),
    );
    console.log(table);
    for (const failure of failures) console.log(failure);
    console.log(failures.length === 0 ? 'scim2-tester found nothing' : `${failures.length} to be mended`);
    return failures.length === 0 ? 0 : 1;
  } finally {
    await close();
  }
}

async function startPair(open: (() => unknown)[]): Promise<{ baseUrl: string; token: string }> {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'rollcall-conformance-'));
  open.push(() => rmSync(dir, { recursive: true, force: true }));
  const sources = await findServers({ env: process.env, progress: (message) => console.error(message) });
  const mongo = await startMongo({ source: sources.mongo, dir: path.join(dir, 'mongodb') });
  open.push(() => mongo[Symbol.asyncDispose]());
  const redis = await startRedis({ source: sources.redis, dir: path.join(dir, 'redis') });
  open.push(() => redis[Symbol.asyncDispose]());

  const token = `rc_${randomBytes(32).toString('base64url')}`;
  const [ingestPort, opsPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const env = {
    ...{ PATH: process.env.PATH, NODE_ENV: 'test', REDIS_URL: redis.url, MONGODB_URI: mongo.uri, PARTITIONS: '8' },
    ...{ INGEST_PORT: String(ingestPort), OPS_PORT: String(opsPort), INGEST_METRICS_PORT: String(metricsPort) },
    ...{ ROLLCALL_SEED_TENANT: 'conformance', ROLLCALL_SEED_TOKEN: token },
    ROLLCALL_OPERATOR_TOKEN: `op_${randomBytes(24).toString('hex')}`,
  };
  const start = async (name: string, service: string, file = 'main.js') => {
    const child = await spawnService({ name, entry: entry(service, file), env, log: path.join(dir, `${name}.log`) });
    open.push(() => child.stop({ deadline_ms: STOP_MS_MAX }));
    return child;
  };
  const seed = await start('seed', 'worker', 'seed.js');
  if ((await seed.exited).code !== 0) throw new Error(`the tenant could not be made:\n${seed.lastLines().join('\n')}`);
  await ready(await start('worker', 'worker'), `http://127.0.0.1:${opsPort}`);
  await ready(await start('ingest', 'ingest'), `http://127.0.0.1:${ingestPort}`);
  return { baseUrl: `http://127.0.0.1:${ingestPort}/scim/v2`, token };
}

async function ready(child: GuardedProcess, url: string): Promise<void> {
  let ended = false;
  void child.exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + READY_MS_MAX;
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (ended || performance.now() > deadline) throw new Error(`a service did not start:\n${child.lastLines().join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
