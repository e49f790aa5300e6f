import { totalmem } from 'node:os';
import type { RedisLink } from './link.js';

/**
 * How full Redis is, read once a second: its use against its own limit, or against the host's memory where it has none.
 * Load is shed long before Redis refuses writes, as then the drain itself would stall.
 */
export class MemoryGauge {
  readonly name = 'memory-gauge';
  #used = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    readonly link: RedisLink,
    readonly options: { readonly fillUpTo: number; readonly acceptUpTo: number; readonly leaversUpTo: number } = {
      fillUpTo: 0.6,
      acceptUpTo: 0.7,
      leaversUpTo: 0.85,
    },
  ) {}

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.#read(), 1_000);
    this.#timer.unref();
    await this.#read();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Share of the memory in use, 0 to 1. */
  get used(): number {
    return this.#used;
  }

  mayFill = (): boolean => this.#used < this.options.fillUpTo;
  mayAccept = (urgent: boolean): boolean => this.#used < (urgent ? this.options.leaversUpTo : this.options.acceptUpTo);

  async #read(): Promise<void> {
    try {
      const info = await this.link.redis.info('memory');
      const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
      const limit = number('maxmemory') || number('total_system_memory') || totalmem();
      this.#used = number('used_memory') / limit;
    } catch {
      // Redis is away: what was known stays, and commits fail for a better reason.
    }
  }
}
