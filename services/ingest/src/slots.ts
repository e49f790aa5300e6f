// How much of one kind of work a tenant may have under way. Counted per process, as what it spares are the process's own connections and its event loop.
import { ScimError } from '@rollcall/scim';
import { ClientGone, type ScimRequest, type ScimResponse } from './exchange.js';

export interface SlotsOptions {
  /** What is counted, for the client: "lists and searches". */
  readonly of: string;
  readonly perTenantMax: number;
  /** How long a request waits for its turn before it is refused. */
  readonly wait_ms: number;
}

type Asking = Pick<ScimRequest, 'isGone'>;

interface Waiting {
  readonly request: Asking;
  readonly begin: () => void;
  readonly giveUp: (reason: Error) => void;
}

/**
 * Lets each tenant have so many pieces of work under way; a few more wait for their turn, the rest is 429 with `Retry-After`. One tenant's flood
 * then costs the others no more than these.
 * @example
 *   const lists = new Slots({ of: 'lists and searches', perTenantMax: 4, wait_ms: 2_000 });
 *   return lists.answer(caller.tenant, request, () => list(request));
 */
export class Slots {
  readonly #underWay = new Map<string, number>();
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(readonly options: SlotsOptions) {}

  /** How many pieces of work a tenant has under way. */
  underWay(tenant: string): number {
    return this.#underWay.get(tenant) ?? 0;
  }

  /**
   * Answers in a slot of the tenant, which is free again once the answer is made or, where it is a stream, has ended in whatever way. A client that
   * hangs up does not free it sooner than the work ends: else hanging up would be the way past the limit. One that hangs up while it waits gets no slot.
   * @throws ScimError 429 where too many wait, or the wait is over; ClientGone
   */
  async answer(tenant: string, request: Asking, make: () => Promise<ScimResponse>): Promise<ScimResponse> {
    await this.#begin(tenant, request);
    let ended = false;
    const end = () => {
      if (ended) return;
      ended = true;
      this.#end(tenant);
    };
    try {
      const response = await make();
      if (response.stream === undefined) end();
      return response.stream === undefined ? response : { ...response, stream: endingWith(response.stream, end) };
    } catch (error) {
      end();
      throw error;
    }
  }

  async #begin(tenant: string, request: Asking): Promise<void> {
    const { perTenantMax, wait_ms } = this.options;
    if (this.underWay(tenant) < perTenantMax) return this.#count(tenant, 1);
    const queue = this.#waiting.get(tenant) ?? [];
    if (queue.length >= WAITING_MAX) throw this.#tooMany();
    this.#waiting.set(tenant, queue);
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((begin, giveUp) => {
        const waiting: Waiting = { request, begin, giveUp };
        queue.push(waiting);
        timer = setTimeout(() => {
          queue.splice(queue.indexOf(waiting), 1);
          if (queue.length === 0) this.#waiting.delete(tenant);
          giveUp(this.#tooMany());
        }, wait_ms);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands the slot on to the first that still waits. */
  #end(tenant: string): void {
    const queue = this.#waiting.get(tenant);
    for (let next = queue?.shift(); next; next = queue?.shift()) {
      if (queue?.length === 0) this.#waiting.delete(tenant);
      if (!next.request.isGone) return void next.begin();
      next.giveUp(new ClientGone('the client hung up while it waited for its turn'));
    }
    this.#count(tenant, -1);
  }

  #count(tenant: string, change: 1 | -1): void {
    const now = this.underWay(tenant) + change;
    if (now > 0) this.#underWay.set(tenant, now);
    else this.#underWay.delete(tenant);
  }

  #tooMany(): ScimError {
    const { of, perTenantMax } = this.options;
    return new ScimError(429, undefined, `more than ${perTenantMax} ${of} of this tenant are under way; try again`, RETRY_AFTER_S);
  }
}

/** The same parts. `end` is called once they end, fail, or are not wanted any more: also where none was ever asked for, which a generator would not notice. */
function endingWith(stream: AsyncIterable<string>, end: () => void): AsyncIterable<string> {
  return {
    [Symbol.asyncIterator]() {
      const parts = stream[Symbol.asyncIterator]();
      return {
        async next() {
          try {
            const part = await parts.next();
            if (part.done) end();
            return part;
          } catch (error) {
            end();
            throw error;
          }
        },
        async return() {
          try {
            await parts.return?.();
          } finally {
            end();
          }
          return { done: true, value: undefined };
        },
      };
    },
  };
}

const WAITING_MAX = 100;
const RETRY_AFTER_S = 1;
