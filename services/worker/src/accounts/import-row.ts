import { type JsonObject, ScimError } from '@rollcall/scim';
import type { NewAccount } from './accounts.js';

/** The columns of an import; only the first is required. */
export const IMPORT_COLUMNS = ['userName', 'givenName', 'familyName', 'email', 'externalId', 'profile', 'region', 'quotaBytes'] as const;

/** A line of an import as a new account. @throws ScimError 400 that names the column */
export function accountOfRow(row: Readonly<Record<string, string>>): NewAccount {
  const cell = (name: (typeof IMPORT_COLUMNS)[number]): string | undefined => row[name]?.trim() || undefined;
  const [userName, givenName, familyName, email] = [cell('userName'), cell('givenName'), cell('familyName'), cell('email')];
  if (userName === undefined) throw ScimError.of('invalidValue', 'userName: expected a value');
  const name: JsonObject = { ...(givenName ? { givenName } : {}), ...(familyName ? { familyName } : {}) };
  const user: JsonObject = {
    userName,
    ...(Object.keys(name).length > 0 ? { name } : {}),
    ...(email ? { emails: [{ value: email, primary: true }] } : {}),
    ...(cell('externalId') ? { externalId: cell('externalId')! } : {}),
  };
  const quota = cell('quotaBytes');
  const quotaBytes = quota === undefined ? undefined : Number(quota);
  if (quotaBytes !== undefined && !(Number.isSafeInteger(quotaBytes) && quotaBytes >= 0))
    throw ScimError.of('invalidValue', 'quotaBytes: expected a whole number');
  const region = cell('region');
  const storage = { ...(region === undefined ? {} : { region }), ...(quotaBytes === undefined ? {} : { quotaBytes }) };
  return { user, profile: cell('profile'), ...(Object.keys(storage).length > 0 ? { storage } : {}) };
}
