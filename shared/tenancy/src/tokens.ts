import { hash, randomBytes, randomUUID } from 'node:crypto';
import { type MongoLink, onMongo, type StoredToken } from '@rollcall/store';
import { decodeCursor, encodeCursor } from './cursor.js';
import { type ChangeContext, NotNowError } from './tenants.js';
import { transact } from './transact.js';

/** What requests read of a token. Its tenant never changes. */
export interface TokenRecord {
  readonly id: string;
  readonly tenant: string;
  readonly expires_ms: number;
  readonly revoked: boolean;
  /** When it was revoked; absent where it was not, and in records of former releases. */
  readonly revoked_ms?: number;
  readonly revision: number;
  /** A secret of this OAuth client, or an access token given for it. */
  readonly client?: string;
  /** Id of the user whom it stands for, at /Me. */
  readonly user?: string;
  /** It may use /Me and the discovery endpoints alone. Absent: all that its tenant may. */
  readonly scope?: 'me';
  /** An access token: the hash of the secret that it was given for, with which it ends. */
  readonly via?: string;
}

/** A token's form: `rc_` and 256 random bits. */
export const newToken = (prefix: 'rc' | 'rcs' | 'rca' | 'rco' = 'rc'): string => `${prefix}_${randomBytes(32).toString('base64url')}`;

/** What is stored of a token. 256 random bits need no slow hash; a token chosen by hand is checked for length when it is added. */
export const hashToken = (token: string): string => hash('sha256', token);

/** Whether a text can be a token at all; what is not never reaches a look-up. */
export const isTokenShaped = (text: string): boolean =>
  text.length >= TOKEN_LENGTH_MIN && text.length <= TOKEN_LENGTH_MAX && /^[\x21-\x7e]*$/.test(text);

export const TOKEN_LENGTH_MIN = 32;
export const TOKEN_LENGTH_MAX = 256;

/**
 * Whether a token looks as if it had been chosen by hand: its characters repeat too much for a random text of its length, or it is short. An
 * estimate (Shannon's entropy of the characters × length), for a warning and no more: words that few repeat pass.
 * @example isGuessable('a'.repeat(64)) → true; isGuessable(newToken()) → false; 32 random hexadecimal digits → false
 */
export function isGuessable(token: string): boolean {
  const counts = new Map<string, number>();
  for (const character of token) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / token.length);
  return bits < TOKEN_BITS_MIN;
}

/** Five in a million texts of 32 random hexadecimal digits have less; one in ten thousand has less than 96. */
const TOKEN_BITS_MIN = 90;

/** As much of a token as may be shown, to tell it from others. */
export const prefixOf = (token: string): string => token.slice(0, PREFIX_LENGTH);

/**
 * Adds a token to a tenant; the same token added again to the same tenant changes nothing.
 * @throws Error where the token is of another form, or belongs to another tenant
 */
export async function addToken(
  mongo: MongoLink,
  { tenant, name, token, now, days = TOKEN_DAYS }: { tenant: string; name: string; token: string; now: Date; days?: number },
): Promise<TokenRecord & { readonly hash: string }> {
  if (!isTokenShaped(token)) throw new Error('a token is 32 to 256 visible characters without spaces');
  const hash = hashToken(token);
  const { hash: _, ...fields } = made({ tenant, name, days }, token, now);
  const stored = await onMongo(
    mongo.collection('tokens').findOneAndUpdate({ hash }, { $setOnInsert: fields }, { upsert: true, returnDocument: 'after' }),
  );
  if (stored!.tenant !== tenant) throw new Error('this token belongs to another tenant');
  return { ...toTokenRecord(stored!), hash };
}

export interface NewToken {
  readonly tenant: string;
  readonly name: string;
  readonly days: number;
  /** A secret of this OAuth client. */
  readonly client?: string | undefined;
  /** Id of the user whom it stands for, at /Me. */
  readonly user?: string | undefined;
  /** What it may use: `/Me` alone, or all that the tenant may. */
  readonly scope?: 'me' | 'tenant' | undefined;
}

/** A credential as it is made: the only moment at which its token is known. */
export interface Generated {
  readonly stored: StoredToken;
  readonly token: string;
}

