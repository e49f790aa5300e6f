import { TransientError } from '@rollcall/directory';
import { type Availability, type AvailabilityEvent, STORE_LABELS, type StoreName } from './availability.js';
import { mongoError } from './errors.js';

/** The part of a log that is needed here. */
export interface OutageLog {
  debug(about: object, message: string): void;
  info(about: object, message: string): void;
  warn(about: object, message: string): void;
  error(about: object, message: string): void;
}

export interface OutagesOptions {
  readonly log: OutageLog;
  readonly stores: Readonly<Record<StoreName, Availability>>;
  /** Where the stores are, without credentials. */
  readonly addresses: Readonly<Record<StoreName, string>>;
  /** What an outage of each store means here, until it is over. */
  readonly consequences: Readonly<Record<StoreName, string>>;
}

/** What an error is about: a stable name, the part of the process, and ids. */
export interface ErrorAbout {
  readonly event: string;
  readonly part?: string;
  readonly tenant?: string;
  readonly [more: string]: unknown;
}

/**
 * The one reporter of trouble with the stores. An outage is one line at its start, one a minute while it lasts, and one at its end. What parts of the
 * process suffer from it meanwhile is said at debug, with stacks.
 */
export class Outages {
  readonly #told_ms = new Map<string, number>();

  constructor(readonly options: OutagesOptions) {
    for (const availability of Object.values(options.stores)) availability.onEvent((event) => this.#tell(event));
  }

  /**
   * Reports an error of a part of the process. If an outage explains it, it is a debug line. If not, it is a warning, at most one a minute of an event
   * of a part or tenant.
   */
  note(thrown: unknown, about: ErrorAbout, message: string): void {
    const { log, stores } = this.options;
    const error = mongoError(thrown);
    const store = error instanceof TransientError && error.away !== undefined ? stores[error.away] : undefined;
    if (!store) return void this.#warn(thrown, about, message);
    log.debug({ ...about, error }, message);
    if (store.away) return;
    // Calls may fail before a ping does.
    const began_ms = performance.now();
    setTimeout(() => {
      if (!store.wasAwaySince(began_ms)) this.#warn(thrown, about, message);
    }, CONFIRM_MS).unref();
  }

  /** As `note`, of a connection to a store: all of its errors say that the store cannot be reached. */
  noteConnection(store: StoreName, cause: unknown, about: ErrorAbout, message: string): void {
    this.note(new TransientError(`${STORE_LABELS[store]} cannot be reached`, { away: store, cause }), about, message);
  }

  /** Reports that a connection of a part of the process failed. The client of that store reconnects by itself. */
  connectionFailed(store: StoreName, part: string, cause: unknown): void {
    this.noteConnection(store, cause, { event: 'connection.failed', part }, `a connection to ${store} failed`);
  }

  /**
   * Reports an error of the part that adds jobs.
   * @param doorbell the job that was not added; absent: an error of the connection itself
   */
  ringFailed(cause: unknown, doorbell?: object): void {
    if (!doorbell) this.connectionFailed('redis', 'ringer', cause);
    else
      this.noteConnection('redis', cause, { event: 'ring.failed', ...doorbell }, 'a job could not be queued; the sweeper queues it again');
  }

  #warn(error: unknown, about: ErrorAbout, message: string): void {
    const key = [about.event, about.part, about.tenant].join();
    const now_ms = performance.now();
    if (now_ms - (this.#told_ms.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS)
      return void this.options.log.debug({ ...about, error }, message);
    if (this.#told_ms.size >= TOLD_MAX) this.#told_ms.clear();
    this.#told_ms.set(key, now_ms);
    this.options.log.warn({ ...about, error }, message);
  }

  #tell(event: AvailabilityEvent): void {
    const { log, addresses, consequences } = this.options;
    const { kind, store } = event;
    const label = STORE_LABELS[store];
    const about = { event: `store.${kind}`, store };
    if (kind === 'reachable') return void log.info({ ...about, downSeconds: event.downSeconds }, `${label} is reachable again`);
    const reason = event.cause instanceof Error ? event.cause.message : undefined;
    const address = addresses[store];
    if (kind === 'still_unreachable')
      log.error({ ...about, address, downSeconds: event.downSeconds, reason }, `${label} is still unreachable`);
    else log.error({ ...about, address, reason }, `${label} is unreachable: ${consequences[store]}`);
    log.debug({ event: 'store.unreachable.cause', store, error: event.cause }, `why ${label} is unreachable`);
  }
}

/**
 * A server's address as a log may hold it: without credentials and options. One that may hide a password behind an unescaped sign is not shown.
 * @example addressOf('mongodb://ada:secret@a:1,b:2/rollcall?replicaSet=rs') → 'mongodb://a:1,b:2/rollcall'
 */
export function addressOf(url: string): string {
  const [, scheme = '', authority = '', path = '', rest = ''] = /^([a-z+]+:\/\/)([^/?#]*)([^?#]*)(.*)$/i.exec(url) ?? [];
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return host === '' || path.includes('@') || rest.includes('@') ? 'not shown' : scheme + host + path;
}

const CONFIRM_MS = 3_000;
const AGAIN_MS = 60_000;
const TOLD_MAX = 1_000;
