// What the client is not told, and an administrator is to know: by the log, and by the tenant's status. Ids and versions, never a person, in the log.
import { type Decision, type Resource, type Versioned, Withheld, type WithheldReason } from '@rollcall/directory';
import type { ScimError } from '@rollcall/scim';
import type { Log } from '@rollcall/telemetry';
import type { ActivityNotes } from '../authenticate/activity.js';

export interface Tell {
  /** After a commit. */
  accepted(tenant: string, decision: Extract<Decision, { kind: 'accept' }>, committed: Versioned, requestId: string): void;
  /** Before the client is told the rest. */
  refused(tenant: string, error: ScimError, requestId: string): void;
}

export interface TellDeps {
  readonly log: Log;
  readonly notes: Pick<ActivityNotes, 'undecided' | 'decided'>;
}

/** Says which accounts were adopted or revived under another externalId, and which are in the way of what was refused. */
export const makeTell = ({ log, notes }: TellDeps): Tell => ({
  accepted(tenant, { operation, before, next }, { version }, requestId) {
    if (!before || next.type !== 'User') return;
    const about = { tenant, id: next.id, version, requestId };
    const { origin, managedBy } = before.resource.account;
    const adopted = managedBy !== 'scim' && next.account.managedBy === 'scim';
    const revived = operation === 'revive';
    if (adopted) log.info({ ...about, operation, origin }, 'account adopted');
    if (revived && isRenumbered(before.resource, next))
      log.warn(about, 'an account came back under another externalId: the address may have been given to somebody else');
    const { userName } = next.attributes;
    if ((adopted || revived) && typeof userName === 'string') notes.decided(tenant, userName);
  },

  refused(tenant, { cause }, requestId) {
    if (!(cause instanceof Withheld)) return;
    const { reason, accounts, person } = cause;
    log.warn({ tenant, requestId, reason, accounts }, SAID[reason]);
    if (person && (reason === 'ambiguous' || reason === 'recycled'))
      notes.undecided(tenant, { reason, accounts: [...accounts], ...person, requestId });
  },
});

const isRenumbered = ({ attributes: was }: Resource, { attributes: is }: Resource): boolean =>
  typeof was.externalId === 'string' && typeof is.externalId === 'string' && was.externalId !== is.externalId;

const SAID: Readonly<Record<WithheldReason, string>> = {
  ambiguous: 'an administrator must decide which of these accounts the person is',
  recycled: 'an administrator must decide whether the person is who had this account',
  taken: 'refused: another account has the name',
  preserved: 'refused: an administrator preserves the account',
};
