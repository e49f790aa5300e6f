import { TransientError } from '@rollcall/directory';
import { type Doorbell, isOfResource, type Outcome, type Ringer } from '@rollcall/queue';
import type { Collected } from '@rollcall/store';
import { fault, type Log, type WorkerMetrics, withSpan } from '@rollcall/telemetry';
import type { Apply } from './apply.js';
import { type CollectDeps, collect, uncollect } from './collect.js';
import { takeLease } from './lease.js';
import type { ApplyMembers } from './members.js';
import type { Verdict } from './plan.js';
import { type ReacceptDeps, reaccept } from './reaccept.js';
import type { Cause } from './refusal.js';
import type { Remap } from './remap.js';
import { hold, type SettleDeps, settle } from './settle.js';

export interface ProcessDeps extends CollectDeps, SettleDeps, ReacceptDeps {
  readonly apply: Apply;
  readonly applyMembers: ApplyMembers;
  readonly remap: Remap;
  readonly ringer: Ringer;
  readonly metrics: WorkerMetrics;
  readonly log: Log;
  readonly lease_ms: number;
  /** How long what is left of a tenant gathers before the next batch, where it would not fill one. */
  readonly gather_ms: number;
  /** How often a resource is tried before it is a dead letter, where nobody knows what is wrong. */
  readonly triesMax: number;
}

export type Process = (doorbell: Doorbell, job: { readonly id: string }) => Promise<Outcome>;

/**
 * Answers a doorbell: collect → apply → settle; or dead letter. One batch of a tenant, then to the end of the queue, so that tenants take turns.
 * @throws TransientError: again, nothing was the resources' fault; Error: some were left for a next try, after a pause
 */
export const makeProcess =
  (deps: ProcessDeps): Process =>
  async (doorbell, job) => {
    const { redis, keys, ringer, lease_ms } = deps;
    const { tenant } = doorbell;
    if (isOfResource(doorbell)) {
      // A leaver, or a redrive, waits for nobody: versions guard it, the lease only spares work.
      const { count, left } = await batch(deps, doorbell);
      // Nobody may have been called for the others yet.
      if (left > 0) await ringer.ring({ tenant }, MORE[0]);
      return count > 0 ? { kind: 'settled', count, left } : { kind: 'nothingToDo' };
    }
    const ofTenant = keys.tenant(tenant);
    const lease = await takeLease(redis, ofTenant.lease(), ofTenant.pending(), lease_ms);
    if (!lease) return { kind: 'nothingToDo' };
    let count: number;
    try {
      ({ count } = await batch(deps, doorbell));
    } catch (error) {
      await lease.giveBack().catch(() => 0);
      throw error;
    }
    const left = await lease.giveBack();
    // A tenant that sends while it is applied goes on sending: many in one batch cost both stores a fraction of many batches (docs/decisions/0011).
    if (left > 0) await ringer.ring({ tenant }, more(job.id), left < deps.batchMax ? deps.gather_ms : 0);
    return { kind: 'settled', count, left };
  };

/**
 * What rings for the rest. Two words in turn, as a job that is still active would swallow its own re-add; and only two, so that several
 * doorbells of a tenant become one, and its turns stay as many as another's.
 */
const MORE = ['more1', 'more2'] as const;
const more = (jobId: string): string => (jobId.endsWith(`_${MORE[0]}`) ? MORE[1] : MORE[0]);

async function batch(deps: ProcessDeps, doorbell: Doorbell): Promise<{ count: number; left: number }> {
  const { tenant } = doorbell;
  const end = deps.metrics.applyDuration.startTimer();
  const collected = await collect(deps, doorbell);
  if (collected.length === 0) return { count: 0, left: 0 };
  const traces = collected.map(({ trace }) => trace).filter((trace) => trace !== undefined);
  const done = await withSpan(
    'apply batch',
    {
      kind: 'consumer',
      attributes: { 'rollcall.tenant': tenant, 'messaging.batch.message_count': collected.length },
      // One alone goes on with its request's trace; a batch can only point to them.
      ...(collected.length === 1 ? { parent: traces[0] } : { links: traces.slice(0, LINKS_MAX) }),
    },
    () => applied(deps, tenant, collected),
  );
  end();
  return done;
}

