import { type MongoLink, type mongo, onMongo } from '@rollcall/store';
import { appendTrail, type TrailEntry } from './trail.js';

export type Session = mongo.ClientSession;

/**
 * Makes a change and its line of the audit trail: MongoDB keeps both or neither. `work` may run more than once, as others may be faster.
 * @throws TransientError while MongoDB is away; whatever `work` throws, and then nothing was changed
 */
export async function transact<T>(
  link: MongoLink,
  work: (session: Session) => Promise<{ readonly result: T; readonly entry?: TrailEntry | undefined }>,
): Promise<T> {
  link.collection('audit'); // throws where MongoDB is known to be away
  return onMongo(
    link.connection.getClient().withSession(async (session) =>
      session.withTransaction(
        async () => {
          const { result, entry } = await work(session);
          if (entry) await appendTrail(link, entry, session);
          return result;
        },
        {
          readConcern: { level: 'snapshot' },
          writeConcern: { w: 'majority', journal: true },
          readPreference: 'primary',
          timeoutMS: TRANSACTION_MS,
        },
      ),
    ),
  );
}

const TRANSACTION_MS = 5_000;
