// What identity provider and administrators ask for in a life: sequences of requests for few people, who have names and addresses in common.
import fc from 'fast-check';
import type { Storage } from './tenants.js';

/** A person as the identity provider describes them. */
export interface Person {
  readonly userName: string;
  readonly email: string | undefined;
  readonly externalId: string | undefined;
  readonly title: string | undefined;
}

/** `which`: of the accounts in the order in which they came to be; there may be none. */
export type Request =
  | { readonly kind: 'assign'; readonly person: Person; readonly active: boolean | undefined }
  | { readonly kind: 'put'; readonly which: number; readonly person: Person; readonly active: boolean | undefined }
  | { readonly kind: 'update'; readonly which: number; readonly change: Partial<Person>; readonly active: boolean | undefined }
  | { readonly kind: 'activate' | 'deactivate'; readonly which: number; readonly asText: boolean }
  | { readonly kind: 'delete'; readonly which: number }
  | { readonly kind: 'preserve' | 'reactivate'; readonly which: number }
  | { readonly kind: 'adopt' | 'separate'; readonly which: number; readonly userName?: string; readonly externalId?: string }
  | {
      readonly kind: 'make';
      readonly person: Omit<Person, 'title'>;
      readonly profile: string | undefined;
      readonly storage: Storage | undefined;
    }
  | {
      readonly kind: 'set';
      readonly which: number;
      readonly profile: string | null | undefined;
      readonly storage: Storage | null | undefined;
    };

/**
 * How often, and when, a request comes: once; again after some others, as its answer was lost, like any other request or under the same key; or
 * together with another, or with itself.
 */
export interface Step {
  readonly request: Request;
  readonly comes:
    | { readonly how: 'once' }
    | { readonly how: 'again' | 'under its key'; readonly after: number }
    | { readonly how: 'at once with'; readonly other: Request | 'itself' };
}

const IDP: ReadonlySet<Request['kind']> = new Set(['assign', 'put', 'update', 'activate', 'deactivate', 'delete']);
export const isOfIdp = ({ kind }: Request): boolean => IDP.has(kind);

/** Plain objects, that can be compared. */
const record = <T extends object>(members: { [Name in keyof T]: fc.Arbitrary<T[Name]> }): fc.Arbitrary<T> =>
  fc.record(members, { noNullPrototype: true }) as fc.Arbitrary<T>;

/** Some are addresses of others. */
const userName = fc.constantFrom('ada@x', 'ADA@x', 'bob@x');
const email = fc.constantFrom(undefined, 'ada@x', 'Ada@X', 'bob@x');
/** Two that an identity provider may give to another person, and two of Okta's form, which it never does. */
const IDS = ['e1', 'e2', '00u1aaaaaaaaaaaa', '00u1bbbbbbbbbbbb'] as const;
const externalId = fc.constantFrom(undefined, undefined, ...IDS);
const title = fc.constantFrom(undefined, 'Engineer', 'Contractor', 'Clerk', 'Chief');
const active = fc.constantFrom(undefined, true, true, false);
const which = fc.nat(3);
const person = record({ userName, email, externalId, title });
const change = fc.oneof(record({ title }), record({ userName }), record({ email }), record({ externalId }), record({ title, userName }));
const storage = fc.constantFrom<Storage>({ quotaBytes: 9 }, { region: 'ap' }, { region: 'ap', quotaBytes: 7 });
const profile = fc.constantFrom('chosen', 'basic', 'guest');
const provided = fc.oneof(
  record({ profile, storage: fc.option(storage, { nil: undefined }) }),
  record({ profile: fc.constant(undefined), storage }),
);

const assign: fc.Arbitrary<Request> = record({ kind: fc.constant('assign' as const), person, active });
const make: fc.Arbitrary<Request> = fc
  .tuple(record({ userName, email, externalId }), fc.oneof(provided, fc.constant({ profile: undefined, storage: undefined })))
  .map(([person, given]) => ({ kind: 'make', person, ...given }));
const set: fc.Arbitrary<Request> = fc
  .tuple(
    which,
    fc.oneof(
      provided,
      fc.constantFrom({ profile: null, storage: undefined }, { profile: undefined, storage: null }, { profile: null, storage: null }),
    ),
  )
  .map(([which, given]) => ({ kind: 'set', which, ...given }));
const request: fc.Arbitrary<Request> = fc.oneof(
  { weight: 6, arbitrary: assign },
  { weight: 3, arbitrary: record({ kind: fc.constant('put' as const), which, person, active }) },
  {
    weight: 4,
    arbitrary: record({ kind: fc.constant('update' as const), which, change, active: fc.constantFrom(undefined, undefined, true, false) }),
  },
  { weight: 3, arbitrary: record({ kind: fc.constantFrom('activate' as const, 'deactivate' as const), which, asText: fc.boolean() }) },
  { weight: 4, arbitrary: record({ kind: fc.constant('delete' as const), which }) },
  { weight: 4, arbitrary: record({ kind: fc.constantFrom('preserve' as const, 'preserve' as const, 'reactivate' as const), which }) },
  { weight: 2, arbitrary: record({ kind: fc.constantFrom('adopt' as const, 'separate' as const), which, userName }) },
  {
    weight: 2,
    arbitrary: record({ kind: fc.constantFrom('adopt' as const, 'separate' as const), which, externalId: fc.constantFrom(...IDS) }),
  },
  { weight: 2, arbitrary: make },
  { weight: 3, arbitrary: set },
);

const stepOf = (request: fc.Arbitrary<Request>, other: fc.Arbitrary<Request>): fc.Arbitrary<Step> =>
  record({
    request,
    comes: fc.oneof(
      { withCrossShrink: true },
      { weight: 6, arbitrary: fc.constant({ how: 'once' as const }) },
      { weight: 3, arbitrary: record({ how: fc.constantFrom('again' as const, 'under its key' as const), after: fc.nat(3) }) },
      {
        weight: 2,
        arbitrary: record({ how: fc.constant('at once with' as const), other: fc.oneof(fc.constant('itself' as const), other) }),
      },
    ),
  });
const step = stepOf(request, request);
/** Somebody comes first, or there is nobody to whom anything could happen. */
const first = fc.oneof(
  { weight: 3, arbitrary: stepOf(assign, make) },
  { weight: 2, arbitrary: stepOf(make, assign) },
  { weight: 1, arbitrary: step },
);

/** What happens to a few people, from the beginning. */
export const steps = (most: number): fc.Arbitrary<Step[]> =>
  fc.tuple(first, fc.array(step, { maxLength: most - 1, size: 'max' })).map(([first, more]) => [first, ...more]);

/** The same about people of another life: no two lives have a name or an address in common. */
export function about(life: string, step: Step): Step {
  const others = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, each]) => [name, PERSONAL.has(name) && typeof each === 'string' ? `${each}${life}` : others(each)]),
    );
  };
  return others(step) as Step;
}

const PERSONAL: ReadonlySet<string> = new Set(['userName', 'email', 'externalId']);
