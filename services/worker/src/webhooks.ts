// Posts reminders to the webhooks of their tenants, signed as Standard Webhooks has it, again and again until one is taken.
import { createHmac } from 'node:crypto';
import { type MongoLink, type Outages, onMongo, type StoredReminder } from '@rollcall/store';
import type { Log, Service, WorkerMetrics } from '@rollcall/telemetry';
import { settingsOf } from '@rollcall/tenancy';
import type { StandingLease } from './lease.js';
import { Loop } from './loop.js';

export interface WebhookDeps {
  readonly mongo: MongoLink;
  readonly lease: Pick<StandingLease, 'held'>;
  readonly log: Log;
  readonly outages: Pick<Outages, 'note'>;
  readonly metrics: Pick<WorkerMetrics, 'webhooks'>;
  readonly interval_ms: number;
  readonly now: () => Date;
  readonly random: () => number;
}

/** Delivers what is due. Its receiver may get one twice, under one `webhook-id`: a worker may die between the answer and the note of it. */
export function webhooks(deps: WebhookDeps): Service {
  const { mongo, lease, interval_ms, now } = deps;
  return new Loop('webhooks', deps.outages, interval_ms, async (stopped) => {
    if (!lease.held) return;
    const due = await onMongo(
      mongo
        .collection('reminders')
        .find({ nextAt: { $lte: now() } })
        .sort({ nextAt: 1 })
        .limit(ROUND_MAX)
        .toArray(),
    );
    for (let at = 0; at < due.length && !stopped(); at += LANES) {
      await Promise.all(due.slice(at, at + LANES).map((reminder) => deliver(deps, reminder)));
    }
  });
}

async function deliver(deps: WebhookDeps, { _id, tenant: id, event, tries }: StoredReminder): Promise<void> {
  const { mongo, log, metrics, now, random } = deps;
  const reminders = mongo.collection('reminders');
  const tenant = await onMongo(mongo.collection('tenants').findOne({ _id: id }));
  const url = tenant && settingsOf(tenant.settings).webhook?.url;
  const outcome = url && tenant.webhookSecret && event ? await post(url, tenant.webhookSecret, { id: _id, event, at: now() }) : 'gone';
  if (outcome === 'delivered') {
    metrics.webhooks.inc({ outcome });
    await onMongo(reminders.updateOne({ _id }, { $set: { deliveredAt: now() }, $unset: { nextAt: '' }, $inc: { tries: 1 } }));
    return;
  }
  const wait_s = outcome === 'gone' ? undefined : WAITS_S[tries];
  if (wait_s === undefined) {
    metrics.webhooks.inc({ outcome: 'given_up' });
    log.error(
      { event: 'webhook.given_up', tenant: id, reminder: _id, tries, outcome },
      'a webhook was given up: it was refused for three days',
    );
    await onMongo(reminders.updateOne({ _id }, { $unset: { nextAt: '' }, $inc: { tries: 1 } }));
    return;
  }
  metrics.webhooks.inc({ outcome: 'refused' });
  log.warn(
    { event: 'webhook.refused', tenant: id, reminder: _id, tries, outcome, wait_s },
    'a webhook was refused and will be posted again',
  );
  const nextAt = new Date(now().getTime() + wait_s * 1_000 * (0.9 + 0.2 * random()));
  await onMongo(reminders.updateOne({ _id }, { $set: { nextAt }, $inc: { tries: 1 } }));
}

/** @returns what came of it: `gone` where the receiver wants no more of it (410), else the status or the fault */
async function post(
  url: string,
  secret: string,
  { id, event, at }: { readonly id: string; readonly event: Record<string, unknown>; readonly at: Date },
): Promise<'delivered' | 'gone' | number | string> {
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual', // an operator named this address, and no other
      signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      headers: {
        'Content-Type': 'application/json',
        'User-Agent': 'rollcall',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatureOf(secret, { id, timestamp, body }),
      },
      body,
    });
    await answer.body?.cancel(); // what it says is of no interest
    if (answer.status === 410) return 'gone';
    return answer.ok ? 'delivered' : answer.status;
  } catch (error) {
    return error instanceof Error ? error.name : 'error';
  }
}

/** As https://www.standardwebhooks.com has it: the HMAC over id, time and body, so that none can be taken for another. */
export function signatureOf(secret: string, { id, timestamp, body }: { id: string; timestamp: string; body: string }): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

const POST_TIMEOUT_MS = 5_000;
const ROUND_MAX = 100;
const LANES = 4;
/** Pauses between tries: three days in all. */
const WAITS_S = [5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
