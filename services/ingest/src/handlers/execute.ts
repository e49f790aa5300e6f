// What every write has in common: read, decide, commit, ring; again where something changed meanwhile (docs/architecture.md#one-post).
import {
  type Command,
  claimField,
  decide,
  NAME_ATTRIBUTE,
  NESTING,
  nameOf,
  type Operation,
  type Resource,
  type Stamp,
  TransientError,
  type Versioned,
} from '@rollcall/directory';
import type { Ringer } from '@rollcall/queue';
import { type ResourceTypes, ScimError } from '@rollcall/scim';
import { type Committer, type DecideDeps, decideOn, type Evictor, type Reader, type TenantView } from '@rollcall/store';
import { carry, type FaultPoint, type Metrics } from '@rollcall/telemetry';
import type { RulesKeeper } from '@rollcall/tenancy';
import type { CommandQueue } from '../command-queue.js';
import { pause, within } from '../deadline.js';
import type { Caller } from '../exchange.js';
import type { Asked, Terms } from '../validate/body.js';
import type { Tell } from './tell.js';

export interface ExecuteDeps {
  readonly reader: DecideDeps['reader'] & Pick<Reader, 'view'>;
  readonly memberships: DecideDeps['memberships'];
  readonly rules: Pick<RulesKeeper, 'of' | 'deployment'>;
  readonly committer: Pick<Committer, 'commit'>;
  readonly ringer: Pick<Ringer, 'ring'>;
  /** Says whether there is memory for one more write, and makes room before it says no. */
  readonly memory: Pick<Evictor, 'mayAccept'>;
  readonly metrics: Pick<Metrics, 'accepted' | 'conflicts'>;
  readonly queue: CommandQueue;
  /** Told what an administrator is to know. */
  readonly tell: Tell;
  /** Judges the caller's tenant again, as its settings have changed since. @throws ScimError 403 */
  readonly readmit: (tenant: string) => Promise<void>;
  readonly newId: () => string;
  readonly now: () => Date;
  readonly random: () => number;
  readonly fault: FaultPoint;
  /** How long a command may take, from the moment its body is there. */
  readonly deadline_ms: number;
  readonly resourceBytesMax: number;
}

export interface Executed {
  /** What came of it; a repeated request changes nothing. */
  readonly operation: Operation | 'unchanged';
  readonly versioned: Versioned;
  readonly view: TenantView;
  /** The tenant's, by which it was done. */
  readonly types: ResourceTypes;
  /** What was asked for, by these types. */
  readonly command: Command;
  /** Names of the request that no schema knows, which were left out. */
  readonly ignored?: readonly string[] | undefined;
}

/**
 * @param id stands for this command, and becomes the id of what it creates. Who gives the same one again is told what came of it before, as long as the
 *   resource was not changed since. Left out: a new one is made.
 */
export type Execute = (caller: Caller, asked: Asked, requestId: string, id?: string) => Promise<Executed>;

/**
 * Makes the step that carries out commands. Id, time and deadline are taken once per command, so that every attempt decides the same, and the
 * commit of a second try finds the first.
 *
 * The step throws ScimError for what the decision refuses, 429 while the tenant's backlog is at its cap, 503 while Redis is too full or others
 * keep changing the same; TransientError where Redis or what must be read is away.
 */
