import { once } from 'node:events';
import { Writable } from 'node:stream';
import { gather } from './gather.js';

/** Notes what each call to the system would have been. */
function sink() {
  const calls: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _, done) {
      calls.push(String(chunk));
      done();
    },
    writev(chunks, done) {
      calls.push(chunks.map(({ chunk }) => String(chunk)).join(''));
      done();
    },
  });
  let sends = 0;
  gather(stream, () => {
    sends += 1;
  });
  return { stream, calls, sends: () => sends };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('gathering of writes', () => {
  it('sends all of one turn together, in order, and the next turn by itself', async () => {
    const { stream, calls, sends } = sink();
    stream.write('a');
    await Promise.resolve();
    stream.write('b');
    process.nextTick(() => stream.write('c'));
    await turn();
    stream.write('d');
    expect(sends()).toBe(1);
    await turn();
    expect(calls).toEqual(['abc', 'd']);
    expect(sends()).toBe(2);
  });

  it('sends at once what is much, and tells of it before the turn ends', async () => {
    const { stream, calls, sends } = sink();
    const part = 'x'.repeat(1_000);
    for (let i = 0; i < 5; i += 1) stream.write(part);
    expect([calls.length, sends()]).toEqual([2, 2]);
    await turn();
    expect(calls.map(({ length }) => length)).toEqual([2_000, 2_000, 1_000]);
    expect(sends()).toBe(3);
  });

  it('sends nothing of a turn in which the connection broke', async () => {
    const { stream, calls } = sink();
    stream.write('a');
    stream.destroy();
    await turn();
    expect(calls).toEqual([]);
  });

  it('sends what was written before an end in the same turn', async () => {
    const { stream, calls } = sink();
    stream.write('a');
    stream.end();
    await once(stream, 'finish');
    await turn();
    expect(calls).toEqual(['a']);
  });
});
