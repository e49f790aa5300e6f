// Accounts as people read them.
import { type Api, isObject, type JsonObject } from './api.js';
import { CliError, EXIT } from './command.js';

/** A row of `account list`: the reason stands for the status, as both `deactivated` and `deleted` are `preserved` for the admin API. */
export const accountRow = (account: JsonObject): JsonObject => ({
  ...account,
  status: account.reason ?? account.status,
  by: account.preservedBy,
});

/** `account show`: without what only programs need. */
export function accountShown(account: JsonObject): JsonObject {
  const { id, userName, displayName, preservedBy, preserved, newestChange, createdAt, updatedAt, user } = account;
  return {
    ...{ id, userName, displayName },
    status: account.reason ?? account.status,
    by: preservedBy,
    ...(isObject(preserved) ? { since: preserved } : {}),
    ...(isObject(newestChange) ? { newestChange: changeLine(newestChange) } : {}),
    ...without(account, SHOWN_OTHERWISE),
    ...{ createdAt, updatedAt, user: isObject(user) ? without(user, OF_PROGRAMS) : {} },
  };
}

/** Members that stand in a place of their own, or that no person needs. */
const SHOWN_OTHERWISE = [
  ...['id', 'userName', 'displayName', 'status', 'reason', 'preservedBy', 'preserved', 'newestChange', 'user'],
  ...['deleted', 'version', 'createdAt', 'updatedAt'],
];
const OF_PROGRAMS = ['schemas', 'id', 'meta'];
const without = (object: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

/** `applied since 2026-…`, `dead since …: a validator refuses the document`. */
const changeLine = ({ state, since, cause }: JsonObject): string =>
  `${String(state)}${since === undefined ? '' : ` since ${String(since)}`}${cause === undefined ? '' : `: ${String(cause)}`}`;

/** The id of the account that is meant by its id, or by its userName. @throws CliError where there is none, or several */
export async function idOf(api: Api, tenant: string, named: string): Promise<string> {
  if (UUID.test(named)) return named;
  const filter = encodeURIComponent(`userName eq ${JSON.stringify(named)}`);
  const found = await api.list(`/tenants/${encodeURIComponent(tenant)}/accounts?filter=${filter}`, SHOWN_MAX);
  const ids = found.map(({ id }) => String(id));
  if (ids.length === 0) throw new CliError(`no account has the userName ${named}`, EXIT.refused);
  if (ids.length > 1) throw new CliError(`several accounts have the userName ${named}: give an id: ${ids.join(', ')}`, EXIT.refused);
  return ids[0]!;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SHOWN_MAX = 10;
