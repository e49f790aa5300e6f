import mongoose from 'mongoose';
import { eventually, OthersServer, OwnServer, READY_DEADLINE_MS, type ServerControl } from './control.js';
import { messageOf, OperatorError } from './errors.js';
import type { Running } from './guard.js';
import { placed, type StartOptions } from './launch.js';
import { ServerEnded } from './server-ended.js';
import { DATABASE, withDatabase, withoutSecrets } from './uri.js';
import { refuseOld, type ServerVersion } from './versions.js';

export interface MongoServer extends ServerControl {
  /** Names the database, `rollcall` where nothing else was said. */
  readonly uri: string;
  readonly port: number | undefined;
  readonly dir: string | undefined;
  readonly server: ServerVersion;
}

/**
 * Starts mongod as a replica set of one, and waits until it takes writes. Data that were made on another port are taken along.
 * @throws OperatorError for one that is too old, for data of another MongoDB version, or where MONGODB_URI names one that does not answer.
 */
export async function startMongo(options: StartOptions): Promise<MongoServer> {
  const { source } = options;
  if (source.kind === 'url') return useMongo(withDatabase(source.url));
  let server: ServerVersion = { product: 'MongoDB', version: '0' };
  const { port, dir, launch } = await placed(source, options, MONGOD);
  const own = new OwnServer(launch, async (running, signal) => {
    server = await becomePrimary(port, running, signal);
  });
  await own.start().catch((error: unknown) => {
    throw error instanceof ServerEnded && isOtherVersions(error)
      ? new OperatorError(
          `The data in ${dir} were written by another version of MongoDB: use that one (a mongod on the PATH, or MONGODB_URI), or delete the folder to begin anew.`,
        )
      : error;
  });
  return Object.assign(own, { uri: `mongodb://127.0.0.1:${port}/${DATABASE}?replicaSet=${REPLICA_SET}`, port, dir, server });
}

const REPLICA_SET = 'rollcall';

/** Journaling has no option any more (always on since 6.1, the default before); rollcall's writes ask for it, `j: true`. */
const mongodOptions = (port: number, dir: string, bind: string): string[] => [
  ...['--port', String(port), '--bind_ip', bind, '--nounixsocket', '--dbpath', dir, '--replSet', REPLICA_SET],
  ...['--storageEngine', 'wiredTiger', '--wiredTigerCacheSizeGB', '0.5', '--oplogSize', '990'],
  // A set of one has nobody to hand over to: without this, a stop waits 15 s for a successor.
  ...['--setParameter', 'shutdownTimeoutMillisForSignaledShutdown=100'],
  ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
];

const MONGOD = { name: 'MongoDB', containerDir: '/data/db', readyLine: /Waiting for connections/, options: mongodOptions };

/** Makes the replica set at the first start, moves it where the port has changed, and waits until the node takes writes. */
async function becomePrimary(port: number, running: Running, signal: AbortSignal): Promise<ServerVersion> {
  const host = `127.0.0.1:${port}`;
  return eventually(`MongoDB on port ${port}`, READY_DEADLINE_MS, signal, () =>
    // A client for each try: one whose first connection was refused stays closed.
    withClient(`mongodb://${host}/?directConnection=true`, CONNECT_MAX_MS, async (client) => {
      const admin = client.db('admin');
      const { pid } = await admin.command({ serverStatus: 1 });
      if (running.pid !== undefined && Number(pid) !== running.pid)
        throw new OperatorError(`${host} is answered by another MongoDB (pid ${pid}): end that one, or take another port.`);
      const server = versionOf(await admin.command({ buildInfo: 1 }));
      refuseOld(server, 'The MongoDB server');
      await eventually('its replica set', PRIMARY_MAX_MS, signal, async () => {
        const hello = await admin.command({ hello: 1 });
        if (hello.isWritablePrimary === true) return;
        if (hello.setName === undefined) await settle(client, host);
        throw new Error('it is no primary yet');
      });
      return server;
    }),
  );
}

const CONNECT_MAX_MS = 1_000;
const PRIMARY_MAX_MS = 60_000;

async function withClient<T>(uri: string, deadline_ms: number, use: (client: mongoose.mongo.MongoClient) => Promise<T>): Promise<T> {
  const client = new mongoose.mongo.MongoClient(uri, { serverSelectionTimeoutMS: deadline_ms, connectTimeoutMS: deadline_ms });
  try {
    await client.connect();
    return await use(client);
  } finally {
    await client.close();
  }
}

/** For a node that belongs to no set: either it is new, or the set that it knows has it under another port. */
async function settle(client: mongoose.mongo.MongoClient, host: string): Promise<void> {
  const admin = client.db('admin');
  const members = [{ _id: 0, host }];
  const known = await client.db('local').collection('system.replset').findOne({}, { readPreference: 'primaryPreferred' });
  if (known === null) {
    await admin.command({ replSetInitiate: { _id: REPLICA_SET, version: 1, members } });
    return;
  }
  const { _id, version, members: old } = known as unknown as { _id: string; version: number; members?: { host?: string }[] };
  if (old?.[0]?.host === host) return; // it is still reading its configuration
  await admin.command({ replSetReconfig: { _id, version: version + 1, members }, force: true });
}

async function useMongo(uri: string): Promise<MongoServer> {
  const shown = withoutSecrets(uri);
  try {
    return await withClient(uri, 5_000, async (client) => {
      const admin = client.db('admin');
      const server = versionOf(await admin.command({ buildInfo: 1 }));
      refuseOld(server, `MONGODB_URI: the server at ${shown}`);
      const hello = await admin.command({ hello: 1 });
      if (hello.setName === undefined && hello.msg !== 'isdbgrid')
        throw new OperatorError(
          `MONGODB_URI: the server at ${shown} is no replica set, and rollcall needs one: start it with --replSet and run rs.initiate().`,
        );
      return Object.assign(new OthersServer('MongoDB', 'MONGODB_URI'), { uri, port: undefined, dir: undefined, server });
    });
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `MONGODB_URI: no MongoDB answers at ${shown} (${messageOf(error)}); start it there, or unset MONGODB_URI to have one started.`,
    );
  }
}

const versionOf = (buildInfo: { version?: unknown }): ServerVersion => ({ product: 'MongoDB', version: String(buildInfo.version) });

/** mongod's exit code 62: it does not take data files of this version. */
const isOtherVersions = ({ exit, lines }: ServerEnded): boolean =>
  exit.code === 62 || lines.some((line) => /featureCompatibilityVersion|unsupported WiredTiger file version/i.test(line));
