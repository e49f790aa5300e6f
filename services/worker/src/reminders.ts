import type { MongoLink } from '@rollcall/store';
import type { Log, Metrics, Service } from '@rollcall/telemetry';
import { takeDueReminders } from '@rollcall/tenancy';
import type { StandingLease } from './lease.js';
import { Loop } from './loop.js';

export interface ReminderDeps {
  readonly mongo: MongoLink;
  readonly lease: Pick<StandingLease, 'held'>;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'tokenExpiries' | 'tokenReminders'>;
  readonly interval_ms: number;
  readonly now: () => Date;
}

/** Reminds of tokens and client secrets that end: by the log, by a metric, and by the tenant's webhook, which `webhooks` sees to. */
export function reminders({ mongo, lease, log, metrics, interval_ms, now }: ReminderDeps): Service {
  return new Loop('reminders', log, interval_ms, async () => {
    if (!lease.held) return metrics.tokenExpiries.reset(); // whoever has it shows them
    const { due, expiries } = await takeDueReminders(mongo, now());
    for (const [days, count] of expiries) metrics.tokenExpiries.set({ within_days: String(days) }, count);
    for (const { days, credential } of due) {
      const { _id: credentialId, tenant, name, prefix, client, expiresAt } = credential;
      const event = { tenant, credentialId, name, prefix, clientId: client, expiresAt, daysLeft: days };
      log.warn(event, days === 0 ? 'a token has expired: requests with it are answered 401' : 'a token expires soon: regenerate it');
      metrics.tokenReminders.inc({ days: String(days) });
    }
  });
}
