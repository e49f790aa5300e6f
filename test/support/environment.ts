import { randomBytes } from 'node:crypto';

/** A corner of the shared servers that no other test file touches. */
export interface Corner {
  readonly prefix: string;
  readonly redisUrl: string;
  readonly mongoUri: string;
}

/** Makes a new corner on the servers that the integration tests share, or on others. */
export function newCorner(servers: { readonly redisUrl?: string; readonly mongoUri?: string } = {}): Corner {
  const prefix = `t${randomBytes(5).toString('hex')}`;
  const mongoUri = new URL(servers.mongoUri ?? needed('ROLLCALL_TEST_MONGODB'));
  mongoUri.pathname = `/${prefix}`;
  return { prefix, redisUrl: servers.redisUrl ?? needed('ROLLCALL_TEST_REDIS'), mongoUri: mongoUri.href };
}

function needed(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: run this with npm run test:integration`);
  return value;
}

/** Waits until `holds` says so, asking every 20 ms. @throws with what was seen last when the time is over */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  holds: (seen: T) => boolean = Boolean,
  within_ms = 10_000,
): Promise<T> {
  const deadline = performance.now() + within_ms;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (performance.now() > deadline) throw new Error(`waited ${within_ms} ms for ${what}; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
