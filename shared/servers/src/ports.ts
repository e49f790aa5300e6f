import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { errorCode } from './errors.js';

const EPHEMERAL_FIRST = 32_768;
const TRIES_MAX = 200;
const given = new Set<number>();

/**
 * A port of 127.0.0.1 that is free now, and that no earlier call of this process got.
 * It lies below the ephemeral range: a server that is down for a moment must not lose its port to somebody's outgoing connection
 * (a client that keeps reconnecting to a dead port of that range may even connect to itself).
 */
export async function freePort(): Promise<number> {
  const last = Math.max(firstEphemeral(), 12_000);
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const port = 10_240 + Math.floor(Math.random() * (last - 10_240));
    if (given.has(port)) continue;
    given.add(port);
    if ((await portProblem(port)) === undefined) return port;
  }
  throw new Error(`no free port was found in ${TRIES_MAX} tries`);
}

/** Why nothing could listen on this port of this machine: `used`, `forbidden`; or undefined where it could. */
export async function portProblem(port: number): Promise<'used' | 'forbidden' | undefined> {
  // One after the other: a listener on one address alone need not be in the way of the other's.
  for (const host of ['127.0.0.1', '0.0.0.0']) {
    const code = await new Promise<string | undefined>((resolve) => {
      const server = createServer();
      server.once('error', (error) => resolve(errorCode(error) ?? 'EADDRINUSE'));
      server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
    });
    if (code === 'EACCES') return 'forbidden';
    if (code !== undefined) return 'used';
  }
  return undefined;
}

function firstEphemeral(): number {
  try {
    const first = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
    return Number.isNaN(first) ? EPHEMERAL_FIRST : Math.min(first, EPHEMERAL_FIRST);
  } catch {
    return EPHEMERAL_FIRST; // not Linux: macOS begins at 49152
  }
}
