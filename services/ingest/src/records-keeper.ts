import { TransientError } from '@rollcall/directory';
import type { Outages, RedisLink } from '@rollcall/store';
import type { Service } from '@rollcall/telemetry';
import type { Records } from '@rollcall/tenancy';
import { pause } from './deadline.js';

export interface RecordsKeeperOptions {
  readonly link: Pick<RedisLink, 'onRun' | 'run' | 'up'>;
  readonly records: Pick<Records, 'rewriteAll'>;
  readonly outages: Pick<Outages, 'note'>;
  readonly random: () => number;
}

/**
 * Carries tokens and settings from MongoDB to Redis whenever another run of Redis answers, and tries until that is done:
 * until then an absent token proves nothing, and MongoDB is asked for it.
 */
export class RecordsKeeper implements Service {
  readonly name = 'records';
  #rewritten = false;
  #stopped = false;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(readonly options: RecordsKeeperOptions) {
    options.link.onRun(() => this.#wanted());
  }

  /** Done under the present run. */
  get rewritten(): boolean {
    return this.#rewritten;
  }

  async start(): Promise<void> {
    this.#stopped = false;
    if (this.options.link.up) this.#wanted();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  #wanted(): void {
    if (this.#stopped) return;
    this.#rewritten = false;
    this.#again = true;
    this.#running ??= this.#rewrite().finally(() => {
      this.#running = undefined;
    });
  }

  async #rewrite(): Promise<void> {
    for (let attempt = 0; this.#again && !this.#stopped; attempt += 1) {
      this.#again = false;
      try {
        await this.options.records.rewriteAll();
        this.#rewritten = true;
        attempt = 0;
      } catch (error) {
        this.#again = true;
        const known = error instanceof TransientError;
        if (!known || attempt === SAID_AFTER)
          this.options.outages.note(
            error,
            { event: 'records.rewrite.failed' },
            'tokens and settings are not in Redis yet; MongoDB is asked for them',
          );
        await pause(this.options.random() * Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(attempt, 10)) + BACKOFF_MS);
      }
    }
  }
}

const BACKOFF_MS = 50;
const BACKOFF_MS_MAX = 2_000;
/** At a start MongoDB may need a moment; that is not worth a line. */
const SAID_AFTER = 5;
