/** How far an `externalId` tells people apart: the tenant's setting of that name. */
export type ExternalIdSetting = 'auto' | 'stable' | 'unstable';

/**
 * Whether an identity provider never gives this `externalId` to another person. By `auto` that is so of opaque ids alone: a GUID (Entra's `objectId`), Okta's
 * `00u…`, 24 or 32 hexadecimal digits, an `objectGUID` in base64. A name, an address or an employee number (Entra's default is `mailNickname`) may be given
 * to the next person.
 * @example isStable('00u1abcDEF2ghiJKL345', 'auto') → true; isStable('ada.lovelace', 'auto') → false
 */
export function isStable(externalId: string, setting: ExternalIdSetting = 'auto'): boolean {
  return setting === 'auto' ? OPAQUE.some((form) => form.test(externalId)) : setting === 'stable';
}

const OPAQUE = [
  /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i,
  /^00u[0-9A-Za-z-]{12,}$/,
  /^(?:[0-9a-f]{24}|[0-9a-f]{32})$/i,
  /^[0-9A-Za-z+/]{22}==$/,
] as const;
