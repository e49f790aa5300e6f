// What Okta and Entra send for one person, in the order and the dialect of each.

export type Provider = 'okta' | 'entra';

export interface Exchange {
  /** For the count of faults. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly expect: readonly number[];
}

/** One life: each exchange is handed the answer to the one before. @param keep it ends while the person is active */
export function lifeOf(provider: Provider, name: string, keep: boolean): Generator<Exchange, void, unknown> {
  return provider === 'okta' ? okta(name, keep) : entra(name, keep);
}

function* okta(name: string, keep: boolean): Generator<Exchange, void, unknown> {
  const user = person(name);
  yield look(user.userName);
  const made = yield { what: 'assign', method: 'POST', path: '/Users', body: user, expect: [201] };
  const path = `/Users/${idOf(made)}`;
  yield { what: 'read', method: 'GET', path, expect: [200] };
  // Okta changes a profile by PUT of all of it, active restated.
  yield { what: 'change', method: 'PUT', path, body: { ...user, displayName: `${user.displayName} II` }, expect: [200] };
  if (keep) return;
  yield { what: 'deactivate', method: 'PATCH', path, body: patch({ op: 'replace', value: { active: false } }), expect: [200] };
  yield { what: 'reactivate', method: 'PATCH', path, body: patch({ op: 'replace', value: { active: true } }), expect: [200] };
  yield { what: 'deactivate', method: 'PATCH', path, body: patch({ op: 'replace', value: { active: false } }), expect: [200] };
  yield { what: 'delete', method: 'DELETE', path, expect: [204] };
}

function* entra(name: string, keep: boolean): Generator<Exchange, void, unknown> {
  const { userName, ...rest } = person(name);
  const user = { ...rest, userName, schemas: [USER, ENTERPRISE], [ENTERPRISE]: { department: 'Simulation', employeeNumber: name } };
  yield look(userName);
  const made = yield { what: 'assign', method: 'POST', path: '/Users', body: user, expect: [201] };
  const path = `/Users/${idOf(made)}`;
  // Entra writes op with a capital, dots in paths, and booleans as text.
  const changes = [
    { op: 'Replace', path: 'displayName', value: `${user.displayName} II` },
    { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Simulations' },
    { op: 'Replace', path: 'emails[type eq "work"].value', value: `ii.${userName}` },
  ];
  yield { what: 'change', method: 'PATCH', path, body: patch(...changes), expect: [200, 204] };
  yield { what: 'read', method: 'GET', path, expect: [200] };
  if (keep) return;
  yield { what: 'deactivate', method: 'PATCH', path, body: patch({ op: 'Replace', path: 'active', value: 'False' }), expect: [200, 204] };
  yield { what: 'delete', method: 'DELETE', path, expect: [204] };
}

const person = (name: string) => ({
  schemas: [USER],
  userName: `simulated-${name}@example.com`,
  externalId: `simulated-${name}`,
  name: { givenName: 'Sim', familyName: name },
  displayName: `Sim ${name}`,
  emails: [{ primary: true, type: 'work', value: `simulated-${name}@example.com` }],
  active: true,
});

const look = (userName: string): Exchange => ({
  what: 'look up',
  method: 'GET',
  path: `/Users?filter=${encodeURIComponent(`userName eq "${userName}"`)}`,
  expect: [200],
});

const patch = (...operations: readonly object[]) => ({
  schemas: ['urn:ietf:params:scim:api:messages:2.0:PatchOp'],
  Operations: operations,
});

function idOf(resource: unknown): string {
  const id: unknown = typeof resource === 'object' && resource !== null ? Reflect.get(resource, 'id') : undefined;
  return typeof id === 'string' ? encodeURIComponent(id) : 'none';
}

const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
