import { oncePerTurn } from './once-per-turn.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('oncePerTurn', () => {
  it('reads once for all who ask for the same in one turn', async () => {
    const asked: string[] = [];
    const read = oncePerTurn(async (key) => {
      asked.push(key);
      return `${key}!`;
    });
    const answers = await Promise.all([read('a'), read('b'), read('a'), Promise.resolve().then(() => read('a'))]);
    expect(answers).toEqual(['a!', 'b!', 'a!', 'a!']);
    expect(asked).toEqual(['a', 'b']);
  });

  it('reads anew in the next turn, also while the first reading is still under way', async () => {
    const open: ((value: number) => void)[] = [];
    const read = oncePerTurn(() => new Promise<number>((resolve) => void open.push(resolve)));
    const first = read('a');
    await turn();
    const second = read('a');
    expect(open).toHaveLength(2);
    open[1]!(2);
    open[0]!(1);
    expect(await Promise.all([first, second])).toEqual([1, 2]);
  });

  it('fails all who asked, and nobody who asks later', async () => {
    let fails = true;
    const read = oncePerTurn(async () => {
      if (fails) throw new Error('away');
      return 1;
    });
    const both = await Promise.allSettled([read('a'), read('a')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await turn();
    fails = false;
    expect(await read('a')).toBe(1);
  });
});
