import { TransientError } from '@rollcall/directory';
import { type Connection, createConnection, type mongo } from 'mongoose';
import { Availability } from '../availability.js';
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
  /** Whether a primary answers: the one definition of "away". */
  readonly availability = new Availability({ store: 'mongodb', ping: () => this.#hello() });

  constructor(readonly options: MongoLinkOptions) {
    this.connection = createConnection();
    this.models = makeModels(this.connection);
    this.connection.on('error', options.onError);
    // A short absence, such as an election, is waited for.
    this.connection.on('disconnected', () => this.availability.doubt());
    this.connection.on('connected', () => this.availability.doubt());
  }

  /** Begins to connect; does not wait for a server to be there, and tries until one is. */
  async start(): Promise<void> {
    this.availability.start();
    void this.#open();
  }

  /**
   * One collection, by the driver.
   * @throws TransientError while MongoDB is away: a short absence, such as an election, is waited for within the time-out, but a request is refused
   *   at once if MongoDB is known to be away
   */
  collection<Name extends keyof Documents>(name: Name): mongo.Collection<Documents[Name]> {
    this.availability.assertUp();
    return this.#db.collection<Documents[Name]>(name);
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
        this.availability.answered();
        return;
      } catch (error) {
        if (this.#stopped) return;
        this.options.onError(error as Error);
        this.availability.lost(error);
        await new Promise((resolve) => setTimeout(resolve, REOPEN_MS));
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.availability.stop();
    await this.connection.close(true);
  }

  /** Asks now whether a primary answers, within the time-out. For a start; later `availability` knows. */
  async ping(): Promise<boolean> {
    return this.#hello().then(
      () => true,
      () => false,
    );
  }

  async #hello(): Promise<void> {
    const hello = await this.#db.command({ hello: 1 }, { timeoutMS: this.options.timeout_ms });
    if (hello.isWritablePrimary !== true) throw new TransientError('MongoDB has no primary', { away: 'mongodb' });
  }

  get #db(): NonNullable<Connection['db']> {
    if (!this.connection.db) throw new TransientError('MongoDB is away', { away: 'mongodb' });
    return this.connection.db;
  }

  /** Makes the collections' indexes; quick where they are there. @throws TransientError while MongoDB is away */
  async makeIndexes(): Promise<void> {
    for (const model of Object.values(this.models)) await onMongo(model.createIndexes());
    // 0.1.0 knew only groups with names of their own. The new index stands by now, so no name is unguarded meanwhile.
    await onMongo(this.models.groups.collection.dropIndex('tenant_1_nameKey_1').catch(unless(INDEX_NOT_FOUND)));
    await this.#expire(this.models.history.collection, 'at');
    await this.#expire(this.models.jobs.collection, 'finishedAt'); // a job that goes on stays
  }

  /** Lets MongoDB remove documents HISTORY_DAYS after a date that they have, those that are there already, too. */
  async #expire(collection: Pick<mongo.Collection, 'createIndex' | 'collectionName'>, date: string): Promise<void> {
    const expireAfterSeconds = this.options.historyDays * 86_400;
    await onMongo(
      collection.createIndex({ [date]: 1 }, { expireAfterSeconds, name: 'kept' }).catch(async (error) => {
        // 85: the index is there with another lifetime, as the setting has changed since.
        if (error?.code !== 85) throw error;
        await this.connection.db?.command({ collMod: collection.collectionName, index: { name: 'kept', expireAfterSeconds } });
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

/** Whether a MongoDB URI names a database. */
const hasDatabase = (uri: string): boolean => /^mongodb(\+srv)?:\/\/[^/]+\/[^?]+/.test(uri);
