import type { MemberType } from '@rollcall/directory';
import { type Connection, Schema } from 'mongoose';

/**
 * How resources, tenants and the rest lie in MongoDB. The schemas declare collections, indexes and the rim's validation;
 * the hot path writes whole documents with the driver's bulkWrite.
 */
export interface StoredResource {
  _id: string;
  tenant: string;
  type: 'User' | 'Group';
  version: number;
  born: number;
  modified: Date;
  created: string;
  stamp: string;
  /** Memberships older than this version are void. */
  since?: number;
  /** False: deleted. Its account and data stay. */
  live: boolean;
  /** Folded name, unique in the tenant; absent where the resource is deleted, or parked. */
  nameKey?: string;
  /** A group's own id, where it shares its name: so the unique index leaves it out. */
  sharesName?: string;
  /** What the person is known by, where that is the email. */
  identityKey?: string;
  /** The same where it is the userPrincipalName; of one that is live and has none, the `nameKey` says it. */
  principalKey?: string;
  externalId?: string;
  /** Fields of the index (`d:…`, `h:…`) by which a deleted person is known again, and a held one kept out. */
  marks?: string[];
  /** When this version was written here, by the worker's clock; absent where an earlier release wrote it. */
  applied?: Date;
  /** The name was taken from it to let another's through; its newest state is on its way. */
  parked?: boolean;
  attributes: Record<string, unknown>;
  account: Record<string, unknown>;
  /** Folded copy that filters compare; also of deleted people, whom administrators must find: lists of SCIM ask for `live` besides. */
  search?: Record<string, unknown>;
}

/** One member of one group. A change costs one of these, whatever the size of the group. */
export interface StoredMembership {
  /** `<group>/<member>`. */
  _id: string;
  tenant: string;
  group: string;
  member: string;
  /** Unknown, Skipped: there was no such live resource when it was named. */
  type: MemberType;
  version: number;
  removed: boolean;
  /** Removed ones are kept for a day, so that a late write finds what it must not undo. */
  removedAt?: Date;
}

export interface StoredHistory {
  /** `<tenant>/<id>/<version>`: each accepted version once. */
  _id: string;
  tenant: string;
  id: string;
  version: number;
  at: Date;
  line: Record<string, unknown>;
}

export interface StoredTenant {
  _id: string;
  name?: string;
  status: 'active' | 'suspended' | 'deleting';
  source: 'scim' | 'directory' | 'manual';
  settings: Record<string, unknown>;
  /** Rises with every change of this record. */
  revision: number;
  /** Rises whenever Redis may have forgotten something of this tenant. */
  epoch: number;
  createdAt: Date;
  /** Signs what is sent to the tenant's webhook. It must be known as it is to sign; it is shown once and leaves this record never again. */
  webhookSecret?: string;
  /** By which layout of the index its documents have their keys; absent: that of 0.1.0. */
  keysLayout?: number;
  /** Only while it is being deleted. */
  deletion?: StoredDeletion;
  /** All that the tenant had is gone. The record stays, so that nobody takes the id again: versions and cursors of the old one would fit the new. */
  removedAt?: Date;
  /** Redis does not have this revision yet, as far as is known. */
  carry?: true;
}

export interface StoredDeletion {
  askedAt: Date;
  /** What the tenant was, and is again when the deletion is taken back. */
  statusBefore: 'active' | 'suspended';
  /** Nothing is removed before, and nothing without `confirmedAt`. */
  after: Date;
  /** SHA-256 of the word that confirms. */
  confirm: string;
  confirmedAt?: Date;
}

export interface StoredToken {
  _id: string;
  tenant: string;
  name: string;
  /** SHA-256 of the token, hex. The token itself is kept nowhere. */
  hash: string;
  prefix: string;
  createdAt: Date;
  expiresAt: Date;
  revokedAt?: Date;
  revision: number;
  /** The OAuth client whose secret this is: it signs in at the token endpoint, and nowhere else. */
  client?: string;
  /** Id of the user whom it stands for, at /Me. */
  user?: string;
  /** It may use /Me and the discovery endpoints alone. Absent: all that its tenant may. */
  scope?: 'me';
  /** The token that was made in its place: it holds for the overlap, and nobody is reminded of it. */
  replacedBy?: string;
  /** Written now and then, never on a request's time. */
  lastUsedAt?: Date;
  /** Redis does not have this revision yet, as far as is known. */
  carry?: true;
}

export interface StoredDeployment {
  _id: 'deployment';
  partitions: number;
  /** 32 bytes, base64, made once: what one replica signs the others believe. */
  secret?: string;
}

