// Which operators' sessions were signed out of, as all replicas know it.
import { type Keys, onRedis, type RedisLink } from '@rollcall/store';
import type { DeploymentSecret } from '@rollcall/tenancy';
import type { Sessions } from './sign-in.js';

/** Kept in Redis and not in MongoDB, so that an operator can watch the queues while MongoDB is away. */
export const sessionsOf = (redis: RedisLink, keys: Pick<Keys, 'endedSession'>, secret: Pick<DeploymentSecret, 'get'>): Sessions => ({
  secret: () => secret.get(),
  end: async (session, lifetime_s) => void (await onRedis(redis.redis.set(keys.endedSession(session), '1', 'EX', lifetime_s))),
  ended: async (session) => (await onRedis(redis.redis.exists(keys.endedSession(session)))) === 1,
});