async function applied(deps: ProcessDeps, tenant: string, collected: readonly Collected[]): Promise<{ count: number; left: number }> {
  const { triesMax } = deps;
  // Counted before each try: what was tried this often without an answer may be what kills the worker.
  const spent = collected.filter(({ tries }) => tries > triesMax);
  const tried = collected.filter(({ tries }) => tries <= triesMax);
  await fault('before apply');
  const apply = async () => {
    const remap = await deps.remap(tenant);
    const settleMembers = await deps.applyMembers(tenant, tried);
    await remap?.(tried);
    return { settleMembers, verdicts: await deps.apply(tenant, tried) };
  };
  const { settleMembers, verdicts } = await apply().catch(async (error: unknown) => {
    if (error instanceof TransientError) {
      await uncollect(deps, tenant, tried);
      for (const { type } of tried) deps.metrics.applied.inc({ type, outcome: 'transient' });
    }
    throw error;
  });
  await fault('before settle');
  // While a group is pending, what is left of this is done again by its next try.
  await settleMembers();
  const settled = tried.filter((_, index) => SETTLES.has(verdicts[index]!.kind));
  const [left, now_us] = await Promise.all([settle(deps, tenant, settled), deps.redis.now_us()]);
  await fault('after settle');
  if (settled.length > 0) {
    const requestIds = settled.slice(0, REQUEST_IDS_MAX).map(({ requestId }) => requestId);
    deps.log.info({ event: 'changes.applied', tenant, count: settled.length, left, requestIds }, 'changes were applied to MongoDB');
  }

  const concluded = await Promise.all([
    ...spent.map((each) => bury(deps, tenant, each, SPENT, now_us)),
    ...tried.map((each, index) => conclude(deps, tenant, each, verdicts[index]!, now_us)),
  ]);
  const again = concluded.filter((conclusion) => conclusion === 'again').length;
  if (again > 0) throw new Error(`${again} of ${collected.length} were not applied, for reasons nobody knows`);
  return { count: settled.length, left };
}

const SETTLES: ReadonlySet<Verdict['kind']> = new Set(['written', 'superseded']);
const SPENT: Cause = { reason: 'it was tried too often without an answer' };

/** What follows from a verdict, besides settling. @returns 'again' where it is left for a next try */
async function conclude(
  deps: ProcessDeps,
  tenant: string,
  each: Collected,
  verdict: Verdict,
  now_us: number,
): Promise<'again' | undefined> {
  const { metrics, log, triesMax } = deps;
  const { type, id, version, tries, urgent, since_us, requestId } = each;
  switch (verdict.kind) {
    case 'written':
    case 'superseded':
      metrics.applied.inc({ type, outcome: verdict.kind });
      metrics.settled.inc({ type });
      metrics.acceptToApply.observe({ urgent: String(urgent) }, Math.max(0, now_us - since_us) / 1_000_000);
      return undefined;
    case 'newer':
      metrics.applied.inc({ type, outcome: 'superseded' });
      return undefined;
    case 'foreign':
      log.error(
        { event: 'apply.foreign', tenant, id, version },
        'MongoDB has another state under this version: the change is accepted again',
      );
      await acceptAgain(deps, tenant, each);
      return undefined;
    case 'refused':
      metrics.applied.inc({ type, outcome: 'permanent' });
      await bury(deps, tenant, each, verdict.cause, now_us);
      return undefined;
    case 'unknown':
      log.warn(
        { event: 'apply.failed', tenant, type, id, version, tries, requestId, ...verdict.cause },
        'a change could not be applied and is tried again',
      );
      if (tries < triesMax) return 'again';
      await bury(deps, tenant, each, verdict.cause, now_us);
      return undefined;
  }
}

async function bury(deps: ProcessDeps, tenant: string, each: Collected, cause: Cause, now_us: number): Promise<undefined> {
  const { type, id, version, tries, requestId } = each;
  if (!(await hold(deps, tenant, each, cause, now_us))) return;
  const about = { event: 'dead_letter', tenant, type, id, version, requestId, tries, ...cause };
  deps.log.error(about, 'MongoDB refused a change for good: it is a dead letter, and waits for an operator');
}

/** Under this version MongoDB has something else: only a higher one can replace it. */
async function acceptAgain(deps: ProcessDeps, tenant: string, { id, version }: Collected): Promise<void> {
  const view = await deps.reader.view(tenant, 'write');
  const current = await deps.reader.resource(view, id);
  if (current?.version !== version) return;
  const outcome = await reaccept(deps, tenant, 'repair', current);
  if (outcome.kind === 'ok') deps.metrics.reaccepted.inc({ reason: 'stamp' });
  else deps.log.error({ event: 'repair.refused', tenant, id, version, ...outcome }, 'a change could not be accepted again');
}

const LINKS_MAX = 128;
/** Requests that the line of a batch names. */
const REQUEST_IDS_MAX = 20;
