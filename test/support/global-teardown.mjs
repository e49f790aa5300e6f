import { rmSync } from 'node:fs';

export default async function tearDown() {
  const { redis, mongo, dir } = globalThis.rollcallTestServers;
  for (const server of [redis, mongo]) if (server.ours) await server.stop();
  rmSync(dir, { recursive: true, force: true });
}
