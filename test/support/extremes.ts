// Requests that are as large as our bounds let them be, or just larger: each the worst of its kind that anybody may send.
import { randomUUID } from 'node:crypto';
import { BULK_REQUEST_URN, GROUP_URN, SEARCH_REQUEST_URN, USER_URN } from '@rollcall/scim';
import type { Client } from './client.js';
import type { Case } from './hostile.js';
import { patchBody, userBody } from './users.js';

/** Who is there already. */
export interface There {
  /** People of the tenant; the more, the larger the requests. */
  readonly users: readonly string[];
  /** A group that has them all. */
  readonly group: string;
}

/** One such request. It is made anew each time, with what it needs to be there. */
export interface Extreme {
  readonly name: string;
  make(client: Client, there: There): Promise<Omit<Case, 'name'>>;
}

const times = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
const text = (length: number): string => 'x'.repeat(length);
const group = (members: readonly unknown[]) => ({ schemas: [GROUP_URN], displayName: randomUUID(), members });
const search = (members: Record<string, unknown>) => ({ schemas: [SEARCH_REQUEST_URN], ...members });
const bulk = (operations: readonly unknown[]) => ({ schemas: [BULK_REQUEST_URN], Operations: operations });
const nobody = (at: number): string => `0190b3c0-0000-7000-8000-${at.toString(16).padStart(12, '0')}`;

/** As many as fit into a body, by their bare ids. */
const FIT = 20_000;
/** As many as can be written within the deadline of a request on a small machine that is busy. */
const NAMED = 8_000;
const TRIES_MAX = 10;
const OPERATIONS = 5_000;
const BULK = 1_000;
const named = ({ users }: There, from = 0): string[] => users.slice(from, from + NAMED);

async function madeWith(client: Client, path: string, body: unknown): Promise<string> {
  for (let tries = 1; ; tries += 1) {
    const { status, body: made, text: answer } = await client.request('POST', path, body, { timeout_ms: 60_000 });
    if (status === 201) return `${path}/${made.id}`;
    // Others are at work on this machine.
    if (status !== 503 || tries === TRIES_MAX) throw new Error(`POST ${path}: ${status} ${answer.slice(0, 300)}`);
  }
}

const simple = (name: string, make: (there: There) => Omit<Case, 'name'>): Extreme => ({ name, make: async (_, there) => make(there) });
const get = (name: string, path: (there: There) => string): Extreme => simple(name, (there) => ({ method: 'GET', path: path(there) }));
const post = (name: string, path: string, body: (there: There) => unknown): Extreme =>
  simple(name, (there) => ({ method: 'POST', path, body: body(there) }));
const find = (name: string, filter: (there: There) => string, at = '/Users', more = ''): Extreme =>
  post(name, `${at}/.search`, (there) => search({ filter: filter(there), count: 200, ...(more ? { sortBy: more } : {}) }));
/** A request to a group with as many members as one request can name. */
const onGroup = (name: string, method: string, body: (there: There, members: readonly string[]) => unknown): Extreme => ({
  name,
  async make(client, there) {
    const members = named(there);
    return { method, path: await madeWith(client, '/Groups', group(members)), body: body(there, members) };
  },
});
const onUser = (name: string, user: Record<string, unknown>, operations: readonly Record<string, unknown>[]): Extreme => ({
  name,
  async make(client) {
    return { method: 'PATCH', path: await madeWith(client, '/Users', userBody(randomUUID(), user)), body: patchBody(...operations) };
  },
});

const manyEmails = { emails: times(1_000, (at) => ({ value: `v${at}`, type: 'work' })) };
const everyList = Object.fromEntries(
  ['emails', 'phoneNumbers', 'ims', 'photos', 'addresses', 'entitlements', 'roles'].map((name) => [
    name,
    times(1_000, (at) => ({ type: `ä${at}`, [name === 'addresses' ? 'region' : 'value']: `b${at}` })),
  ]),
);

