import {
  changesBetween,
  countedPrefix,
  type Decision,
  type HistoryLine,
  type MemberDelta,
  memberLine,
  TransientError,
  type Versioned,
} from '@rollcall/directory';
import type { Continuity, TenantView } from './continuity.js';
import { countField } from './continuity.js';
import { isReply, onRedis, redisError } from './errors.js';
import { inParts, PART } from './in-parts.js';
import { memberOf } from './redis/keys.js';
import { accept } from './redis/scripts/accept/accept.js';
import { stage } from './redis/scripts/stage/stage.js';
import { unstage } from './redis/scripts/unstage/unstage.js';
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
  /** What MongoDB has not yet of the tenant is at its cap, by number of resources, length of the history or bytes; nothing was written. */
  | { readonly kind: 'full'; readonly of: 'resources' | 'history' | 'bytes' };

/**
 * Commits a decision by one atomic script. Where an answer is lost, the same call is made again under the same request key until the deadline:
 * it then finds itself, or writes. What could not be learned by then is a TransientError, and the script's not-after sees to it that nothing is written later.
 */
export class Committer {
  constructor(
    readonly continuity: Continuity,
    readonly options: { readonly backlogMax: number; readonly backlogBytesMax: number },
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
      ...(decision.members ? { members: memberLine(decision.members) } : {}),
    };
    const edges = decision.members && (await this.#staged(view, next.id, decision.members));
    const leaves = before?.resource.deleted === false && next.deleted;
    // Whoever brings a person back, they come back without their groups: the worker may have taken them away by now, or not.
    const returns = before?.resource.deleted === true && !next.deleted && !decision.rejoins;
    const voids = leaves || returns || decision.members?.replaced === true;
    const call = {
      keys: view.keys,
      tenant: view.tenant,
      id: next.id,
      member: memberOf(next.type, next.id),
      seenSince: before?.since,
      // What only moves its members keeps its document.
      document: premises.version === 'any' ? '' : writeDocument(next),
      line: JSON.stringify(line),
      requestKey: request.requestKey,
      requestId: request.requestId,
      urgent,
      epoch: view.epoch,
      settings: view.settings,
      stamp: request.stamp,
      ...this.options,
      trace: request.trace ?? '',
      counted: { prefix: countedPrefix(next.type), field: countField(next.type) },
      others: premises.others,
      entries: premises.entries,
      gone: next.deleted,
      since: voids,
      ...(edges ? { edges } : {}),
    };
    const committed = ({ version, born }: { version: number; born: number }, at_us: number, ring: boolean): CommitOutcome => {
      this.continuity.saw(view.tenant, version);
      const since = voids ? version : before?.since;
      return { kind: 'ok', committed: { resource: next, version, born, modified_ms: Math.floor(at_us / 1_000), since }, ring };
    };
    let unknown = false;
    for (;;) {
      const left_ms = request.deadline - performance.now();
      if (left_ms <= 0) throw new TransientError('Redis did not answer in time', { away: 'redis' });
      try {
        await link.whenReady(left_ms);
        const answer = await accept.run(link.redis, {
          ...call,
          // Where an earlier try may have been written, it counts only if nothing has changed since: then it finds itself, or nothing.
          expected: unknown && before ? before.version : premises.version,
          // Of the server that is asked now: a head restored with an older server would bear out the view's.
          run: link.connectedRun.id,
          notAfter_ms: Math.floor(link.clock.now_ms() + request.deadline - performance.now()),
        });
        switch (answer.kind) {
          case 'ok':
            link.clock.saw(answer.now_us);
            return committed(answer, answer.now_us, answer.ring);
          case 'replay':
            return committed(answer, answer.modified_us, true);
          case 'late':
            throw new TransientError('the deadline passed before Redis could write', { away: 'redis' });
          default:
            if (unknown) throw new TransientError('whether an earlier try was written is not known', { away: 'redis' });
            // The next attempt lays its own aside.
            if (edges?.stage !== undefined && decision.members) await this.#unstaged(view, next.id, edges.stage, decision.members);
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

  /** More changes of members than one script may take are laid aside first, and become visible all at once with the commit. */
  async #staged(view: TenantView, group: string, { changes }: MemberDelta) {
    if (changes.length <= PART) return { changes };
    // Never an earlier one's name: what that one has published must not get a lifetime again.
    const stageId = this.continuity.options.newToken();
    await inParts(changes, async (part) => {
      await onRedis(stage.run(this.continuity.redis.redis, { keys: view.keys, group, stage: stageId, ttl_s: STAGE_TTL_S, changes: part }));
    });
    return { changes: [], stage: stageId };
  }

  /** A stage that is not published ends by itself; what hints at it from each of its members does not. */
  async #unstaged(view: TenantView, group: string, stageId: string, { changes }: MemberDelta): Promise<void> {
    await inParts(changes, async (part) => {
      const members = part.map(({ id }) => id);
      await unstage.run(this.continuity.redis.redis, { keys: view.keys, group, stage: stageId, members }).catch(() => 0);
    });
  }
}

const RETRY_MS = 25;
const STAGE_TTL_S = 600;
