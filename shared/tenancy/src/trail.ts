import { randomBytes } from 'node:crypto';
import { type MongoLink, onMongo, type StoredHistory, type StoredTrail } from '@rollcall/store';
import { decodeCursor, encodeCursor } from './cursor.js';
import { shownSettings } from './settings.js';
import type { Session } from './transact.js';

/** Who changes something, and by which request. */
export interface Actor {
  readonly id: string;
  readonly name: string;
  readonly requestId: string;
}

/** One change by an operator, for the audit trail. `before` and `after` never hold a token or its hash. */
export interface TrailEntry {
  readonly actor: Actor;
  readonly at: Date;
  /** Absent where it is about the deployment itself. */
  readonly tenant?: string;
  readonly action: string;
  readonly target: { readonly kind: string; readonly id: string };
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
}

/** Adds to the trail; nothing ever changes or removes what is there. */
export async function appendTrail(link: MongoLink, { actor, at, before, after, ...entry }: TrailEntry, session?: Session): Promise<void> {
  const stored: StoredTrail = {
    _id: `${at.toISOString()}_${randomBytes(8).toString('hex')}`,
    at,
    by: actor.id,
    byName: actor.name,
    request: actor.requestId,
    ...entry,
    ...(before === undefined ? {} : { before: { ...before } }),
    ...(after === undefined ? {} : { after: { ...after } }),
  };
  await onMongo(link.collection('audit').insertOne(stored, session ? { session } : {}));
}

/** One line as it is shown: of an operator's change, or of a write to an account or group. */
export interface TrailLine {
  readonly id: string;
  readonly at: string;
  /** `prefix`: how a token or client secret begins. */
  readonly who: { readonly id: string; readonly name?: string; readonly prefix?: string };
  readonly action: string;
  readonly target: { readonly kind: string; readonly id: string };
  readonly before?: unknown;
  readonly after?: unknown;
  /** Per attribute that a write to an account or group changed. */
  readonly changes?: unknown;
  readonly version?: number;
  readonly requestId: string;
}

export interface TrailQuery {
  /** Undefined: what is about the deployment itself. */
  readonly tenant: string | undefined;
  /** Only what is about this account, group, token… */
  readonly target?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit: number;
}

/**
 * The newest first: operators' changes, and the history that writes to accounts and groups leave, laid together by time. A write is in
 * the history a moment after it is accepted, and for as long as the history is kept.
 * @returns undefined where the cursor is none
 */
export async function readTrail(link: MongoLink, query: TrailQuery): Promise<{ items: TrailLine[]; next?: string } | undefined> {
  const { tenant, target, cursor, limit } = query;
  const after = cursor === undefined ? ['', Number.MAX_SAFE_INTEGER] : decodeCursor(cursor, 2);
  if (after === undefined) return undefined;
  const [beforeEntry, beforeVersion] = [String(after[0]), Number(after[1])];
  const [entries, history] = await Promise.all([
    onMongo(
      link
        .collection('audit')
        .find({
          tenant: tenant ?? { $exists: false },
          ...(target === undefined ? {} : { 'target.id': target }),
          ...(beforeEntry === '' ? {} : { _id: { $lt: beforeEntry } }),
        } as never)
        .sort({ _id: -1 })
        .limit(limit + 1)
        .toArray(),
    ),
    tenant === undefined
      ? []
      : onMongo(
          link
            .collection('history')
            .find({ tenant, ...(target === undefined ? {} : { id: target }), version: { $lt: beforeVersion } })
            .sort({ version: -1 })
            .limit(limit + 1)
            .toArray(),
        ),
  ]);
  const items: TrailLine[] = [];
  let [entryAt, versionAt] = [beforeEntry, beforeVersion];
  let [i, j] = [0, 0];
  while (items.length < limit) {
    const [entry, line] = [entries[i], history[j]];
    if (!entry && !line) break;
    if (entry && (!line || entry.at >= line.at)) {
      items.push(ofEntry(entry));
      entryAt = entry._id;
      i += 1;
    } else if (line) {
      items.push(ofHistory(line));
      versionAt = line.version;
      j += 1;
    }
  }
  const more = i < entries.length || j < history.length;
  return more ? { items, next: encodeCursor([entryAt, versionAt]) } : { items };
}

const ofEntry = ({ _id, at, by, byName, request, action, target, before, after }: StoredTrail): TrailLine => ({
  id: _id,
  at: at.toISOString(),
  who: { id: by, name: byName },
  action,
  target,
  ...(before === undefined ? {} : { before: shownSide(before) }),
  ...(after === undefined ? {} : { after: shownSide(after) }),
  requestId: request,
});

/** Lines of earlier releases hold the whole address of a webhook, and lines are never changed. */
function shownSide(side: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { settings } = side;
  return typeof settings === 'object' && settings !== null ? { ...side, settings: shownSettings({ ...settings }) } : side;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const ofHistory = ({ _id, id, version, at, line }: StoredHistory): TrailLine => ({
  id: _id,
  at: at.toISOString(),
  who: { id: text(line.by) },
  action: `${text(line.type) === 'Group' ? 'group' : 'account'}.${text(line.operation)}`,
  target: { kind: text(line.type) === 'Group' ? 'group' : 'account', id },
  changes: line.changes,
  ...(line.members === undefined ? {} : { members: line.members }),
  version,
  requestId: text(line.request),
});
