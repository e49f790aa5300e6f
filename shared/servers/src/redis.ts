import { Redis } from 'ioredis';
import { eventually, OthersServer, OwnServer, READY_DEADLINE_MS, type ServerControl } from './control.js';
import { messageOf, OperatorError } from './errors.js';
import type { Running } from './guard.js';
import { placed, type StartOptions } from './launch.js';
import { withoutSecrets } from './uri.js';
import { refuseOld, type ServerVersion, versionFromInfo } from './versions.js';

export interface RedisServer extends ServerControl {
  readonly url: string;
  /** Undefined where the server is not ours. */
  readonly port: number | undefined;
  /** Its data folder; the append-only files lie in `appendonlydir` and may be replaced while it is down. */
  readonly dir: string | undefined;
  readonly server: ServerVersion;
}

/**
 * Starts Redis or Valkey as rollcall wants it (every write in the append-only file before it is answered, nothing evicted), and waits until it works.
 * @throws OperatorError for one that is too old, or that REDIS_URL names and that does not answer.
 */
export async function startRedis(options: StartOptions): Promise<RedisServer> {
  const { source } = options;
  if (source.kind === 'url') return useRedis(source.url);
  let server: ServerVersion = { product: 'Redis', version: '0' };
  const { port, dir, launch } = await placed(source, options, REDIS);
  const url = `redis://127.0.0.1:${port}`;
  const own = new OwnServer(launch, async (running, signal) => {
    server = await eventually(`Redis on port ${port}`, READY_DEADLINE_MS, signal, () => ask(url, running));
    refuseOld(server, 'The Redis server');
  });
  await own.start();
  return Object.assign(own, { url, port, dir, server });
}

/** What rollcall's promises rest on, explicitly: a changed default can't change us. */
const redisOptions = (port: number, dir: string, bind: string): string[] => [
  ...['--port', String(port), '--bind', bind, '--protected-mode', bind === '127.0.0.1' ? 'yes' : 'no', '--dir', dir],
  ...['--appendonly', 'yes', '--appendfsync', 'always', '--no-appendfsync-on-rewrite', 'no', '--aof-load-truncated', 'yes'],
  ...['--save', '', '--maxmemory-policy', 'noeviction', '--daemonize', 'no', '--logfile', '', '--loglevel', 'notice'],
];

const REDIS = { name: 'Redis', containerDir: '/data', readyLine: /Ready to accept connections/, options: redisOptions };

async function useRedis(url: string): Promise<RedisServer> {
  const shown = withoutSecrets(url);
  const server = await ask(url).catch((error: unknown) => {
    throw new OperatorError(
      `REDIS_URL: no Redis answers at ${shown} (${messageOf(error)}); start it there, or unset REDIS_URL to have one started.`,
    );
  });
  refuseOld(server, `REDIS_URL: the server at ${shown}`);
  return Object.assign(new OthersServer('Redis', 'REDIS_URL'), { url, port: undefined, dir: undefined, server });
}

/** Asks who answers there, and refuses an answer of anybody but `running`. */
async function ask(url: string, running?: Running): Promise<ServerVersion> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  let cause: Error | undefined;
  client.on('error', (error) => {
    cause = error;
  });
  try {
    await client.connect();
    const info = await client.info('server');
    await client.get('rollcall:{start}:ready'); // answered only once the append-only file is loaded
    const pid = Number(/^process_id:(\d+)/m.exec(info)?.[1]);
    if (running?.pid !== undefined && running.pid !== pid)
      throw new OperatorError(`${withoutSecrets(url)} is answered by another Redis (pid ${pid}): end that one, or take another port.`);
    return versionFromInfo(info);
  } catch (error) {
    throw error instanceof OperatorError ? error : (cause ?? error);
  } finally {
    client.disconnect();
  }
}
