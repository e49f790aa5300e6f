// What the client is not told, and an administrator is to know: by the log, and by the tenant's status. Ids and versions, never a person, in the log.
import { type Decision, isId, type Resource, type Versioned, Withheld, type WithheldReason } from '@rollcall/directory';
import type { ScimError } from '@rollcall/scim';
import type { Log, Metrics } from '@rollcall/telemetry';
import type { ActivityNotes } from '../authenticate/activity.js';

export interface Tell {
  /** After a commit. */
  accepted(tenant: string, decision: Extract<Decision, { kind: 'accept' }>, committed: Versioned, requestId: string): void;
  /** Members that a request named, that are not there, and that the tenant skips: the client was told nothing of them. */
  skipped(tenant: string, group: TellGroup, members: readonly string[], requestId: string): void;
  /** Before the client is told the rest. */
  refused(tenant: string, error: ScimError, requestId: string): void;
}

/** A group, as far as the log names it. */
export interface TellGroup {
  readonly resource: Pick<Resource, 'id'>;
  readonly version: number;
}

export interface TellDeps {
  readonly log: Log;
  readonly notes: Pick<ActivityNotes, 'undecided' | 'decided'>;
  readonly metrics: Pick<Metrics, 'identityJudgements'>;
}

/** Says which accounts were adopted, revived under another externalId or passed by, and which are in the way of what was refused. */
export const makeTell = ({ log, notes, metrics }: TellDeps): Tell => ({
  accepted(tenant, { operation, before, next, judged }, { version }, requestId) {
    if (next.type !== 'User') return;
    const about = { tenant, id: next.id, version, requestId };
    const person = nameOfPerson(next);
    const count = (outcome: string) => metrics.identityJudgements.inc({ outcome });
    if (judged?.outcome === 'separated') {
      count('separated');
      log.warn(
        { ...about, event: 'identity.separated', accounts: judged.accounts },
        'a new account was made beside others that have something in common',
      );
      if (person) notes.undecided(tenant, { reason: 'separated', accounts: [...judged.accounts], ...person, requestId });
    }
    if (!before) return;
    const { origin, managedBy } = before.resource.account;
    const adopted = managedBy !== 'scim' && next.account.managedBy === 'scim';
    const revived = operation === 'revive';
    const renumbered = judged !== undefined && isRenumbered(before.resource, next);
    if (adopted) log.info({ ...about, event: 'identity.adopted', operation, origin }, 'account adopted');
    if (renumbered)
      log.warn(
        { ...about, event: 'identity.revived_other_external_id' },
        'an account came back under another externalId: the address may have been given to somebody else',
      );
    if (adopted) count('adopted');
    if (renumbered) count('revived_other_external_id');
    else if (revived) count('revived');
    if (!person || !(adopted || revived)) return;
    if (judged?.outcome === 'recycled') notes.undecided(tenant, { reason: 'revived', accounts: [next.id], ...person, requestId });
    else notes.decided(tenant, person.userName);
  },

  skipped(tenant, { resource, version }, members, requestId) {
    const about = { event: 'group.members.skipped', tenant, id: resource.id, version, requestId };
    // What is none of our ids may be an address.
    const ids = members.filter(isId);
    log.info({ ...about, count: members.length, notIds: members.length - ids.length, skipped: ids.slice(0, SKIPPED_TOLD_MAX) }, SKIPPED);
  },

  refused(tenant, { cause }, requestId) {
    if (!(cause instanceof Withheld)) return;
    const { reason, accounts, person } = cause;
    const { event, message, outcome } = SAID[reason];
    log.warn({ tenant, requestId, event, reason, accounts }, message);
    if (outcome !== undefined) metrics.identityJudgements.inc({ outcome });
    if (person && (reason === 'ambiguous' || reason === 'recycled' || reason === 'asked'))
      notes.undecided(tenant, { reason, accounts: [...accounts], ...person, requestId });
  },
});

/** By what an administrator may say which account it is. */
const nameOfPerson = ({ attributes: { userName, externalId } }: Resource) =>
  typeof userName === 'string' ? { userName, ...(typeof externalId === 'string' ? { externalId } : {}) } : undefined;

const isRenumbered = ({ attributes: was }: Resource, { attributes: is }: Resource): boolean =>
  typeof was.externalId === 'string' && typeof is.externalId === 'string' && was.externalId !== is.externalId;

const SKIPPED = 'members were skipped: there is no such User or Group; each is a member as soon as it is there';
const SKIPPED_TOLD_MAX = 20;

const SAID: Readonly<
  Record<WithheldReason, { readonly event: string; readonly message: string; readonly outcome?: 'asked' | 'kept_out' }>
> = {
  ambiguous: {
    event: 'identity.undecided',
    message: 'an administrator must decide which of these accounts the person is',
    outcome: 'asked',
  },
  recycled: {
    event: 'identity.undecided',
    message: 'an administrator must decide whether the person is who had this account',
    outcome: 'asked',
  },
  asked: {
    event: 'identity.undecided',
    message: 'an administrator must decide whether the person is who this account was made for',
    outcome: 'asked',
  },
  taken: { event: 'identity.taken', message: 'refused: another account has the name or the externalId' },
  preserved: { event: 'identity.kept_out', message: 'refused: an administrator preserves the account', outcome: 'kept_out' },
};
