import { randomUUID } from 'node:crypto';
import { type MongoLink, onMongo, type StoredOperator } from '@rollcall/store';
import { type ChangeContext, NotNowError } from './tenants.js';
import { hashToken, newToken, prefixOf } from './tokens.js';
import { transact } from './transact.js';

const STANDING = { removedAt: { $exists: false } } as const;

/** Makes an operator. @returns it with its token, the only time it is known. @throws NotNowError where there are too many, or the name is taken */
export async function createOperator(
  { mongo, actor, now }: ChangeContext,
  { name, role }: Pick<StoredOperator, 'name' | 'role'>,
): Promise<{ stored: StoredOperator; token: string }> {
  const token = newToken('rco');
  const stored: StoredOperator = { _id: randomUUID(), name, role, hash: hashToken(token), prefix: prefixOf(token), createdAt: now };
  const operators = mongo.collection('operators');
  return transact(mongo, async (session) => {
    const there = await operators.find(STANDING, { session }).toArray();
    if (there.length >= OPERATORS_MAX) throw new NotNowError(`there are at most ${OPERATORS_MAX} operators: remove one first`);
    if (there.some((other) => other.name === name))
      throw new NotNowError(`there is an operator ${name}; the audit trail tells them apart by name`);
    await operators.insertOne(stored, { session });
    const entry = { actor, at: now, action: 'operator.create', target: { kind: 'operator', id: stored._id }, after: { name, role } };
    return { result: { stored, token }, entry };
  });
}

/** Takes an operator's right away, at once. @returns false where there is no such operator */
export async function removeOperator({ mongo, actor, now }: ChangeContext, id: string): Promise<boolean> {
  const operators = mongo.collection('operators');
  return transact(mongo, async (session) => {
    const removed = await operators.findOneAndUpdate({ _id: id, ...STANDING }, { $set: { removedAt: now } }, { session });
    if (!removed) return { result: false };
    const { name, role } = removed;
    const entry = { actor, at: now, action: 'operator.remove', target: { kind: 'operator', id }, before: { name, role } };
    return { result: true, entry };
  });
}

export const listOperators = async (mongo: MongoLink): Promise<StoredOperator[]> =>
  onMongo(mongo.collection('operators').find(STANDING).sort({ createdAt: 1 }).toArray());

export const operatorByToken = async (mongo: MongoLink, token: string): Promise<StoredOperator | undefined> =>
  (await onMongo(mongo.collection('operators').findOne({ hash: hashToken(token), ...STANDING }))) ?? undefined;

export const operatorById = async (mongo: MongoLink, id: string): Promise<StoredOperator | undefined> =>
  (await onMongo(mongo.collection('operators').findOne({ _id: id, ...STANDING }))) ?? undefined;

export const OPERATORS_MAX = 100;
