import { troubleOf } from './trouble.js';

describe('what a server last said', () => {
  const error = (message: string, more: object = {}) => Object.assign(new Error(message), more);
  it.each([
    ['Redis asks for a password', error('Ready check failed: NOAUTH Authentication required.'), 'NOAUTH Authentication required', true],
    ['the password is wrong', error('WRONGPASS invalid username-password pair or user is disabled.'), /^WRONGPASS/, true],
    [
      'Redis is in protected mode',
      error('DENIED Redis is running in protected mode because protected mode is enabled and no password is set. In this mode …'),
      'DENIED Redis is running in protected mode because protected mode is enabled and no password is set',
      true,
    ],
    ['the user of Redis has no rights', error('NOPERM this user has no permissions to run the info command'), /^NOPERM/, true],
    ['MongoDB refuses the password', error('Authentication failed.', { code: 18 }), 'Authentication failed', true],
    ['MongoDB refuses, told by its cause', error('bad auth', { cause: { code: 8000 } }), 'bad auth', true],
    [
      'nothing listens',
      error('connect ECONNREFUSED 127.0.0.1:6379', { code: 'ECONNREFUSED' }),
      'connect ECONNREFUSED 127.0.0.1:6379',
      false,
    ],
    ['all addresses fail, without a message', error('', { code: 'ECONNREFUSED' }), 'ECONNREFUSED', false],
    ['it is no error at all', undefined, 'unknown error', false],
  ])('%s', (_, cause, message, refused) => {
    const trouble = troubleOf(cause);
    expect(trouble.message).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
    expect(trouble.refused).toBe(refused);
  });
});
