import { reasonOf, ServerEnded } from './server-ended.js';

const entry = (s: string, msg: string, attr?: object) => JSON.stringify({ t: { $date: '2026-12-01' }, s, c: 'STORAGE', id: 1, msg, attr });

describe('the reason that a server gives for its end', () => {
  it.each([
    ['nothing was written', [], undefined],
    [
      'MongoDB wrote a fatal error, then others',
      [entry('F', 'Could not lock', { error: 'in use' }), entry('I', 'Shutting down')],
      'Could not lock: in use',
    ],
    [
      'MongoDB names a status object',
      [entry('E', 'Error starting', { error: { code: 98, errmsg: 'DBPathInUse: locked.' } })],
      'Error starting: DBPathInUse: locked',
    ],
    ['MongoDB wrote no error', [entry('I', 'Listening'), entry('I', 'Shutting down', { exitCode: 0 })], 'Shutting down'],
    [
      'Redis wrote a warning, then others',
      ['1:M 01 Dec 2026 10:00:00.000 # Fatal error, can not open config file', '1:M 01 Dec 2026 * bye'],
      'Fatal error, can not open config file',
    ],
    ['a line is JSON of another kind', ['{"level":30}', 'no luck today'], 'no luck today'],
    ['a line is broken JSON', ['{"s":"F"'], '{"s":"F"'],
  ])('%s', (_, lines, reason) => {
    expect(reasonOf(lines)).toBe(reason);
  });

  // It was a stack trace with the last five lines of a JSON log.
  it('is one sentence of bounded length, with how the server ended and where its log is', () => {
    const error = new ServerEnded('MongoDB', { code: 100, signal: null }, [entry('F', 'x'.repeat(10_000))], '/data/logs/mongodb.log');
    expect(error.message).toMatch(/^MongoDB ended before it was ready \(exit code 100\): x{300}; its log is \/data\/logs\/mongodb\.log$/);
    expect(new ServerEnded('Redis', { code: null, signal: 'SIGKILL' }, [], 'r.log').message).toBe(
      'Redis ended before it was ready (SIGKILL); its log is r.log',
    );
  });
});
