// What a tenant sends that is after others' data: requests over every route, made at random from what it may know of them.
import { createHash } from 'node:crypto';
import { ENTERPRISE_URN, GROUP_URN, type Random, SEARCH_REQUEST_URN } from '@rollcall/scim';
import type { Known, Marked } from './marked-tenant.js';
import { MARK } from './marked-tenant.js';
import { patchBody, userBody } from './users.js';

export interface Attack {
  /** Which kind it is, for the count. */
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The right answers, where not any that holds nothing of others. */
  readonly expect?: readonly number[];
  /** Nothing of the attacker's own fits: a list of it must be empty. */
  readonly isEmpty?: boolean;
}

/** What the attacker has itself. */
export interface Own {
  readonly tenant: string;
  readonly token: string;
  readonly users: readonly Known[];
  readonly groups: readonly Known[];
}

type Make = (of: Marked, own: Own, random: Random, n: number) => Attack;

export const pick = <T>(from: readonly T[], random: Random): T => from[Math.floor(random() * from.length)]!;

/** Attacks by SCIM. @param n tells names apart that are made */
export const scimAttack: Make = (of, own, random, n) => pick(SCIM, random)(of, own, random, n);
/** Attacks by the admin API: routes of the attacker's tenant with what is another's. */
export const adminAttack: Make = (of, own, random, n) => pick(ADMIN, random)(of, own, random, n);

/** Filters by which whoever has the data finds it, and nobody else finds anything. */
export const FILTERS: readonly ((user: Known, group: Known, at: '/Users' | '/Groups') => string | undefined)[] = [
  ({ id }, group, at) => `id eq "${at === '/Users' ? id : group.id}"`,
  (user, { name }, at) => (at === '/Users' ? `title co "${MARK}" and userName eq "${user.name}@example.com"` : `displayName eq "${name}"`),
  ({ name }, _, at) => (at === '/Users' ? `externalId eq "00u${name}" and title pr` : undefined),
  (_, __, at) => (at === '/Users' ? `title sw "${MARK}"` : `displayName co "${MARK}"`),
  (_, __, at) => (at === '/Users' ? `not (not (nickName co "${MARK}"))` : `not (not (displayName sw "${MARK}"))`),
  (_, __, at) => (at === '/Users' ? `(title eq "x" or displayName co "${MARK}") and active eq true` : undefined),
  (_, __, at) => (at === '/Users' ? `${ENTERPRISE_URN}:department sw "${MARK}"` : undefined),
  (_, __, at) => (at === '/Users' ? `name.givenName ge "${MARK}" and name[givenName sw "${MARK}"]` : undefined),
  (_, group, at) => (at === '/Users' ? `groups.value eq "${group.id}"` : undefined),
  (_, group, at) => (at === '/Users' ? `groups[value eq "${group.id}"]` : undefined),
  (user, _, at) => (at === '/Groups' ? `members.value eq "${user.id}"` : undefined),
  (user, _, at) => (at === '/Groups' ? `members[value eq "${user.id}"]` : undefined),
  (user, group, at) => `id eq "${at === '/Users' ? user.id : group.id}" or id eq "00000000-0000-7000-8000-000000000000"`,
];

/** Filters that find the attacker's own, or are none. */
const WIDE: readonly ((of: Marked, known: Known) => string)[] = [
  () => 'id pr',
  () => `title pr or title co "${MARK}"`,
  ({ tenant }) => `tenant eq "${tenant}"`,
  ({ tenant }) => `userName co "${tenant}" or id pr`,
  (_, { id }) => `not (id eq "${id}")`,
  (_, { id }) => `id ne "${id}" and id ge "${id.slice(0, 2)}"`,
  (_, { id }) => `meta.location co "${id}"`,
  () => 'id eq "x" or true eq true',
  () => `id eq "x") or (title co "${MARK}"`,
  (_, { id }) => `${ENTERPRISE_URN}:manager.value eq "${id}"`,
];

