import { type Admin, adminOf } from '../support/admin.js';
import { Client } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { until } from '../support/environment.js';
import { runModule } from '../support/module.js';
import { userBody } from '../support/users.js';

jest.setTimeout(90_000);

let cluster: Cluster;
let admin: Admin;
beforeAll(async () => {
  cluster = await startCluster({
    tenants: ['acme', 'globex'],
    ingests: 2,
    env: { SIGN_IN_FAILURES_MAX: '1000', SWEEP_INTERVAL_MS: '200' },
  });
  admin = adminOf(cluster);
});
afterAll(() => cluster[Symbol.asyncDispose]());

interface OAuthClient {
  readonly id: string;
  readonly clientId: string;
  readonly clientSecret: string;
}
const register = async (tenant = 'acme', more: Record<string, unknown> = {}) =>
  (await admin(`POST /tenants/${tenant}/clients`, { name: 'Entra', ...more })).body as OAuthClient & { expiresAt: string };
const as = (token: string, ingest = 0) => new Client(`${cluster.ingests[ingest]!.url}/scim/v2`, token);

/** Asks for a token; what is not given is left out. */
async function ask(form: Record<string, string>, headers: Record<string, string> = {}, ingest = 0) {
  const answer = await fetch(`${cluster.ingests[ingest]!.url}/oauth2/token`, { method: 'POST', body: new URLSearchParams(form), headers });
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  const body: any = await answer.json();
  return { status: answer.status, headers: answer.headers, body };
}
const basic = ({ clientId, clientSecret }: OAuthClient) => ({
  Authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
});
const inBody = ({ clientId, clientSecret }: OAuthClient) => ({ client_id: clientId, client_secret: clientSecret });
const GRANT = { grant_type: 'client_credentials' };
const tokenOf = async (client: OAuthClient) => (await ask(GRANT, basic(client))).body.access_token as string;

describe('POST …/clients', () => {
  it('shows the secret once, and keeps its hash alone', async () => {
    const { status, body } = await admin('POST /tenants/acme/clients', { name: 'Entra' });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.any(String),
      clientId: expect.any(String),
      clientSecret: expect.stringMatching(/^rcs_[\w-]{43}$/),
      name: 'Entra',
    });
    expect(Date.parse(body.expiresAt) - Date.parse(body.createdAt)).toBe(365 * 86_400_000);
    const list = await admin('GET /tenants/acme/clients');
    expect(list.body.items.map(({ clientId }: OAuthClient) => clientId)).toContain(body.clientId);
    const kept = await Promise.all(['tokens', 'audit'].map((name) => cluster.db.collection(name).find().toArray()));
    expect(JSON.stringify([list.body, kept])).not.toContain(body.clientSecret);
    expect((await admin('GET /tenants/acme/tokens?limit=500')).body.items.map(({ id }: OAuthClient) => id)).not.toContain(body.id);
    expect((await admin('GET /tenants/globex/clients')).body.items).toEqual([]);
  });
});