/** @throws NotNowError where the tenant has too many */
export async function generateToken({ mongo, actor, now }: ChangeContext, wanted: NewToken): Promise<Generated> {
  const tokens = mongo.collection('tokens');
  const token = newToken(wanted.client === undefined ? 'rc' : 'rcs');
  const stored: StoredToken = { ...made(wanted, token, now), carry: true };
  return transact(mongo, async (session) => {
    if ((await tokens.countDocuments({ tenant: wanted.tenant, revokedAt: { $exists: false } }, { session })) >= TOKENS_MAX)
      throw new NotNowError(`a tenant has at most ${TOKENS_MAX} tokens and client secrets: revoke those that nobody uses`);
    await tokens.insertOne(stored, { session });
    const entry = {
      actor,
      at: now,
      tenant: wanted.tenant,
      action: `${kindOf(stored)}.generate`,
      target: targetOf(stored),
      after: shown(stored),
    };
    return { result: { stored, token }, entry };
  });
}

/**
 * Makes a token in place of another, which is invalid from then on, or after an overlap.
 * @returns undefined where there is no such token. @throws NotNowError where it was revoked, or replaced before
 */
export async function regenerateToken(
  { mongo, actor, now }: ChangeContext,
  old: { readonly tenant: string; readonly id: string; readonly isSecret: boolean },
  { overlap_ms, days }: { readonly overlap_ms: number; readonly days?: number | undefined },
): Promise<(Generated & { readonly replaced: StoredToken }) | undefined> {
  const tokens = mongo.collection('tokens');
  const token = newToken(old.isSecret ? 'rcs' : 'rc');
  return transact(mongo, async (session) => {
    const current = await tokens.findOne({ _id: old.id, tenant: old.tenant, client: { $exists: old.isSecret } }, { session });
    if (!current) return { result: undefined };
    if (current.revokedAt) throw new NotNowError('it was revoked: generate a new one');
    if (current.replacedBy) throw new NotNowError(`it was replaced by ${current.replacedBy}: regenerate that one`);
    const lifetime = Math.max(1, Math.round((current.expiresAt.getTime() - current.createdAt.getTime()) / DAY_MS));
    const wanted = {
      tenant: old.tenant,
      name: current.name,
      days: days ?? lifetime,
      client: current.client,
      user: current.user,
      scope: current.scope,
    };
    const stored: StoredToken = { ...made(wanted, token, now), carry: true };
    await tokens.insertOne(stored, { session });
    const ends = new Date(Math.min(current.expiresAt.getTime(), now.getTime() + overlap_ms));
    const replaced = await tokens.findOneAndUpdate(
      { _id: current._id },
      {
        $set: { replacedBy: stored._id, carry: true, ...(overlap_ms > 0 ? { expiresAt: ends } : { revokedAt: now }) },
        $inc: { revision: 1 },
      },
      { session, returnDocument: 'after' },
    );
    if (!replaced) throw new Error('a token is gone within a transaction');
    const entry = {
      ...{ actor, at: now, tenant: old.tenant, action: `${kindOf(stored)}.regenerate`, target: targetOf(stored) },
      ...{
        before: { id: current._id, ...shown(current) },
        after: { id: stored._id, ...shown(stored), previousEnds: overlap_ms > 0 ? ends : now },
      },
    };
    return { result: { stored, token, replaced }, entry };
  });
}

/**
 * Revokes a token in the record, with its line of the trail; it holds once `Records.carryToken` has carried it. One that is revoked already is answered as it is.
 * @returns undefined if there is no such token
 */
export async function withdrawToken({ mongo, actor, now }: ChangeContext, token: { tenant: string; id: string; isSecret: boolean }) {
  const tokens = mongo.collection('tokens');
  return transact<StoredToken | undefined>(mongo, async (session) => {
    const current = await tokens.findOne({ _id: token.id, tenant: token.tenant, client: { $exists: token.isSecret } }, { session });
    if (!current || current.revokedAt) return { result: current ?? undefined };
    const change = { $set: { revokedAt: now, carry: true as const }, $inc: { revision: 1 } };
    const revoked = await tokens.findOneAndUpdate({ _id: current._id }, change, { session, returnDocument: 'after' });
    if (!revoked) throw new Error('a token is gone within a transaction');
    const entry = {
      actor,
      at: now,
      tenant: token.tenant,
      action: `${kindOf(current)}.revoke`,
      target: targetOf(current),
      before: shown(current),
    };
    return { result: revoked, entry };
  });
}

