import { spawnGuarded } from './guard.js';

const base = { name: 'child', env: { PATH: '/usr/bin:/bin' } };

describe('a guarded process', () => {
  it('has the pid that is told, gives its lines, and tells how it ended', async () => {
    const lines: string[] = [];
    const child = await spawnGuarded({
      ...base,
      command: '/bin/sh',
      args: ['-c', 'echo "$$"; echo oops >&2; exit 7'],
      log: (line) => lines.push(line),
    });
    expect(await child.exited).toEqual({ code: 7, signal: null });
    expect(lines.sort()).toEqual([String(child.pid), 'oops'].sort());
    expect(child.lastLines()).toHaveLength(2);
  });

  it('is killed at the deadline where it does not stop, or at once where there is a hurry', async () => {
    for (const [deadline_ms, hurry] of [
      [100, undefined],
      [60_000, AbortSignal.timeout(100)],
    ] as const) {
      const child = await spawnGuarded({
        ...base,
        command: '/bin/sh',
        args: ['-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'],
        log: () => {},
      });
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await child.stop({ deadline_ms, hurry })).toEqual({ code: null, signal: 'SIGKILL' });
    }
  });

  it('ends with 127 where there is no such program', async () => {
    const child = await spawnGuarded({ ...base, command: '/nowhere/at-all', args: [], log: () => {} });
    expect((await child.exited).code).toBe(127);
  });
});
