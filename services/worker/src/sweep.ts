import type { Ringer } from '@rollcall/queue';
import { idOfMember, onRedis, type Survey, survey, typeOfMember } from '@rollcall/store';
import type { Service } from '@rollcall/telemetry';
import type { Records } from '@rollcall/tenancy';
import { type AuditDeps, makeAudit } from './audit.js';
import type { StandingLease } from './lease.js';
import { Loop } from './loop.js';
import type { DeadLetter, DeadLetters } from './ops/index.js';
import { MIRRORED_MAX } from './ops/index.js';
import { repairParked } from './parked.js';

export interface SweepDeps extends AuditDeps {
  readonly lease: Pick<StandingLease, 'held'>;
  readonly ringer: Ringer;
  readonly records: Records;
  readonly deadLetters: DeadLetters;
  /** Shows the dead letters on Bull Board. */
  readonly mirror: (deadLetters: readonly DeadLetter[]) => Promise<unknown>;
  readonly interval_ms: number;
  /** How old the oldest pending of a tenant is before it is rung for. */
  readonly age_ms: number;
}

/**
 * Looks after what nobody was called for: rings for tenants that have waited too long, and for leavers among them, and keeps Bull Board in step.
 * Only the holder of the lease looks and acts.
 */
export function sweeper(deps: SweepDeps): Service {
  const { metrics, lease, ringer } = deps;
  const ringUrgent = makeUrgent(deps);
  let mirrored = '';
  return new Loop('sweeper', deps.outages, deps.interval_ms, async () => {
    if (!lease.held) {
      mirrored = ''; // the next holder begins anew
      return;
    }
    const found = await survey(deps);
    metrics.sweeps.inc();
    const late = overdue(found, deps.age_ms);
    // At most one more doorbell of each: while that one waits, the same word is swallowed.
    await Promise.all(late.map((tenant) => ringer.ring({ tenant }, SWEEP)));
    await ringUrgent(late);
    if (found.deadMark === mirrored) return;
    const { items } = await deps.deadLetters.list({ limit: MIRRORED_MAX });
    await deps.mirror(items);
    mirrored = found.deadMark;
  });
}

/** What needs MongoDB, in a loop of its own, so that the sweeper goes on without: records, parked resources, and a sample of both stores compared. */
export function auditor(deps: AuditDeps & Pick<SweepDeps, 'lease' | 'records' | 'interval_ms'>): Service {
  const audit = makeAudit(deps);
  return new Loop('auditor', deps.outages, deps.interval_ms, async () => {
    if (!deps.lease.held) return;
    await deps.records.rewriteAll();
    await repairParked(deps);
    await audit();
  });
}

/** Tenants whose oldest pending has waited longer than that, the oldest first. */
export const overdue = ({ tenants }: Pick<Survey, 'tenants'>, age_ms: number): string[] =>
  tenants
    .filter(({ oldestPending_ms }) => oldestPending_ms > age_ms)
    .sort((a, b) => b.oldestPending_ms - a.oldestPending_ms)
    .slice(0, TENANTS_MAX)
    .map(({ tenant }) => tenant);

/** Rings for leavers that have waited too long, even behind a long backlog: a window moves over it from round to round. */
function makeUrgent({ redis: { redis }, keys, ringer, age_ms, redis: link }: SweepDeps): (tenants: readonly string[]) => Promise<void> {
  const offsets = new Map<string, number>();
  return async (tenants) => {
    for (const tenant of offsets.keys()) if (!tenants.includes(tenant)) offsets.delete(tenant);
    let budget = LOOKED_AT_MAX;
    for (const tenant of tenants) {
      if (budget <= 0) return;
      const from = offsets.get(tenant) ?? 0;
      const of = keys.tenant(tenant);
      const before_us = (await link.now_us()) - age_ms * 1_000;
      const members = await onRedis(redis.zrangebyscore(of.pending(), '-inf', before_us, 'LIMIT', from, WINDOW));
      offsets.set(tenant, members.length < WINDOW ? 0 : from + WINDOW);
      budget -= members.length;
      const states = await onRedis(
        Promise.all(members.map((member) => redis.hmget(of.resource(idOfMember(member)), 'urgent', 'version', 'rid'))),
      );
      for (const [index, [urgent, version, requestId]] of states.entries()) {
        if (urgent !== '1') continue;
        const member = members[index]!;
        const doorbell = {
          tenant,
          type: typeOfMember(member),
          id: idOfMember(member),
          version: Number(version),
          requestId: requestId ?? '',
        };
        await ringer.ring(doorbell, SWEEP);
      }
    }
  };
}

const SWEEP = 'sweep';
const TENANTS_MAX = 1_000;
const WINDOW = 500;
const LOOKED_AT_MAX = 5_000;
