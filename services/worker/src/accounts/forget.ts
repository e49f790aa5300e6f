// What is known of a person beside the account.
import type { Resource } from '@rollcall/directory';
import type { JsonValue } from '@rollcall/scim';
import { type MongoLink, onMongo } from '@rollcall/store';
import { forgetUndecided } from '@rollcall/tenancy';

/**
 * Removes what is kept of a person outside the account, before the account is purged: the entry of those who are to be decided about, the tenant's
 * last error where it names the person, and lines of imports that never began. Lines of an import that goes on make the person again.
 * The history keeps its lines for HISTORY_DAYS.
 * @throws TransientError while MongoDB is away
 */
export async function forgetPerson(mongo: MongoLink, tenant: string, { id, attributes }: Resource, now: Date): Promise<void> {
  await forgetUndecided(mongo, tenant, id, typeof attributes.userName === 'string' ? attributes.userName : undefined);
  const activity = mongo.collection('activity');
  const lastError = (await onMongo(activity.findOne({ _id: tenant })))?.lastError;
  if (lastError !== undefined && names(lastError.detail, textsOf(attributes)))
    await onMongo(activity.updateOne({ _id: tenant, 'lastError.at': lastError.at }, { $unset: { lastError: '' } }));
  const jobs = await onMongo(mongo.collection('jobs').distinct('_id', { tenant, status: 'running' }));
  const before = new Date(now.getTime() - RECEIVED_MS);
  await onMongo(mongo.collection('jobLines').deleteMany({ tenant, job: { $nin: jobs }, at: { $lt: before } }));
}

/** Whether a text has one of these in it; a short one could be a part of any word. */
const names = (text: string, values: readonly string[]): boolean =>
  values.some((value) => value.length >= VALUE_KNOWN_MIN && text.toLowerCase().includes(value.toLowerCase()));

const textsOf = (value: JsonValue | undefined): string[] => {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : [];
};

const VALUE_KNOWN_MIN = 3;
/** Longer than the lines of an import take to come in. */
const RECEIVED_MS = 3_600_000;
