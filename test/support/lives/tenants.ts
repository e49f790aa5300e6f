// What a tenant may have settled about its accounts, in the kinds that lives are led under.
import fc from 'fast-check';

export interface Settings {
  readonly recycledIdentity: 'reactivate' | 'refuse' | 'separate';
  readonly adoption: 'auto' | 'adopt' | 'ask' | 'never';
  readonly externalId: 'auto' | 'stable' | 'unstable';
  readonly mappings: keyof typeof MAPPINGS;
}

export interface Storage {
  readonly region?: string;
  readonly quotaBytes?: number;
}

export interface Gives {
  readonly profile: string;
  readonly storage?: Storage;
}

/** By which title somebody gets what; a title that is not there gets the default, where there is one. */
export interface Titles {
  readonly titles: Readonly<Record<string, Gives>>;
  readonly default?: Gives;
}

const TITLES: Titles['titles'] = {
  Engineer: { profile: 'engineer', storage: { region: 'eu', quotaBytes: 100 } },
  Contractor: { profile: 'guest' },
};

/** A tenant may have no rules, rules without a default, or with one. */
export const MAPPINGS = {
  none: undefined,
  some: { titles: TITLES },
  all: { titles: TITLES, default: { profile: 'basic', storage: { region: 'us' } } },
} satisfies Record<string, Titles | undefined>;

/** All profiles that a mapping or an administrator gives, with their workloads: `saasApps` alone takes no storage. */
export const PROFILES: Readonly<Record<string, readonly string[]>> = {
  engineer: ['endpoint'],
  basic: ['endpoint', 'saasApps'],
  chosen: ['endpoint'],
  guest: ['saasApps'],
};

/** The rules as `PUT …/mappings` takes them. */
export const rulesOf = ({ titles, default: last }: Titles) => ({
  rules: Object.entries(titles).map(([title, gives]) => ({ name: title, filter: `title eq "${title}"`, ...gives })),
  ...(last ? { default: last } : {}),
});

export const KINDS: readonly Settings[] = [
  { recycledIdentity: 'reactivate', mappings: 'none', adoption: 'auto', externalId: 'auto' },
  { recycledIdentity: 'reactivate', mappings: 'some', adoption: 'adopt', externalId: 'auto' },
  { recycledIdentity: 'reactivate', mappings: 'all', adoption: 'ask', externalId: 'unstable' },
  { recycledIdentity: 'refuse', mappings: 'none', adoption: 'adopt', externalId: 'stable' },
  { recycledIdentity: 'refuse', mappings: 'some', adoption: 'never', externalId: 'auto' },
  { recycledIdentity: 'separate', mappings: 'none', adoption: 'auto', externalId: 'stable' },
  { recycledIdentity: 'separate', mappings: 'all', adoption: 'auto', externalId: 'auto' },
];

export const settings: fc.Arbitrary<Settings> = fc.constantFrom(...KINDS);
