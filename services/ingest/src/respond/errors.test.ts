import { TransientError } from '@rollcall/directory';
import { ScimError } from '@rollcall/scim';
import { UnknownTenantError } from '@rollcall/store';
import { silentLog } from '@rollcall/telemetry';
import { ClientGone } from '../exchange.js';
import { errorResponse, MethodNotAllowed, Unauthenticated } from './errors.js';

const ERROR_URN = 'urn:ietf:params:scim:api:messages:2.0:Error';
const answered = (error: unknown) => errorResponse(error, 'r1', silentLog());

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
    expect(answered(new ClientGone('broke off'))).toEqual({ status: 499 });
  });
});
