// `Idempotency-Key` on POSTs: a request that is repeated, as its answer was lost, is answered as the first time, and does nothing again.
import { createHash } from 'node:crypto';
import { type MongoLink, mongo, onMongo, type StoredOutcome } from '@rollcall/store';
import { Problem } from '../problem.js';
import type { AccountRef, AdminAnswer } from './route.js';

export interface Attempt {
  readonly operator: string;
  readonly key: string;
  /** What is asked, so that a key that is used for something else is told apart. */
  readonly request: readonly string[];
}

export type Once = (attempt: Attempt, act: () => Promise<AdminAnswer>) => Promise<AdminAnswer>;

/** Shows an account as it is now. @throws Problem 404 where it was purged */
export type ShowAnew = (account: AccountRef) => Promise<Pick<AdminAnswer, 'body' | 'headers'>>;

/** Keeps outcomes for a day, and nothing of a person in them. A refusal or a failure is not kept: nothing was done, so the request may be tried again under its key. */
export function makeOnce(link: MongoLink, now: () => Date, showAnew: ShowAnew): Once {
  return async ({ operator, key, request }, act) => {
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new Problem(400, 'Idempotency-Key: expected 1 to 255 visible characters');
    const outcomes = link.collection('idempotency');
    const _id = `${operator}/${key}`;
    const fingerprint = createHash('sha256').update(JSON.stringify(request)).digest('hex');
    const began = now();
    const there = await begin({ _id, fingerprint, at: began });
    if (there) return repeated(there, fingerprint, showAnew);
    let answer: AdminAnswer;
    try {
      answer = await act();
    } catch (error) {
      await outcomes.deleteOne({ _id, at: began }).catch(() => undefined); // else it is free again after a minute
      throw error;
    }
    const kept = keptOf(answer);
    // What was done can't be undone for want of a note: the worst is that a repetition is told to wait, then done again.
    await outcomes.updateOne({ _id, at: began }, { $set: { status: answer.status, ...kept } }).catch(() => undefined);
    return answer;
  };

  /** @returns what is there; undefined: it is ours to do */
  async function begin(outcome: StoredOutcome): Promise<StoredOutcome | undefined> {
    const outcomes = link.collection('idempotency');
    try {
      await onMongo(outcomes.insertOne(outcome));
      return undefined;
    } catch (error) {
      if (!(error instanceof mongo.MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
    }
    const there = await onMongo(outcomes.findOne({ _id: outcome._id }));
    if (there && (there.status !== undefined || there.at.getTime() > outcome.at.getTime() - ABANDONED_MS)) return there;
    // Whoever began it has died: its place is taken by one.
    const taken = await onMongo(
      outcomes.findOneAndReplace({ _id: outcome._id, status: { $exists: false }, ...(there ? { at: there.at } : {}) }, outcome),
    );
    if (taken) return undefined;
    throw inHand();
  }
}

function keptOf({ secret, account, body, headers }: AdminAnswer): Pick<StoredOutcome, 'secret' | 'account' | 'body' | 'headers'> {
  if (secret) return { secret };
  if (account) return { account };
  return { ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(headers ? { headers: { ...headers } } : {}) };
}

async function repeated(outcome: StoredOutcome, wanted: string, showAnew: ShowAnew): Promise<AdminAnswer> {
  const { fingerprint, status, body, headers, secret, account } = outcome;
  if (fingerprint !== wanted) throw new Problem(422, 'Idempotency-Key: it was used for another request; take a new one for this');
  if (status === undefined) throw inHand();
  if (secret)
    throw new Problem(
      409,
      'this was done under this Idempotency-Key, and its answer showed a secret, which is kept nowhere: see the list; to have another secret, regenerate',
    );
  if (account) {
    const anew = await showAnew(account);
    return { status, headers: { ...anew.headers, 'Idempotency-Replayed': 'true' }, body: anew.body };
  }
  return {
    status,
    headers: { ...headers, 'Idempotency-Replayed': 'true' },
    body: body === undefined ? undefined : (JSON.parse(body) as object),
  };
}

const inHand = () =>
  new Problem(409, 'the first request under this Idempotency-Key is still being answered', { headers: { 'Retry-After': '1' } });

const DUPLICATE_KEY = 11000;
/** Longer than any request is worked on. */
const ABANDONED_MS = 60_000;
