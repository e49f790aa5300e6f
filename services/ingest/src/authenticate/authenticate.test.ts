import { TransientError } from '@rollcall/directory';
import type { ScimError } from '@rollcall/scim';
import { hashToken, localLimit, type TenantRecord, type TokenRecord } from '@rollcall/tenancy';
import { Unauthenticated } from '../respond/errors.js';
import { request } from '../testing.js';
import { makeAuthenticate } from './authenticate.js';

const TOKEN = 'rc_0123456789012345678901234567890123456789';
const TOKEN_RECORD: TokenRecord = { id: 't1', tenant: 'acme', expires_ms: 2_000, revoked: false, revision: 1 };
const TENANT_RECORD: TenantRecord = { id: 'acme', status: 'active', source: 'scim', settings: {}, revision: 3 };

const SECRET = 'rcs_0123456789012345678901234567890123456789';
const ACCESS = 'rca_0123456789012345678901234567890123456789';
const SECRET_RECORD: TokenRecord = { id: 's1', tenant: 'acme', expires_ms: 5_000, revoked: false, revision: 1, client: 'c1' };
const ACCESS_RECORD: TokenRecord = { ...SECRET_RECORD, expires_ms: 3_000, via: hashToken(SECRET) };

function setUp(more: { token?: Partial<TokenRecord>; tenant?: Partial<TenantRecord>; away?: boolean; failuresMax?: number } = {}) {
  const asked: string[] = [];
  const heard: unknown[] = [];
  const failures: string[] = [];
  const state = {
    secret: SECRET_RECORD,
    token: { ...TOKEN_RECORD, ...more.token },
    tenant: { ...TENANT_RECORD, ...more.tenant },
    away: more.away ?? false,
  };
  const clock = { now_ms: 1_000 };
  const authenticate = makeAuthenticate({
    records: {
      async token(hash) {
        asked.push('token');
        if (state.away) throw new TransientError('Redis is away', { away: 'redis' });
        if (hash === hashToken(SECRET)) return state.secret;
        if (hash === hashToken(ACCESS)) return ACCESS_RECORD;
        return hash === hashToken(TOKEN) ? state.token : undefined;
      },
      async tenant() {
        asked.push('tenant');
        return state.tenant;
      },
    },
    limit: localLimit({ max: more.failuresMax ?? 3 }),
    onFailure: (reason) => failures.push(reason),
    activity: {
      used: (tenant, credential) => heard.push([tenant, credential]),
      refused: (tenant, { status, detail }) => heard.push([tenant, status, detail]),
    },
    tokenCacheMax: 10,
    deadline_ms: 1_000,
    now_ms: () => clock.now_ms,
  });
  const by = (authorization?: string, address?: string) =>
    authenticate(
      request('GET /scim/v2/Users', {
        ...(authorization === undefined ? {} : { headers: { authorization } }),
        ...(address === undefined ? {} : { address }),
      }),
    );
  return { by, asked, state, clock, heard, failures, authenticate };
}

const fault = (promise: Promise<unknown>): Promise<ScimError> =>
  promise.then(
    () => Promise.reject(new Error('was let in')),
    (error: ScimError) => error,
  );