describe('POST /oauth2/token (RFC 6749 §4.4)', () => {
  it.each(['client_secret_basic', 'client_secret_post'])('gives an access token for an hour, by %s, good at every ingest', async (way) => {
    const client = await register();
    const { status, headers, body } = way.endsWith('basic') ? await ask(GRANT, basic(client)) : await ask({ ...GRANT, ...inBody(client) });
    expect([status, body]).toEqual([200, { access_token: expect.stringMatching(/^rca_/), token_type: 'Bearer', expires_in: 3_600 }]);
    expect([headers.get('content-type'), headers.get('cache-control')]).toEqual(['application/json; charset=utf-8', 'no-store']);
    for (const ingest of [0, 1]) expect((await as(body.access_token, ingest).list()).status).toBe(200);
    const created = await as(body.access_token).create(userBody(`by-${way}`));
    expect(created.status).toBe(201);
    await cluster.quiet();
    // The history names the secret that signed in.
    const line = await cluster.db.collection('history').findOne({ id: created.body.id });
    expect(line?.line.by).toBe(client.id);
  });

  it('answers a scope with the one that there is', async () => {
    expect((await ask({ ...GRANT, scope: 'anything' }, basic(await register()))).body.scope).toBe('scim');
  });

  it('keeps no access token as it is', async () => {
    const token = await tokenOf(await register());
    const keys = await cluster.redis.keys(`${cluster.prefix}:*`);
    const values = await Promise.all(
      keys.map(async (key) => ((await cluster.redis.type(key)) === 'hash' ? cluster.redis.hgetall(key) : '')),
    );
    expect(JSON.stringify([keys, values])).not.toContain(token);
    expect(await cluster.ingests[0]!.log()).not.toContain(token);
  });

  it('refuses in the words of RFC 6749 §5.2', async () => {
    const client = await register();
    const wrong = { ...client, clientSecret: `rcs_${'x'.repeat(43)}` };
    const other = await register('globex');
    const table: [string, Promise<{ status: number; headers: Headers; body: { error: string } }>, number, string][] = [
      ['no client', ask(GRANT), 401, 'invalid_client'],
      ['a wrong secret by Basic', ask(GRANT, basic(wrong)), 401, 'invalid_client'],
      ['a wrong secret in the body', ask({ ...GRANT, ...inBody(wrong) }), 401, 'invalid_client'],
      ['a secret of another client', ask(GRANT, basic({ ...client, clientSecret: other.clientSecret })), 401, 'invalid_client'],
      ['a SCIM token for a secret', ask(GRANT, basic({ ...client, clientSecret: cluster.token('acme') })), 401, 'invalid_client'],
      ['two ways at once', ask({ ...GRANT, ...inBody(client) }, basic(client)), 400, 'invalid_request'],
      ['no grant_type', ask({}, basic(client)), 400, 'invalid_request'],
      ['another grant', ask({ grant_type: 'password', username: 'a', password: 'b' }, basic(client)), 400, 'unsupported_grant_type'],
      ['JSON', ask(GRANT, { ...basic(client), 'Content-Type': 'application/json' }), 400, 'invalid_request'],
    ];
    for (const [what, asked, status, error] of table) {
      const answer = await asked;
      expect([what, answer.status, answer.body.error]).toEqual([what, status, error]);
    }
    expect((await ask(GRANT, basic(wrong))).headers.get('www-authenticate')).toMatch(/^Basic realm=/);
    expect((await fetch(`${cluster.ingests[0]!.url}/oauth2/token`)).status).toBe(405);
  });

  it('gives a client no more than 60 in a minute', async () => {
    const client = await register();
    const answers: number[] = [];
    for (let i = 0; i < 61; i += 1) answers.push((await ask(GRANT, basic(client))).status);
    expect(answers.filter((status) => status === 200)).toHaveLength(60);
    expect(answers.at(-1)).toBe(429);
  });
});

