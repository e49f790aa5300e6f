import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { type MongoLink, onMongo, type StoredToken } from '@rollcall/store';

/** What requests read of a token. Its tenant never changes. */
export interface TokenRecord {
  readonly id: string;
  readonly tenant: string;
  readonly expires_ms: number;
  readonly revoked: boolean;
  readonly revision: number;
}

/** A token's form: `rc_` and 256 random bits. */
export const newToken = (): string => `rc_${randomBytes(32).toString('base64url')}`;

/** What is stored of a token. 256 random bits need no slow hash; a token chosen by hand is checked for length when it is added. */
export const hashToken = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Whether a text can be a token at all; what is not never reaches a look-up. */
export const isTokenShaped = (text: string): boolean => /^[\x21-\x7e]{32,256}$/.test(text);

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
  const stored = await onMongo(
    mongo.collection('tokens').findOneAndUpdate(
      { hash },
      {
        $setOnInsert: {
          _id: randomUUID(),
          tenant,
          name,
          hash,
          prefix: token.slice(0, PREFIX_LENGTH),
          createdAt: now,
          expiresAt: new Date(now.getTime() + days * DAY_MS),
          revision: 1,
        },
      },
      { upsert: true, returnDocument: 'after' },
    ),
  );
  if (stored!.tenant !== tenant) throw new Error('this token belongs to another tenant');
  return { ...toTokenRecord(stored!), hash };
}

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

export const toTokenRecord = ({ _id, tenant, expiresAt, revokedAt, revision }: StoredToken): TokenRecord => ({
  id: _id,
  tenant,
  expires_ms: expiresAt.getTime(),
  revoked: revokedAt !== undefined,
  revision,
});

const TOKEN_DAYS = 365;
const DAY_MS = 86_400_000;
const PREFIX_LENGTH = 7;
