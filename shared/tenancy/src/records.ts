import { TransientError } from '@rollcall/directory';
import {
  type Keys,
  type MongoLink,
  oncePerTurn,
  onMongo,
  onRedis,
  type RedisLink,
  record,
  redisError,
  type StoredTenant,
  type StoredToken,
} from '@rollcall/store';
import { type TenantRecord, toRecord } from './tenants.js';
import { type TokenRecord, toTokenRecord } from './tokens.js';

/**
 * Tokens and settings as requests read them: MongoDB is their record, Redis what is asked. A change succeeds only once Redis has it, so it holds at once,
 * and a MongoDB that is away locks nobody out (docs/architecture.md#security).
 */
export class Records {
  /** The last reading of each tenant: one that says the same is not parsed again, as each request makes one and settings may be long. */
  readonly #read = new Map<string, { readonly text: string; readonly record: TenantRecord }>();
  /** Run of the server under which all is known to be rewritten. */
  #shown = '';

  constructor(
    readonly redis: RedisLink,
    readonly mongo: MongoLink,
    readonly keys: Keys,
  ) {}

  /** Carries one token to Redis. */
  async writeToken(stored: StoredToken): Promise<void> {
    const { revision } = stored;
    await onRedis(
      record.run(this.redis.redis, { key: this.keys.token(stored.hash), revision, record: JSON.stringify(toTokenRecord(stored)) }),
    );
  }

  /** Carries one tenant's settings to Redis, with its settings version. */
  async writeTenant(tenant: TenantRecord): Promise<void> {
    const keys = this.keys.tenant(tenant.id);
    const write = { key: keys.settings(), head: keys.head(), revision: tenant.revision, record: JSON.stringify(tenant) };
    await onRedis(record.run(this.redis.redis, write));
  }

  /** Carries a change of a tenant to Redis, where it holds from then on. @throws TransientError: `carryAll` does it later */
  async carryTenant(stored: StoredTenant): Promise<void> {
    await this.writeTenant(toRecord(stored));
    const { _id, revision } = stored;
    // What fails here is carried once more, which changes nothing.
    await onMongo(this.mongo.collection('tenants').updateOne({ _id, revision }, { $unset: { carry: '' } })).catch(() => undefined);
  }

  /** The same for a token. */
  async carryToken(stored: StoredToken): Promise<void> {
    await this.writeToken(stored);
    const { _id, revision } = stored;
    await onMongo(this.mongo.collection('tokens').updateOne({ _id, revision }, { $unset: { carry: '' } })).catch(() => undefined);
  }

  /** Carries what an operator changed and Redis, as it was away, did not get. @returns how much that was */
  async carryAll(): Promise<number> {
    let carried = 0;
    for await (const tenant of this.mongo.collection('tenants').find({ carry: true })) {
      await this.carryTenant(tenant);
      carried += 1;
    }
    for await (const token of this.mongo.collection('tokens').find({ carry: true })) {
      await this.carryToken(token);
      carried += 1;
    }
    return carried;
  }

  /**
   * Carries all tokens and settings to Redis, unless that was done under this run of the server. Only then is a token's absence a proof.
   * @throws TransientError while either store is away
   */
  async rewriteAll(): Promise<void> {
    const run = this.redis.run.id;
    if (await this.#isShown()) return;
    for await (const tenant of this.mongo.collection('tenants').find({ removedAt: { $exists: false } }))
      await this.writeTenant(toRecord(tenant));
    for await (const token of this.mongo.collection('tokens').find()) await this.writeToken(token);
    if (this.redis.run.id !== run) throw new TransientError('Redis was restarted meanwhile', { away: 'redis' });
    await onRedis(this.redis.redis.set(this.keys.authLine(), run));
  }

  /**
   * What is known of a token, by its hash; undefined: there is no such token, for sure.
   * @throws TransientError where neither Redis nor MongoDB can tell. Never a guess: identity providers quarantine a tenant over 401s.
   */
  readonly token: (hash: string) => Promise<TokenRecord | undefined> = oncePerTurn(
    () => this.redis.sends,
    async (hash) => {
      this.redis.availability.assertUp();
      // The line is read before the token: a token that is rewritten in between must not seem absent for good.
      const [shown, text] = await Promise.all([this.#isShown(), onRedis(this.redis.redis.hget(this.keys.token(hash), 'record'))]);
      const known = text ? (JSON.parse(text) as TokenRecord) : undefined;
      if (shown) return known;
      // An access token is Redis's alone; the secret that it was given for is judged besides.
      if (known?.via !== undefined) return known;
      // Redis may have forgotten a token, or that one was revoked: until all are rewritten, MongoDB is asked.
      let stored: StoredToken | null;
      try {
        stored = await onMongo(this.mongo.collection('tokens').findOne({ hash }));
      } catch (error) {
        // A token that Redis knows is not locked out because MongoDB is away.
        if (known && error instanceof TransientError) return known;
        throw error;
      }
      if (!stored) return undefined;
      await this.writeToken(stored);
      return toTokenRecord(stored);
    },
  );

  /** Keeps a short-lived access token, in Redis alone: one that is lost with it is fetched anew by its client. */
  async writeAccessToken(hash: string, access: TokenRecord, ttl_ms: number): Promise<void> {
    const key = this.keys.token(hash);
    const results = await onRedis(
      this.redis.redis.multi().hset(key, 'revision', access.revision, 'record', JSON.stringify(access)).pexpire(key, ttl_ms).exec(),
    );
    const failed = results?.find(([error]) => error)?.[0];
    if (failed || !results) throw redisError(failed ?? new TransientError('Redis did not take it', { away: 'redis' }));
  }

  /** What is known of a tenant; undefined: there is none. @throws TransientError where neither Redis nor MongoDB can tell */
  readonly tenant: (id: string) => Promise<TenantRecord | undefined> = oncePerTurn(
    () => this.redis.sends,
    async (id) => {
      this.redis.availability.assertUp();
      const text = await onRedis(this.redis.redis.hget(this.keys.tenant(id).settings(), 'record'));
      const known = text ? this.#parsed(id, text) : undefined;
      // Read with every request: the line is asked for only until this process has seen it under this run.
      if (known && (this.#shown === this.redis.run.id || (await this.#isShown()))) return known;
      // Redis may have forgotten that this tenant was suspended.
      let stored: StoredTenant | null;
      try {
        stored = await onMongo(this.mongo.collection('tenants').findOne({ _id: id }));
      } catch (error) {
        if (known && error instanceof TransientError) return known;
        throw error;
      }
      if (!stored) return undefined;
      await this.writeTenant(toRecord(stored));
      return toRecord(stored);
    },
  );

  #parsed(id: string, text: string): TenantRecord {
    const before = this.#read.get(id);
    if (before?.text === text) return before.record;
    const record = JSON.parse(text) as TenantRecord;
    if (this.#read.size >= READ_MAX) this.#read.delete(this.#read.keys().next().value!);
    this.#read.set(id, { text, record });
    return record;
  }

  /** Whether all tokens and settings were rewritten under this run of the server. */
  #isShown(): Promise<boolean> {
    return this.#line(this.keys.authLine());
  }

  readonly #line = oncePerTurn(
    () => this.redis.sends,
    async (key) => {
      const line = await onRedis(this.redis.redis.get(key));
      const shown = line === this.redis.run.id;
      this.#shown = shown ? line : '';
      return shown;
    },
  );
}

const READ_MAX = 1_000;
