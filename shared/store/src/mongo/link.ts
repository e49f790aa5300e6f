import { TransientError } from '@rollcall/directory';
import { type Connection, createConnection, type mongo } from 'mongoose';
import { onMongo } from '../errors.js';
import { type Documents, type Models, makeModels } from './models.js';

export interface MongoLinkOptions {
  readonly uri: string;
  /** How long an operation waits for a server, ms. */
  readonly timeout_ms: number;
  /** Days that the chronicle is kept. */
  readonly historyDays: number;
  readonly onError: (error: Error) => void;
}

/** The connection to MongoDB. It may start while MongoDB is away: operations then fail within the time-out, and succeed once it is there. */
export class MongoLink {
  readonly name = 'mongodb';
  readonly connection: Connection;
  readonly models: Models;
  #stopped = false;
  #awaySince: number | undefined;

  constructor(readonly options: MongoLinkOptions) {
    this.connection = createConnection();
    this.models = makeModels(this.connection);
    this.connection.on('error', options.onError);
    this.connection.on('disconnected', () => {
      this.#awaySince ??= performance.now();
    });
    this.connection.on('connected', () => {
      this.#awaySince = undefined;
    });
  }

  /** Begins to connect; does not wait for a server to be there, and tries until one is. */
  async start(): Promise<void> {
    void this.#open();
  }

  /**
   * One collection, by the driver.
   * @throws TransientError before a server has answered for the first time, and while there has been none for a while: a short absence, such as
   *   an election, is waited for within the time-out, but nobody is kept waiting for what is known to be away
   */
  collection<Name extends keyof Documents>(name: Name): mongo.Collection<Documents[Name]> {
    const db = this.connection.db;
    const isAway = this.#awaySince !== undefined && performance.now() - this.#awaySince > AWAY_GRACE_MS;
    if (!db || isAway) throw new TransientError('MongoDB is away', { away: 'mongodb' });
    return db.collection<Documents[Name]>(name);
  }

  async #open(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.connection.openUri(this.options.uri, {
          serverSelectionTimeoutMS: this.options.timeout_ms,
          connectTimeoutMS: this.options.timeout_ms,
          socketTimeoutMS: 30_000,
          heartbeatFrequencyMS: 1_000,
          bufferCommands: false,
          autoIndex: false,
          autoCreate: false,
          writeConcern: { w: 'majority', journal: true },
          readConcernLevel: 'majority',
          readPreference: 'primary',
          retryWrites: true,
          ...(hasDatabase(this.options.uri) ? {} : { dbName: 'rollcall' }),
        });
        return;
      } catch (error) {
        if (this.#stopped) return;
        this.options.onError(error as Error);
        await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.connection.close(true);
  }

  /** Whether a primary answers, within the time-out. */
  async ping(): Promise<boolean> {
    try {
      const hello = await this.connection.db?.command({ hello: 1 }, { timeoutMS: this.options.timeout_ms });
      return hello?.isWritablePrimary === true;
    } catch {
      return false;
    }
  }

  /** Makes the collections' indexes; quick where they are there. @throws TransientError while MongoDB is away */
  async makeIndexes(): Promise<void> {
    for (const model of Object.values(this.models)) await onMongo(model.createIndexes());
    // 0.1.0 knew only groups with names of their own. The new index stands by now, so no name is unguarded meanwhile.
    await onMongo(this.models.groups.collection.dropIndex('tenant_1_nameKey_1').catch(unless(INDEX_NOT_FOUND)));
    const expireAfterSeconds = this.options.historyDays * 86_400;
    const history = this.models.history.collection;
    await onMongo(
      history.createIndex({ at: 1 }, { expireAfterSeconds, name: 'kept' }).catch(async (error) => {
        // 85: the index is there with another lifetime, as the setting has changed since.
        if (error?.code !== 85) throw error;
        await this.connection.db?.command({ collMod: history.collectionName, index: { name: 'kept', expireAfterSeconds } });
        return 'kept';
      }),
    );
  }
}

const INDEX_NOT_FOUND = 27;
const unless =
  (code: number) =>
  (error: unknown): void => {
    if ((error as { code?: unknown }).code !== code) throw error;
  };

const REOPEN_MS = 1_000;
const AWAY_GRACE_MS = 1_000;

/** Whether a MongoDB URI names a database. */
const hasDatabase = (uri: string): boolean => /^mongodb(\+srv)?:\/\/[^/]+\/[^?]+/.test(uri);