describe('an OAuth client', () => {
  it('that is revoked gets none, and those that it has end at once', async () => {
    const client = await register();
    const token = await tokenOf(client);
    for (const ingest of [0, 1]) expect((await as(token, ingest).list()).status).toBe(200);
    expect((await admin(`DELETE /tenants/globex/clients/${client.clientId}`)).status).toBe(404);
    expect((await admin(`DELETE /tenants/acme/clients/${client.clientId}`)).status).toBe(204);
    for (const ingest of [0, 1]) expect((await as(token, ingest).list()).status).toBe(401);
    expect((await ask(GRANT, basic(client))).body.error).toBe('invalid_client');
    expect((await admin(`DELETE /tenants/acme/clients/${client.clientId}`)).status).toBe(204);
  });

  it('keeps its id when its secret is regenerated; the previous one ends at once, or after an overlap', async () => {
    const client = await register();
    const overlapped = (await admin(`POST /tenants/acme/clients/${client.clientId}/regenerate`, { overlapHours: 1 })).body as OAuthClient;
    expect([overlapped.clientId, overlapped.id === client.id]).toEqual([client.clientId, false]);
    for (const each of [client, overlapped]) expect((await as(await tokenOf(each)).list()).status).toBe(200);
    const token = await tokenOf(overlapped);
    const { status, body } = await admin(`POST /tenants/acme/clients/${overlapped.id}/regenerate`);
    expect(status).toBe(201);
    expect((await as(token).list()).status).toBe(401);
    expect((await ask(GRANT, basic(overlapped))).status).toBe(401);
    expect((await as(await tokenOf(body)).list()).status).toBe(200);
  });

  it('whose secret is expired is told so, and it is in the tenant’s status', async () => {
    const client = await register('globex');
    const token = await tokenOf(client);
    await cluster.db
      .collection('tokens')
      .updateOne({ _id: client.id as never }, { $set: { expiresAt: new Date(), carry: true }, $inc: { revision: 1 } });
    const answer = await until(
      'the end',
      () => ask(GRANT, basic(client)),
      ({ status }) => status === 401,
    );
    expect(answer.body).toEqual({ error: 'invalid_client', error_description: expect.stringMatching(/expired at \d{4}/) });
    expect(await as(token).list()).toMatchObject({ status: 401, body: { detail: expect.stringContaining('expired') } });
    await until(
      'the status',
      () => admin('GET /tenants/globex/status'),
      ({ body }) => /expired/.test(body.lastError?.detail ?? ''),
    );
  });

  it('can’t sign in to SCIM by its secret, and is told where to bring it', async () => {
    const { clientSecret } = await register();
    expect(await as(clientSecret).list()).toMatchObject({ status: 401, body: { detail: expect.stringContaining('/oauth2/token') } });
  });

  it('of a suspended tenant is answered 403 by SCIM', async () => {
    await admin('POST /tenants', { id: 'resting' });
    const token = await tokenOf(await register('resting'));
    await admin('POST /tenants/resting/suspend');
    expect((await as(token).list()).status).toBe(403);
  });

  it('gets a new token where Redis has forgotten everything', async () => {
    const client = await register();
    const token = await tokenOf(client);
    await cluster.redis.del(...(await cluster.redis.keys(`${cluster.prefix}:*`)));
    expect((await as(token).list()).status).toBe(401);
    expect((await as(await tokenOf(client)).list()).status).toBe(200);
  });
});

describe('/ServiceProviderConfig', () => {
  it('announces both ways to sign in', async () => {
    const { body } = await cluster.client('acme').request('GET', '/ServiceProviderConfig');
    expect(body.authenticationSchemes).toMatchObject([
      { type: 'oauthbearertoken', primary: true },
      { type: 'oauth2', description: expect.stringContaining('/oauth2/token') },
    ]);
  });
});

describe('a client library that others wrote (oauth4webapi)', () => {
  it.each(['ClientSecretBasic', 'ClientSecretPost'])('gets a token by %s, and is told of a wrong secret', async (way) => {
    const client = await register();
    const script = `import * as oauth from 'oauth4webapi';
      const as = { issuer: INPUT.url, token_endpoint: INPUT.url + '/oauth2/token' };
      const fetched = async (secret) => {
        const client = { client_id: INPUT.clientId };
        const options = { [oauth.allowInsecureRequests]: true };
        const response = await oauth.clientCredentialsGrantRequest(as, client, oauth[INPUT.way](secret), new URLSearchParams(), options);
        return oauth.processClientCredentialsResponse(as, client, response);
      };
      const token = await fetched(INPUT.clientSecret);
      const wrong = await fetched('rcs_' + 'x'.repeat(43)).catch((error) => ({ name: error.constructor.name, error: error.error ?? error.cause }));
      console.log(JSON.stringify({ token, wrong }));`;
    const answer = (await runModule(script, { ...client, way, url: cluster.ingests[0]!.url })) as {
      token: { access_token: string };
      wrong: unknown;
    };
    expect((await as(answer.token.access_token).list()).status).toBe(200);
    expect(JSON.stringify(answer.wrong)).toMatch(way === 'ClientSecretPost' ? /invalid_client/ : /basic|invalid_client/i);
  });
});
