import { credentialsOf, parametersOf } from './credentials.js';
import { OAuthError } from './errors.js';

const FORM = 'application/x-www-form-urlencoded';
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
const none = new Map<string, string>();
function fault(act: () => unknown): OAuthError {
  try {
    act();
  } catch (error) {
    if (error instanceof OAuthError) return error;
    throw error;
  }
  throw new Error('was taken');
}

describe('parameters of the token endpoint (RFC 6749 §3.2)', () => {
  it.each([FORM, `${FORM}; charset=UTF-8`, FORM.toUpperCase()])('are a form: %s', (type) => {
    expect([...parametersOf(type, 'grant_type=client_credentials&a=%C3%A4+b')]).toEqual([
      ['grant_type', 'client_credentials'],
      ['a', 'ä b'],
    ]);
  });
  it.each([undefined, 'application/json', `${FORM}x`])('are nothing else: %s', (type) =>
    expect(fault(() => parametersOf(type, 'a=b'))).toMatchObject({ status: 400, code: 'invalid_request' }),
  );
  it('are given once each; empty ones count as absent', () => {
    expect([...parametersOf(FORM, 'scope=&a=1')]).toEqual([['a', '1']]);
    expect(fault(() => parametersOf(FORM, 'a=1&a=2'))).toMatchObject({ code: 'invalid_request' });
  });
});

describe('credentials of a client (RFC 6749 §2.3.1)', () => {
  it.each([
    ['c1:s1', 'c1', 's1'],
    ['c%3A1:s%20+2%2B', 'c:1', 's  2+'],
    ['c1:s:1', 'c1', 's:1'],
  ])('come by Basic, form-encoded: %s', (text, id, secret) =>
    expect(credentialsOf(basic(text), none)).toEqual({ id, secret, byHeader: true }),
  );

  it('come in the body', () =>
    expect(credentialsOf(undefined, new Map(Object.entries({ client_id: 'c1', client_secret: 's1' })))).toEqual({
      id: 'c1',
      secret: 's1',
      byHeader: false,
    }));

  it.each(['Bearer x', 'Basic', 'Basic !!', basic('no colon'), basic(':no id'), basic('no-secret:'), basic('c1:%')])(
    'are none: %s',
    (header) =>
      expect(fault(() => credentialsOf(header, none))).toMatchObject({ status: 401, code: 'invalid_client', more: { challenge: true } }),
  );
  it('come one way, not two', () => {
    expect(fault(() => credentialsOf(basic('c1:s1'), new Map([['client_secret', 's1']])))).toMatchObject({ code: 'invalid_request' });
    expect(fault(() => credentialsOf(basic('c1:s1'), new Map([['client_id', 'c2']])))).toMatchObject({ code: 'invalid_request' });
    expect(credentialsOf(basic('c1:s1'), new Map([['client_id', 'c1']]))).toMatchObject({ id: 'c1' });
  });
  it('are asked for where there are none', () =>
    expect(fault(() => credentialsOf(undefined, new Map([['client_id', 'c1']])))).toMatchObject({ status: 401, code: 'invalid_client' }));
});
