import { TransientError } from '@rollcall/directory';
import { CommandQueue } from './command-queue.js';

const soon = () => performance.now() + 1_000;
const never = new Promise<never>(() => undefined);

describe('CommandQueue', () => {
  it('runs commands on one key one after another, on others beside them', async () => {
    const queue = new CommandQueue();
    const seen: string[] = [];
    const work = (name: string) => async () => {
      seen.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(`${name} ends`);
    };
    await Promise.all([queue.run('a', soon(), work('a1')), queue.run('a', soon(), work('a2')), queue.run('b', soon(), work('b1'))]);
    expect(seen.filter((line) => line.startsWith('a'))).toEqual(['a1 begins', 'a1 ends', 'a2 begins', 'a2 ends']);
    expect(seen.indexOf('b1 begins')).toBeLessThan(seen.indexOf('a1 ends'));
    expect(queue.size).toBe(0);
  });

  it('lets the next one in where a command fails', async () => {
    const queue = new CommandQueue();
    const failing = queue.run('a', soon(), async () => Promise.reject(new Error('no')));
    const next = queue.run('a', soon(), async () => 'yes');
    await expect(failing).rejects.toThrow('no');
    await expect(next).resolves.toBe('yes');
  });

  it('gives up at the deadline, and who gave up does not let the next one pass the one in hand', async () => {
    const queue = new CommandQueue();
    let release!: () => void;
    let inHand = true;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = queue.run('a', soon(), async () => {
      await held;
      inHand = false;
    });
    const impatient = queue.run('a', performance.now() + 5, async () => 'ran');
    const third = queue.run('a', soon(), async () => inHand);
    await expect(impatient).rejects.toBeInstanceOf(TransientError);
    release();
    await first;
    await expect(third).resolves.toBe(false);
    expect(queue.size).toBe(0);
  });

  it('refuses more than may wait', async () => {
    const queue = new CommandQueue({ waitingMax: 2 });
    void queue.run('a', soon(), () => never);
    const waiting = queue.run('a', performance.now() + 5, async () => 'ran');
    await expect(queue.run('a', soon(), async () => 'ran')).rejects.toThrow('too many requests');
    await expect(waiting).rejects.toBeInstanceOf(TransientError);
  });
});
