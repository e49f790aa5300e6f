import type { ScimResponse } from './exchange.js';
import { Slots } from './slots.js';

const here = { isGone: false };
const OK: ScimResponse = { status: 200 };

/** Work that ends when it is told to. */
function work() {
  const begun = { yet: false };
  const ends: { ok?: (response: ScimResponse) => void; fail?: (error: Error) => void } = {};
  const made = new Promise<ScimResponse>((ok, fail) => Object.assign(ends, { ok, fail }));
  return {
    begun,
    end: () => ends.ok?.(OK),
    fail: (error: Error) => ends.fail?.(error),
    make: () => {
      begun.yet = true;
      return made;
    },
  };
}
/** Lets all that is ready go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));
const slots = (perTenantMax: number, wait_ms = 60_000) => new Slots({ of: 'lists', perTenantMax, wait_ms });

describe('slots of a tenant', () => {
  it('are as many as may be under way; the next one waits until one ends', async () => {
    const both = slots(2);
    const [a, b, c] = [work(), work(), work()];
    const answers = [a, b, c].map(({ make }) => both.answer('acme', here, make));
    await turn();
    expect([a.begun.yet, b.begun.yet, c.begun.yet]).toEqual([true, true, false]);
    b.end();
    expect(await answers[1]).toBe(OK);
    await turn();
    expect(c.begun.yet).toBe(true);
    a.end();
    c.end();
    await Promise.all(answers);
    expect(both.underWay('acme')).toBe(0);
  });

  it('are each tenant’s own', async () => {
    const one = slots(1);
    const [flood, other] = [work(), work()];
    const answers = [one.answer('acme', here, flood.make), one.answer('globex', here, other.make)];
    await turn();
    expect(other.begun.yet).toBe(true);
    flood.end();
    other.end();
    await Promise.all(answers);
  });

  it('are refused with 429 where the wait is over, and then go to the next', async () => {
    const one = slots(1, 1);
    const [first, late] = [work(), work()];
    const answer = one.answer('acme', here, first.make);
    await expect(one.answer('acme', here, late.make)).rejects.toMatchObject({ status: 429, retryAfter_s: 1 });
    expect(late.begun.yet).toBe(false);
    first.end();
    await answer;
    expect(await one.answer('acme', here, async () => OK)).toBe(OK);
  });

  it('are refused at once where too many wait', async () => {
    const one = slots(1);
    const first = work();
    const answers = [one.answer('acme', here, first.make), ...Array.from({ length: 100 }, () => one.answer('acme', here, async () => OK))];
    await expect(one.answer('acme', here, async () => OK)).rejects.toMatchObject({ status: 429 });
    first.end();
    expect(await Promise.all(answers)).toHaveLength(101);
    expect(one.underWay('acme')).toBe(0);
  });

  it('are not given to a client that hung up while it waited', async () => {
    const one = slots(1);
    const [first, gone, next] = [work(), work(), work()];
    const request = { isGone: false };
    const answers = [one.answer('acme', here, first.make), one.answer('acme', request, gone.make), one.answer('acme', here, next.make)];
    const outcomes = Promise.allSettled(answers);
    await turn();
    request.isGone = true;
    first.end();
    await turn();
    expect([gone.begun.yet, next.begun.yet]).toEqual([false, true]);
    next.end();
    expect((await outcomes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(one.underWay('acme')).toBe(0);
  });

  it('are free again after work that fails', async () => {
    const one = slots(1);
    const failing = work();
    const answer = one.answer('acme', here, failing.make);
    failing.fail(new Error('broken'));
    await expect(answer).rejects.toThrow('broken');
    expect(one.underWay('acme')).toBe(0);
  });

  describe('with an answer in parts', () => {
    async function* parts(fails = false) {
      yield 'a';
      if (fails) throw new Error('broken');
      yield 'b';
    }
    const begun = async (fails = false) => {
      const one = slots(1);
      const { stream } = await one.answer('acme', here, async () => ({ status: 200, stream: parts(fails) }));
      return { one, stream: stream! };
    };

    it('are taken until the last part is read', async () => {
      const { one, stream } = await begun();
      const read: string[] = [];
      for await (const part of stream) {
        expect(one.underWay('acme')).toBe(1);
        read.push(part);
      }
      expect(read).toEqual(['a', 'b']);
      expect(one.underWay('acme')).toBe(0);
    });

    it('are free again where a part fails', async () => {
      const { one, stream } = await begun(true);
      const read = async () => {
        for await (const _ of stream);
      };
      await expect(read()).rejects.toThrow('broken');
      expect(one.underWay('acme')).toBe(0);
    });

    it.each([0, 1])('are free again where the client hangs up after %i parts', async (count) => {
      const { one, stream } = await begun();
      const iterator = stream[Symbol.asyncIterator]();
      for (let read = 0; read < count; read += 1) await iterator.next();
      await iterator.return?.();
      expect(one.underWay('acme')).toBe(0);
    });
  });
});
