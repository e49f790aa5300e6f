import type { MongoLink, Outages } from '@rollcall/store';
import type { Log, Service, WorkerMetrics } from '@rollcall/telemetry';
import { takeDueReminders } from '@rollcall/tenancy';
import type { StandingLease } from './lease.js';
import { Loop } from './loop.js';

export interface ReminderDeps {
  readonly mongo: MongoLink;
  readonly lease: Pick<StandingLease, 'held'>;
  readonly log: Log;
  readonly outages: Pick<Outages, 'note'>;
  readonly metrics: Pick<WorkerMetrics, 'tokenExpiries' | 'tokenReminders'>;
  readonly interval_ms: number;
  readonly now: () => Date;
}

/** Reminds of tokens and client secrets that end: by the log, by a metric, and by the tenant's webhook, which `webhooks` sees to. */
export function reminders({ mongo, lease, log, outages, metrics, interval_ms, now }: ReminderDeps): Service {
  return new Loop('reminders', outages, interval_ms, async () => {
    if (!lease.held) return metrics.tokenExpiries.reset(); // whoever has it shows them
    const { due, expiries } = await takeDueReminders(mongo, now()).catch((error: unknown) => {
      metrics.tokenExpiries.reset(); // what is not known any more is not shown
      throw error;
    });
    for (const [days, count] of expiries) metrics.tokenExpiries.set({ within_days: String(days) }, count);
    for (const { days, credential } of due) {
      const { _id: credentialId, tenant, name, prefix, client, expiresAt } = credential;
      const about = {
        event: days === 0 ? 'token.expired' : 'token.expiring',
        tenant,
        credentialId,
        name,
        prefix,
        clientId: client,
        expiresAt,
        daysLeft: days,
      };
      log.warn(about, days === 0 ? 'a token has expired: requests with it are answered 401' : 'a token expires soon: regenerate it');
      metrics.tokenReminders.inc({ days: String(days) });
    }
  });
}
