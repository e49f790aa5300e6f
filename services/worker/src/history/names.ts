import { type MongoLink, onMongo } from '@rollcall/store';
import type { TrailLine } from '@rollcall/tenancy';
import { FIRST_OPERATOR, OPERATOR_PREFIX } from '../ops/operator.js';

type Who = TrailLine['who'];

/**
 * Lines of the trail with the names of who acted: of an operator their name, of an identity provider the name of its token or client secret,
 * and how that begins. Revoked tokens and removed operators keep their names.
 * @example who: { id: 'a1e9…' } → { id: 'a1e9…', name: 'Okta', prefix: 'rc_UEsy' }
 */
export async function withNames(mongo: Pick<MongoLink, 'collection'>, lines: readonly TrailLine[]): Promise<TrailLine[]> {
  const ids = [...new Set(lines.filter(({ who }) => who.name === undefined || who.id === FIRST_OPERATOR.id).map(({ who }) => who.id))];
  const known = await namesOf(mongo, ids);
  return lines.map((line) => ({ ...line, who: known.get(line.who.id) ?? line.who }));
}

async function namesOf(mongo: Pick<MongoLink, 'collection'>, ids: readonly string[]): Promise<ReadonlyMap<string, Who>> {
  const operators = ids.filter((id) => id.startsWith(OPERATOR_PREFIX)).map((id) => id.slice(OPERATOR_PREFIX.length));
  const [tokens, people] = await Promise.all([
    ids.length === 0
      ? []
      : onMongo(
          mongo
            .collection('tokens')
            .find({ _id: { $in: [...ids] } }, { projection: { name: 1, prefix: 1 } })
            .toArray(),
        ),
    operators.length === 0
      ? []
      : onMongo(
          mongo
            .collection('operators')
            .find({ _id: { $in: operators } }, { projection: { name: 1 } })
            .toArray(),
        ),
  ]);
  const names = new Map<string, Who>([
    ...tokens.map(({ _id, name, prefix }) => [_id, { id: _id, name, prefix }] as const),
    ...people.map(({ _id, name }) => [`${OPERATOR_PREFIX}${_id}`, { id: `${OPERATOR_PREFIX}${_id}`, name }] as const),
  ]);
  // One name for the first operator in all lines, however it was written down.
  if (ids.includes(FIRST_OPERATOR.id)) names.set(FIRST_OPERATOR.id, { id: FIRST_OPERATOR.id, name: FIRST_OPERATOR.name });
  if (ids.includes(ROLLCALL)) names.set(ROLLCALL, { id: ROLLCALL, name: ROLLCALL });
  return names;
}

/** What rollcall does by itself, such as moving all accounts under new mappings. */
const ROLLCALL = 'rollcall';