const AT = ['/Users', '/Groups'] as const;
const knownOf = (of: Marked, at: (typeof AT)[number]) => (at === '/Users' ? of.users : of.groups);
const PAGES = [
  'count=3',
  'count=0',
  'count=3&startIndex=2',
  'count=3&sortBy=id&sortOrder=descending',
  'count=3&cursor=',
  'count=2&attributes=id,members,groups',
];
/** Headers and parameters by which some services let a caller choose the tenant. */
const ELSEWHERE = (tenant: string): readonly Readonly<Record<string, string>>[] => [
  { 'X-Tenant': tenant, 'X-Tenant-Id': tenant },
  { Host: `${tenant}.example.com`, 'X-Forwarded-Host': `${tenant}.example.com` },
  { 'X-Original-URL': `/scim/v2/${tenant}/Users`, 'X-Rewrite-URL': `/admin/v1/tenants/${tenant}/accounts` },
  { Cookie: `tenant=${tenant}`, 'X-HTTP-Method-Override': 'GET' },
];

const SCIM: readonly Make[] = [
  // Ids that were guessed right.
  (of, _, random) => {
    const at = pick(AT, random);
    const { id, etag } = pick(knownOf(of, at), random);
    const method = pick(['GET', 'DELETE', 'HEAD'], random);
    const path = `${at}/${pick([id, id.toUpperCase(), `${id}?attributes=title,members,groups`, `${id}?tenant=${of.tenant}`], random)}`;
    const headers = pick([{}, { 'If-Match': etag }, { 'If-Match': '*' }, { 'If-None-Match': etag }, ...ELSEWHERE(of.tenant)], random);
    return { kind: `${method} by id`, method, path, headers, expect: [404] };
  },
  (of, own, random) => {
    const at = pick(AT, random);
    const { id, etag, name } = pick(knownOf(of, at), random);
    const headers = pick([{}, { 'If-Match': etag }, { 'If-Match': '*' }], random);
    const body =
      at === '/Users'
        ? userBody(name, { id, active: false })
        : { schemas: [GROUP_URN], id, displayName: name, members: [{ value: own.users[0]!.id }] };
    return { kind: 'PUT by id', method: 'PUT', path: `${at}/${id}`, body, headers, expect: [404] };
  },
  (of, own, random) => {
    const at = pick(AT, random);
    const { id, etag } = pick(knownOf(of, at), random);
    const headers = pick([{}, { 'If-Match': etag }], random);
    const operation =
      at === '/Users'
        ? pick(
            [
              { op: 'replace', path: 'active', value: false },
              { op: 'add', value: { title: 'taken over' } },
              { op: 'remove', path: 'title' },
            ],
            random,
          )
        : pick(
            [
              { op: 'add', path: 'members', value: [{ value: own.users[0]!.id }] },
              { op: 'remove', path: 'members' },
            ],
            random,
          );
    return { kind: 'PATCH by id', method: 'PATCH', path: `${at}/${id}`, body: patchBody(operation), headers, expect: [404] };
  },
  // The attacker's own resources, with references to others'.
  (of, own, random) => {
    const { id, name } = pick(of.users, random);
    const { id: mine } = pick(own.users, random);
    const value = pick<unknown>(
      [
        { [`${ENTERPRISE_URN}:manager.value`]: id },
        { id, meta: { location: `/Users/${id}` } },
        { groups: [{ value: pick(of.groups, random).id }] },
        { externalId: `00u${name}` },
        { account: { tenant: of.tenant }, tenant: of.tenant },
      ],
      random,
    );
    return { kind: 'PATCH of its own', method: 'PATCH', path: `/Users/${mine}`, body: patchBody({ op: 'add', value }) };
  },
  (of, own, random) => {
    const { id } = pick(pick([of.users, of.groups], random), random);
    const { id: mine } = pick(own.groups, random);
    const operation = pick<Record<string, unknown>>(
      [
        { op: 'add', path: 'members', value: [{ value: id }] },
        { op: 'replace', path: 'members', value: [{ value: id, type: 'Group' }] },
        { op: 'add', value: { members: [{ $ref: `https://x/scim/v2/Users/${id}` }] } },
        { op: 'remove', path: `members[value eq "${id}"]` },
        { op: 'remove', path: 'members', value: [{ value: id }] },
      ],
      random,
    );
    // Members of another tenant are unknown ones: they are skipped, but a replacement by nobody else is refused.
    const expect = operation.op === 'replace' ? [200, 400] : [200, 204];
    return { kind: 'members of others', method: 'PATCH', path: `/Groups/${mine}`, body: patchBody(operation), expect };
  },
  (of, own, random) => {
    const { id: mine, name } = pick(own.users, random);
    const { id } = pick(of.users, random);
    return {
      kind: 'PUT of its own',
      method: 'PUT',
      path: `/Users/${mine}`,
      body: userBody(name, { id, meta: { location: id, version: of.users[0]!.etag }, groups: [{ value: of.groups[0]!.id }] }),
      expect: [200],
    };
  },
  // New resources under names of others: they are the attacker's own.
  (of, _, random, n) => {
    const { name, id } = pick(of.users, random);
    const more = pick<Record<string, unknown>>(
      [{}, { id }, { [ENTERPRISE_URN]: { manager: { value: id } } }, { groups: [{ value: pick(of.groups, random).id }] }],
      random,
    );
    const isSame = random() < 0.2;
    return {
      kind: 'POST of a user',
      method: 'POST',
      path: '/Users?attributes=userName',
      body: userBody(isSame ? name : `${name}.${n}`, more),
      expect: isSame ? [201, 409] : [201],
    };
  },
  (of, _, random, n) => {
    const { id } = pick(pick([of.users, of.groups], random), random);
    const { name } = pick(of.groups, random);
    // None of its members is there for the attacker, so it is refused, and no filter finds a group of this name as the attacker's own.
    const body = { schemas: [GROUP_URN], displayName: random() < 0.2 ? name : `${name} ${n}`, members: [{ value: id }] };
    return { kind: 'POST of a group', method: 'POST', path: '/Groups', body, expect: [400] };
  },
  // Filters, in the query and in the body.
  (of, _, random) => {
    const { path, filter } = narrow(of, random);
    return {
      kind: 'filter',
      method: 'GET',
      path: `${path}?${pick(PAGES, random)}&filter=${encodeURIComponent(filter)}`,
      headers: pick([{}, {}, ...ELSEWHERE(of.tenant)], random),
      isEmpty: true,
    };
  },
  (of, _, random) => {
    const { path, filter } = narrow(of, random);
    const body = {
      schemas: [SEARCH_REQUEST_URN],
      filter,
      count: 3,
      ...pick([{}, { cursor: '' }, { attributes: ['title', 'members'] }, { tenant: of.tenant }], random),
    };
    return { kind: 'search', method: 'POST', path: `${path}/.search`, body, isEmpty: true };
  },
  (of, _, random) => {
    const filter = pick(FILTERS.slice(0, 1), random)(pick(of.users, random), pick(of.groups, random), pick(AT, random))!;
    return {
      kind: 'search of all',
      method: 'POST',
      path: '/.search',
      body: { schemas: [SEARCH_REQUEST_URN], filter, count: 3 },
      isEmpty: true,
    };
  },
  (of, _, random) => {
    const at = pick(AT, random);
    const filter = pick(WIDE, random)(of, pick(knownOf(of, at), random));
    const query = `${pick(PAGES, random)}&tenant=${of.tenant}&filter=${encodeURIComponent(filter)}`;
    return { kind: 'wide filter', method: 'GET', path: `${at}?${query}` };
  },
  // Cursors of others, for their query and for another.
  (of, _, random) => {
    const { path, body, cursor } = pick(of.cursors, random);
    const at = random() < 0.2 ? pick(of.cursors, random).path.split('?')[0]! : path;
    if (body)
      return {
        kind: 'cursor',
        method: 'POST',
        path: at,
        body: { ...body, cursor },
        expect: at.endsWith('.search') ? [400] : [201, 400, 409],
      };
    const query = (path.split('?')[1] ?? '').replace(/cursor=$/, `cursor=${cursor}`);
    return at.endsWith('.search')
      ? { kind: 'cursor', method: 'POST', path: at, body: { schemas: [SEARCH_REQUEST_URN], count: 2, cursor }, expect: [400] }
      : { kind: 'cursor', method: 'GET', path: `${at}?${query}`, expect: [400] };
  },
  // Bulk.
  (of, own, random, n) => {
    const { id, etag } = pick(of.users, random);
    const { id: group } = pick(of.groups, random);
    const operations = [
      { method: 'PATCH', path: `/Users/${id}`, version: etag, data: patchBody({ op: 'replace', path: 'active', value: false }) },
      { method: 'DELETE', path: `/Groups/${group}` },
      { method: 'PUT', path: `/Users/${id}`, data: userBody(`bulk${n}`) },
      {
        method: 'POST',
        path: '/Groups',
        bulkId: id,
        data: { displayName: `bulk ${n}`, members: [{ value: `bulkId:${id}` }, { value: id }] },
      },
      { method: 'PATCH', path: `/Groups/${own.groups[0]!.id}`, data: patchBody({ op: 'add', path: 'members', value: [{ value: id }] }) },
      { method: 'PATCH', path: '/Users/bulkId:b0', data: patchBody({ op: 'add', value: { title: 'x' } }) },
      { method: 'GET', path: `/Users/${id}` },
      { method: 'DELETE', path: `/../${of.tenant}/Users/${id}` },
    ].filter(() => random() < 0.5);
    const headers = random() < 0.5 ? {} : { 'Idempotency-Key': `${of.bulk.key}-${n % 50}` };
    return {
      kind: 'bulk',
      method: 'POST',
      path: '/Bulk',
      body: { schemas: BULK, Operations: operations },
      headers,
      expect: [200, 400, 422],
    };
  },
  (of, _, random) => ({
    kind: 'bulk under a key of others',
    method: 'POST',
    path: '/Bulk',
    body: random() < 0.8 ? of.bulk.body : { schemas: BULK, Operations: [] },
    headers: { 'Idempotency-Key': of.bulk.key },
    expect: [200, 400],
  }),
  // Tokens that are others', or nearly so.
  (of, own, random) => {
    const secret = pick(of.admin.secrets, random);
    const token = pick(
      [
        `${of.token.slice(0, -1)}${of.token.endsWith('A') ? 'B' : 'A'}`,
        `${of.token.slice(0, 20)}${own.token.slice(20)}`,
        `${own.token.slice(0, 20)}${of.token.slice(20)}`,
        of.token.toLowerCase(),
        createHash('sha256').update(of.token).digest('hex'),
        pick(of.admin.tokens, random),
        secret,
        createHash('sha256').update(secret).digest('base64url'),
        `${own.token} ${of.token.slice(0, 30)}`,
        `${of.tenant}:${own.token}`,
      ],
      random,
    );
    const at = pick(AT, random);
    return {
      kind: 'token',
      method: 'GET',
      path: pick([at, `${at}/${pick(knownOf(of, at), random).id}`, '/Schemas', '/Bulk'], random),
      headers: { Authorization: `Bearer ${token}` },
      expect: [401, 429],
    };
  },
  (of, own, random) => {
    const basic = Buffer.from(`${pick(of.admin.clients, random)}:${pick([own.token, of.admin.tokens[0]!], random)}`).toString('base64');
    return {
      kind: 'client',
      method: 'POST',
      path: '/../../oauth2/token',
      body: 'grant_type=client_credentials',
      headers: { Authorization: `Basic ${basic}`, 'Content-Type': 'application/x-www-form-urlencoded' },
      expect: [401, 429],
    };
  },
  // Other paths.
  (of, _, random) => {
    const { id } = pick(of.users, random);
    const path = pick(
      [
        `/${of.tenant}/Users`,
        `/Users/..%2f${of.tenant}%2fUsers`,
        `/Users/${id}/`,
        `/Users/${id}%00`,
        `/Users/${id}/groups`,
        `//Users/${id}`,
        `/tenants/${of.tenant}/Users/${id}`,
        `/ResourceTypes/${id}`,
        `/Schemas/${of.tenant}`,
        `/Groups/${id}`,
      ],
      random,
    );
    return { kind: 'path', method: pick(['GET', 'DELETE'], random), path, expect: [404, 405] };
  },
  (of, _, random) => ({
    kind: 'discovery',
    method: 'GET',
    path: `/${pick(['ServiceProviderConfig', 'ResourceTypes', 'Schemas', 'openapi.json', 'Me'], random)}?tenant=${of.tenant}`,
    headers: pick(ELSEWHERE(of.tenant), random),
    expect: [200, 501],
  }),
];

