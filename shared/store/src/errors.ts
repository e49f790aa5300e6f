import { TransientError } from '@rollcall/directory';
import { mongo } from 'mongoose';

/** Replies of Redis that say "not now": the first word of a reply is its code. */
const REDIS_TRANSIENT = new Set([
  'LOADING',
  'READONLY',
  'OOM',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'BUSY',
  'NOREPLICAS',
  'MISCONF',
  'TRYAGAIN',
  'UNBLOCKED',
]);

/**
 * MongoDB's codes for "not now": no primary, stepping down, shutting down, time-outs, write conflicts, lock time-outs;
 * and for what an operator must mend on the server, as no document is to blame: sign-in and rights (13, 18), a full disk (14031), a hoster's limits (8000).
 */
const MONGO_TRANSIENT = new Set([
  13, 18, 8000, 14031, 6, 7, 24, 46, 50, 64, 89, 91, 112, 134, 136, 175, 189, 202, 246, 262, 290, 301, 317, 358, 384, 9001, 10058, 10107,
  11600, 11602, 13388, 13435, 13436,
]);

/** What a failed call to Redis means. Everything that is no reply is the network's: the outcome of a write is unknown then. */
export function redisError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TransientError) return error;
  if (error.name !== 'ReplyError') {
    return error.name === 'ZodError' || error instanceof TypeError
      ? error
      : new TransientError('Redis does not answer', { away: 'redis', cause: error });
  }
  const code = error.message.split(' ', 1)[0] ?? '';
  return REDIS_TRANSIENT.has(code) ? new TransientError(`Redis refuses for now (${code})`, { away: 'redis', cause: error }) : error;
}

/** Whether Redis answered at all: if not, a write may have happened. */
export const isReply = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError';

/** What a failed call to MongoDB means; what is neither transient nor known stays as it is. */
export function mongoError(error: unknown): unknown {
  return isMongoTransient(error) ? new TransientError('MongoDB does not answer', { away: 'mongodb', cause: error }) : error;
}

export const isMongoTransientCode = (code: unknown): boolean => typeof code === 'number' && MONGO_TRANSIENT.has(code);

export function isMongoTransient(thrown: unknown): boolean {
  // The driver wraps what befell a bulk write as a whole, also a lost connection.
  const error = thrown instanceof mongo.MongoBulkWriteError && thrown.errorResponse instanceof Error ? thrown.errorResponse : thrown;
  if (error instanceof mongo.MongoNetworkError || error instanceof mongo.MongoServerSelectionError) return true;
  if (error instanceof mongo.MongoNotConnectedError || error instanceof mongo.MongoTopologyClosedError) return true;
  if (error instanceof mongo.MongoOperationTimeoutError || error instanceof mongo.MongoExpiredSessionError) return true;
  if (!(error instanceof mongo.MongoError)) return false;
  if (error.name === 'MongoWaitQueueTimeoutError') return true;
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('TransientTransactionError')) return true;
  return isMongoTransientCode(error.code);
}

/** Runs a call to Redis and names what went wrong. */
export const onRedis = async <T>(call: Promise<T>): Promise<T> => call.catch((error) => Promise.reject(redisError(error)));
/** Runs a call to MongoDB and names what went wrong. */
export const onMongo = async <T>(call: Promise<T>): Promise<T> => call.catch((error) => Promise.reject(mongoError(error)));
