import { TransientError } from '@rollcall/directory';
import { Availability } from './availability.js';
import { addressOf, Outages } from './outages.js';

type Line = { level: string; message: string } & Record<string, unknown>;

function setUp() {
  const lines: Line[] = [];
  const at = (level: string) => (about: object, message: string) => void lines.push({ ...about, level, message });
  let isUp = true;
  const ping = async () => {
    if (!isUp) throw new Error('connect ECONNREFUSED 127.0.0.1:6379');
  };
  const stores = {
    redis: new Availability({ store: 'redis', ping, interval_ms: 2 }),
    mongodb: new Availability({ store: 'mongodb', ping: async () => undefined, interval_ms: 2 }),
  };
  const outages = new Outages({
    log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
    stores,
    addresses: { redis: 'redis://127.0.0.1:6379', mongodb: 'mongodb://127.0.0.1' },
    consequences: { redis: 'requests are answered 503 until it is back', mongodb: 'lists are answered 503 until it is back' },
  });
  for (const store of Object.values(stores)) store.start();
  const until = async (away: boolean) => {
    isUp = !away;
    while (stores.redis.away !== away) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    lines,
    outages,
    until,
    told: () => lines.filter(({ level }) => level !== 'debug'),
    stop: () => {
      for (const store of Object.values(stores)) store.stop();
    },
  };
}

// An outage of a minute was 33 KB of stacks, and its one line was hard to find among them.
it('an outage is one line at its start and one at its end, whatever suffers from it', async () => {
  const { lines, outages, until, told, stop } = setUp();
  await until(false);
  await until(true);
  for (const part of ['sweeper', 'chronicle', 'sweeper']) {
    const error = new TransientError('Redis does not answer', { away: 'redis' });
    outages.note(error, { event: 'loop.failed', part }, 'a round failed and is done again');
  }
  outages.noteConnection('redis', new Error('closed'), { event: 'queue.connection.failed', part: 'apply' }, 'a connection was lost');
  await until(false);
  expect(told()).toEqual([
    {
      level: 'error',
      event: 'store.unreachable',
      store: 'redis',
      address: 'redis://127.0.0.1:6379',
      reason: 'connect ECONNREFUSED 127.0.0.1:6379',
      message: 'Redis is unreachable: requests are answered 503 until it is back',
    },
    { level: 'info', event: 'store.reachable', store: 'redis', downSeconds: expect.any(Number), message: 'Redis is reachable again' },
  ]);
  // Stacks are there for those who want them.
  expect(lines.filter(({ level, error }) => level === 'debug' && error instanceof Error).length).toBeGreaterThanOrEqual(4);
  stop();
});

it('an error that no outage explains is a warning, at most one a minute of its event, part and tenant', async () => {
  const { outages, until, told, stop } = setUp();
  await until(false);
  const about = { event: 'loop.failed', part: 'sweeper' };
  for (let n = 0; n < 3; n += 1) outages.note(new Error('a bug'), about, 'a round failed');
  outages.note(new Error('a bug'), { ...about, tenant: 'acme' }, 'a round failed');
  expect(told().map(({ level, tenant }) => [level, tenant])).toEqual([
    ['warn', undefined],
    ['warn', 'acme'],
  ]);
  stop();
});

it('an error of a store that proves to be up is a warning, as no outage tells of it', async () => {
  const { outages, until, told, stop } = setUp();
  await until(false);
  jest.useFakeTimers({ doNotFake: ['performance', 'setImmediate'] });
  outages.note(new TransientError('Redis refuses for now (OOM)', { away: 'redis' }), { event: 'loop.failed' }, 'a round failed');
  expect(told()).toEqual([]);
  jest.advanceTimersByTime(3_000);
  jest.useRealTimers();
  expect(told()).toMatchObject([{ level: 'warn', event: 'loop.failed' }]);
  stop();
});

it.each([
  ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
  ['rediss://ada:se%40cret@cache.example:6380/2', 'rediss://cache.example:6380/2'],
  ['redis://:se@cret@h:1', 'redis://h:1'],
  ['mongodb://ada:secret@a:1,b:2/rollcall?replicaSet=rs', 'mongodb://a:1,b:2/rollcall'],
  ['redis://:se?cret@h:1', 'not shown'],
  ['mongodb://ada:se/cret@h:1', 'not shown'],
  ['mongodb+srv://u:p@cluster.example/?tls=true', 'mongodb+srv://cluster.example/'],
])('the address of %s is shown without credentials', (url, address) => {
  expect(addressOf(url)).toBe(address);
});
