// Which profile and storage go together. Storage needs a profile that has a workload for it, or none.
import { ScimError } from '@rollcall/scim';

/** A tenant's profiles, by name. */
export type Profiles = ReadonlyMap<string, { readonly takesStorage: boolean }>;

/** A profile, or storage, that an account can't be given. */
export class WrongProvision extends ScimError {
  constructor(
    readonly member: 'profile' | 'storage',
    /** What is wrong, without the member's name. */
    readonly what: string,
  ) {
    super(400, 'invalidValue', `${member}: ${what}`);
  }
}

/** @returns what is wrong with a profile and storage; undefined: they go together */
export function wrongProvision(
  profiles: Profiles,
  { profile, storage }: { readonly profile?: string | undefined; readonly storage?: unknown },
): WrongProvision | undefined {
  if (profile === undefined) return undefined;
  const known = profiles.get(profile);
  if (!known) return new WrongProvision('profile', `there is no profile ${JSON.stringify(profile)}`);
  if (storage !== undefined && !known.takesStorage)
    return new WrongProvision('storage', `profile ${JSON.stringify(profile)} has no workload that needs storage`);
  return undefined;
}