export function makeExecute(deps: ExecuteDeps): Execute {
  const { reader, committer, ringer, metrics, queue, fault } = deps;
  /** Finds no holder of anything. Only where the index is complete, and with the entries as premises of a commit. */
  const unread: DecideDeps['reader'] = {
    resource: (view, id) => reader.resource(view, id),
    resources: (view, ids) => reader.resources(view, ids),
    entries: async (_, fields) => new Map(fields.map((field) => [field, { raw: '', ids: [] }])),
  };

  return (caller, asked, requestId, id) => {
    const deadline = performance.now() + deps.deadline_ms;
    const at: Stamp = { id: id ?? deps.newId(), now: deps.now().toISOString() };
    return within(deadline, begin(caller, asked, { at, deadline, requestId }, id));
  };

  async function begin(caller: Caller, asked: Asked, when: When, id: string | undefined): Promise<Executed> {
    const by = (await deps.rules.of(caller.tenant, caller.settings)) ?? { types: deps.rules.deployment };
    const read = { by, command: asked(by) };
    const carryOut = async () => {
      const before = id === undefined ? undefined : await outcomeOf(caller, read, id);
      return before ?? attempts(caller, asked, read, when);
    };
    // Whom a command is about doesn't hang on the terms.
    const turn = turnOf(caller.tenant, read.command);
    return turn === undefined ? carryOut() : queue.run(turn, when.deadline, carryOut);
  }

  /** `nests`: it is its turn among those that put groups into groups. */
  async function attempts(caller: Caller, asked: Asked, first: Read, when: When, nests = false): Promise<Executed> {
    let read = first;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const view = await reader.view(caller.tenant, 'write');
      if (view.settings !== caller.settings) await deps.readmit(caller.tenant);
      const settled = await deps.rules.of(caller.tenant, view.settings);
      if (settled && settled !== read.by) read = { by: settled, command: asked(settled) };
      const { command, by } = read;
      const { types } = by;
      const ignored = 'ignored' in command ? command.ignored : undefined;
      const about = { id: 'id' in command ? command.id : undefined, rules: settled?.rules, types };
      // Most of those who are new meet nobody: that is taken for granted once, and it is the commit that looks.
      const unasked = attempt === 1 && view.complete && command.kind === 'create';
      const { decision } = await decideOn(unasked ? { ...deps, reader: unread } : deps, view, about, (state) =>
        decide(state, command, when.at),
      );
      if (decision.kind === 'refuse') {
        deps.tell.refused(caller.tenant, decision.error, when.requestId);
        throw decision.error;
      }
      if (decision.kind === 'unchanged') {
        if (decision.skipped) deps.tell.skipped(caller.tenant, decision.current, decision.skipped, when.requestId);
        return { operation: 'unchanged', versioned: decision.current, view, types, command, ignored: decision.ignored ?? ignored };
      }
      // All that rest on this entry change it.
      if (!nests && decision.premises.entries.some(({ field }) => field === NESTING))
        return queue.run(`${caller.tenant}/${NESTING}`, when.deadline, () => attempts(caller, asked, read, when, true));

      if (!(await deps.memory.mayAccept(decision.urgent)))
        throw new ScimError(503, undefined, 'the service is short of memory; try again', SHED_RETRY_S);
      if (decision.operation === 'patch' || decision.operation === 'replace') checkSize(decision.next);
      const outcome = await committer.commit(view, decision, {
        requestKey: when.at.id,
        stamp: when.at.id,
        requestId: when.requestId,
        by: caller.credential,
        at: when.at.now,
        deadline: when.deadline,
        trace: carry(),
      });
      switch (outcome.kind) {
        case 'ok':
          metrics.accepted.inc({ type: decision.next.type, operation: decision.operation });
          deps.tell.accepted(caller.tenant, decision, outcome.committed, when.requestId);
          if (decision.skipped) deps.tell.skipped(caller.tenant, outcome.committed, decision.skipped, when.requestId);
          await fault('before ring');
          ring(caller.tenant, outcome.committed, decision.urgent, outcome.ring, when.requestId);
          return {
            operation: decision.operation,
            versioned: outcome.committed,
            view,
            types,
            command,
            ignored: decision.ignored ?? ignored,
          };
        case 'full':
          throw new ScimError(429, undefined, FULL[outcome.of], FULL_RETRY_S);
        case 'fresh':
          continue; // the next view makes or shows the head
        case 'conflict':
          if (unasked) continue;
          metrics.conflicts.inc({ operation: decision.operation });
          await pause(deps.random() * Math.min(JITTER_MS_MAX, 2 ** attempt));
      }
    }
    if ('ifMatch' in first.command) throw new ScimError(412, undefined, 'If-Match: the resource keeps changing; read it again');
    throw new TransientError('others keep changing the same', { retryAfter_s: 1 });
  }

  /** What an earlier try under the same id has done: the resource bears its stamp, or its id. */
  async function outcomeOf(caller: Caller, { command, by: { types } }: Read, id: string): Promise<Executed | undefined> {
    const view = await reader.view(caller.tenant, 'write');
    const done = async (resource: string) => {
      const versioned = await reader.resource(view, resource);
      if (!versioned || versioned.resource.type !== command.type) return undefined;
      return versioned.stamp === id || resource === id ? { operation: 'unchanged' as const, versioned, view, types, command } : undefined;
    };
    if ('id' in command) return done(command.id);
    const made = await done(id);
    const name = nameOf(command);
    if (made || name === undefined) return made;
    // Who was known before is revived under the id they had.
    const field = claimField(NAME_ATTRIBUTE[command.type], name);
    const [holder] = (await reader.entries(view, [field])).get(field)?.ids ?? [];
    return holder === undefined ? undefined : done(holder);
  }

  /** Nobody waits for a ring: what is lost is rung again by the sweeper. A leaver rings for itself, and for the tenant too where nobody has. */
  function ring(tenant: string, { resource, version }: Versioned, urgent: boolean, first: boolean, requestId: string): void {
    if (urgent) void ringer.ring({ tenant, type: resource.type, id: resource.id, version, requestId }, version);
    if (first) void ringer.ring({ tenant }, version);
  }

  /** A body is bounded, but what many patches add up to is not, nor what replaces keep besides: MongoDB would refuse it for good. */
  function checkSize(next: Resource): void {
    const bytes = Buffer.byteLength(JSON.stringify(next));
    if (bytes > deps.resourceBytesMax)
      throw new ScimError(413, undefined, `the resource would have ${bytes} bytes; at most ${deps.resourceBytesMax} are taken`);
  }
}

/** What was asked for, by which terms. */
interface Read {
  readonly by: Terms;
  readonly command: Command;
}

interface When {
  readonly at: Stamp;
  readonly deadline: number;
  readonly requestId: string;
}

/** Whom a command takes turns with: those on the same resource, or on the same name. Who adds or takes members commutes, and waits for nobody. */
function turnOf(tenant: string, command: Command): string | undefined {
  if (!('id' in command)) {
    const name = nameOf(command);
    return `${tenant}/${name === undefined ? '' : claimField(command.type, name)}`;
  }
  return onlyMovesMembers(command) ? undefined : `${tenant}/${command.id}`;
}

const onlyMovesMembers = (command: Command): boolean =>
  command.kind === 'patch' &&
  command.type === 'Group' &&
  command.ifMatch === undefined &&
  command.operations.every(
    ({ op, target, value }) =>
      target?.kind === 'attribute' &&
      target.attribute.name === 'members' &&
      (op === 'add' || (op === 'remove' && Boolean(target.filter ?? value))), // else they are all replaced
  );

/** What is at its cap, for the client. */
const FULL = {
  resources: 'too many changes of this tenant are still to be applied; try again',
  history: 'too much history is still to be stored; try again',
  bytes: 'the changes of this tenant that are still to be applied are too large; try again',
};
const ATTEMPTS_MAX = 8;
const JITTER_MS_MAX = 50;
const FULL_RETRY_S = 5;
const SHED_RETRY_S = 5;
