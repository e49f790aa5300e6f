import { Availability, type AvailabilityEvent } from './availability.js';

/** A server that answers, refuses or is silent, as the test says. Its pings are counted. */
function server() {
  let mood: 'answers' | 'refuses' | 'silent' = 'answers';
  let waiting: (() => void)[] = [];
  let pings = 0;
  return {
    set mood(next: typeof mood) {
      mood = next;
      if (next === 'silent') return;
      for (const wake of waiting) wake();
      waiting = [];
    },
    get pings() {
      return pings;
    },
    ping: async () => {
      pings += 1;
      if (mood === 'silent') await new Promise<void>((resolve) => waiting.push(resolve));
      if (mood === 'refuses') throw new Error('LOADING');
    },
  };
}

function watched(fake: ReturnType<typeof server>) {
  const events: AvailabilityEvent[] = [];
  const availability = new Availability({ store: 'redis', ping: fake.ping, interval_ms: 5, deadline_ms: 20 });
  const waiters: { kind: AvailabilityEvent['kind']; resolve: () => void }[] = [];
  availability.onEvent((event) => {
    events.push(event);
    for (const waiter of waiters.splice(0)) waiter.kind === event.kind ? waiter.resolve() : waiters.push(waiter);
  });
  availability.start();
  const next = (kind: AvailabilityEvent['kind']) => new Promise<void>((resolve) => waiters.push({ kind, resolve }));
  const up = async () => {
    while (availability.away) await new Promise((resolve) => setImmediate(resolve));
  };
  return { availability, events, next, up };
}

it('work that needs a store is waited for no longer once the store is away, and not begun while it is', async () => {
  const fake = server();
  const { availability, up } = watched(fake);
  await up();
  expect(await availability.whileUp(async () => 'done')).toBe('done');
  await expect(availability.whileUp(async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  const waiting = availability.whileUp(() => new Promise(() => undefined));
  fake.mood = 'silent';
  await expect(waiting).rejects.toMatchObject({ name: 'TransientError', away: 'redis' });
  const begun = jest.fn();
  await expect(availability.whileUp(begun)).rejects.toMatchObject({ away: 'redis' });
  expect(begun).not.toHaveBeenCalled();
  availability.stop();
});

it('a store is away until it answers for the first time, and that is no outage', async () => {
  const { availability, events, up } = watched(server());
  expect(availability.away).toBe(true);
  expect(availability.awaySince).toBeUndefined();
  await up();
  expect(events).toEqual([]);
  availability.stop();
});

it.each(['silent', 'refuses'] as const)('a store that is %s for one ping is away, and comes back by itself', async (mood) => {
  const fake = server();
  const { availability, events, next, up } = watched(fake);
  await up();
  const away = next('unreachable');
  fake.mood = mood;
  await away;
  expect(availability.away).toBe(true);
  expect(availability.awaySince).toBeInstanceOf(Date);
  expect(() => availability.assertUp()).toThrow(expect.objectContaining({ name: 'TransientError', away: 'redis' }));
  const back = next('reachable');
  fake.mood = 'answers';
  await back;
  expect(availability.away).toBe(false);
  expect(() => availability.assertUp()).not.toThrow();
  expect(events.map(({ kind }) => kind)).toEqual(['unreachable', 'reachable']);
  expect(events[1]).toEqual({ kind: 'reachable', store: 'redis', downSeconds: expect.any(Number) });
  availability.stop();
});

it('a lost connection makes a store away at once, without a ping', async () => {
  const { availability, events, up } = watched(server());
  await up();
  availability.lost(new Error('closed'));
  expect(availability.away).toBe(true);
  expect(events).toEqual([{ kind: 'unreachable', store: 'redis', cause: new Error('closed') }]);
  availability.stop();
});

it('a silent server has one ping under way, however long it is silent', async () => {
  const fake = server();
  const { availability, next, up } = watched(fake);
  await up();
  const away = next('unreachable');
  fake.mood = 'silent';
  await away;
  const { pings } = fake;
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(fake.pings).toBe(pings);
  availability.stop();
});

// A process that was stopped for a while would have called every store away when it went on.
it('a process that was itself held up owes the store another deadline', async () => {
  const fake = server();
  const { availability, events, up } = watched(fake);
  await up();
  fake.mood = 'silent';
  const { pings } = fake;
  while (fake.pings === pings) await new Promise((resolve) => setImmediate(resolve));
  const until = performance.now() + 700;
  while (performance.now() < until); // holds up the event loop
  fake.mood = 'answers';
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setTimeout(resolve, 0));
  expect(events).toEqual([]);
  expect(availability.away).toBe(false);
  availability.stop();
});

it('a stopped watch tells of nothing: a connection that is closed on purpose is no outage', async () => {
  const { availability, events, up } = watched(server());
  await up();
  availability.stop();
  availability.lost(new Error('closed'));
  expect(events).toEqual([]);
});
