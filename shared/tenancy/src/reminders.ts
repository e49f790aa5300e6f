import { type MongoLink, mongo, onMongo, type StoredReminder, type StoredTenant, type StoredToken } from '@rollcall/store';

/** Days before its end at which a credential is reminded of; 0: when it has ended. */
export const REMINDER_DAYS = [30, 14, 7, 1, 0] as const;

/**
 * Which reminder is due: the last one whose day has come. One that was missed as nobody looked is not made up for: it would say the same.
 * A credential that was made for fewer days has no reminder of that many.
 */
export function dueReminder({ createdAt, expiresAt }: Pick<StoredToken, 'createdAt' | 'expiresAt'>, now: Date): number | undefined {
  const left_ms = expiresAt.getTime() - now.getTime();
  const lifetime_ms = expiresAt.getTime() - createdAt.getTime();
  return REMINDER_DAYS.filter((days) => left_ms <= days * DAY_MS && (days === 0 || days * DAY_MS < lifetime_ms)).at(-1);
}

export interface Reminder {
  readonly credential: StoredToken;
  readonly days: number;
}

/** Counts of credentials that end within so many days, by days. */
export type Expiries = ReadonlyMap<number, number>;

/**
 * Finds reminders that are due and were not given, and notes each, so that it is given once. Credentials that were revoked or replaced have none.
 * @returns those that are new, and how many credentials end when
 */
export async function takeDueReminders(link: MongoLink, now: Date): Promise<{ due: Reminder[]; expiries: Expiries }> {
  const until = new Date(now.getTime() + REMINDER_DAYS[0] * DAY_MS);
  const since = new Date(now.getTime() - KEPT_DAYS * DAY_MS);
  const ending = link
    .collection('tokens')
    .find({ expiresAt: { $gt: since, $lte: until }, revokedAt: { $exists: false }, replacedBy: { $exists: false } });
  const due: Reminder[] = [];
  const expiries = new Map<number, number>(REMINDER_DAYS.map((days) => [days, 0]));
  let page: Reminder[] = [];
  const take = async () => {
    due.push(...(await takeNew(link, page, now)));
    page = [];
  };
  try {
    for await (const credential of ending) {
      for (const days of REMINDER_DAYS) {
        if (credential.expiresAt.getTime() - now.getTime() <= days * DAY_MS) expiries.set(days, (expiries.get(days) ?? 0) + 1);
      }
      const days = dueReminder(credential, now);
      if (days !== undefined) page.push({ credential, days });
      if (page.length >= PAGE) await take();
    }
    await take();
  } catch (error) {
    await onMongo(Promise.reject(error));
  }
  return { due, expiries };
}

async function takeNew(link: MongoLink, page: readonly Reminder[], now: Date): Promise<Reminder[]> {
  if (page.length === 0) return [];
  const reminders = link.collection('reminders');
  const known = new Set(
    (await onMongo(reminders.find({ _id: { $in: page.map(idOf) } }, { projection: { _id: 1 } }).toArray())).map(({ _id }) => _id),
  );
  const fresh = page.filter((reminder) => !known.has(idOf(reminder)));
  const tenants = await tenantsOf(link, fresh);
  const taken: Reminder[] = [];
  for (const reminder of fresh) {
    const tenant = tenants.get(reminder.credential.tenant);
    if (!tenant || tenant.status === 'deleting') continue;
    const hooked = typeof tenant.settings.webhook === 'object' && tenant.settings.webhook !== null;
    const stored: StoredReminder = {
      _id: idOf(reminder),
      tenant: tenant._id,
      at: now,
      tries: 0,
      ...(hooked ? { event: eventOf(reminder, now), nextAt: now } : {}),
    };
    try {
      await onMongo(reminders.insertOne(stored));
      taken.push(reminder);
    } catch (error) {
      // Another worker was faster.
      if (!(error instanceof mongo.MongoServerError && error.code === DUPLICATE_KEY)) throw error;
    }
  }
  return taken;
}

async function tenantsOf(link: MongoLink, reminders: readonly Reminder[]): Promise<ReadonlyMap<string, StoredTenant>> {
  const ids = [...new Set(reminders.map(({ credential }) => credential.tenant))];
  const found = await onMongo(
    link
      .collection('tenants')
      .find({ _id: { $in: ids } })
      .toArray(),
  );
  return new Map(found.map((tenant) => [tenant._id, tenant]));
}

/** What a webhook is told. */
function eventOf({ credential, days }: Reminder, now: Date): Record<string, unknown> {
  const { _id: id, tenant, name, prefix, client, expiresAt } = credential;
  return {
    type: days === 0 ? 'token.expired' : 'token.expiring',
    timestamp: now.toISOString(),
    data: {
      ...{ tenant, kind: client === undefined ? 'token' : 'client', id, name, prefix },
      ...(client === undefined ? {} : { clientId: client }),
      expiresAt: expiresAt.toISOString(),
      daysLeft: days,
    },
  };
}

const idOf = ({ credential, days }: Reminder): string => `${credential._id}/${days}`;

const DAY_MS = 86_400_000;
const KEPT_DAYS = 30;
const PAGE = 500;
const DUPLICATE_KEY = 11000;
