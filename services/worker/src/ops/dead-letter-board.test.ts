import { exercise, silentLog } from '@rollcall/telemetry';
import { Queue } from 'bullmq';
import type { DeadLetter } from './dead-letter.js';
import { DEAD_LETTER_QUEUE, deadLetterBoard, MIRRORED_MAX } from './dead-letter-board.js';

const letter = (n: number, failedAt = '2026-01-02T03:04:05.678Z'): DeadLetter => ({
  tenant: 'acme',
  type: 'User',
  id: `01932c07-2f4e-7cde-8a90-${String(n).padStart(12, '0')}`,
  version: n,
  cause: 'duplicate key: { nameKey: "ada" }',
  tries: 1,
  failedAt,
  requestId: 'r1',
});

/** Keeps ids as BullMQ would: what is added fails at once. */
function fakeQueue({ failed = [] as string[], underway = [] as string[] } = {}) {
  const added: { data: { cause: string }; opts: { jobId: string } }[] = [];
  const removed: string[] = [];
  const queue = {
    name: DEAD_LETTER_QUEUE,
    opts: {},
    getRanges: async ([type]: string[]) => (type === 'failed' ? failed : underway),
    addBulk: async (jobs: typeof added) => void added.push(...jobs),
    remove: async (jobId: string) => removed.push(jobId),
  };
  const deps = {
    queue: queue as unknown as Queue,
    connection: {},
    redrive: async () => undefined,
    log: silentLog(),
    onError: () => undefined,
  };
  return { board: deadLetterBoard(deps), added, removed };
}

const jobId = (n: number, failedAt_ms = 1_767_323_045_678) => `acme_${letter(n).id}_v${n}_${failedAt_ms}`;

describe('deadLetterBoard.mirror', () => {
  it('adds what is missing, removes what is gone, leaves the rest and what is under way', async () => {
    const { board, added, removed } = fakeQueue({ failed: [jobId(1), jobId(2)], underway: [jobId(3), jobId(4)] });
    expect(await board.mirror([letter(2), letter(3), letter(5)])).toEqual({ added: 1, removed: 1 });
    expect(added.map(({ opts }) => opts.jobId)).toEqual([jobId(5)]);
    expect(removed).toEqual([jobId(1)]);
  });

  it('shows a second death of the same version as another job', async () => {
    const { board, added } = fakeQueue({ underway: [jobId(1)] });
    await board.mirror([letter(1, '2026-01-02T03:04:06.000Z')]);
    expect(added.map(({ opts }) => opts.jobId)).toEqual([jobId(1, 1_767_323_046_000)]);
  });

  it('makes ids that BullMQ takes, and carries no personal data', async () => {
    const { board, added } = fakeQueue();
    await board.mirror([letter(1)]);
    expect(added[0]!.opts.jobId).not.toMatch(/:|^\d+$/);
    expect(JSON.stringify(added)).not.toContain('ada');
  });

  it(`shows at most ${MIRRORED_MAX}`, async () => {
    const { board, added } = fakeQueue();
    await board.mirror(Array.from({ length: MIRRORED_MAX + 1 }, (_, n) => letter(n)));
    expect(added).toHaveLength(MIRRORED_MAX);
  });
});

// Against a real server: ROLLCALL_TEST_REDIS_URL=redis://127.0.0.1:6399 npx jest …
const url = process.env.ROLLCALL_TEST_REDIS_URL;
(url === undefined ? describe.skip : describe)('deadLetterBoard with a real Redis', () => {
  const { hostname: host, port } = new URL(url ?? 'redis://unused:1');
  const connection = { host, port: Number(port) };

  async function withBoard(body: (queue: Queue, board: ReturnType<typeof deadLetterBoard>, redriven: string[]) => Promise<void>) {
    const queue = new Queue(DEAD_LETTER_QUEUE, { connection, prefix: `{test-${process.pid}-${Math.random()}}` });
    const redriven: string[] = [];
    const redrive = async ({ id }: { id: string }) => {
      if (id === letter(9).id) throw new TypeError('"ada" is broken');
      redriven.push(id);
    };
    const board = deadLetterBoard({ queue, connection, redrive, log: silentLog(), onError: () => undefined });
    try {
      await board.start();
      await body(queue, board, redriven);
    } finally {
      await board.stop();
      await queue.obliterate({ force: true });
      await queue.close();
    }
  }

  async function until(reached: () => Promise<boolean>): Promise<void> {
    while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  it('shows dead letters as failed jobs with their cause, and redrives on Retry', async () => {
    await withBoard(async (queue, board, redriven) => {
      await board.mirror([letter(1), letter(2)]);
      await until(async () => (await queue.getFailedCount()) === 2);
      const job = await queue.getJob(jobId(1));
      expect(job).toMatchObject({ failedReason: 'duplicate key: {…}', stacktrace: [], attemptsMade: 1 });
      await job!.retry('failed'); // as Bull Board's button does
      await until(async () => (await queue.getJob(jobId(1))) === undefined);
      expect(redriven).toEqual([letter(1).id]);
      expect(await board.mirror([])).toEqual({ added: 0, removed: 1 });
    });
  });

  it('shows that a redrive failed, and can be told to try again', async () => {
    await withBoard(async (queue, board) => {
      await board.mirror([letter(9)]);
      for (const attemptsMade of [1, 2, 3]) {
        await until(async () => (await queue.getFailedCount()) === 1);
        const job = await queue.getJob(jobId(9));
        expect(job).toMatchObject({
          attemptsMade,
          failedReason: expect.stringMatching(attemptsMade === 1 ? /^duplicate/ : /^not redriven \(TypeError\)/),
        });
        expect(job!.failedReason).not.toContain('ada');
        await job!.retry('failed');
      }
      await until(async () => (await queue.getFailedCount()) === 1);
    });
  });

  it('bears starts and stops at random', async () => {
    await withBoard(async (_, board) => exercise(board));
  });
});
