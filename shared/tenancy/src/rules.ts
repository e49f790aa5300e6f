import type { Assigned, MappingRule, Profiles, TenantRules } from '@rollcall/directory';
import { parseFilter, type ResourceTypeDefinition, type ResourceTypes, USER } from '@rollcall/scim';
import * as z from 'zod';
import type { Records } from './records.js';
import { settingsOf } from './settings.js';
import type { TenantRecord } from './tenants.js';
import { makeTypesOf, type TypesOf } from './types.js';

/** Where data lie: a name that the operator of the service gives. */
export const Region = z.string().regex(/^[A-Za-z0-9-]{1,63}$/, 'expected 1 to 63 letters, digits and hyphens');

const StorageSetting = z.strictObject({
  region: Region.optional(),
  quotaBytes: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional(),
});

const AssignedSetting = z.strictObject({ profile: z.string().min(1).max(63), storage: StorageSetting.optional() });

/** A tenant's mappings as an administrator writes them, and as they are stored. */
export const MappingsSetting = z.strictObject({
  rules: z
    .array(AssignedSetting.extend({ name: z.string().min(1).max(200), filter: z.string().min(1).max(8_192) }))
    .max(200)
    .default([]),
  default: AssignedSetting.optional(),
});
export type MappingsSetting = z.infer<typeof MappingsSetting>;

/** What profiles enable, by the profile's name. */
const ProfilesSetting = z.record(z.string(), z.strictObject({ workloads: z.array(z.string()).max(50) }));

const RulesSettings = z.object({ mappings: MappingsSetting.optional(), profiles: ProfilesSetting.default({}) });

/** Whether a profile has a workload that needs storage: any but apps of others. */
export const takesStorage = ({ workloads }: { readonly workloads: readonly string[] }): boolean =>
  workloads.some((workload) => workload !== SAAS_APPS);

/** A tenant's profiles. @throws ZodError: they were stored unchecked */
export function profilesOf(settings: TenantRecord['settings']): Profiles {
  const { profiles } = RulesSettings.parse(settings);
  return new Map(Object.entries(profiles).map(([name, profile]) => [name, { takesStorage: takesStorage(profile) }]));
}

/** What a tenant has settled about its accounts, ready to decide by. @throws ScimError invalidFilter, ZodError: it was stored unchecked */
export function rulesOf(settings: TenantRecord['settings'], user: ResourceTypeDefinition = USER): TenantRules {
  const { mappings } = RulesSettings.parse(settings);
  const { webhook: _, ...settled } = settingsOf(settings);
  const profiles = profilesOf(settings);
  return { ...settled, profiles, ...(mappings ? { mappings: compileMappings(mappings, profiles, user) } : {}) };
}

/** @param user what filters may speak of: the tenant's own extensions, too. @throws ScimError invalidFilter */
export function compileMappings(
  mappings: MappingsSetting,
  profiles: Profiles,
  user: ResourceTypeDefinition = USER,
): NonNullable<TenantRules['mappings']> {
  const gives = givesOf(profiles);
  return {
    rules: mappings.rules.map(
      ({ filter, ...rule }): MappingRule => ({ ...gives(rule), name: rule.name, filter: parseFilter(user, filter) }),
    ),
    ...(mappings.default ? { default: gives(mappings.default) } : {}),
  };
}

const givesOf =
  (profiles: Profiles) =>
  ({ profile, storage }: z.infer<typeof AssignedSetting>): Assigned => ({
    profile,
    ...(profiles.get(profile)?.takesStorage === false ? { takesNoStorage: true } : {}),
    ...(storage
      ? {
          storage: {
            ...(storage.region === undefined ? {} : { region: storage.region }),
            ...(storage.quotaBytes === undefined ? {} : { quotaBytes: storage.quotaBytes }),
          },
        }
      : {}),
  });

/** What holds in a tenant under one revision of its settings. */
export interface Settled {
  readonly rules: TenantRules;
  readonly types: ResourceTypes;
}

/** Keeps what tenants have settled, compiled, for as long as their settings stay the same. */
export class RulesKeeper {
  readonly #known = new Map<string, { readonly revision: number; readonly settled: Settled }>();
  /** Made of settings, as they are or as they might be. */
  readonly typesOf: TypesOf;

  constructor(
    readonly records: Pick<Records, 'tenant'>,
    /** What the deployment serves to all tenants. */
    readonly deployment: ResourceTypes,
  ) {
    this.typesOf = makeTypesOf(deployment);
  }

  /**
   * What holds under one revision of a tenant's settings; a commit has that revision as a premise.
   * @returns undefined where there is no such tenant
   * @throws TransientError where nobody can tell
   */
  async of(tenant: string, revision: number): Promise<Settled | undefined> {
    const known = this.#known.get(tenant);
    return known?.revision === revision ? known.settled : this.now(tenant);
  }

  /** What holds now: under no older settings than any commit that was accepted before it was asked for. @throws as `of` */
  async now(tenant: string): Promise<Settled | undefined> {
    const record = await this.records.tenant(tenant);
    if (!record) return undefined;
    const { settings, revision, source } = record;
    const known = this.#known.get(tenant);
    if (known?.revision === revision) return known.settled;
    const types = this.typesOf(settings);
    const settled = { rules: { ...rulesOf(settings, types.User), source }, types };
    this.#known.delete(tenant);
    if (this.#known.size >= KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(tenant, { revision, settled });
    return settled;
  }

  /** The types of a tenant, as `of` has them; those of the deployment where there is no such tenant any more. @throws as `of` */
  async types(tenant: string, revision: number): Promise<ResourceTypes> {
    return (await this.of(tenant, revision))?.types ?? this.deployment;
  }

  /** The same, as `now` has them. */
  async typesNow(tenant: string): Promise<ResourceTypes> {
    return (await this.now(tenant))?.types ?? this.deployment;
  }
}

const SAAS_APPS = 'saasApps';
const KNOWN_MAX = 4_000;
