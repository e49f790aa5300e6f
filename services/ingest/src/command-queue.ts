import { TransientError } from '@rollcall/directory';
import { within } from './deadline.js';

/**
 * Commands on one resource take turns inside this process, so that conflicts come only from other processes.
 * A wait ends at the command's deadline; who gives up lets the next one pass, but only when it would have been its own turn.
 */
export class CommandQueue {
  readonly #lines = new Map<string, Line>();

  constructor(readonly options: { readonly waitingMax: number } = { waitingMax: WAITING_MAX }) {}

  /** @throws TransientError where the deadline passes first, or too many wait already; and what the work throws */
  async run<T>(key: string, deadline: number, work: () => Promise<T>): Promise<T> {
    const line = this.#lines.get(key) ?? { last: undefined, waiting: 0 };
    if (line.waiting >= this.options.waitingMax) throw new TransientError('too many requests for one resource at once');
    const before = line.last;
    let done!: () => void;
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    const last = before ? before.then(() => mine) : mine;
    line.last = last;
    line.waiting += 1;
    this.#lines.set(key, line);
    try {
      if (before) await within(deadline, before);
      return await work();
    } finally {
      done();
      line.waiting -= 1;
      if (line.last === last) this.#lines.delete(key);
    }
  }

  /** How many keys have work in hand. */
  get size(): number {
    return this.#lines.size;
  }
}

interface Line {
  last: Promise<void> | undefined;
  waiting: number;
}

const WAITING_MAX = 1_000;