/** The models of one connection, by collection. */
export type Models = ReturnType<typeof makeModels>;

/** What each collection holds. */
export interface Documents {
  readonly accounts: StoredResource;
  readonly groups: StoredResource;
  readonly memberships: StoredMembership;
  readonly history: StoredHistory;
  readonly tenants: StoredTenant;
  readonly tokens: StoredToken;
  readonly deployment: StoredDeployment;
  readonly audit: StoredTrail;
  readonly operators: StoredOperator;
  readonly idempotency: StoredOutcome;
  readonly reminders: StoredReminder;
  readonly activity: StoredActivity;
  readonly undecided: StoredUndecided;
  readonly jobs: StoredJob;
  readonly jobLines: StoredJobLines;
}

/** The collection that holds resources of a type. */
export const collectionOf = (type: 'User' | 'Group') => (type === 'User' ? 'accounts' : 'groups');

const OPTIONS = { versionKey: false, autoIndex: false, autoCreate: false, minimize: false } as const;

/** Declares the models on one connection. */
export function makeModels(connection: Connection) {
  return {
    accounts: connection.model('Account', resourceSchema('accounts', { tenant: 1, nameKey: 1 })),
    groups: connection.model('Group', resourceSchema('groups', { tenant: 1, nameKey: 1, sharesName: 1 })),
    memberships: connection.model('Membership', membershipSchema),
    history: connection.model('History', historySchema),
    tenants: connection.model('Tenant', tenantSchema),
    tokens: connection.model('Token', tokenSchema),
    jobs: connection.model('Job', jobSchema),
    jobLines: connection.model('JobLines', jobLinesSchema),
    deployment: connection.model('Deployment', deploymentSchema),
    audit: connection.model('Audit', trailSchema),
    operators: connection.model('Operator', operatorSchema),
    idempotency: connection.model('Idempotency', outcomeSchema),
    reminders: connection.model('Reminder', reminderSchema),
    activity: connection.model('Activity', activitySchema),
    undecided: connection.model('Undecided', undecidedSchema),
  };
}

/** @param name what is unique; all without `sharesName` count as equal in it */
function resourceSchema(collection: string, name: Readonly<Record<string, 1>>) {
  const schema = new Schema(
    {
      _id: { type: String, required: true },
      tenant: { type: String, required: true },
      type: { type: String, required: true },
      version: { type: Number, required: true },
      born: { type: Number, required: true },
      modified: { type: Date, required: true },
      created: { type: String, required: true },
      stamp: { type: String, required: true },
      since: Number,
      live: { type: Boolean, required: true },
      nameKey: String,
      sharesName: String,
      identityKey: String,
      principalKey: String,
      externalId: String,
      marks: { type: [String], default: undefined },
      applied: Date,
      parked: Boolean,
      attributes: { type: Schema.Types.Mixed, required: true },
      account: { type: Schema.Types.Mixed, required: true },
      search: Schema.Types.Mixed,
    },
    { ...OPTIONS, collection },
  );
  // Partial: a plain or sparse unique index fails at the second document of a tenant without a name.
  schema.index(name, { unique: true, partialFilterExpression: { nameKey: { $type: 'string' } } });
  schema.index({ tenant: 1, version: -1 });
  schema.index({ tenant: 1, live: 1, born: 1 });
  schema.index({ tenant: 1, identityKey: 1 }, { partialFilterExpression: { identityKey: { $type: 'string' } } });
  schema.index({ tenant: 1, principalKey: 1 }, { partialFilterExpression: { principalKey: { $type: 'string' } } });
  schema.index({ tenant: 1, externalId: 1 }, { partialFilterExpression: { externalId: { $type: 'string' } } });
  if (collection === 'accounts') {
    schema.index({ tenant: 1, marks: 1 }, { partialFilterExpression: { marks: { $exists: true } } });
    schema.index({ tenant: 1, _id: 1 }, { partialFilterExpression: { marks: { $exists: true } } });
    // Counts people by state, without reading those that are active.
    schema.index(
      { tenant: 1, live: 1, 'account.preservedBy': 1 },
      { name: 'tenant_1_preserved', partialFilterExpression: { 'account.preservedBy.0': { $exists: true } } },
    );
  }
  schema.index({ tenant: 1, 'search.emails.value': 1 }, { partialFilterExpression: { live: true } });
  schema.index({ tenant: 1, parked: 1 }, { partialFilterExpression: { parked: true } });
  return schema;
}

