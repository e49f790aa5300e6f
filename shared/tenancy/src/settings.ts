import * as z from 'zod';

const WebhookUrl = z
  .string()
  .max(2_048)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, username, password, hash } = new URL(text);
    return (protocol === 'https:' || protocol === 'http:') && username + password + hash === '';
  }, 'expected an http or https URL without user, password and fragment');

/** What may be set of a tenant; what is not set has its default. */
const shape = {
  /** By which attribute a person is known again. */
  identityAttribute: z.enum(['email', 'userPrincipalName']),
  /** How far an `externalId` tells people apart: `auto` trusts opaque ids alone. */
  externalId: z.enum(['auto', 'stable', 'unstable']),
  /** What becomes of a POST with the userName and the address of an account that had another stable `externalId`. */
  recycledIdentity: z.enum(['reactivate', 'refuse', 'separate']),
  /** What becomes of a POST with the address alone of an account made by hand; `auto` asks where the account bears what an administrator gave. */
  adoption: z.enum(['auto', 'adopt', 'ask', 'never']),
  /** What becomes of an attribute that no schema of the tenant has: it is left out, or the request is 400. */
  unknownAttributes: z.enum(['ignore', 'refuse']),
  /** Whether a group's displayName is its own in the tenant, or others may have the same. */
  groupNames: z.enum(['unique', 'shared']),
  /** What becomes of a member that is no live resource of the tenant: 400, it is kept and shown, or it is skipped until it is there. */
  unknownMembers: z.enum(['refuse', 'keep', 'skip']),
  /** Whether a group may come to be in itself, directly or by way of others, or that is 400. */
  groupCycles: z.enum(['accept', 'refuse']),
  /** Which groups a user shows: those that it is a member of, or also those that these are in. */
  userGroups: z.enum(['direct', 'all']),
  /** A PATCH on a group with more members than this answers 204, unless attributes are asked for. */
  membersAnsweredMax: z.int().min(0).max(100_000),
  /** Where reminders of expiry are sent; null: nowhere. */
  webhook: z.strictObject({ url: WebhookUrl }).nullable(),
};

/** A change of settings: what is left out stays. */
export const SettingsChange = z.strictObject(shape).partial();
export type SettingsChange = z.infer<typeof SettingsChange>;
export type TenantSettings = { readonly [Name in keyof typeof shape]: z.infer<(typeof shape)[Name]> };
export const TenantSettingsForm = z.object(shape);

export const SETTINGS_DEFAULT: TenantSettings = {
  identityAttribute: 'email',
  externalId: 'auto',
  recycledIdentity: 'reactivate',
  adoption: 'auto',
  unknownAttributes: 'ignore',
  groupNames: 'unique',
  unknownMembers: 'refuse',
  groupCycles: 'accept',
  userGroups: 'direct',
  membersAnsweredMax: 1_000,
  webhook: null,
};

/** What a new tenant begins with, where nothing else is asked for. It is stored, so that tenants that are there already keep what they have. */
export const SETTINGS_OF_NEW_TENANTS: SettingsChange = { unknownMembers: 'skip' };

/** What holds for a tenant: what is stored, over the defaults. What another release stored and this one does not know is left out. */
export function settingsOf(stored: Readonly<Record<string, unknown>>): TenantSettings {
  const known = Object.entries(shape).flatMap(([name, schema]) => {
    const parsed = schema.safeParse(stored[name]);
    return parsed.success ? [[name, parsed.data] as const] : [];
  });
  return { ...SETTINGS_DEFAULT, ...Object.fromEntries(known) };
}

/**
 * Settings as operators see them. The address of a webhook may itself be the secret (Slack's, or one with `?key=`), so only its beginning is shown.
 * @example shownSettings({ webhook: { url: 'https://hooks.example/services/T0/B0/XXX' } }) → { webhook: { url: 'https://hooks.example/service…' } }
 */
export function shownSettings<T extends Readonly<Record<string, unknown>>>(settings: T): T {
  const { webhook } = settings;
  if (typeof webhook !== 'object' || webhook === null || !('url' in webhook) || typeof webhook.url !== 'string') return settings;
  return { ...settings, webhook: { ...webhook, url: shownUrl(webhook.url) } };
}

function shownUrl(url: string): string {
  if (isShortened(url)) return url;
  if (!URL.canParse(url)) return MORE;
  const { origin, pathname, search } = new URL(url);
  const isWhole = pathname.length <= PATH_SHOWN_MAX && search === '';
  return `${origin}${pathname.slice(0, PATH_SHOWN_MAX)}${isWhole ? '' : MORE}`;
}

/** Whether this is what `shownSettings` makes of an address. */
export const isShortened = (url: string): boolean => /^https?:\/\/[^/]+\/.{0,7}…$/.test(url);

const MORE = '…';
/** As much of a path as is shown, its first slash included. */
const PATH_SHOWN_MAX = 8;
