import { exercise } from './exercise.js';
import { type Service, Stack } from './service.js';

/** Small and repeatable (mulberry32): a failure prints the seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A service that writes down what happens to it and that is open or not. */
function probe(name: string, told: string[], { start = async () => {}, stop = async () => {} } = {}) {
  const service: Service & { open: boolean } = {
    name,
    open: false,
    async start() {
      told.push(`+${name}`);
      service.open = true; // opened before it may fail: half started
      await start();
    },
    async stop() {
      told.push(`-${name}`);
      await stop();
      service.open = false;
    },
  };
  return service;
}

const fails = (message: string) => async () => {
  throw new Error(message);
};

describe('Stack', () => {
  it('starts in order and stops last opened first', async () => {
    const told: string[] = [];
    const stack = new Stack({ stopTimeout_ms: 1_000 });
    await stack.start(probe('a', told), probe('b', told));
    await stack.start(probe('c', told));
    await stack.stop();
    expect(told).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
  });

  it('stops the half-started one too, and tells why the start failed', async () => {
    const told: string[] = [];
    const stack = new Stack({ stopTimeout_ms: 1_000 });
    const b = probe('b', told, { start: fails('port in use') });
    await expect(stack.start(probe('a', told), b, probe('c', told))).rejects.toThrow('port in use');
    expect(told).toEqual(['+a', '+b', '-b', '-a']);
    expect(b.open).toBe(false);
  });

  it('tells why the start failed even where the stop fails as well', async () => {
    const stack = new Stack({ stopTimeout_ms: 1_000 });
    const a = probe('a', [], { start: fails('first'), stop: fails('second') });
    await expect(stack.start(a)).rejects.toThrow('first');
  });

  it('stops all, whatever one of them does, and tells all faults at once', async () => {
    const told: string[] = [];
    const stack = new Stack({ stopTimeout_ms: 20 });
    const hangs = () => new Promise<void>(() => {});
    await stack.start(probe('a', told), probe('b', told, { stop: fails('broken') }), probe('c', told, { stop: hangs }), probe('d', told));
    const fault = await stack.stop().catch((error: unknown) => error);
    expect(fault).toBeInstanceOf(AggregateError);
    expect((fault as AggregateError).errors.map(String)).toEqual(['Error: c: did not stop within 20 ms', 'Error: b: broken']);
    expect(told.slice(-4)).toEqual(['-d', '-c', '-b', '-a']);
  });

  it('stops once, however often it is told to, and without a start', async () => {
    const told: string[] = [];
    const stack = new Stack({ stopTimeout_ms: 1_000 });
    await stack.stop();
    await stack.start(probe('a', told));
    await Promise.all([stack.stop(), stack.stop()]);
    await stack.stop();
    expect(told).toEqual(['+a', '-a']);
  });

  it('opens nothing further when a stop comes during the start', async () => {
    const told: string[] = [];
    const stack = new Stack({ stopTimeout_ms: 1_000 });
    let opened = () => {};
    const slow = probe('slow', told, { start: () => new Promise<void>((resolve) => (opened = resolve)) });
    const starting = stack.start(slow, probe('next', told));
    const stopped = stack.stop();
    opened();
    await expect(starting).rejects.toThrow('stopped while slow was starting');
    await stopped;
    expect(told).not.toContain('+next');
    expect(told.at(-1)).toBe('-slow');
    expect(slow.open).toBe(false);
  });

  it.each(Array.from({ length: 30 }, (_, seed) => [seed]))(
    'leaves nothing open after starts, stops and faults at random (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const told: string[] = [];
      const pause = () => new Promise<void>((resolve) => (random() < 0.5 ? resolve() : setImmediate(resolve)));
      const sometimes = async () => {
        await pause();
        if (random() < 0.1) throw new Error('unlucky');
      };
      const services = ['a', 'b', 'c', 'd'].map((name) => probe(name, told, { start: sometimes, stop: pause }));
      const stack = new Stack({ stopTimeout_ms: 1_000 });
      for (let round = 0; round < 20; round += 1) {
        const starting = stack.start(...services).catch(() => undefined);
        if (random() < 0.5) await pause();
        await Promise.all([starting, random() < 0.7 ? stack.stop() : undefined]);
      }
      await stack.stop();
      expect(services.filter(({ open }) => open)).toEqual([]);
    },
  );
});

describe('exercise', () => {
  it('passes a service that bears it and fails one that does not', async () => {
    await exercise(probe('sound', []), { random: seeded(1) });
    await expect(exercise(probe('fragile', [], { stop: fails('broken') }), { random: seeded(1) })).rejects.toThrow('broken');
  });
});
