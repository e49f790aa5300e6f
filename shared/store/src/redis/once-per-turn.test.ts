import { oncePerTurn } from './once-per-turn.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('oncePerTurn', () => {
  it('reads once for all who ask for the same in one turn', async () => {
    const asked: string[] = [];
    const read = oncePerTurn(
      () => 0,
      async (key) => {
        asked.push(key);
        return `${key}!`;
      },
    );
    const answers = await Promise.all([read('a'), read('b'), read('a'), Promise.resolve().then(() => read('a'))]);
    expect(answers).toEqual(['a!', 'b!', 'a!', 'a!']);
    expect(asked).toEqual(['a', 'b']);
  });

  it('reads anew in the next turn, also while the first reading is still under way', async () => {
    const open: ((value: number) => void)[] = [];
    const read = oncePerTurn(
      () => 0,
      () => new Promise<number>((resolve) => void open.push(resolve)),
    );
    const first = read('a');
    await turn();
    const second = read('a');
    expect(open).toHaveLength(2);
    open[1]!(2);
    open[0]!(1);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('lets nobody share what was sent already', async () => {
    let sends = 0;
    const asked: string[] = [];
    const read = oncePerTurn(
      () => sends,
      async (key) => {
        asked.push(key);
        if (asked.length === 2) sends += 1; // the connection was full with this one
      },
    );
    await Promise.all([read('a'), read('a'), read('b'), read('a'), read('b')]);
    expect(asked).toEqual(['a', 'b', 'a', 'b']);
  });

  it('fails all who asked, and nobody who asks later', async () => {
    let fails = true;
    const read = oncePerTurn(
      () => 0,
      async () => {
        if (fails) throw new Error('away');
        return 1;
      },
    );
    const both = await Promise.allSettled([read('a'), read('a')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    fails = false;
    expect(await read('a')).toBe(1);
  });
});
