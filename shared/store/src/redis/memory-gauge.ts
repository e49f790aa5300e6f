import { totalmem } from 'node:os';
import type { RedisLink } from './link.js';

/** Shares of Redis's memory from which on it is spared, 0 to 1. Each step comes before the next one is needed (docs/decisions/0037). */
export interface MemoryLimits {
  /** Settled copies and readings of MongoDB are no longer kept. */
  readonly keepUpTo: number;
  /** The oldest settled copies are evicted; what still does not fit is refused. */
  readonly acceptUpTo: number;
  /** Deactivations and deletions are refused, too. */
  readonly leaversUpTo: number;
}

export const MEMORY_LIMITS: MemoryLimits = { keepUpTo: 0.6, acceptUpTo: 0.7, leaversUpTo: 0.85 };

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
    readonly limits: MemoryLimits = MEMORY_LIMITS,
  ) {}

  async start(): Promise<void> {
    this.#timer = setInterval(() => void this.read(), READ_INTERVAL_MS);
    this.#timer.unref();
    await this.read();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Share of the memory in use, 0 to 1. */
  get used(): number {
    return this.#used;
  }

  /** Whether there is room for copies of what MongoDB has. */
  mayFill = (): boolean => this.#used < this.limits.keepUpTo;
  mayAccept = (urgent: boolean): boolean => this.#used < (urgent ? this.limits.leaversUpTo : this.limits.acceptUpTo);

  /** Reads it now. @returns the share in use; the one known before while Redis is away */
  async read(): Promise<number> {
    try {
      this.#used = await readMemory(this.link);
    } catch {
      // Commits fail for a better reason.
    }
    return this.#used;
  }
}

/** The share of its memory that Redis uses, 0 to 1: of its own limit, or of the host's memory if it has none. */
export async function readMemory({ redis }: Pick<RedisLink, 'redis'>): Promise<number> {
  const info = await redis.info('memory');
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return number('used_memory') / (number('maxmemory') || number('total_system_memory') || totalmem());
}

const READ_INTERVAL_MS = 1_000;
