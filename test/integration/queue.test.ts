import { PermanentError, TransientError } from '@rollcall/directory';
import { Consumer, type ConsumerOptions, type Doorbell, Ringer } from '@rollcall/queue';
import { newCorner, until } from '../support/environment.js';

jest.setTimeout(30_000);

const ID = '0190163d-8694-739b-aea5-966c26f8ad91';
const leaver: Doorbell = { tenant: 'gone', type: 'User', id: ID, version: 7, requestId: 'r' };

/** A queue of its own, whose consumer tells what it was asked. */
function open(process: ConsumerOptions['process'], options: Partial<ConsumerOptions> & { attempts?: number } = {}) {
  const { redisUrl, prefix } = newCorner();
  const errors: Error[] = [];
  const common = { redisUrl, prefix: `{${prefix}}` };
  const ringer = new Ringer({
    ...common,
    attempts: options.attempts ?? 3,
    timeout_ms: 2_000,
    onError: (error) => errors.push(error),
  });
  const asked: { tenant: string; id: string; attempt: number }[] = [];
  const consumer = new Consumer({
    ...common,
    concurrency: 1,
    backoff: { base_ms: 5, max_ms: 20 },
    random: () => 0.5,
    untilBack: async () => undefined,
    onError: (error) => errors.push(error),
    process: async (doorbell, job) => {
      asked.push({ tenant: doorbell.tenant, id: job.id, attempt: job.attempt });
      return process(doorbell, job);
    },
    ...options,
  });
  const counts = async () => {
    const types = ['waiting', 'active', 'delayed', 'failed', 'completed', 'prioritized'] as const;
    const [tenants, leavers] = await Promise.all([ringer.queue.getJobCounts(...types), ringer.leavers.getJobCounts(...types)]);
    return Object.fromEntries(types.map((type) => [type, (tenants[type] ?? 0) + (leavers[type] ?? 0)]));
  };
  const quiet = () => until('an empty queue', counts, (found) => Object.values(found).every((count) => count === 0));
  return {
    ...{ ringer, consumer, asked, errors, counts, quiet },
    async [Symbol.asyncDispose]() {
      await consumer.stop();
      await ringer.queue.obliterate({ force: true });
      await ringer.leavers.obliterate({ force: true });
      await ringer.stop();
    },
  };
}
const settled = async () => ({ kind: 'settled', count: 1, left: 0 }) as const;

describe('the apply queue', () => {
  it('takes the doorbells of tenants in turn, and a leaver while all of them wait', async () => {
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    await using queue = open(async (doorbell) => {
      if (!('id' in doorbell)) await released;
      return settled();
    });
    for (const tenant of ['a', 'b', '7']) await queue.ringer.ring({ tenant }, 1);
    await queue.consumer.start();
    await until('the first tenant', () => queue.asked.length === 1);
    await queue.ringer.ring(leaver, 'leaver');
    await until('the leaver', () => queue.asked.length === 2);
    release();
    await queue.quiet();
    expect(queue.errors).toEqual([]);
    expect(queue.asked.map(({ id }) => id)).toEqual(['a_1', `gone_${ID}_v7_leaver`, 'b_1', '7_1']);
  });

  // One click on Bull Board had kept the access of those who leave, for as long as nobody looked.
  it('is paused by an operator: leavers are answered all the same, tenants when it is resumed', async () => {
    await using queue = open(settled);
    expect(await queue.ringer.pausedByOperator()).toBe(false);
    await queue.ringer.queue.pause();
    expect(await queue.ringer.pausedByOperator()).toBe(true);
    await queue.consumer.start();
    await queue.ringer.ring({ tenant: 'a' }, 1);
    await queue.ringer.ring(leaver, 'leaver');
    await until('the leaver', () => queue.asked.length === 1);
    expect(queue.asked.map(({ tenant }) => tenant)).toEqual(['gone']);
    await queue.ringer.queue.resume();
    await queue.quiet();
    expect(queue.asked.map(({ tenant }) => tenant)).toEqual(['gone', 'a']);
  });

  it('lets a doorbell be heard later, which keeps nobody else waiting', async () => {
    await using queue = open(settled);
    await queue.ringer.ring({ tenant: 'busy' }, 'more1', 300);
    await queue.ringer.ring({ tenant: 'other' }, 1);
    expect(await queue.counts()).toMatchObject({ delayed: 1, waiting: 1 });
    await queue.consumer.start();
    await queue.quiet();
    expect(queue.asked.map(({ tenant }) => tenant)).toEqual(['other', 'busy']);
  });

  it('holds a doorbell once, however often it is rung under one word, and takes it again when it was answered', async () => {
    await using queue = open(settled);
    for (let i = 0; i < 5; i += 1) await queue.ringer.ring({ tenant: 'a' }, 'sweep');
    expect((await queue.counts()).waiting).toBe(1);
    await queue.consumer.start();
    await queue.quiet();
    await queue.ringer.ring({ tenant: 'a' }, 'sweep');
    await until('a second answer', () => queue.asked.length === 2);
    await queue.quiet();
  });

  it('keeps nothing of what is done or failed, and no personal data in between', async () => {
    await using queue = open(settled);
    await queue.ringer.ring(leaver, 'leaver');
    const [job] = await queue.ringer.leavers.getJobs();
    expect(job?.data).toEqual(leaver);
    await queue.consumer.start();
    await queue.quiet();
  });
});