/** Those that were not revoked, or all, the oldest first. @returns undefined where the cursor is none */
export async function listTokens(
  mongo: MongoLink,
  {
    tenant,
    secrets,
    revoked = false,
    cursor,
    limit,
  }: { tenant: string; secrets: boolean; revoked?: boolean; cursor?: string | undefined; limit: number },
): Promise<{ items: StoredToken[]; next?: string } | undefined> {
  const after = cursor === undefined ? undefined : decodeCursor(cursor, 2);
  if (cursor !== undefined && after === undefined) return undefined;
  const filter = { tenant, ...(revoked ? {} : { revokedAt: { $exists: false } }), client: { $exists: secrets } };
  const [at, id] = after ? [new Date(Number(after[0])), String(after[1])] : [new Date(0), ''];
  const page = await onMongo(
    mongo
      .collection('tokens')
      .find(after ? { ...filter, $or: [{ createdAt: { $gt: at } }, { createdAt: at, _id: { $gt: id } }] } : filter)
      .sort({ createdAt: 1, _id: 1 })
      .limit(limit + 1)
      .toArray(),
  );
  const items = page.slice(0, limit);
  const last = items.at(-1);
  return page.length > limit && last ? { items, next: encodeCursor([last.createdAt.getTime(), last._id]) } : { items };
}

/** Tokens and client secrets of a tenant that were neither revoked nor replaced, expired ones too; those that expire first. */
export const expiringCredentials = async (mongo: MongoLink, tenant: string, limit: number): Promise<StoredToken[]> =>
  onMongo(
    mongo
      .collection('tokens')
      .find({ tenant, revokedAt: { $exists: false }, replacedBy: { $exists: false } })
      .sort({ expiresAt: 1, _id: 1 })
      .limit(limit)
      .toArray(),
  );

/** Secrets of an OAuth client that were not revoked. */
export const secretsOf = async (mongo: MongoLink, tenant: string, client: string): Promise<StoredToken[]> =>
  onMongo(
    mongo
      .collection('tokens')
      .find({ tenant, client, revokedAt: { $exists: false } })
      .sort({ createdAt: 1 })
      .toArray(),
  );

/** Revokes a token in the record; it holds once `Records.token` has carried it to Redis. @returns undefined if there is no such token */
export async function revokeToken(
  mongo: MongoLink,
  { tenant, id, now }: { tenant: string; id: string; now: Date },
): Promise<StoredToken | undefined> {
  const stored = await onMongo(
    mongo
      .collection('tokens')
      .findOneAndUpdate(
        { _id: id, tenant, revokedAt: { $exists: false } },
        { $set: { revokedAt: now }, $inc: { revision: 1 } },
        { returnDocument: 'after' },
      ),
  );
  return stored ?? undefined;
}

export const toTokenRecord = ({ _id, tenant, expiresAt, revokedAt, revision, client, user, scope }: StoredToken): TokenRecord => ({
  id: _id,
  tenant,
  expires_ms: expiresAt.getTime(),
  revoked: revokedAt !== undefined,
  ...(revokedAt === undefined ? {} : { revoked_ms: revokedAt.getTime() }),
  revision,
  ...(client === undefined ? {} : { client }),
  ...(user === undefined ? {} : { user }),
  ...(scope === undefined ? {} : { scope }),
});

const made = ({ tenant, name, days, client, user, scope }: NewToken, token: string, now: Date): StoredToken => ({
  _id: randomUUID(),
  tenant,
  name,
  hash: hashToken(token),
  prefix: prefixOf(token),
  createdAt: now,
  expiresAt: new Date(now.getTime() + days * DAY_MS),
  revision: 1,
  ...(client === undefined ? {} : { client }),
  ...(user === undefined ? {} : { user }),
  ...(scope === 'me' ? { scope } : {}),
});

const kindOf = ({ client }: StoredToken): 'token' | 'client' => (client === undefined ? 'token' : 'client');
const targetOf = (stored: StoredToken) => ({ kind: kindOf(stored), id: stored._id });

/** What the trail keeps of a token: never the token, nor its hash. */
const shown = ({ name, prefix, client, user, scope, expiresAt, revokedAt }: StoredToken) => ({
  name,
  prefix,
  ...(client === undefined ? {} : { client }),
  ...(user === undefined ? {} : { user }),
  ...(scope === undefined ? {} : { scope }),
  expiresAt,
  ...(revokedAt === undefined ? {} : { revokedAt }),
});

export const TOKEN_DAYS = 365;
export const TOKENS_MAX = 100;
const DAY_MS = 86_400_000;
const PREFIX_LENGTH = 7;
