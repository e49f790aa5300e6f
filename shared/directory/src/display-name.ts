import { isObject, type JsonObject, type JsonValue } from '@rollcall/scim';

/**
 * What people call the account: the `displayName` that was given, else `name.formatted`, else of first and last name what there is, else the `userName`.
 * It is computed for whoever looks at accounts, and is no part of the SCIM resource: the identity provider gets back what it sent (RFC 7643 §4.1.1).
 * @returns undefined where the account has none of them: it was purged
 */
export function displayNameOf({ displayName, name, userName }: JsonObject): string | undefined {
  const { formatted, givenName, familyName }: JsonObject = isObject(name) ? name : {};
  const full = [text(givenName), text(familyName)].filter((part) => part !== undefined).join(' ');
  return text(displayName) ?? text(formatted) ?? text(full) ?? text(userName);
}

/** Blanks are no name. */
function text(value: JsonValue | undefined): string | undefined {
  const trimmed = typeof value === 'string' ? value.trim() : '';
  return trimmed === '' ? undefined : trimmed;
}