function narrow(of: Marked, random: Random): { path: string; filter: string } {
  for (;;) {
    const path = pick(AT, random);
    const filter = pick(FILTERS, random)(pick(of.users, random), pick(of.groups, random), path);
    if (filter !== undefined) return { path, filter };
  }
}

const BULK = ['urn:ietf:params:scim:api:messages:2.0:BulkRequest'];

const at = ({ tenant }: Own, path: string) => `/tenants/${tenant}/${path}`;
const ADMIN: readonly Make[] = [
  (of, own, random) => {
    const { id } = pick(of.users, random);
    const [method, path, body] = pick<readonly [string, string, unknown?]>(
      [
        ['GET', ''],
        ['PATCH', '', { storage: { region: 'elsewhere' } }],
        ['DELETE', ''],
        ['POST', '/preserve', { reason: 'x' }],
        ['POST', '/reactivate'],
        ['POST', '/adopt', { externalId: 'x' }],
        ['POST', '/purge', { confirm: of.admin.confirm }],
      ],
      random,
    );
    return { kind: `account ${path}`, method, path: at(own, `accounts/${id}${path}`), body, expect: [404] };
  },
  (of, own, random) => {
    const filter = pick([...FILTERS.slice(0, 6), () => `profile eq "${of.admin.profile}"`], random)(
      pick(of.users, random),
      pick(of.groups, random),
      '/Users',
    )!;
    return {
      kind: 'accounts by filter',
      method: 'GET',
      path: at(own, `accounts?limit=5&filter=${encodeURIComponent(filter)}`),
      headers: pick([{}, { Accept: 'text/csv' }], random),
      isEmpty: true,
    };
  },
  (of, own, random) => {
    const list = pick(['accounts', 'tokens', 'audit'] as const, random);
    return {
      kind: 'list by cursor',
      method: 'GET',
      path: at(own, `${list}?limit=5&cursor=${encodeURIComponent(of.admin.cursors[list])}`),
      expect: [200, 400],
    };
  },
  (of, own, random) => ({
    kind: 'audit of an account',
    method: 'GET',
    path: at(own, `audit?limit=5&account=${pick([...of.users.map(({ id }) => id), ...of.admin.tokens], random)}`),
    isEmpty: true,
  }),
  (of, own, random) => {
    const [kind, ids] = pick<readonly [string, readonly string[]]>(
      [
        ['tokens', of.admin.tokens],
        ['clients', of.admin.clients],
        ['tokens', of.admin.clients],
        ['clients', of.admin.tokens],
      ],
      random,
    );
    const [method, path, body] = pick<readonly [string, string, unknown?]>(
      [
        ['DELETE', ''],
        ['POST', '/regenerate', { overlapHours: 0 }],
      ],
      random,
    );
    return { kind: `${kind} ${method}`, method, path: at(own, `${kind}/${pick(ids, random)}${path}`), body, expect: [404] };
  },
  (of, own, random) => ({
    kind: 'jobs',
    method: 'GET',
    path: at(own, pick([`imports/${of.admin.imports[0]}`, `mappings/jobs/${of.admin.jobs[0]}`, `imports/${of.admin.jobs[0]}`], random)),
    expect: [404],
  }),
  (of, own, random) => {
    const { profile } = of.admin;
    const { id: mine } = pick(own.users, random);
    const rules = { rules: [{ name: 'x', filter: 'title pr', profile }] };
    const [method, path, body] = pick<readonly [string, string, unknown?]>(
      [
        ['DELETE', `profiles/${profile}`],
        ['PUT', 'mappings', rules],
        ['POST', 'mappings/dry-run', rules],
        ['PATCH', `accounts/${mine}`, { profile }],
        ['POST', 'accounts', { userName: 'x', profile }],
      ],
      random,
    );
    return { kind: `profile by ${method}`, method, path: at(own, path), body, expect: method === 'DELETE' ? [404] : [400] };
  },
  (of, own) => ({
    kind: 'a key of others',
    method: 'POST',
    path: at(own, 'accounts'),
    body: of.admin.idempotency.body,
    headers: { 'Idempotency-Key': of.admin.idempotency.key },
    expect: [422],
  }),
  (of, own, random) => ({
    kind: 'a path within a path',
    method: pick(['GET', 'DELETE'], random),
    path: `/tenants/${own.tenant}%2f..%2f${of.tenant}${pick(['', '/accounts', `/accounts/${of.users[0]!.id}`], random)}`,
    expect: [404, 405],
  }),
  (of, own, random) => {
    const items = [{ tenant: own.tenant, id: pick(of.users, random).id }];
    return {
      kind: 'dead letters',
      method: 'POST',
      path: `/dead-letters/${pick(['redrive', 'discard'], random)}`,
      body: { items },
      expect: [200],
    };
  },
  (_, own, random) => ({
    kind: 'its own',
    method: 'GET',
    path: at(
      own,
      pick(
        [
          'status',
          'source',
          'profiles',
          'mappings',
          'tokens',
          'clients',
          'audit?limit=5',
          'accounts?limit=5',
          'directory/accounts',
          'directory/mappings',
        ],
        random,
      ),
    ),
    expect: [200],
  }),
  (of, own) => ({
    kind: 'purge of the tenant',
    method: 'POST',
    path: at(own, 'purge'),
    body: { confirm: of.admin.confirm },
    expect: [409],
  }),
];
