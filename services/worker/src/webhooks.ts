// Posts reminders to the webhooks of their tenants, signed as Standard Webhooks has it, again and again until one is taken.
import { createHmac } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { type MongoLink, type Outages, onMongo, type StoredReminder } from '@rollcall/store';
import type { Log, Service, WorkerMetrics } from '@rollcall/telemetry';
import { settingsOf } from '@rollcall/tenancy';
import type { StandingLease } from './lease.js';
import { Loop } from './loop.js';
import { PrivateAddress, type WebhookTargets } from './webhook-targets.js';

export interface WebhookDeps {
  readonly mongo: MongoLink;
  readonly lease: Pick<StandingLease, 'held'>;
  readonly log: Log;
  readonly outages: Pick<Outages, 'note'>;
  readonly metrics: Pick<WorkerMetrics, 'webhooks'>;
  readonly targets: Pick<WebhookTargets, 'fault' | 'lookup'>;
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
  const outcome =
    url && tenant.webhookSecret && event ? await post(deps.targets, url, tenant.webhookSecret, { id: _id, event, at: now() }) : 'gone';
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
  targets: WebhookDeps['targets'],
  url: string,
  secret: string,
  { id, event, at }: { readonly id: string; readonly event: Record<string, unknown>; readonly at: Date },
): Promise<'delivered' | 'gone' | number | string> {
  if (targets.fault(url) !== undefined) return PRIVATE;
  const body = JSON.stringify(event);
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  try {
    const status = await send(new URL(url), targets.lookup, body, {
      'Content-Type': 'application/json',
      'Content-Length': String(Buffer.byteLength(body)),
      'User-Agent': 'rollcall',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': signatureOf(secret, { id, timestamp, body }),
    });
    if (status === 410) return 'gone';
    return status >= 200 && status < 300 ? 'delivered' : status;
  } catch (error) {
    if (error instanceof PrivateAddress) return PRIVATE;
    if (!(error instanceof Error)) return 'error';
    return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  }
}

/**
 * Posts by a connection of its own, to an address that `lookup` has judged. Redirects are not followed: an operator named this address, and no other.
 * @returns the status; what else the receiver answers is dropped
 */
function send(url: URL, lookup: WebhookTargets['lookup'], body: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const { request } = url.protocol === 'https:' ? https : http;
    const signal = AbortSignal.timeout(POST_TIMEOUT_MS);
    request(url, { method: 'POST', headers, lookup, signal, agent: false }, (answer) => {
      answer.on('error', () => undefined).destroy();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end(body);
  });
}

/** As https://www.standardwebhooks.com has it: the HMAC over id, time and body, so that none can be taken for another. */
export function signatureOf(secret: string, { id, timestamp, body }: { id: string; timestamp: string; body: string }): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}

const PRIVATE = 'the address is not public, see WEBHOOK_PRIVATE_ADDRESSES';
const POST_TIMEOUT_MS = 5_000;
const ROUND_MAX = 100;
const LANES = 4;
/** Pauses between tries: three days in all. */
const WAITS_S = [5, 60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
