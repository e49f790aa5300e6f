import { displayNameOf, isActive, type Resource, type Versioned, withActive } from '@rollcall/directory';
import { type JsonObject, type ResourceTypes, toResource } from '@rollcall/scim';

/** Deleted by the identity provider; else blocked by an administrator; else deactivated by the identity provider. */
export type PreservedReason = 'deactivated' | 'blocked' | 'deleted';

/** Whether MongoDB has the newest version of an account. */
export interface NewestChange {
  readonly state: 'applied' | 'pending' | 'dead';
  /** When it was applied, accepted, or given up; absent where that is not known. */
  readonly since?: string;
  /** Why MongoDB refused it. */
  readonly cause?: string;
}

/** An account as the admin API shows it: the SCIM resource, and what stands behind it. */
export interface ShownAccount {
  readonly id: string;
  readonly userName: string | undefined;
  /** Computed, see `displayNameOf`; the SCIM resource has what the identity provider sent. */
  readonly displayName: string | undefined;
  readonly status: 'active' | 'preserved';
  /** Why the account is preserved; absent while it is active. */
  readonly reason?: PreservedReason;
  readonly preservedBy: readonly string[];
  readonly preserved?: Resource['account']['preserved'];
  /** The identity provider deleted the person; the account is still there. */
  readonly deleted: boolean;
  readonly origin: string;
  readonly managedBy: string;
  readonly profile?: string;
  readonly profileBy?: string;
  readonly storage?: Resource['account']['storage'];
  readonly storageBy?: string;
  /** Of whom an administrator has said that they are not this account. */
  readonly separate?: Resource['account']['separate'];
  readonly user: JsonObject;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function shown({ resource, version, modified_ms }: Versioned, { User }: ResourceTypes): ShownAccount {
  const { id, account, attributes, created, deleted } = resource;
  const updatedAt = new Date(modified_ms).toISOString();
  return {
    id,
    userName: typeof attributes.userName === 'string' ? attributes.userName : undefined,
    displayName: displayNameOf(attributes),
    status: isActive(resource) ? 'active' : 'preserved',
    ...reasonOf(resource),
    preservedBy: account.preservedBy,
    ...(account.preserved ? { preserved: account.preserved } : {}),
    deleted,
    origin: account.origin,
    managedBy: account.managedBy,
    ...(account.profile === undefined ? {} : { profile: account.profile }),
    ...(account.profileBy === undefined ? {} : { profileBy: account.profileBy }),
    ...(account.storage ? { storage: account.storage } : {}),
    ...(account.storageBy === undefined ? {} : { storageBy: account.storageBy }),
    ...(account.separate ? { separate: account.separate } : {}),
    user: toResource(User, { id, attributes: withActive(resource), version, created, lastModified: updatedAt, baseUrl: '' }),
    version,
    createdAt: created,
    updatedAt,
  };
}

/** Which of several reasons is named: the one that must go first before the person can come back. `preservedBy` says by whom. */
function reasonOf(resource: Resource): { readonly reason?: PreservedReason } {
  if (isActive(resource)) return {};
  if (resource.deleted) return { reason: 'deleted' };
  return { reason: resource.account.preservedBy.includes('administrator') ? 'blocked' : 'deactivated' };
}