export const EXTREMES: readonly Extreme[] = [
  // Readings first: what is written makes them longer.
  get('GET of a whole group', ({ group: id }) => `/Groups/${id}`),
  get('GET of a whole group, by the names of its members', ({ group: id }) => `/Groups/${id}?attributes=members.display`),
  get('a list of groups with their members', () => '/Groups?count=5'),
  get('a list of people in no order', () => '/Users?count=200'),
  get('a list of people, sorted by what has no index', () => '/Users?count=200&sortBy=emails.value&sortOrder=descending'),
  get('a page far from the first', () => '/Users?count=200&startIndex=90000'),
  find('a filter of a substring that nobody has', () => 'displayName co "nobody has this in it"'),
  find('a filter of as many terms as are taken', () => times(200, (at) => `title eq "${at}"`).join(' or ')),
  find('a filter of value paths', () => times(60, (at) => `emails[type eq "x" and value eq "${at}"]`).join(' or ')),
  find('a filter of nested brackets', () => `${'('.repeat(25)}title pr${')'.repeat(25)}`),
  find('people of a large group', ({ group: id }) => `groups.value eq "${id}"`),
  find('people of no large group, sorted', ({ group: id }) => `not (groups.value eq "${id}")`, '/Users', 'displayName'),
  find('people of a large group, asked for as often as is taken', ({ group: id }) =>
    times(100, () => `groups.value eq "${id}"`).join(' and '),
  ),
  find('people of any group', () => 'groups pr'),
  find('people of groups by name', () => 'groups.display eq "nobody"'),
  find('groups with anybody', () => 'members pr', '/Groups'),
  find(
    'groups of as many people as are taken',
    ({ users }) => times(130, (at) => `members.value eq "${users[at]}"`).join(' or '),
    '/Groups',
  ),
  find('people by their ids', ({ users }) => times(150, (at) => `id eq "${users[at]}"`).join(' or ')),
  post('a search for as many attributes as fit', '/Users/.search', () =>
    search({ count: 200, attributes: times(40_000, (at) => `emails.v${at}`) }),
  ),
  post('a search for the same attributes again and again', '/Users/.search', () =>
    search({ count: 200, attributes: times(40_000, () => 'emails.value') }),
  ),
  post('a search without as many attributes as fit', '/Users/.search', () =>
    search({ count: 200, excludedAttributes: times(40_000, (at) => `name.x${at}`) }),
  ),
  post('a search of everything', '/.search', () => search({ count: 200, sortBy: 'displayName' })),
  post('POST of a group that names many people', '/Groups', (there) => group(named(there))),
  post('POST of a group that names as many as fit who are not there', '/Groups', () => group(times(FIT, nobody))),
  post('POST of a group of short ids', '/Groups', () => group(times(49_000, (at) => `${at}`))),
  post('POST of a group that names one person again and again', '/Groups', ({ users }) => group(times(FIT, () => users[0]!))),
  onGroup('PUT of other members', 'PUT', (there) => group(named(there, NAMED))),
  onGroup('PUT of the same members', 'PUT', (_, members) => group(members)),
  onGroup('PATCH that removes all whom a list names', 'PATCH', (_, members) =>
    patchBody({ op: 'remove', path: 'members', value: members.map((value) => ({ value })) }),
  ),
  onGroup('PATCH that removes all members', 'PATCH', () => patchBody({ op: 'remove', path: 'members' })),
  onGroup('PATCH that adds many', 'PATCH', (there) => patchBody({ op: 'add', path: 'members', value: named(there, NAMED) })),
  onGroup('PATCH that replaces the members', 'PATCH', (there) => patchBody({ op: 'replace', path: 'members', value: named(there, NAMED) })),
  onGroup('PATCH that adds as many as fit who are not there', 'PATCH', () =>
    patchBody({ op: 'add', path: 'members', value: times(FIT, nobody) }),
  ),
  onGroup('PATCH that removes members one by one', 'PATCH', (_, members) =>
    patchBody(...members.slice(0, OPERATIONS).map((id) => ({ op: 'remove', path: `members[value eq "${id}"]` }))),
  ),
  onGroup('PATCH that adds members one by one', 'PATCH', (there) =>
    patchBody(
      ...named(there, NAMED)
        .slice(0, OPERATIONS)
        .map((value) => ({ op: 'add', path: 'members', value: [{ value }] })),
    ),
  ),
  onGroup('PATCH that needs all members at hand', 'PATCH', () =>
    patchBody({ op: 'remove', path: 'members[display sw "A" or type eq "Group"]' }),
  ),
  onUser(
    'PATCH of as many operations as are taken',
    {},
    times(OPERATIONS, (at) => ({ op: 'add', path: 'title', value: `x${at}` })),
  ),
  onUser(
    'PATCH of value paths',
    {},
    times(OPERATIONS, (at) => ({ op: 'add', path: `emails[type eq "${at}"].value`, value: 'x' })),
  ),
  onUser(
    'PATCH of value paths, while there are values',
    manyEmails,
    times(20, () => ({ op: 'remove', path: 'emails[value eq "a"]' })),
  ),
  onUser('PATCH of filters of many terms', manyEmails, [{ op: 'remove', path: `emails[${times(200, () => 'type eq "ä"').join(' or ')}]` }]),
  post('POST of a user with all lists as long as they may be', '/Users', () => userBody(randomUUID(), everyList)),
  post('POST of a user of 1 MB', '/Users', () => userBody(randomUUID(), { title: text(1_000_000) })),
  post('POST of combining marks', '/Users', () => userBody(randomUUID(), { title: '\u0315\u0300'.repeat(240_000) })),
  find('a filter of combining marks', () => `title eq "${'\u0315\u0300'.repeat(4_000)}"`),
  post('Bulk of as many people as are taken', '/Bulk', () =>
    bulk(times(BULK, (at) => ({ method: 'POST', path: '/Users', bulkId: `u${at}`, data: userBody(randomUUID()) }))),
  ),
  post('Bulk of people who manage each other in a row', '/Bulk', () =>
    bulk(
      times(BULK, (at) => ({
        ...{ method: 'POST', path: '/Users', bulkId: `u${at}` },
        data: userBody(randomUUID(), {
          'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User': { manager: `bulkId:u${at + 1}` },
        }),
      })),
    ),
  ),
  post('Bulk of groups that have one another', '/Bulk', () =>
    bulk(
      times(200, (at) => ({
        ...{ method: 'POST', path: '/Groups', bulkId: `g${at}` },
        data: group(times(100, (other) => ({ value: `bulkId:g${(at + other) % 200}` }))),
      })),
    ),
  ),
  post('Bulk of as many groups as are taken, in one circle', '/Bulk', () =>
    bulk(
      times(BULK, (at) => ({
        ...{ method: 'POST', path: '/Groups', bulkId: `${at}` },
        data: group(times(40, (other) => ({ value: `bulkId:${(at + other) % BULK}` }))),
      })),
    ),
  ),
  post('Bulk of texts that look like references', '/Bulk', () =>
    bulk(
      times(BULK, (at) => ({
        ...{ method: 'POST', path: '/Users', bulkId: `u${at}` },
        data: { schemas: [USER_URN], userName: randomUUID(), title: 'bulkId:u1 '.repeat(80) },
      })),
    ),
  ),
  {
    name: 'a page of people of 1 MB each',
    async make(client) {
      const mark = randomUUID();
      for (let at = 0; at < 30; at += 1) await madeWith(client, '/Users', userBody(randomUUID(), { nickName: mark, title: text(900_000) }));
      return { method: 'GET', path: `/Users?count=200&filter=${encodeURIComponent(`nickName eq "${mark}"`)}` };
    },
  },
  {
    name: 'a page of people of long lists',
    async make(client) {
      const mark = randomUUID();
      for (let at = 0; at < 20; at += 1) await madeWith(client, '/Users', userBody(randomUUID(), { nickName: mark, ...everyList }));
      return { method: 'GET', path: `/Users?count=200&sortBy=emails.value&filter=${encodeURIComponent(`nickName eq "${mark}"`)}` };
    },
  },
];
