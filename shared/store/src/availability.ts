import { TransientError } from '@rollcall/directory';

export type StoreName = 'redis' | 'mongodb';

export const STORE_LABELS: Readonly<Record<StoreName, string>> = { redis: 'Redis', mongodb: 'MongoDB' };

export interface AvailabilityOptions {
  readonly store: StoreName;
  /** Asks the server for a sign of life. Rejects if the server refuses or cannot be reached; must end by itself some time. */
  readonly ping: () => Promise<unknown>;
  /** Pause between two pings. */
  readonly interval_ms?: number;
  /** How long the server may take to answer a ping. */
  readonly deadline_ms?: number;
}

/** An outage in three kinds of event: its beginning, one a minute while it lasts, and its end. */
export type AvailabilityEvent =
  | { readonly kind: 'unreachable'; readonly store: StoreName; readonly cause: unknown }
  | { readonly kind: 'still_unreachable'; readonly store: StoreName; readonly downSeconds: number; readonly cause: unknown }
  | { readonly kind: 'reachable'; readonly store: StoreName; readonly downSeconds: number };

/**
 * Whether a store answers: the one definition of "away" for requests, `/readyz`, metrics and logs.
 * A store is away before its first answer, after one ping that it refused or did not answer within the deadline, and after a lost connection.
 * It is up again after one ping that it answered within the deadline. So an outage is known at most `interval_ms + deadline_ms` after it began.
 */
export class Availability {
  readonly store: StoreName;
  readonly #interval_ms: number;
  readonly #deadline_ms: number;
  readonly #ping: () => Promise<unknown>;
  readonly #listeners = new Set<(event: AvailabilityEvent) => void>();
  /** Told once when the store is away. */
  readonly #waiting = new Set<() => void>();
  #state: 'starting' | 'up' | 'away' = 'starting';
  /** When the present state began, by `performance.now()`, and by the calendar. */
  #since_ms = performance.now();
  #sinceDate = new Date();
  #told_ms = 0;
  #lastAway_ms = Number.NEGATIVE_INFINITY;
  #stopped = true;
  /** Rises with each start, so that pings from before a stop end. */
  #starts = 0;
  #wake: () => void = () => undefined;
  /** Deadline of the next ping, if something made the store doubtful. */
  #doubt_ms: number | undefined;

  constructor({ store, ping, interval_ms = INTERVAL_MS, deadline_ms = DEADLINE_MS }: AvailabilityOptions) {
    this.store = store;
    this.#ping = ping;
    this.#interval_ms = interval_ms;
    this.#deadline_ms = deadline_ms;
  }

  get away(): boolean {
    return this.#state !== 'up';
  }

  /** When the outage began; undefined while the store is up, and before its first answer. */
  get awaySince(): Date | undefined {
    return this.#state === 'away' ? this.#sinceDate : undefined;
  }

  /** @throws TransientError while the store is away */
  assertUp(): void {
    if (this.away) throw new TransientError(`${STORE_LABELS[this.store]} is away`, { away: this.store });
  }

  /** Whether the store was away at any time since then (by `performance.now()`). */
  wasAwaySince(at_ms: number): boolean {
    return this.away || this.#lastAway_ms >= at_ms;
  }

  /**
   * Waits for work that needs the store, and no longer once the store is known to be away. The work itself goes on, to an end that nothing waits for.
   * @throws TransientError while the store is away, or when it goes away; what the work throws
   */
  async whileUp<T>(work: () => Promise<T>): Promise<T> {
    this.assertUp();
    let leave: () => void = () => undefined;
    const away = new Promise<never>((_, reject) => {
      leave = () => reject(new TransientError(`${STORE_LABELS[this.store]} is away`, { away: this.store }));
    });
    this.#waiting.add(leave);
    try {
      return await Promise.race([work(), away]);
    } finally {
      this.#waiting.delete(leave);
    }
  }

  /** Calls back for each event of an outage. */
  onEvent(listener: (event: AvailabilityEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Begins to ping. */
  start(): void {
    if (!this.#stopped) return;
    this.#stopped = false;
    this.#enter('starting');
    this.#starts += 1;
    void this.#run(this.#starts);
  }

  /** Ends the pings; what is known stays. Does not wait for a ping that is under way. */
  stop(): void {
    this.#stopped = true;
    this.#wake();
  }

  /** The server has answered. */
  answered(): void {
    if (this.#stopped || this.#state === 'up') return;
    const { downSeconds } = this;
    const wasAway = this.#state === 'away';
    if (wasAway) this.#lastAway_ms = performance.now();
    this.#enter('up');
    if (wasAway) this.#tell({ kind: 'reachable', store: this.store, downSeconds });
  }

  /** The server cannot be reached, for sure. */
  lost(cause: unknown): void {
    if (this.#stopped) return;
    const now = performance.now();
    // At a start, a connection takes a moment.
    if (this.#state === 'starting' && now - this.#since_ms < START_GRACE_MS) return;
    if (this.#state !== 'away') {
      this.#enter('away');
      this.#told_ms = now;
      for (const leave of [...this.#waiting]) leave();
      this.#tell({ kind: 'unreachable', store: this.store, cause });
    } else if (now - this.#told_ms >= STILL_MS) {
      this.#told_ms = now;
      this.#tell({ kind: 'still_unreachable', store: this.store, downSeconds: this.downSeconds, cause });
    }
  }

  /** Something looks like an outage: the server is pinged at once, and has less time than usual. */
  doubt(): void {
    this.#doubt_ms = Math.min(DOUBT_MS, this.#deadline_ms);
    this.#wake();
  }

  /** How long the present state has lasted, to a tenth of a second. */
  get downSeconds(): number {
    return Math.round((performance.now() - this.#since_ms) / 100) / 10;
  }

  async #run(start: number): Promise<void> {
    while (!this.#stopped && this.#starts === start) {
      const late = await this.#look();
      // An answer that came too late proves nothing: the next ping must be answered in time.
      if (!late) await this.#pause();
    }
  }

  /** Pings once. @returns whether an answer came, but after the deadline */
  async #look(): Promise<boolean> {
    const deadline_ms = this.#doubt_ms ?? this.#deadline_ms;
    this.#doubt_ms = undefined;
    const ping = this.#ping().then(
      () => ({ ok: true }) as const,
      (cause: unknown) => ({ ok: false, cause }) as const,
    );
    let timer: NodeJS.Timeout | undefined;
    const missed = new Promise<'missed'>((resolve) => {
      const wait = () => {
        const due = performance.now() + deadline_ms;
        timer = setTimeout(() => {
          // A process that was itself held up has answers waiting, and owes the server another deadline.
          if (performance.now() - due > STALL_MS) return wait();
          setImmediate(() => resolve('missed'));
        }, deadline_ms);
        timer.unref();
      };
      wait();
    });
    const first = await Promise.race([ping, missed]);
    clearTimeout(timer);
    if (first === 'missed') {
      this.lost(new Error(`no answer to a ping within ${deadline_ms} ms`));
      return (await ping).ok;
    }
    if (first.ok) this.answered();
    else this.lost(first.cause);
    return false;
  }

  #enter(state: 'starting' | 'up' | 'away'): void {
    this.#state = state;
    this.#since_ms = performance.now();
    this.#sinceDate = new Date();
  }

  #tell(event: AvailabilityEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  #pause(): Promise<void> {
    if (this.#stopped || this.#doubt_ms !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#interval_ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

const INTERVAL_MS = 1_000;
const DEADLINE_MS = 1_500;
const DOUBT_MS = 1_000;
const START_GRACE_MS = 2_000;
const STILL_MS = 60_000;
const STALL_MS = 500;
