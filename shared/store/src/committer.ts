import { changesBetween, countedPrefix, type Decision, type HistoryLine, TransientError, type Versioned } from '@rollcall/directory';
import type { Continuity, TenantView } from './continuity.js';
import { countField } from './continuity.js';
import { isReply, redisError } from './errors.js';
import { memberOf } from './redis/keys.js';
import { accept } from './redis/scripts/accept/accept.js';
import { writeDocument } from './redis/state.js';

export type Accepted = Extract<Decision, { kind: 'accept' }>;

/** Who asks, and until when. One per command: a retry of the same command carries the same. */
export interface CommitRequest {
  readonly requestKey: string;
  readonly requestId: string;
  /** Id of the credential. */
  readonly by: string;
  readonly stamp: string;
  /** When the command was received, RFC 3339. */
  readonly at: string;
  /** By `performance.now()`. */
  readonly deadline: number;
  readonly trace?: string | undefined;
}

export type CommitOutcome =
  | { readonly kind: 'ok'; readonly committed: Versioned; readonly ring: boolean }
  /** A premise no longer holds; nothing was written. */
  | { readonly kind: 'conflict'; readonly what: string }
  /** The tenant's head must be made or shown first; nothing was written. */
  | { readonly kind: 'fresh' }
  /** The tenant's backlog is at its cap; nothing was written. */
  | { readonly kind: 'full' };

/**
 * Commits a decision by one atomic script. Where an answer is lost, the same call is made again under the same request key until the deadline:
 * it then finds itself, or writes. What could not be learned by then is a TransientError, and the script's not-after sees to it that nothing is written later.
 */
export class Committer {
  constructor(
    readonly continuity: Continuity,
    readonly options: { readonly backlogMax: number },
  ) {}

  /** @throws TransientError when Redis does not answer within the deadline, or a conflict follows a try whose outcome is unknown */
  async commit(view: TenantView, decision: Accepted, request: CommitRequest): Promise<CommitOutcome> {
    const { redis: link } = this.continuity;
    const { next, before, premises, urgent } = decision;
    const line: HistoryLine = {
      at: request.at,
      by: request.by,
      request: request.requestId,
      operation: decision.operation,
      type: next.type,
      changes: changesBetween(before?.resource, next),
    };
    const call = {
      keys: view.keys,
      tenant: view.tenant,
      id: next.id,
      member: memberOf(next.type, next.id),
      expected: premises.version,
      document: writeDocument(next),
      line: JSON.stringify(line),
      requestKey: request.requestKey,
      urgent,
      epoch: view.epoch,
      settings: view.settings,
      stamp: request.stamp,
      backlogMax: this.options.backlogMax,
      trace: request.trace ?? '',
      counted: { prefix: countedPrefix(next.type), field: countField(next.type) },
      others: premises.others,
      entries: premises.entries,
    };
    let unknown = false;
    for (;;) {
      const left_ms = request.deadline - performance.now();
      if (left_ms <= 0) throw new TransientError('Redis did not answer in time', { away: 'redis' });
      try {
        await link.whenReady(left_ms);
        const answer = await accept.run(link.redis, {
          ...call,
          // Of the server that is asked now: a head restored with an older server would bear out the view's.
          run: link.run.id,
          notAfter_ms: Math.floor(link.clock.now_ms() + request.deadline - performance.now()),
        });
        switch (answer.kind) {
          case 'ok':
            link.clock.saw(answer.now_us);
            return this.#committed(view, next, answer.version, answer.born, answer.now_us, answer.ring);
          case 'replay':
            return this.#committed(view, next, answer.version, answer.born, answer.modified_us, true);
          case 'late':
            throw new TransientError('the deadline passed before Redis could write', { away: 'redis' });
          default:
            if (unknown) throw new TransientError('whether an earlier try was written is not known', { away: 'redis' });
            return answer.kind === 'taken' ? { kind: 'conflict', what: answer.field } : answer;
        }
      } catch (error) {
        const meaning = redisError(error);
        // A reply is an outcome; silence is not: the same call is made again, as it may have been written.
        if (!(meaning instanceof TransientError) || error === meaning || isReply(error)) throw meaning;
        unknown = true;
        await new Promise((resolve) => setTimeout(resolve, Math.min(RETRY_MS, Math.max(0, request.deadline - performance.now()))));
      }
    }
  }

  #committed(
    view: TenantView,
    resource: Versioned['resource'],
    version: number,
    born: number,
    at_us: number,
    ring: boolean,
  ): CommitOutcome {
    this.continuity.saw(view.tenant, version);
    return { kind: 'ok', committed: { resource, version, born, modified_ms: Math.floor(at_us / 1_000) }, ring };
  }
}

const RETRY_MS = 25;
