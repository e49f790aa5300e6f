import { MongoLink, makeKeys, RedisLink } from '@rollcall/store';
import { addToken, ensureTenant, newToken, Records } from '@rollcall/tenancy';
import { type Corner, until } from './environment.js';

/** Makes a tenant with a token, known to both stores. @returns the token */
export async function makeTenant(mongo: MongoLink, records: Records, tenant: string, token = newToken()): Promise<string> {
  await records.writeTenant(await ensureTenant(mongo, { id: tenant }, new Date()));
  const { hash } = await addToken(mongo, { tenant, name: 'test', token, now: new Date() });
  await records.writeToken((await mongo.collection('tokens').findOne({ hash }))!);
  return token;
}

/** Makes tenants beside a first one, which the seed has made, with all that a corner needs: a process for each of them would take a second. */
export async function makeTenants({ prefix, redisUrl, mongoUri }: Corner, partitions: number, tokens: ReadonlyMap<string, string>) {
  const onError = () => undefined; // what fails is thrown
  const redis = new RedisLink({ url: redisUrl, commandTimeout_ms: 10_000, onError });
  const mongo = new MongoLink({ uri: mongoUri, timeout_ms: 10_000, historyDays: 30, onError });
  try {
    await Promise.all([redis.start(), mongo.start()]);
    await until('MongoDB', () => mongo.ping());
    const records = new Records(redis, mongo, makeKeys(prefix, partitions));
    for (const [tenant, token] of tokens) await makeTenant(mongo, records, tenant, token);
  } finally {
    await Promise.all([redis.stop(), mongo.stop()]);
  }
}
