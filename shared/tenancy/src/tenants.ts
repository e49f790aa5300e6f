import { createHash, randomBytes } from 'node:crypto';
import { type MongoLink, type mongo, onMongo, type StoredTenant } from '@rollcall/store';
import * as z from 'zod';
import { SETTINGS_OF_NEW_TENANTS, type SettingsChange, settingsOf, shownSettings } from './settings.js';
import type { Actor } from './trail.js';
import { transact } from './transact.js';

export const TenantId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'expected 1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit');

/** What requests read of a tenant. */
export interface TenantRecord {
  readonly id: string;
  readonly status: StoredTenant['status'];
  readonly source: StoredTenant['source'];
  readonly settings: Readonly<Record<string, unknown>>;
  readonly revision: number;
}

/** Makes a tenant unless it is there. MongoDB is the record; `Records` carries it to Redis. @returns what is there now */
export async function ensureTenant(
  mongo: MongoLink,
  tenant: { readonly id: string; readonly name?: string },
  now: Date,
): Promise<TenantRecord> {
  const { _id, ...fields } = newTenant(tenant, now);
  const stored = await onMongo(
    mongo.collection('tenants').findOneAndUpdate({ _id }, { $setOnInsert: fields }, { upsert: true, returnDocument: 'after' }),
  );
  return toRecord(stored!);
}

interface NewTenant {
  readonly id: string;
  readonly name?: string | undefined;
  readonly source?: StoredTenant['source'] | undefined;
  readonly settings?: SettingsChange | undefined;
}

const newTenant = ({ id, name, source = 'scim', settings = {} }: NewTenant, now: Date): StoredTenant => ({
  _id: TenantId.parse(id),
  ...(name === undefined ? {} : { name }),
  status: 'active',
  source,
  settings: { ...SETTINGS_OF_NEW_TENANTS, ...settings },
  revision: 1,
  epoch: 0,
  createdAt: now,
});

export interface ChangeContext {
  readonly mongo: MongoLink;
  readonly actor: Actor;
  readonly now: Date;
}

/** What was asked for cannot be, as things stand; the message says why, and what to do. */
export class NotNowError extends Error {
  override readonly name = 'NotNowError';
}

/**
 * Makes a new tenant. Redis has it once `Records.carryTenant` has.
 * @throws NotNowError where the id is, or ever was, another's
 */
export async function createTenant({ mongo, actor, now }: ChangeContext, tenant: NewTenant): Promise<StoredTenant> {
  const stored: StoredTenant = { ...newTenant(tenant, now), carry: true, ...webhookSecretFor(tenant.settings, undefined) };
  return transact(mongo, async (session) => {
    if (await mongo.collection('tenants').findOne({ _id: stored._id }, { session, projection: { _id: 1 } }))
      throw new NotNowError(`there is, or was, a tenant ${stored._id}; ids are not used twice`);
    await mongo.collection('tenants').insertOne(stored, { session });
    return { result: stored, entry: entryOf(stored, { actor, at: now, action: 'tenant.create', after: withoutSecrets(shown(stored)) }) };
  });
}

/** Whether there is, or ever was, such a tenant: the record of one that was removed stays. */
export const wasTenant = async (mongo: MongoLink, id: string): Promise<boolean> =>
  (await onMongo(mongo.collection('tenants').findOne({ _id: id }, { projection: { _id: 1 } }))) !== null;

/** One that was removed is there no more. */
export const findTenant = async (mongo: MongoLink, id: string): Promise<StoredTenant | undefined> =>
  (await onMongo(mongo.collection('tenants').findOne({ _id: id, removedAt: { $exists: false } }))) ?? undefined;

