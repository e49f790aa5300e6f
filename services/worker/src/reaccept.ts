import { randomUUID } from 'node:crypto';
import { fieldsOf, isClaim, type Resource, restate, type State, TransientError, type Versioned, Withheld } from '@rollcall/directory';
import type { Ringer } from '@rollcall/queue';
import type { ScimError } from '@rollcall/scim';
import { type Committer, type DecideDeps, decideOn, type Reader } from '@rollcall/store';

export interface ReacceptDeps extends DecideDeps {
  readonly reader: Reader;
  readonly committer: Committer;
  readonly ringer: Ringer;
}

export type Reaccepted =
  | { readonly kind: 'ok'; readonly committed: Versioned }
  /** One of its names is another resource's by now, or an administrator keeps the person out by another account. */
  | { readonly kind: 'taken'; readonly holder: string }
  /** It has changed since it was looked at: whatever was wrong is no more, or will be seen again. */
  | { readonly kind: 'changed' };

/**
 * Gives a resource a new version without a client's asking: an operator discards a dead letter, or MongoDB has lost what Redis knows.
 * A decision like any other, with its claims as premises.
 * @param next what it is to be; left out: what it is
 * @throws TransientError while either store is away
 */
export async function reaccept(
  deps: ReacceptDeps,
  tenant: string,
  operation: 'discard' | 'repair',
  seen: Versioned,
  { next = seen.resource, by = 'rollcall' }: { readonly next?: Resource; readonly by?: string } = {},
): Promise<Reaccepted> {
  const { reader, committer, ringer } = deps;
  const { id, type } = seen.resource;
  const request = { requestKey: randomUUID(), requestId: randomUUID(), by, stamp: randomUUID() };
  const deadline = performance.now() + DEADLINE_MS;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const view = await reader.view(tenant, 'write');
    const { decision, state } = await decideOn(deps, view, { id }, (state) =>
      state.current?.version === seen.version
        ? restate(state, state.current, operation, next)
        : { kind: 'unchanged', current: state.current ?? seen },
    );
    if (decision.kind === 'refuse') return { kind: 'taken', holder: keptOutBy(decision.error) ?? holderOf(state, next) };
    if (decision.kind === 'unchanged') return { kind: 'changed' };
    const outcome = await committer.commit(view, decision, { ...request, at: new Date().toISOString(), deadline });
    if (outcome.kind === 'full') throw new TransientError(`the backlog of tenant ${tenant} is at its cap`);
    if (outcome.kind !== 'ok') continue;
    const { version } = outcome.committed;
    await ringer.ring({ tenant, type, id, version, requestId: request.requestId }, operation);
    return { kind: 'ok', committed: outcome.committed };
  }
  throw new TransientError(`${type} ${id} keeps changing`);
}

/** The account by which an administrator keeps the person out. */
const keptOutBy = ({ cause }: ScimError): string | undefined =>
  cause instanceof Withheld && cause.reason === 'preserved' ? cause.accounts[0] : undefined;

/** Who else stands under a claim of this resource. */
function holderOf({ entries }: State, next: Resource): string {
  const claims = fieldsOf(next).filter(isClaim);
  return claims.flatMap((field) => entries.get(field)?.ids ?? []).find((id) => id !== next.id) ?? '';
}

const DEADLINE_MS = 2_000;
const ATTEMPTS_MAX = 8;
