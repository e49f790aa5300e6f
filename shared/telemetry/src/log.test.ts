import { createLog, loggerOf } from './log.js';
import { scrub } from './redact.js';

function capture(level: 'info' | 'debug' = 'info') {
  const lines: string[] = [];
  const log = createLog({ service: 'ingest', level, destination: { write: (line) => void lines.push(line) } });
  return { log, text: () => lines.join(''), lines: () => lines.map((line): Record<string, unknown> => JSON.parse(line)) };
}

describe('createLog', () => {
  it('writes JSON with service, level, time (ISO 8601) and message', () => {
    const { log, lines } = capture();
    log.info({ tenant: 'acme' }, 'accepted');
    log.debug('not at this level');
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        service: 'ingest',
        tenant: 'acme',
        message: 'accepted',
      },
    ]);
  });

  it.each([
    ['a header', { headers: { authorization: 'Bearer hunter2' } }],
    ['a header in capitals', { request: { headers: { Authorization: 'Bearer hunter2', 'Set-Cookie': ['a=hunter2'] } } }],
    ['a token', { token: 'hunter2' }],
    ['a document', { document: '{"userName":"hunter2"}' }],
    ['a user', { user: { userName: 'hunter2', emails: [{ value: 'hunter2' }], name: { familyName: 'hunter2' } } }],
    ['a name deep down', { a: { b: [{ externalId: 'hunter2' }] } }],
    ['what lies too deep', { a: { b: { c: { d: { e: { f: { g: 'hunter2' } } } } } } }],
    ['an error’s message', { error: new Error('E11000 duplicate key error dup key: { nameKey: "hunter2" }') }],
    ['an error’s cause', { error: new Error('failed', { cause: new SyntaxError('Unexpected token, "hunter2" is not valid JSON') }) }],
    ['errors among others', { error: new AggregateError([new Error('for "hunter2"')], 'all "hunter2"') }],
    [
      'what hangs on an error',
      { error: Object.assign(new Error('failed'), { keyValue: { nameKey: 'hunter2' }, writeErrors: ['hunter2'] }) },
    ],
  ])('keeps %s out', (_, fields) => {
    const { log, text } = capture();
    log.info(fields, 'x');
    expect(text()).toContain('"message":"x"');
    expect(text()).not.toContain('hunter2');
  });

  it('scrubs the message that an error alone would become', () => {
    const { log, text, lines } = capture();
    log.error(new Error('no such user "hunter2"'));
    log.error({ error: new Error('no such user "hunter2"') });
    log.error(new Error('for "hunter2"'), 'a message of our own');
    expect(text()).not.toContain('hunter2');
    expect(lines().map(({ message }) => message)).toEqual(['no such user "…"', 'no such user "…"', 'a message of our own']);
  });

  it('keeps of an error its type, code and stack', () => {
    const { log, lines } = capture();
    log.error({ error: Object.assign(new TypeError('broken'), { code: 11000 }) }, 'x');
    expect(lines()[0]?.error).toEqual({
      type: 'TypeError',
      message: 'broken',
      code: 11000,
      stack: expect.stringMatching(/^\s+at .*log\.test/),
    });
  });

  it('leaves numbers, ids and codes alone', () => {
    const { log, lines } = capture();
    log.info({ id: 'u1', version: 7, tokens: 2, token: true, count: 3, code: 'ECONNREFUSED', name: 'apply' }, 'x');
    expect(lines()[0]).toMatchObject({ id: 'u1', version: 7, tokens: 2, token: true, count: 3, code: 'ECONNREFUSED', name: 'apply' });
  });
});

describe('loggerOf', () => {
  it('says what each line is about, and lets nothing else through', () => {
    const { log, lines } = capture();
    const user = { tenant: 'acme', id: 'u1', version: 3, requestId: undefined, userName: 'hunter2' };
    loggerOf(log, user).info('settled');
    const { time, ...rest } = lines()[0]!;
    expect(rest).toEqual({ level: 'info', service: 'ingest', tenant: 'acme', id: 'u1', version: 3, message: 'settled' });
  });
});

describe('scrub', () => {
  it.each([
    ['connect ECONNREFUSED 127.0.0.1:6379', 'connect ECONNREFUSED 127.0.0.1:6379'],
    ['mongodb://me:secret@host:27017/db is away', 'mongodb://host:27017/db is away'],
    ['sent Bearer abc.def', 'sent Bearer …'],
    ['no ada@example.com here', 'no …@… here'],
    ['an unclosed "quote of ada', 'an unclosed "…"'],
  ])('%s → %s', (message, scrubbed) => {
    expect(scrub(message)).toBe(scrubbed);
  });
});
