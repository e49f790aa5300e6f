/** A person's `userPrincipalName`, wherever it came: at the top level, in the extension of ours, or in one that somebody declared. */
import { ENTERPRISE_URN, isObject, type JsonObject, ROLLCALL_USER_URN, ScimError } from '@rollcall/scim';

/** One of the places where it may stand, and what stands there. */
interface Held {
  /** The extension; undefined: the top level. */
  readonly urn: string | undefined;
  /** As its schema spells it. */
  readonly name: string;
  readonly value: string;
}

/** Asked several times by each decision, and mostly for nothing. */
export function userPrincipalNameOf(attributes: JsonObject): string | undefined {
  const top = attributes[NAME];
  if (typeof top === 'string' && top !== '') return top;
  for (const name in attributes) if (isForeign(name)) return placesOf(attributes)[0]?.value;
  return undefined;
}

/**
 * A person has one: what is written in one place goes for all that have it, so that each shows the same and it may be asked for in any.
 * @param before the attributes as they were; absent: there was nobody
 * @throws ScimError invalidValue where two places were given different values
 */
export function withOneUserPrincipalName(before: JsonObject | undefined, attributes: JsonObject): JsonObject {
  const places = placesOf(attributes);
  if (new Set(places.map(({ value }) => value)).size <= 1) return attributes;
  const were = before ? placesOf(before) : [];
  const given = new Set(
    places.filter(({ urn, value }) => were.find((each) => each.urn === urn)?.value !== value).map(({ value }) => value),
  );
  const [value] = given;
  if (value === undefined || given.size > 1) throw ScimError.of('invalidValue', `${NAME}: given twice, with different values`);
  return places.reduce((all, place) => put(all, place, value), attributes);
}

/**
 * What filters find of it, to be laid over a user's attributes: it is asked for at the top level or by the extension of ours, wherever it is, as
 * who asks need not know where it came.
 */
export function soughtUserPrincipalName(attributes: JsonObject): JsonObject {
  const value = userPrincipalNameOf(attributes);
  if (value === undefined) return NOTHING;
  const ours = attributes[ROLLCALL_USER_URN];
  return { [NAME]: value, [ROLLCALL_USER_URN]: { ...(isObject(ours) ? ours : {}), [NAME]: value } };
}

/** A resource's attributes without everything but these, and the userPrincipalName wherever it is. */
export function onlyIdentifying(attributes: JsonObject, names: ReadonlySet<string>): JsonObject {
  const kept = Object.fromEntries(Object.entries(attributes).filter(([name]) => names.has(name)));
  return placesOf(attributes).reduce((all, place) => put(all, place, place.value), kept);
}

/** In the order in which they count. */
function placesOf(attributes: JsonObject): Held[] {
  const places: Held[] = [];
  const top = attributes[NAME];
  if (typeof top === 'string' && top !== '') places.push({ urn: undefined, name: NAME, value: top });
  const ours = attributes[ROLLCALL_USER_URN];
  if (isObject(ours)) places.push(...within(ROLLCALL_USER_URN, ours));
  for (const [urn, extension] of Object.entries(attributes)) {
    if (isForeign(urn) && urn !== ROLLCALL_USER_URN && isObject(extension)) places.push(...within(urn, extension));
  }
  return places;
}

/** Whether it is an extension that may have a userPrincipalName. */
const isForeign = (name: string): boolean => name.includes(':') && name !== ENTERPRISE_URN;

function within(urn: string, extension: JsonObject): Held[] {
  return Object.entries(extension).flatMap(([name, value]) =>
    name.toLowerCase() === FOLDED && typeof value === 'string' && value !== '' ? [{ urn, name, value }] : [],
  );
}

function put(attributes: JsonObject, { urn, name }: Held, value: string): JsonObject {
  if (urn === undefined) return { ...attributes, [name]: value };
  const extension = attributes[urn];
  return { ...attributes, [urn]: { ...(isObject(extension) ? extension : {}), [name]: value } };
}

const NOTHING: JsonObject = {};
const NAME = 'userPrincipalName';
const FOLDED = NAME.toLowerCase();