/** By id. `after`: the last id of the page before. */
export const listTenants = async (
  mongo: MongoLink,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<StoredTenant[]> =>
  onMongo(
    mongo
      .collection('tenants')
      .find({ removedAt: { $exists: false }, ...(after === undefined ? {} : { _id: { $gt: after } }) })
      .sort({ _id: 1 })
      .limit(limit)
      .toArray(),
  );

/**
 * Changes a tenant, with its line of the trail, under a new revision; where nothing would change there is neither. `decide` says what becomes of it, or throws.
 * @returns undefined where there is no such tenant
 */
export async function changeTenant(
  { mongo, actor, now }: ChangeContext,
  id: string,
  action: string,
  decide: (current: StoredTenant) => mongo.UpdateFilter<StoredTenant> | undefined,
): Promise<StoredTenant | undefined> {
  const tenants = mongo.collection('tenants');
  return transact<StoredTenant | undefined>(mongo, async (session) => {
    const current = await tenants.findOne({ _id: id, removedAt: { $exists: false } }, { session });
    if (!current) return { result: undefined };
    const update = decide(current);
    if (update === undefined) return { result: current };
    const changed = await tenants.findOneAndUpdate(
      { _id: id },
      { ...update, $inc: { revision: 1 }, $set: { ...update.$set, carry: true } } as mongo.UpdateFilter<StoredTenant>,
      { session, returnDocument: 'after' },
    );
    if (!changed) throw new Error(`tenant ${id} is gone within a transaction`);
    return { result: changed, entry: entryOf(changed, { actor, at: now, action, ...shownChange(current, changed) }) };
  });
}

export interface TenantChange {
  readonly name?: string | undefined;
  readonly settings?: SettingsChange | undefined;
}

/** What a change of name and settings comes to. A first webhook gets a secret with it. */
export function settingsUpdate(current: StoredTenant, { name, settings = {} }: TenantChange): mongo.UpdateFilter<StoredTenant> | undefined {
  const next = {
    ...current.settings,
    ...settings,
    // What was taken under it stays shown, see `makeTypesOf`.
    ...(settingsOf(current.settings).identityAttribute === 'userPrincipalName' ? { tookUserPrincipalName: true } : {}),
  };
  const same = JSON.stringify(settingsOf(next)) === JSON.stringify(settingsOf(current.settings));
  if (same && (name === undefined || name === current.name)) return undefined;
  return {
    $set: { settings: next, ...(name === undefined ? {} : { name }), ...webhookSecretFor(settings, current.webhookSecret) },
    ...(settings.webhook === null ? { $unset: { webhookSecret: '' as const } } : {}),
  };
}

/** In the form of Standard Webhooks: `whsec_` and 256 random bits. */
export const newWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`;

const webhookSecretFor = (settings: SettingsChange | undefined, there: string | undefined) =>
  settings?.webhook && there === undefined ? { webhookSecret: newWebhookSecret() } : {};

/** A word that confirms a deletion; only its hash is kept. */
export const newConfirmation = (): { confirm: string; hash: string } => {
  const confirm = randomBytes(16).toString('base64url');
  return { confirm, hash: hashConfirmation(confirm) };
};
export const hashConfirmation = (confirm: string): string => createHash('sha256').update(confirm).digest('hex');

export const toRecord = ({ _id, status, source, settings, revision }: StoredTenant): TenantRecord => ({
  id: _id,
  status,
  source,
  settings,
  revision,
});

/** What the trail keeps of a tenant. */
const shown = ({ name, status, source, settings, deletion }: StoredTenant) => ({
  ...(name === undefined ? {} : { name }),
  status,
  source,
  settings: { ...settings, ...settingsOf(settings) },
  ...(deletion === undefined ? {} : { deletion: { after: deletion.after, confirmed: deletion.confirmedAt !== undefined } }),
});

/** The same of a change: of the settings, which hold mappings, profiles and the directory's records too, only those that it touched. */
function shownChange(current: StoredTenant, changed: StoredTenant) {
  const [before, after] = [shown(current), shown(changed)];
  const touched = (side: Record<string, unknown>, other: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(side).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(other[name])));
  return {
    before: withoutSecrets({ ...before, settings: touched(before.settings, after.settings) }),
    after: withoutSecrets({ ...after, settings: touched(after.settings, before.settings) }),
  };
}

const withoutSecrets = <T extends { readonly settings: Readonly<Record<string, unknown>> }>(tenant: T): T => ({
  ...tenant,
  settings: shownSettings(tenant.settings),
});

const entryOf = <T>({ _id }: StoredTenant, entry: T) => ({ ...entry, tenant: _id, target: { kind: 'tenant', id: _id } });
