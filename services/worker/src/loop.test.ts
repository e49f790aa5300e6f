import { TransientError } from '@rollcall/directory';
import { exercise } from '@rollcall/telemetry';
import { Loop } from './loop.js';

const SILENT = { note: () => undefined };

describe('a loop', () => {
  it('goes on after a failure, and stops at once though its pause is long', async () => {
    const rounds: number[] = [];
    let third: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      third = resolve;
    });
    const loop = new Loop('test', SILENT, 1, async () => {
      rounds.push(rounds.length);
      if (rounds.length === 3) third();
      throw rounds.length === 1 ? new TransientError('away') : new Error('a bug');
    });
    await loop.start();
    await done;
    await loop.stop();
    expect(rounds.length).toBeGreaterThanOrEqual(3);

    const slow = new Loop('slow', SILENT, 60_000, async () => undefined);
    await slow.start();
    await slow.stop();
  });

  it('may be started and stopped in any order', async () => {
    await exercise(new Loop('test', SILENT, 1, async () => undefined));
  });
});
