import { randomUUID } from 'node:crypto';
import { type Command, decide, type Resource, readsGroups, type TenantRules, TransientError, type Versioned } from '@rollcall/directory';
import type { Ringer } from '@rollcall/queue';
import type { ResourceTypes } from '@rollcall/scim';
import { type Committer, decideOn, type Memberships, type Reader, type TenantView } from '@rollcall/store';
import type { Metrics } from '@rollcall/telemetry';
import type { RulesKeeper } from '@rollcall/tenancy';

export interface CarryOutDeps {
  readonly reader: Reader;
  readonly memberships: Memberships;
  readonly committer: Committer;
  readonly ringer: Ringer;
  readonly rules: Pick<RulesKeeper, 'of' | 'now' | 'typesNow' | 'typesOf' | 'deployment'>;
  readonly metrics: Pick<Metrics, 'accepted' | 'conflicts'>;
  /** How long a commit is tried. */
  readonly deadline_ms: number;
}

export interface Asked {
  /** Id of the operator's credential, or of the import; the history keeps it. */
  readonly by: string;
  readonly requestId: string;
  /** One that was asked before finds itself. Absent: it is a new request. */
  readonly requestKey?: string;
  /** Id of a resource that is made. */
  readonly newId?: string;
  readonly now: Date;
}

export interface Outcome {
  readonly view: TenantView;
  readonly versioned: Versioned;
  readonly changed: boolean;
  /** The tenant's, by which it was done. */
  readonly types: ResourceTypes;
}

/**
 * Carries out what an administrator asks for, by the path of everything: read, decide, commit, ring.
 * @param wanted what it comes to by the tenant's types; a commit has the settings that they follow from as a premise
 * @throws ScimError for what the decision refuses; TransientError while a store is away, or others keep changing the same
 */
export async function carryOut(
  deps: CarryOutDeps,
  tenant: string,
  wanted: (types: ResourceTypes) => Command,
  asked: Asked,
): Promise<Outcome> {
  const { reader, committer, ringer, rules, metrics } = deps;
  const deadline = performance.now() + deps.deadline_ms;
  const at = { id: asked.newId ?? randomUUID(), now: asked.now.toISOString() };
  const request = {
    requestKey: asked.requestKey ?? randomUUID(),
    requestId: asked.requestId,
    by: asked.by,
    stamp: randomUUID(),
    at: at.now,
  };
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const view = await reader.view(tenant, 'write');
    const settled = await rules.of(tenant, view.settings);
    const types = settled?.types ?? rules.deployment;
    const command = wanted(types);
    const about = { id: 'id' in command ? command.id : undefined, rules: settled?.rules, types };
    const read = settled && (await groupsRead(deps, view, command, settled.rules));
    const { decision, state } = await decideOn(deps, view, about, (state) => decide({ ...state, groups: read?.groups }, command, at));
    if (decision.kind === 'refuse') throw decision.error;
    // The version that is a premise must be from before the groups were read: whoever moved the person since may have seen newer ones.
    if (read && decision.kind === 'accept' && state.current?.version !== read.version) continue;
    if (decision.kind === 'unchanged') return { view, versioned: decision.current, changed: false, types };
    const outcome = await committer.commit(view, decision, { ...request, deadline });
    if (outcome.kind === 'full') throw new TransientError(`the backlog of tenant ${tenant} is at its cap`, { retryAfter_s: 5 });
    if (outcome.kind !== 'ok') {
      metrics.conflicts.inc({ operation: decision.operation });
      continue;
    }
    metrics.accepted.inc({ type: decision.next.type, operation: decision.operation });
    ring(ringer, tenant, outcome.committed, decision.urgent, request.requestId);
    return { view, versioned: outcome.committed, changed: true, types };
  }
  throw new TransientError('others keep changing the same');
}

/** The groups of the person whom mappings are to look at, where some rule asks for them, and the version of the person that was read before. */
async function groupsRead({ reader, memberships }: CarryOutDeps, view: TenantView, command: Command, { mappings }: TenantRules) {
  const remaps = command.kind === 'remap' || (command.kind === 'setAccount' && command.profile === null);
  if (!remaps || !mappings || !readsGroups(mappings)) return undefined;
  const current = await reader.resource(view, command.id);
  return current && { version: current.version, groups: (await memberships.groupsOf(view, [current])).get(command.id) };
}

function ring(ringer: Ringer, tenant: string, { resource, version }: Versioned, urgent: boolean, requestId: string): void {
  const { id, type }: Resource = resource;
  if (urgent) void ringer.ring({ tenant, type, id, version, requestId }, version);
  void ringer.ring({ tenant }, version);
}

const ATTEMPTS_MAX = 8;
