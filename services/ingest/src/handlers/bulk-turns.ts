// Which operations of a bulk request must wait for which, so that doing many at once ends as doing them one by one (RFC 7644 §3.7).
import { type BulkOperation, foldCase, isObject, type JsonValue } from '@rollcall/scim';

/** What an operation touches: by itself, or together with others that touch it in the same way. */
export interface Turn {
  readonly key: string;
  /** Undefined: nobody else at the same time. */
  readonly with: string | undefined;
}

/**
 * What the work that comes later waits for. Each thing that is touched has rounds: those of one round are side by side, and a round begins when the
 * one before is over. Turns are taken in the order of the work, so nobody waits for somebody later.
 */
export class Turns {
  readonly #rounds = new Map<string, { with: string | undefined; done: Promise<unknown>[]; before: Promise<unknown> }>();

  /** @param done settles when this work is over; it must not fail */
  take(turns: readonly Turn[], done: Promise<unknown>): Promise<unknown> {
    return Promise.all(
      turns.map(({ key, with: kind }) => {
        const round = this.#rounds.get(key);
        if (round && kind !== undefined && round.with === kind) {
          round.done.push(done);
          return round.before;
        }
        const before = round ? Promise.all([round.before, ...round.done]) : Promise.resolve();
        this.#rounds.set(key, { with: kind, done: [done], before });
        return before;
      }),
    );
  }
}

/** What an operation touches: its resource, those it names, and the names that it takes or sets free. */
export function turnsOf({ method, bulkId, endpoint, id, data }: BulkOperation): Turn[] {
  const text = data === undefined ? '' : JSON.stringify(data);
  const own = (method === 'POST' ? `bulkId:${bulkId}` : id).toLowerCase();
  const turns: Turn[] = [{ key: own, with: undefined }];
  for (const named of new Set([...(text.match(UUID) ?? []), ...(text.match(REFERENCE) ?? [])].map((each) => each.toLowerCase())))
    if (named !== own) turns.push({ key: named, with: 'named' });
  const lives = livesOf(method, endpoint, id, text);
  if (lives) turns.push(lives);
  const names = NAMES[endpoint];
  if (names === undefined) return turns;
  const all = `names of ${endpoint}`;
  // Creations only take names, and deletions only set them free; what may do both, or swap, goes by itself.
  if (method === 'POST')
    turns.push({ key: all, with: 'taken' }, ...taken(data, names).map((name) => ({ key: `${endpoint} ${name}`, with: undefined })));
  else if (method === 'DELETE') turns.push({ key: all, with: 'freed' });
  else if (method === 'PUT' || names.some((name) => text.toLowerCase().includes(name))) turns.push({ key: all, with: undefined });
  return turns;
}

/**
 * Whoever is created may turn out to be somebody who was known before, under an id that others name: so people are made, used and deleted by turns.
 * A path by a bulkId may lead to a resource that another operation addresses by its id.
 */
function livesOf(method: BulkOperation['method'], endpoint: string, id: string, text: string): Turn | undefined {
  const key = 'people';
  if (endpoint === '/Users') {
    if (id.startsWith('bulkId:')) return { key, with: undefined };
    return { key, with: method === 'POST' ? 'made' : method === 'DELETE' ? 'deleted' : 'used' };
  }
  return NAMED.test(text) ? { key, with: 'used' } : undefined;
}

/** The names and addresses in a new resource, folded. */
function taken(data: JsonValue | undefined, names: readonly string[]): string[] {
  const found = new Set<string>();
  if (isObject(data)) for (const [key, value] of Object.entries(data)) named(key, value, names, found);
  return [...found];
}

/** A member of a resource, or one of an extension: `userPrincipalName` may be either. */
function named(key: string, value: JsonValue, names: readonly string[], into: Set<string>): void {
  const name = key.slice(key.lastIndexOf(':') + 1).toLowerCase();
  if (names.includes(name)) texts(value, into);
  else if (key.includes(':') && isObject(value)) for (const [inner, each] of Object.entries(value)) named(inner, each, names, into);
}

function texts(value: JsonValue, into: Set<string>): void {
  if (typeof value === 'string') into.add(foldCase(value));
  else if (Array.isArray(value)) for (const each of value) texts(each, into);
  else if (isObject(value)) for (const [key, each] of Object.entries(value)) if (key.toLowerCase() === 'value') texts(each, into);
}

/** Attributes by which a resource is found or known again. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  '/Users': ['username', 'emails', 'externalid', 'userprincipalname'],
  '/Groups': ['displayname'],
};
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi;
const NAMED = /[0-9a-f]{8}-[0-9a-f]{4}-|bulkId:/i;
const REFERENCE = /bulkId:[^"/\\]+/g;