describe('authentication by bearer token (RFC 6750)', () => {
  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN} `])('lets “%s” in, as its tenant', async (header) => {
    expect(await setUp().by(header)).toEqual({ tenant: 'acme', credential: 't1', settings: 3 });
  });

  it.each([
    ['', 'empty', 'the word "Bearer"'],
    ['Bearer', 'no token', 'got none'],
    ['Bearer ', 'no token, a blank', 'got none'],
    ['Bearer rc_UEsy', 'the prefix that lists show', 'incomplete: it has 7 characters'],
    [`Bearer Bearer ${TOKEN}`, 'the word twice', 'begins with the word "Bearer"'],
    [`bearer BEARER ${TOKEN}`, 'the word twice, in another case', 'begins with the word "Bearer"'],
    [`Bearer ${TOKEN} ${TOKEN}`, 'two tokens', 'several words'],
    [`Basic ${TOKEN}`, 'another scheme', 'the word "Bearer"'],
    [TOKEN, 'no scheme', 'the word "Bearer"'],
    [`Bearer ${'x'.repeat(257)}`, 'too long', 'too long: it has 257 characters'],
    [`Bearer ${'é'.repeat(40)}`, 'not visible ASCII', 'characters that no token has'],
  ])('answers “%s” (%s) 401 without a look-up, and says what is wrong', async (header, _, said) => {
    const { by, asked, failures } = setUp();
    const error = await fault(by(header));
    expect(error).toBeInstanceOf(Unauthenticated);
    expect(error).toMatchObject({ detail: expect.stringContaining(said), about: { reason: 'token_malformed' } });
    expect(error.detail).not.toContain(TOKEN);
    expect([asked, failures]).toEqual([[], ['token_malformed']]);
  });

  it('answers 401 where none is brought, and says that none was', async () => {
    expect(await fault(setUp().by())).toMatchObject({ status: 401, tokenGiven: false });
  });

  // A revoked token was answered in the words of one that never was, and its tenant heard nothing of it.
  it('tells a revoked token from an unknown one, and whose it was', async () => {
    const unknown = await fault(setUp().by(`Bearer ${'x'.repeat(40)}`));
    expect(unknown).toMatchObject({ status: 401, detail: 'the token is not valid', about: { reason: 'token_unknown' } });
    const { by, heard } = setUp({ token: { revoked: true, revoked_ms: 500 } });
    expect(await fault(by(`Bearer ${TOKEN}`))).toMatchObject({
      ...{ status: 401, detail: expect.stringContaining('was revoked at 1970-01-01T00:00:00.500Z') },
      about: { reason: 'token_revoked', tenant: 'acme', credential: 't1' },
    });
    expect(heard).toEqual([['acme', 401, expect.stringContaining('revoked')]]);
  });

  it('tells the holder of an expired token so', async () => {
    expect(await fault(setUp({ token: { expires_ms: 1_000 } }).by(`Bearer ${TOKEN}`))).toMatchObject({
      status: 401,
      detail: expect.stringContaining('expired at 1970-01-01T00:00:01.000Z'),
    });
  });

  it('answers 403 to a suspended tenant, and to one that is being deleted', async () => {
    expect(await fault(setUp({ tenant: { status: 'suspended' } }).by(`Bearer ${TOKEN}`))).toMatchObject({ status: 403 });
    expect(await fault(setUp({ tenant: { status: 'deleting' } }).by(`Bearer ${TOKEN}`))).toMatchObject({
      status: 403,
      detail: expect.stringContaining('deleted'),
    });
  });

  it.each([
    ['directory', 'SCIM is not turned on for this tenant: its people come from a directory'],
    ['manual', 'SCIM is not turned on for this tenant: its people are made by hand'],
  ] as const)('answers 403 while people come from elsewhere, and says from where: %s', async (source, said) => {
    expect(await fault(setUp({ tenant: { source } }).by(`Bearer ${TOKEN}`))).toMatchObject({
      status: 403,
      detail: expect.stringContaining(said),
    });
  });

  it('never answers 401 where nobody can tell', async () => {
    await expect(setUp({ away: true }).by(`Bearer ${TOKEN}`)).rejects.toBeInstanceOf(TransientError);
  });

  it('knows whose a token was without asking, once it was good', async () => {
    const { by, authenticate, state } = setUp();
    const before = (token: string) =>
      authenticate.tenantBefore?.(request('GET /scim/v2/Users', { headers: { authorization: `Bearer ${token}` } }));
    expect(before(TOKEN)).toBeUndefined();
    await by(`Bearer ${TOKEN}`);
    state.away = true;
    expect([before(TOKEN), before('x'.repeat(40)), before('short')]).toEqual(['acme', undefined, undefined]);
  });

  it('asks each time whether token and tenant still hold, from the second time on at once', async () => {
    const { by, state, asked } = setUp();
    await by(`Bearer ${TOKEN}`);
    await by(`Bearer ${TOKEN}`);
    expect(asked).toEqual(['token', 'tenant', 'tenant', 'token']);
    state.token = { ...state.token, revoked: true };
    expect(await fault(by(`Bearer ${TOKEN}`))).toMatchObject({ status: 401 });
  });
});

describe('access tokens (RFC 6749)', () => {
  it('let their client in as its tenant, under the id of the secret that they were given for', async () => {
    expect(await setUp().by(`Bearer ${ACCESS}`)).toEqual({ tenant: 'acme', credential: 's1', settings: 3 });
  });

  it('end with the secret that they were given for: revoked, or expired', async () => {
    const { by, state, clock } = setUp();
    await by(`Bearer ${ACCESS}`);
    state.secret = { ...SECRET_RECORD, expires_ms: 1_000 };
    expect(await fault(by(`Bearer ${ACCESS}`))).toMatchObject({ status: 401, detail: expect.stringContaining('expired at 1970') });
    state.secret = { ...SECRET_RECORD, revoked: true };
    expect(await fault(by(`Bearer ${ACCESS}`))).toMatchObject({ status: 401, detail: expect.stringContaining('no longer valid') });
    state.secret = SECRET_RECORD;
    clock.now_ms = 3_000;
    expect(await fault(by(`Bearer ${ACCESS}`))).toMatchObject({ status: 401, detail: expect.stringContaining('/oauth2/token') });
  });

  it('are what a client’s secret is not: that is refused, and its holder told where to bring it', async () => {
    expect(await fault(setUp().by(`Bearer ${SECRET}`))).toMatchObject({ status: 401, detail: expect.stringContaining('/oauth2/token') });
  });
});

describe('who was heard of', () => {
  it('is noted: who signed in, and of a tenant that is known also who was refused', async () => {
    const { by, state, heard } = setUp();
    await by(`Bearer ${TOKEN}`);
    await fault(by(`Bearer ${'x'.repeat(40)}`));
    state.tenant = { ...state.tenant, status: 'suspended' };
    await fault(by(`Bearer ${TOKEN}`));
    state.token = { ...state.token, expires_ms: 1_000 };
    await fault(by(`Bearer ${TOKEN}`));
    expect(heard).toEqual([
      ['acme', 't1'],
      ['acme', 403, expect.stringContaining('suspended')],
      ['acme', 401, expect.stringContaining('expired')],
    ]);
  });
});

describe('wrong tokens', () => {
  const wrong = (n = 0) => `Bearer ${'x'.repeat(40)}${n}`;

  it('are answered 429 with Retry-After beyond the limit, for each address by itself', async () => {
    const { by, failures } = setUp({ failuresMax: 2 });
    for (const n of [1, 2]) expect(await fault(by(wrong(n)))).toMatchObject({ status: 401 });
    expect(await fault(by(wrong(3)))).toMatchObject({ status: 429, retryAfter_s: expect.any(Number) });
    expect(await fault(by(wrong(4), '192.0.2.2'))).toMatchObject({ status: 401 });
    expect(failures).toEqual(['token_unknown', 'token_unknown', 'too_many_sign_ins', 'token_unknown']);
  });

  // A token that this process had not seen before was answered 429 for what strangers did at the same address.
  it('lock out no good token, also one that is new here, nor a fresh access token', async () => {
    const { by } = setUp({ failuresMax: 1, token: { expires_ms: 1e9 } });
    for (const n of [1, 2, 3]) await fault(by(wrong(n)));
    await expect(by(`Bearer ${TOKEN}`)).resolves.toMatchObject({ tenant: 'acme' });
    await expect(by(`Bearer ${ACCESS}`)).resolves.toMatchObject({ tenant: 'acme' });
  });

  it.each([
    ['revoked', { revoked: true }],
    ['expired', { expires_ms: 0 }],
  ])('are no tokens that were ours: %s', async (_, token) => {
    const { by } = setUp({ failuresMax: 1, token });
    for (let n = 0; n < 5; n += 1) expect(await fault(by(`Bearer ${TOKEN}`))).toMatchObject({ status: 401 });
    expect(await fault(by(wrong()))).toMatchObject({ status: 401 });
  });

  it('are no malformed ones', async () => {
    const { by } = setUp({ failuresMax: 1 });
    for (let n = 0; n < 5; n += 1) await fault(by('Bearer short'));
    expect(await fault(by(wrong()))).toMatchObject({ status: 401 });
  });
});
