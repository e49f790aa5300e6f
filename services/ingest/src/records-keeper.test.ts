import { TransientError } from '@rollcall/directory';
import type { Run } from '@rollcall/store';
import { RecordsKeeper } from './records-keeper.js';

function setUp(rewriteAll: () => Promise<void>) {
  const listeners: ((run: Run) => void)[] = [];
  const run = { id: 'run', promoted: false };
  const link = { run, up: false, onRun: (listener: (run: Run) => void) => void listeners.push(listener) };
  const keeper = new RecordsKeeper({ link, records: { rewriteAll }, outages: { note: () => undefined }, random: () => 0 });
  const newRun = () => {
    for (const listener of listeners) listener(run);
  };
  return { keeper, newRun };
}

const until = async (holds: () => boolean) => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
};

describe('RecordsKeeper', () => {
  it('carries the records at each run of Redis, and tries until it is done', async () => {
    let tries = 0;
    const { keeper, newRun } = setUp(async () => {
      tries += 1;
      if (tries < 3) throw new TransientError('MongoDB is away', { away: 'mongodb' });
    });
    await keeper.start();
    expect(keeper.rewritten).toBe(false);
    newRun();
    await until(() => keeper.rewritten);
    expect(tries).toBe(3);
    newRun();
    expect(keeper.rewritten).toBe(false);
    await until(() => keeper.rewritten);
    expect(tries).toBe(4);
    await keeper.stop();
  });

  it('begins again where another run answers meanwhile', async () => {
    let tries = 0;
    const kept: { newRun?: () => void } = {};
    const { keeper, newRun } = setUp(async () => {
      tries += 1;
      if (tries === 1) kept.newRun?.();
    });
    kept.newRun = newRun;
    await keeper.start();
    newRun();
    await until(() => keeper.rewritten && tries === 2);
    await keeper.stop();
  });

  it('stops while it is still trying', async () => {
    const { keeper, newRun } = setUp(async () => Promise.reject(new TransientError('away')));
    await keeper.start();
    newRun();
    await keeper.stop();
    expect(keeper.rewritten).toBe(false);
  });
});