describe('what an answer means', () => {
  it('TransientError: again later, and no attempt is consumed', async () => {
    let times = 0;
    await using queue = open(
      async () => {
        times += 1;
        if (times <= 5) throw new TransientError('not now');
        return settled();
      },
      { attempts: 1 },
    );
    await queue.ringer.ring({ tenant: 'a' }, 1);
    await queue.consumer.start();
    await until('an answer', () => times === 6);
    await queue.quiet();
    expect(queue.asked.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1]);
    expect(queue.errors).toHaveLength(5);
  });

  it('TransientError of something that is away: no job is taken until it is back, then all are', async () => {
    let away = true;
    let back: () => void = () => undefined;
    await using queue = open(
      async () => {
        if (away) throw new TransientError('MongoDB is away', { away: 'mongodb' });
        return settled();
      },
      { untilBack: () => new Promise<void>((resolve) => (back = resolve)) },
    );
    await queue.ringer.ring({ tenant: 'a' }, 1);
    await queue.consumer.start();
    await until('a pause', () => queue.consumer.pausedBy === 'mongodb' && queue.asked.length === 1);
    await until('the job to wait', queue.counts, ({ delayed, waiting }) => (delayed ?? 0) + (waiting ?? 0) === 1);
    await queue.ringer.ring({ tenant: 'b' }, 1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(queue.asked).toHaveLength(1);
    away = false;
    back();
    await queue.quiet();
    expect(queue.consumer.pausedBy).toBeUndefined();
    expect(queue.asked.map(({ tenant }) => tenant).sort()).toEqual(['a', 'a', 'b']);
  });

  it('PermanentError: never again', async () => {
    await using queue = open(async () => {
      throw new PermanentError('never', 121);
    });
    await queue.ringer.ring({ tenant: 'a' }, 1);
    await queue.consumer.start();
    await until('an answer', () => queue.asked.length > 0);
    await queue.quiet();
    expect(queue.asked).toHaveLength(1);
    expect(queue.errors).toMatchObject([{ name: 'PermanentError' }]);
  });

  it('any other: the next attempt, as many as there are', async () => {
    await using queue = open(
      async () => {
        throw new Error('who knows');
      },
      { attempts: 3 },
    );
    await queue.ringer.ring({ tenant: 'a' }, 1);
    await queue.consumer.start();
    await until('all attempts', () => queue.asked.length === 3);
    await queue.quiet();
    expect(queue.asked.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('a job that is no doorbell is not answered, and not kept', async () => {
    await using queue = open(settled);
    await queue.ringer.queue.add('apply', { document: {} }, { removeOnFail: true, attempts: 5 });
    await queue.ringer.ring({ tenant: 'a' }, 1);
    await queue.consumer.start();
    await queue.quiet();
    expect(queue.asked.map(({ tenant }) => tenant)).toEqual(['a']);
  });

  it('a stop waits for the job in hand', async () => {
    let finish: () => void = () => undefined;
    let done = false;
    await using queue = open(async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      done = true;
      return settled();
    });
    await queue.ringer.ring({ tenant: 'a' }, 1);
    await queue.consumer.start();
    await until('a job in hand', () => queue.asked.length === 1);
    const stopping = queue.consumer.stop();
    setTimeout(finish, 100);
    await stopping;
    expect(done).toBe(true);
  });
});