const membershipSchema = new Schema(
  {
    _id: { type: String, required: true },
    tenant: { type: String, required: true },
    group: { type: String, required: true },
    member: { type: String, required: true },
    type: { type: String, required: true },
    version: { type: Number, required: true },
    removed: { type: Boolean, required: true },
    removedAt: Date,
  },
  { ...OPTIONS, collection: 'memberships' },
);
membershipSchema.index({ tenant: 1, group: 1, removed: 1, member: 1 });
membershipSchema.index({ tenant: 1, member: 1, removed: 1 });
membershipSchema.index({ removedAt: 1 }, { expireAfterSeconds: 86_400 });

const historySchema = new Schema(
  {
    _id: { type: String, required: true },
    tenant: { type: String, required: true },
    id: { type: String, required: true },
    version: { type: Number, required: true },
    at: { type: Date, required: true },
    line: { type: Schema.Types.Mixed, required: true },
  },
  { ...OPTIONS, collection: 'history' },
);
historySchema.index({ tenant: 1, version: -1 });
historySchema.index({ tenant: 1, id: 1, version: -1 });

const tenantSchema = new Schema(
  {
    _id: { type: String, required: true, match: /^[a-z0-9][a-z0-9-]{0,62}$/ },
    name: String,
    status: { type: String, required: true, enum: ['active', 'suspended', 'deleting'] },
    source: { type: String, required: true, enum: ['scim', 'directory', 'manual'] },
    settings: { type: Schema.Types.Mixed, required: true },
    revision: { type: Number, required: true },
    epoch: { type: Number, required: true },
    keysLayout: Number,
    createdAt: { type: Date, required: true },
  },
  { ...OPTIONS, collection: 'tenants' },
);

const tokenSchema = new Schema(
  {
    _id: { type: String, required: true },
    tenant: { type: String, required: true },
    name: { type: String, required: true },
    hash: { type: String, required: true },
    prefix: { type: String, required: true },
    createdAt: { type: Date, required: true },
    expiresAt: { type: Date, required: true },
    revokedAt: Date,
    revision: { type: Number, required: true },
  },
  { ...OPTIONS, collection: 'tokens' },
);
tokenSchema.index({ hash: 1 }, { unique: true });
tokenSchema.index({ tenant: 1, createdAt: 1 });
tokenSchema.index({ carry: 1 }, { partialFilterExpression: { carry: true } });
tokenSchema.index({ expiresAt: 1 });
tenantSchema.index({ carry: 1 }, { partialFilterExpression: { carry: true } });
tenantSchema.index({ status: 1 });

const deploymentSchema = new Schema(
  { _id: { type: String, required: true }, partitions: { type: Number, required: true }, secret: String },
  { ...OPTIONS, collection: 'deployment' },
);

/** Names of the indexes that make names unique; their violation is the one that may be somebody else's rename under way. */
export const NAME_INDEXES: ReadonlySet<string> = new Set(['tenant_1_nameKey_1', 'tenant_1_nameKey_1_sharesName_1']);

/** One change by an operator. Nothing ever changes or removes one. */
export interface StoredTrail {
  /** By time: `<ISO 8601>_<random>`. */
  _id: string;
  /** Absent where it is about the deployment: its operators. */
  tenant?: string;
  at: Date;
  /** Id and name of the operator. */
  by: string;
  byName: string;
  request: string;
  /** What was done: `token.generate`. */
  action: string;
  target: { kind: string; id: string };
  before?: Record<string, unknown>;
  after?: Record<string, unknown>;
}

export interface StoredOperator {
  _id: string;
  name: string;
  role: 'viewer' | 'operator';
  /** SHA-256 of the token, hex. */
  hash: string;
  prefix: string;
  createdAt: Date;
  removedAt?: Date;
}

/** What an admin request under an `Idempotency-Key` came to. */
export interface StoredOutcome {
  /** `<operator>/<key>`. */
  _id: string;
  /** SHA-256 of method, path and body: the same key for something else is a mistake. */
  fingerprint: string;
  at: Date;
  /** Absent while it is being done. */
  status?: number;
  headers?: Record<string, string>;
  /** JSON; absent where it held a secret, an account, or nothing. */
  body?: string;
  /** What was answered was this account: it is shown anew, so that no copy of a person is kept here. */
  account?: { tenant: string; id: string };
  secret?: boolean;
}

