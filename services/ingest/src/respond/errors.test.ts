import { TransientError, Withheld } from '@rollcall/directory';
import { ScimError } from '@rollcall/scim';
import { UnknownTenantError } from '@rollcall/store';
import { ClientGone } from '../exchange.js';
import { errorResponse, MethodNotAllowed, NoEndpoint, Refusal, shownPath, Unauthenticated } from './errors.js';

const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';
const answered = (error: unknown) => errorResponse(error, 'r1');

describe('the answer to an error (RFC 7644 §3.12)', () => {
  it('a bug is 500, says where to look, and nothing of what went wrong', () => {
    const secret = new Error('the password is swordfish');
    const { status, headers, body } = answered(secret);
    expect({ status, headers }).toEqual({ status: 500, headers: {} });
    expect(body).toEqual({ schemas: [ERROR_URN], status: '500', detail: 'internal error; the log has it under request r1' });
    expect(answered('not even an error').status).toBe(500);
  });

  it('what is away is 503 with Retry-After, and not named', () => {
    const { status, headers, body } = answered(new TransientError('MongoDB does not answer', { away: 'mongodb', retryAfter_s: 0.2 }));
    expect({ status, headers }).toEqual({ status: 503, headers: { 'Retry-After': '1' } });
    expect(body).toEqual({ schemas: [ERROR_URN], status: '503', detail: 'temporarily unavailable; try again' });
  });

  it.each([
    [new Unauthenticated('no token', false), 401, { 'WWW-Authenticate': 'Bearer realm="rollcall"' }],
    [new Unauthenticated('bad token', true), 401, { 'WWW-Authenticate': 'Bearer realm="rollcall", error="invalid_token"' }],
    [new UnknownTenantError('acme'), 401, { 'WWW-Authenticate': 'Bearer realm="rollcall", error="invalid_token"' }],
    [new MethodNotAllowed('PUT', '"/Users"', ['GET', 'POST']), 405, { Allow: 'GET, POST' }],
    [new ScimError(429, undefined, 'too many', 7.2), 429, { 'Retry-After': '8' }],
    [ScimError.of('invalidCursor', 'cursor'), 400, {}],
  ])('%s is %d', (error, status, headers) => {
    expect(answered(error)).toMatchObject({ status, headers, body: { schemas: [ERROR_URN], status: String(status) } });
  });

  it('a client that went away is answered nothing', () => {
    expect(answered(new ClientGone('broke off'))).toEqual({ status: 499, fault: { reason: 'client_gone' } });
  });
});

describe('what the log is told of an error', () => {
  const bug = new TypeError('x is undefined');
  it.each([
    [ScimError.of('uniqueness', 'userName'), { reason: 'uniqueness', scimType: 'uniqueness' }],
    [ScimError.of('invalidValue', 'emails'), { reason: 'invalid_value', scimType: 'invalidValue' }],
    [
      new ScimError(409, 'uniqueness', 'taken', undefined, { cause: new Withheld('taken', ['a']) }),
      { reason: 'account_taken', scimType: 'uniqueness' },
    ],
    [new ScimError(412, undefined, 'If-Match'), { reason: 'precondition_failed' }],
    [new ScimError(418, undefined, 'teapot'), { reason: 'status_418' }],
    [new Refusal(403, 'suspended', { reason: 'tenant_suspended', tenant: 'acme' }), { reason: 'tenant_suspended', noted: true }],
    [new Unauthenticated('revoked', true, { reason: 'token_revoked', credential: 't1' }), { reason: 'token_revoked', credential: 't1' }],
    [new MethodNotAllowed('PUT', '"/Users"', ['GET']), { reason: 'method_not_allowed' }],
    [new NoEndpoint({ path: '/scim/Users', baseUrl: 'https://x/scim/v2' }), { reason: 'no_endpoint', path: '/scim/Users' }],
    [
      new TransientError('Redis does not answer', { away: 'redis' }),
      { reason: 'redis_away', away: 'redis', cause: 'Redis does not answer' },
    ],
    [new TransientError('no answer in time'), { reason: 'not_now', cause: 'no answer in time' }],
    [bug, { reason: 'internal_error', error: bug }],
  ])('%s', (error, fault) => expect(answered(error).fault).toEqual(fault));

  it.each([
    ['/scim/v2/v2/Users', '/scim/v2/v2/Users'],
    ['/scim/v2/Users/ada@example.com', '/scim/v2/Users/…'],
    [`/Users/rc_${'x'.repeat(43)}`, '/Users/…'],
    ['/Users/%61da', '/Users/…'],
    // A password after the name of an endpoint was logged.
    ['/scim/v2/Users/password/Sw0rdfish', '/scim/v2/Users/…/…'],
    ['/scim/v2/Users/Groups', '/scim/v2/Users/Groups'],
    ['/a/b/c/d/e/f/g/h/i', '/a/b/c/d/e/f/g/…'],
  ])('of the path %s is %s', (path, shown) => expect(shownPath(path)).toBe(shown));
});
