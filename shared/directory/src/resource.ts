import type { JsonObject } from '@rollcall/scim';

export type ResourceTypeName = 'User' | 'Group';

/** Who keeps an account from being active. The marks are independent: lifting one never lifts the other. */
export type Preserver = 'idp' | 'administrator';

/** What the resource means to the application (docs/accounts.md). */
export interface Account {
  readonly preservedBy: readonly Preserver[];
  /** Since when, and why, by mark; who did it stands in the history. */
  readonly preserved?: Readonly<Partial<Record<Preserver, { readonly at: string; readonly reason?: string }>>>;
  readonly origin: 'scim' | 'manual' | 'import' | 'directory';
  readonly managedBy: 'scim' | 'manual' | 'directory';
  /** What the person may use. Chosen by a mapping, or by an administrator, whom no mapping overrules. */
  readonly profile?: string;
  readonly profileBy?: 'mapping' | 'administrator';
  readonly storage?: Storage;
  /** An administrator gave it, and no mapping overrules them, whoever chose the profile; absent: a mapping did. */
  readonly storageBy?: 'administrator';
  /** An administrator has decided that this account is the person who comes under one of these. */
  readonly expects?: Person;
  /** An administrator has decided that this account is not the person who comes under one of these. */
  readonly separate?: readonly Person[];
  /** While an administrator holds the account: fields of the index (`h:…`) for what it was before, by which the person is kept out, too. */
  readonly held?: readonly string[];
  /** Nothing of the person is left but the id. */
  readonly purged?: true;
}

/** A person as an administrator names them: by userName, or by externalId. */
export interface Person {
  readonly userName?: string;
  readonly externalId?: string;
}

/** Where an account's data lie, and how much there may be of them. */
export interface Storage {
  readonly region?: string;
  readonly quotaBytes?: number;
}

/**
 * A SCIM resource and the account behind it, as one document.
 * `attributes` are canonical (see `validateResource`), without what is computed: id, meta, and `active`, which follows from the account.
 * A deleted resource answers 404 and releases its names; its account, id and data stay.
 */
export interface Resource {
  readonly type: ResourceTypeName;
  readonly id: string;
  /** When the resource was first created, RFC 3339, UTC. */
  readonly created: string;
  readonly deleted: boolean;
  /** A group's members are not among them: they are edges of their own. */
  readonly attributes: JsonObject;
  /** A group that got its name, or was changed, while its tenant let groups share names: MongoDB's unique index leaves it out. */
  readonly sharesName?: true;
  readonly account: Account;
}

/** A resource in one of its versions. `version` grows with every write of the tenant; `born` is the version at creation. */
export interface Versioned {
  readonly resource: Resource;
  readonly version: number;
  readonly born: number;
  /** When this version was accepted: ms since 1970, by the clock of Redis. */
  readonly modified_ms: number;
  /**
   * Memberships older than this version are void: of a user, since it was deleted, or came back; of a group, since it was deleted, or all its
   * members were replaced.
   * Absent: none is.
   */
  readonly since?: number | undefined;
  /** Of the command that made this version, where it is known. */
  readonly stamp?: string | undefined;
}

/** SCIM's `active`: true while nobody preserves the account. */
export const isActive = (resource: Resource): boolean => resource.account.preservedBy.length === 0;

/** The attributes as a client sees them before projection: with `active` as it truly is. */
export const withActive = (resource: Resource): JsonObject =>
  resource.type === 'User' ? { ...resource.attributes, active: isActive(resource) } : resource.attributes;