/** One reminder of one credential's expiry: sent once. */
export interface StoredReminder {
  /** `<id of the token>/<days before expiry>`. */
  _id: string;
  tenant: string;
  at: Date;
  /** What the webhook is told; absent where the tenant has none. */
  event?: Record<string, unknown>;
  /** When delivery is tried next; absent once it is delivered, or given up. */
  nextAt?: Date;
  tries: number;
  deliveredAt?: Date;
}

/** When a tenant was last heard of, for "is it working?". */
export interface StoredActivity {
  /** The tenant. */
  _id: string;
  lastRequestAt?: Date;
  lastError?: {
    at: Date;
    status: number;
    detail: string;
    method: string;
    route: string;
    requestId: string;
    /** What has to succeed for the error to be over; absent in records of former releases. */
    kind?: string;
    /** As the log has it; absent in records of former releases. */
    reason?: string;
    scimType?: string;
    /** Of a request that met no endpoint. */
    path?: string;
    /** The resource that was refused. */
    id?: string;
  };
}

/** A person of whom an administrator must say which account is theirs, or may look at what was judged. */
export interface StoredUndecided {
  /** `<tenant>/<folded userName>`: each person once. */
  _id: string;
  tenant: string;
  /** When they came last. */
  at: Date;
  /**
   * Refused until it is decided: `ambiguous`, `recycled`, `asked`. Done, and for an administrator to look at: `revived` (an account came back under another
   * stable externalId), `separated` (a new account was made beside accounts that have something in common).
   */
  reason: 'ambiguous' | 'recycled' | 'asked' | 'revived' | 'separated';
  /** Ids of those that could be theirs. */
  accounts: string[];
  userName: string;
  externalId?: string;
  requestId: string;
}

const trailSchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'audit', strict: false });
trailSchema.index({ tenant: 1, _id: -1 });
trailSchema.index({ tenant: 1, 'target.id': 1, _id: -1 });

const operatorSchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'operators', strict: false });
operatorSchema.index({ hash: 1 }, { unique: true });

const outcomeSchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'idempotency', strict: false });
outcomeSchema.index({ at: 1 }, { expireAfterSeconds: 86_400 });

const reminderSchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'reminders', strict: false });
reminderSchema.index({ nextAt: 1 }, { partialFilterExpression: { nextAt: { $exists: true } } });
reminderSchema.index({ at: 1 }, { expireAfterSeconds: 366 * 86_400 });

const activitySchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'activity', strict: false });

const undecidedSchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'undecided', strict: false });
undecidedSchema.index({ tenant: 1, at: -1 });
// Whom the identity provider has not sent for so long it no longer wants in; the entry names a person.
undecidedSchema.index({ at: 1 }, { expireAfterSeconds: 30 * 86_400 });

/** Work on many accounts that an administrator asked for: an import, or mappings for all. It goes on after a restart where it was. */
export interface StoredJob {
  _id: string;
  tenant: string;
  kind: 'import' | 'mappings';
  status: 'running' | 'done';
  /** Credential of whoever asked. */
  by: string;
  createdAt: Date;
  finishedAt?: Date;
  /** Lines of the import, or accounts. */
  total: number;
  done: number;
  failed: number;
  /** `line`: of the file; of an account: its number in the order of creation. */
  failures: { line: number; reason: string }[];
  /** Where to go on: the next line, or the version at creation of the last account looked at. */
  next: number;
  /** Whoever works on it has it until then. */
  leaseUntil: Date;
}

/** Lines of an import, as they were sent; gone when it is done. */
export interface StoredJobLines {
  /** `<job>/<first line>`. */
  _id: string;
  tenant: string;
  job: string;
  at: Date;
  first: number;
  lines: StoredLine[];
}

/** One line of an import. */
export interface StoredLine {
  /** Of the file, as an editor shows it: the header is the first. */
  line: number;
  /** By column. */
  cells: Record<string, string>;
  /** What is wrong with it already as a line; it then has no cells. */
  fault?: string;
}

const jobSchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'jobs', strict: false });
jobSchema.index({ status: 1, createdAt: 1 }, { partialFilterExpression: { status: 'running' } });
jobSchema.index({ tenant: 1, createdAt: -1 });

const jobLinesSchema = new Schema({ _id: { type: String, required: true } }, { ...OPTIONS, collection: 'jobLines', strict: false });
jobLinesSchema.index({ job: 1, first: 1 });
jobLinesSchema.index({ tenant: 1 });
// Whoever died while they came in, or before they were deleted, leaves them behind; they name people.
jobLinesSchema.index({ at: 1 }, { expireAfterSeconds: 7 * 86_400 });
