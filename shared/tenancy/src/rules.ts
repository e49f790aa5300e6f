import type { Assigned, MappingRule, TenantRules } from '@rollcall/directory';
import { parseFilter, USER } from '@rollcall/scim';
import * as z from 'zod';
import type { Records } from './records.js';
import type { TenantRecord } from './tenants.js';

const StorageSetting = z.strictObject({
  region: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,63}$/, 'expected 1 to 63 letters, digits and hyphens')
    .optional(),
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
export const ProfilesSetting = z.record(z.string(), z.strictObject({ workloads: z.array(z.string()).max(50) }));

const RulesSettings = z.object({
  recycledIdentity: z.enum(['reactivate', 'refuse']).default('reactivate'),
  mappings: MappingsSetting.optional(),
});

/** What a tenant has settled about its accounts, ready to decide by. @throws ScimError invalidFilter, ZodError: it was stored unchecked */
export function rulesOf(settings: TenantRecord['settings']): TenantRules {
  const { recycledIdentity, mappings } = RulesSettings.parse(settings);
  return { recycledIdentity, ...(mappings ? { mappings: compileMappings(mappings) } : {}) };
}

/** @throws ScimError invalidFilter */
export function compileMappings(mappings: MappingsSetting): NonNullable<TenantRules['mappings']> {
  return {
    rules: mappings.rules.map(
      ({ filter, ...rule }): MappingRule => ({ ...gives(rule), name: rule.name, filter: parseFilter(USER, filter) }),
    ),
    ...(mappings.default ? { default: gives(mappings.default) } : {}),
  };
}

const gives = ({ profile, storage }: z.infer<typeof AssignedSetting>): Assigned => ({
  profile,
  ...(storage
    ? {
        storage: {
          ...(storage.region === undefined ? {} : { region: storage.region }),
          ...(storage.quotaBytes === undefined ? {} : { quotaBytes: storage.quotaBytes }),
        },
      }
    : {}),
});

/** Keeps the rules of tenants, compiled, for as long as their settings stay the same. */
export class RulesKeeper {
  readonly #known = new Map<string, { readonly revision: number; readonly rules: TenantRules }>();

  constructor(readonly records: Pick<Records, 'tenant'>) {}

  /**
   * The rules under one revision of a tenant's settings; a commit has that revision as a premise.
   * @throws TransientError where nobody can tell
   */
  async of(tenant: string, revision: number): Promise<TenantRules | undefined> {
    const known = this.#known.get(tenant);
    if (known?.revision === revision) return known.rules;
    const record = await this.records.tenant(tenant);
    if (!record) return undefined;
    const rules = { ...rulesOf(record.settings), source: record.source };
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    this.#known.set(tenant, { revision: record.revision, rules });
    return rules;
  }
}

const KNOWN_MAX = 10_000;
