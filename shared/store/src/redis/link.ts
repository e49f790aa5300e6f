import { TransientError } from '@rollcall/directory';
import { Redis, type RedisOptions } from 'ioredis';
import { Availability } from '../availability.js';
import { redisError } from '../errors.js';
import { RedisClock } from './clock.js';
import { gather } from './gather.js';

export interface LinkOptions {
  readonly url: string;
  /** How long one command may take. A frozen server must not hold a request longer than its deadline. */
  readonly commandTimeout_ms: number;
  readonly onError: (error: Error) => void;
}

/** Which server answers: its run, and whether it was promoted from a replica (then acknowledged writes may be missing). */
export interface Run {
  readonly id: string;
  readonly promoted: boolean;
}

/**
 * The connection that commits and reads. It queues nothing while the server is away and resends nothing by itself,
 * so that a write which was answered 503 cannot happen later. It knows under which run of the server it speaks.
 */
export class RedisLink {
  readonly name = 'redis';
  readonly redis: Redis;
  readonly clock = new RedisClock();
  /** Whether the server answers: the one definition of "away". */
  readonly availability: Availability;
  #run: Run | undefined;
  #sends = 0;
  #closed = false;
  #waiters = new Set<() => void>();
  readonly #listeners = new Set<(run: Run) => void>();

  constructor(readonly options: LinkOptions) {
    this.redis = new Redis(options.url, { ...LINK_OPTIONS, commandTimeout: options.commandTimeout_ms });
    this.availability = new Availability({ store: 'redis', ping: () => this.redis.ping() });
    this.redis.on('error', (error) => {
      options.onError(error);
      if (!this.#run) this.availability.lost(error);
    });
    this.redis.on('connect', () =>
      gather(this.redis.stream, () => {
        this.#sends += 1;
      }),
    );
    this.redis.on('close', () => {
      this.#run = undefined;
      this.availability.lost(new Error('the connection was closed'));
    });
    this.redis.on('ready', () => {
      this.#identify().catch((error: Error) => {
        options.onError(error);
        this.redis.disconnect(true);
      });
    });
  }

  /** Resolves when the server has answered once; keeps trying until then. */
  async start(): Promise<void> {
    this.availability.start();
    this.redis.connect().catch(() => undefined); // reported by 'error'; the retry strategy goes on
    while (!this.#closed && !this.#run) await this.whenReady(60_000).catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#closed = true;
    this.availability.stop();
    this.redis.disconnect();
    this.#wake();
  }

  /** The run of the server that answers. @throws TransientError while Redis is away, so that a request is refused at once */
  get run(): Run {
    this.availability.assertUp();
    return this.connectedRun;
  }

  /**
   * The run of the server that this process is connected to, even if that server has stopped answering.
   * For a caller that has to wait until its deadline, as an earlier try may still be written.
   * @throws TransientError without a connection
   */
  get connectedRun(): Run {
    if (!this.#run) throw new TransientError('Redis is away', { away: 'redis' });
    return this.#run;
  }

  /** How often what was written was sent: what is asked between two sends goes together, and is asked of the server after all of it was. */
  get sends(): number {
    return this.#sends;
  }

  get up(): boolean {
    return this.#run !== undefined && !this.availability.away;
  }

  /** Waits for the connection. @throws TransientError when it does not come within `wait_ms` */
  async whenReady(wait_ms: number): Promise<void> {
    if (this.#run || this.#closed) return;
    await new Promise<void>((resolve, reject) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(wake);
        reject(new TransientError('Redis is away', { away: 'redis' }));
      }, wait_ms);
      this.#waiters.add(wake);
    });
  }

  /** Calls back at every (re)connection, once it is known who answers. */
  onRun(listener: (run: Run) => void): void {
    this.#listeners.add(listener);
  }

  /** The server's own time, µs. It is the only clock that orders anything. */
  async now_us(): Promise<number> {
    const [s, us] = await this.redis.time().catch((error) => Promise.reject(redisError(error)));
    const now = Number(s) * 1_000_000 + Number(us);
    this.clock.saw(now);
    return now;
  }

  async #identify(): Promise<void> {
    const [server, replication] = await Promise.all([this.redis.info('server'), this.redis.info('replication')]);
    await this.now_us();
    this.#run = {
      id: field(server, 'run_id'),
      // A replica that was promoted remembers whom it followed.
      promoted: !/^0*$/.test(field(replication, 'master_replid2')),
    };
    this.availability.answered();
    this.#wake();
    for (const listener of this.#listeners) listener(this.#run);
  }

  #wake(): void {
    for (const wake of [...this.#waiters]) wake();
  }
}

/** What any connection of ours that must not queue shares. */
export const LINK_OPTIONS = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  enableReadyCheck: true,
  // Off: what it gathers, our own connection's stream gathers for less (docs/decisions/0005).
  enableAutoPipelining: false,
  connectTimeout: 1_000,
  retryStrategy: (attempt: number) => Math.min(50 * 2 ** Math.min(attempt, 5), 1_000),
  reconnectOnError: null,
} satisfies RedisOptions;

const field = (info: string, name: string): string => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
