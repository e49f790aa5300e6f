import { type AttributeDefinition, type JsonObject, type JsonValue, printPath, type ResourceTypes, ScimError } from '@rollcall/scim';
import { Region } from '@rollcall/tenancy';
import type { NewAccount } from './accounts.js';

/** The columns of an import; only the first is required. */
export const IMPORT_COLUMNS = ['userName', 'givenName', 'familyName', 'email', 'externalId', 'profile', 'region', 'quotaBytes'] as const;

interface Further {
  readonly urn: string | undefined;
  readonly attribute: AttributeDefinition;
}

/** Columns that a tenant may have besides, by their names: what it takes at the top level, and simple attributes of extensions, by their whole URN. */
export function furtherColumns({ User }: ResourceTypes): ReadonlyMap<string, Further> {
  const ofUsers = User.custom.map((attribute): Further => ({ urn: undefined, attribute }));
  const ofExtensions = User.extensions.flatMap(({ schema }) =>
    schema.attributes.map((attribute): Further => ({ urn: schema.id, attribute })),
  );
  const simple = [...ofUsers, ...ofExtensions].filter(({ attribute: { type, multiValued } }) => type !== 'complex' && !multiValued);
  return new Map(simple.map((each) => [printPath({ ...each, sub: undefined }), each]));
}

/** A line of an import as a new account. @throws ScimError 400 that names the column */
export function accountOfRow(row: Readonly<Record<string, string>>, types: ResourceTypes): NewAccount {
  const cell = (name: (typeof IMPORT_COLUMNS)[number]): string | undefined => row[name]?.trim() || undefined;
  const [userName, givenName, familyName, email] = [cell('userName'), cell('givenName'), cell('familyName'), cell('email')];
  if (userName === undefined) throw ScimError.of('invalidValue', 'userName: expected a value');
  const name: JsonObject = { ...(givenName ? { givenName } : {}), ...(familyName ? { familyName } : {}) };
  const user: JsonObject = {
    userName,
    ...(Object.keys(name).length > 0 ? { name } : {}),
    ...(email ? { emails: [{ value: email, primary: true }] } : {}),
    ...(cell('externalId') ? { externalId: cell('externalId')! } : {}),
    ...further(row, types),
  };
  const quota = cell('quotaBytes');
  const quotaBytes = quota === undefined ? undefined : Number(quota);
  if (quota !== undefined && !(/^\d+$/.test(quota) && Number.isSafeInteger(quotaBytes)))
    throw ScimError.of('invalidValue', 'quotaBytes: expected a whole number, in digits');
  const region = cell('region');
  const wrong = region === undefined ? undefined : Region.safeParse(region).error;
  if (wrong) throw ScimError.of('invalidValue', `region: ${wrong.issues[0]!.message}`);
  const storage = { ...(region === undefined ? {} : { region }), ...(quotaBytes === undefined ? {} : { quotaBytes }) };
  return { user, profile: cell('profile'), ...(Object.keys(storage).length > 0 ? { storage } : {}) };
}

function further(row: Readonly<Record<string, string>>, types: ResourceTypes): JsonObject {
  const values: JsonObject = {};
  const extensions: Record<string, JsonObject> = {};
  for (const [column, { urn, attribute }] of furtherColumns(types)) {
    const text = row[column]?.trim();
    if (!text) continue;
    if (urn !== undefined) extensions[urn] ??= {};
    (urn === undefined ? values : extensions[urn]!)[attribute.name] = valueFrom(attribute, text, column);
  }
  return { ...values, ...extensions };
}

/** Text as the attribute takes it; booleans are taken as text anyway. */
function valueFrom({ type }: AttributeDefinition, text: string, column: string): JsonValue {
  if (type !== 'integer' && type !== 'decimal') return text;
  const number = Number(text);
  if (!Number.isFinite(number)) throw ScimError.of('invalidValue', `${column}: expected a number`);
  return number;
}
