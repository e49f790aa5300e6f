// One Redis and one MongoDB for all integration tests; each file has its own key prefix and database on them. Faults get servers of their own.
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findServers, startMongo, startRedis } from '@rollcall/servers';

export default async function setUp() {
  const progress = (message) => process.stderr.write(`${message}\n`);
  const sources = await findServers({ env: process.env, progress });
  const dir = mkdtempSync(path.join(tmpdir(), 'rollcall-test-'));
  const [redis, mongo] = await Promise.all([
    startRedis({ source: sources.redis, dir: path.join(dir, 'redis') }),
    startMongo({ source: sources.mongo, dir: path.join(dir, 'mongo') }),
  ]);
  process.env.ROLLCALL_TEST_REDIS = redis.url;
  process.env.ROLLCALL_TEST_MONGODB = mongo.uri;
  globalThis.rollcallTestServers = { redis, mongo, dir };
}
