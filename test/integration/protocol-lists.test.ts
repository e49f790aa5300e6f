import { GROUP_URN, SEARCH_REQUEST_URN, SERVICE_PROVIDER_CONFIG_URN } from '@rollcall/scim';
import { type Answer, type Client, inParallel } from '../support/client.js';
import { type Cluster, startCluster } from '../support/cluster.js';
import { userBody } from '../support/users.js';

jest.setTimeout(60_000);

const UNRESERVED = /^[A-Za-z0-9._~-]+$/;
const names = (answer: Answer): string[] =>
  answer.body.Resources.map(({ userName, displayName }: Record<string, string>) => (userName ?? displayName)?.split('@')[0]);
const error = (status: number, scimType?: string) => ({
  status,
  body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status), ...(scimType ? { scimType } : {}) },
});

describe('lists and searches', () => {
  let cluster: Cluster;
  let client: Client;
  beforeAll(async () => {
    cluster = await startCluster({ ingests: 2, env: { CURSOR_TTL_S: '3' } });
    client = cluster.client('acme');
    await inParallel(['delta', 'Alpha', 'charlie', 'BRAVO'], 1, (name, i) =>
      client.create(userBody(name, { displayName: undefined, ...(i < 2 ? { title: `t${i}` } : {}) })),
    );
    await client.request('POST', '/Groups', { schemas: [GROUP_URN], displayName: 'bravo group' });
  }, 60_000);
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  const search = (path: string, body: object, more: Client = client) =>
    more.request('POST', path, { schemas: [SEARCH_REQUEST_URN], ...body });

  it('says what it can (RFC 7643 §5, RFC 9865 §4)', async () => {
    const { body } = await client.request('GET', '/ServiceProviderConfig');
    expect(body).toMatchObject({
      schemas: [SERVICE_PROVIDER_CONFIG_URN],
      sort: { supported: true },
      pagination: {
        ...{ cursor: true, index: true, defaultPaginationMethod: 'index' },
        ...{ defaultPageSize: 100, maxPageSize: 200, cursorTimeout: 3 },
      },
    });
  });

  it.each([
    ['sortBy=userName', ['Alpha', 'BRAVO', 'charlie', 'delta']],
    ['sortBy=userName&sortOrder=descending', ['delta', 'charlie', 'BRAVO', 'Alpha']],
    ['sortBy=title', ['delta', 'Alpha', 'charlie', 'BRAVO']],
    ['sortBy=title&sortOrder=descending', ['charlie', 'BRAVO', 'Alpha', 'delta']],
    ['sortBy=emails.value&startIndex=2&count=2', ['BRAVO', 'charlie']],
    ['sortOrder=descending', ['delta', 'Alpha', 'charlie', 'BRAVO']],
    ['sortBy=urn:ietf:params:scim:schemas:core:2.0:User:userName', ['Alpha', 'BRAVO', 'charlie', 'delta']],
    ['sortBy=userName&filter=userName eq "charlie@example.com" or title pr', ['Alpha', 'charlie', 'delta']],
    ['sortBy=userName&filter=userName eq "charlie@example.com"', ['charlie']],
  ])('?%s', async (query, expected) => {
    expect(names(await client.list(encodeURI(query)))).toEqual(expected);
    await cluster.quiet();
    expect(names(await client.list(encodeURI(query)))).toEqual(expected);
  });

  it.each([
    ['sortBy=nothing', 'invalidPath'],
    ['sortBy=name', 'invalidPath'],
    ['sortBy=groups', 'invalidPath'],
    ['sortBy=userName&sortOrder=up', 'invalidValue'],
    ['cursor=x', 'invalidCursor'],
    ['cursor=a.aaaaaaaaaaaaaaaaaaaaaa', 'invalidCursor'],
    ['cursor=&count=x', 'invalidCount'],
    ['cursor=&count=-1', 'invalidCount'],
    ['cursor=&count=0', 'invalidCount'],
    ['cursor=&startIndex=1', 'invalidValue'],
    ['count=x', 'invalidValue'],
  ])('?%s is 400 %s', async (query, scimType) => {
    expect(await client.list(query)).toMatchObject(error(400, scimType));
  });

  it('goes on by cursor, at any replica, to the end; each page says how many there are', async () => {
    const other = cluster.client('acme', 1);
    const found: string[] = [];
    let cursor = '';
    for (let pages = 0; ; pages += 1) {
      const answer = await (pages % 2 ? other : client).list(`sortBy=userName&count=1&cursor=${cursor}`);
      expect(answer).toMatchObject({ status: 200, body: { totalResults: 4, itemsPerPage: 1 } });
      expect(answer.body).not.toHaveProperty('startIndex');
      found.push(...names(answer));
      if (answer.body.nextCursor === undefined) break;
      cursor = answer.body.nextCursor;
      expect(cursor).toMatch(UNRESERVED);
    }
    expect(found).toEqual(['Alpha', 'BRAVO', 'charlie', 'delta']);
  });

  it('takes a cursor for nothing but what it was made for', async () => {
    const { nextCursor } = (await client.list('sortBy=userName&count=1&cursor=')).body;
    const refused = error(400, 'invalidCursor');
    expect(await client.list(`sortBy=userName&count=2&cursor=${nextCursor}`)).toMatchObject({ status: 200 });
    expect(await client.list(`sortBy=title&cursor=${nextCursor}`)).toMatchObject(refused);
    expect(await client.list(`sortBy=userName&sortOrder=descending&cursor=${nextCursor}`)).toMatchObject(refused);
    expect(await client.list(`sortBy=userName&filter=title%20pr&cursor=${nextCursor}`)).toMatchObject(refused);
    expect(await client.request('GET', `/Groups?sortBy=displayName&cursor=${nextCursor}`)).toMatchObject(refused);
    expect(await cluster.client('globex').list(`sortBy=userName&cursor=${nextCursor}`)).toMatchObject(refused);
    const flipped = nextCursor.replace(/^./, (first: string) => (first === 'A' ? 'B' : 'A'));
    expect(await client.list(`sortBy=userName&cursor=${flipped}`)).toMatchObject(refused);
    expect(await search('/Users/.search', { sortBy: 'userName', cursor: nextCursor })).toMatchObject({ status: 200 });
  });

  it('a cursor that is too old is 400 expiredCursor', async () => {
    const { nextCursor } = (await client.list('count=1&cursor=')).body;
    await new Promise((resolve) => setTimeout(resolve, 4_100));
    expect(await client.list(`count=1&cursor=${nextCursor}`)).toMatchObject(error(400, 'expiredCursor'));
  });

  describe('POST …/.search (RFC 7644 §3.4.3)', () => {
    it('of one type answers as a list does', async () => {
      const answer = await search('/Users/.search', {
        ...{ filter: 'title pr', sortBy: 'userName', sortOrder: 'descending', startIndex: 1, count: 10, attributes: ['userName'] },
      });
      expect(answer).toMatchObject({ status: 200, body: { totalResults: 2, startIndex: 1, itemsPerPage: 2 } });
      expect(names(answer)).toEqual(['delta', 'Alpha']);
      expect(Object.keys(answer.body.Resources[0]).sort()).toEqual(['id', 'schemas', 'userName']);
      expect(names(await search('/Groups/.search', {}))).toEqual(['bravo group']);
    });

    it('of the root lists users and groups together, in one order, with one total', async () => {
      const all = await search('/.search', {});
      expect(names(all)).toEqual(['delta', 'Alpha', 'charlie', 'BRAVO', 'bravo group']);
      expect(all.body.totalResults).toBe(5);
      expect(all.body.Resources.at(-1)).toMatchObject({ meta: { resourceType: 'Group' } });
      expect(names(await search('/.search', { startIndex: 4, count: 9 }))).toEqual(['BRAVO', 'bravo group']);
      // Of what a type doesn't have it has no value (§3.4.2.1).
      expect(names(await search('/.search', { filter: 'userName sw "b" or displayName sw "b"' }))).toEqual(['BRAVO', 'bravo group']);
      expect(names(await search('/.search', { filter: 'not (userName pr)' }))).toEqual(['bravo group']);
      expect(names(await search('/.search', { filter: 'meta.resourceType eq "Group"' }))).toEqual(['bravo group']);
      expect(names(await search('/.search', { sortBy: 'userName' }))).toEqual(['Alpha', 'BRAVO', 'charlie', 'delta', 'bravo group']);
      expect(names(await search('/.search', { sortBy: 'userName', sortOrder: 'descending', count: 2 }))).toEqual(['bravo group', 'delta']);
      expect(await search('/.search', { sortBy: 'nothing' })).toMatchObject(error(400, 'invalidPath'));
    });

    it.each([undefined, 'userName', 'displayName', 'meta.created'])('of the root goes on by cursor, sorted by %s', async (sortBy) => {
      for (const sortOrder of ['ascending', 'descending']) {
        const whole = names(await search('/.search', { sortBy, sortOrder }));
        const found: string[] = [];
        let cursor: string | undefined = '';
        while (cursor !== undefined) {
          const answer: Answer = await search('/.search', { sortBy, sortOrder, cursor, count: 2 });
          expect(answer.body.totalResults).toBe(5);
          found.push(...names(answer));
          cursor = answer.body.nextCursor;
        }
        expect(found).toEqual(whole);
      }
    });

    it.each([
      [{ schemas: ['urn:wrong'] }, 'invalidSyntax'],
      [{ filter: 7 }, 'invalidValue'],
      [{ attributes: [1] }, 'invalidValue'],
      [{ filter: 'userName is "x"' }, 'invalidFilter'],
      [{ cursor: '', count: 1.5 }, 'invalidCount'],
      [{ cursor: '', count: 0 }, 'invalidCount'],
      [{ cursor: 'x' }, 'invalidCursor'],
      [{ attributes: ['userName'], excludedAttributes: ['emails'] }, 'invalidValue'],
    ])('%j is 400 %s', async (body, scimType) => {
      expect(await search('/Users/.search', body)).toMatchObject(error(400, scimType));
    });

    it('is for POST only', async () => {
      const answer = await client.request('GET', '/Users/.search');
      expect(answer).toMatchObject(error(405));
      expect(answer.headers.allow).toBe('POST');
    });
  });
});
