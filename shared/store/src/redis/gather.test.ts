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
  gather(stream);
  return { stream, calls };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('gathering of writes', () => {
  it('sends all of one turn together, in order, and the next turn by itself', async () => {
    const { stream, calls } = sink();
    stream.write('a');
    await Promise.resolve();
    stream.write('b');
    process.nextTick(() => stream.write('c'));
    await turn();
    stream.write('d');
    await turn();
    expect(calls).toEqual(['abc', 'd']);
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
