import type { JsonObject } from '../api.js';
import { type Command, type Given, needed, text, whole } from '../command.js';
import { expiry } from '../time.js';

const COLUMNS = ['id', 'name', 'prefix', 'createdAt', 'lastUsedAt', 'expires', 'replacedBy'];
const row = (credential: JsonObject): JsonObject => ({ ...credential, expires: expiry(credential.expiresAt, Date.now()) });

/** Tokens and OAuth clients are run in the same way. */
const commandsOf = (kind: 'token' | 'client', what: string, article: string): readonly Command[] => {
  const at = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/${kind}s`;
  const one = (given: Given) => `${at(given)}/${encodeURIComponent(needed(given, 'id'))}`;
  const days = (given: Given) => {
    const expiresInDays = whole(given, 'days', { least: 1, most: 3_650 });
    return expiresInDays === undefined ? {} : { expiresInDays };
  };
  const hint = `Keep ${kind === 'token' ? 'the token' : 'the secret'} now: it is shown this once.`;
  return [
    {
      usage: `${kind} list <tenant>`,
      summary: `list ${what}s and when they expire; secrets are never shown`,
      options: [['--all', 'revoked ones, too']],
      run: async (given, { api, out }) => {
        const all = given.all === true;
        const columns = [...(kind === 'client' ? ['clientId'] : []), ...COLUMNS, ...(all ? ['revokedAt'] : [])];
        const found = await (await api()).list(`${at(given)}${all ? '?revoked=true' : ''}`);
        out.table(out.json ? found : found.map(row), columns, `No ${what}s: rollcall ${kind} create ${needed(given, 'tenant')}`);
        return 0;
      },
    },
    {
      usage: `${kind} create <tenant>`,
      summary: `create ${article} ${what}; ${kind === 'token' ? 'it' : 'its secret'} is shown only now`,
      options: [
        ['--name <name>', 'a name for lists and reminders, such as the identity provider’s'],
        ['--days <days>', 'days until it expires; 365 if left out'],
        ['--user <id>', 'the user that /Me answers for this token'],
        ['--scope <scope>', 'me: /Me and discovery only, the default with --user; tenant: all of the tenant’s SCIM'],
      ],
      run: async (given, { api, out }) => {
        const [user, scope] = [text(given, 'user'), text(given, 'scope')];
        const of = { ...(user === undefined ? {} : { user }), ...(scope === undefined ? {} : { scope }) };
        const wanted = { name: text(given, 'name') ?? 'cli', ...days(given), ...of };
        out.show(await (await api()).ask('POST', at(given), wanted), { hint });
        return 0;
      },
    },
    {
      usage: `${kind} revoke <tenant> <id>`,
      summary: `revoke ${article} ${what} immediately`,
      run: async (given, { api, out }) => {
        await (await api()).ask('DELETE', one(given));
        out.done(`${needed(given, 'id')} is revoked.`);
        return 0;
      },
    },
    {
      usage: `${kind} regenerate <tenant> <id>`,
      summary: `replace ${article} ${what}: ${kind === 'token' ? 'a new token' : 'a new secret'} is shown, the old one ends`,
      options: [
        ['--overlap-hours <hours>', 'hours for which the previous one stays valid, up to 24; 0 if left out'],
        ['--days <days>', 'days until the new one expires; as many as the previous one had if left out'],
      ],
      run: async (given, { api, out }) => {
        const overlapHours = whole(given, 'overlap-hours', { most: 24 }) ?? 0;
        out.show(await (await api()).ask('POST', `${one(given)}/regenerate`, { overlapHours, ...days(given) }), { hint });
        return 0;
      },
    },
  ];
};

export const tokenCommands: readonly Command[] = [...commandsOf('token', 'token', 'a'), ...commandsOf('client', 'OAuth client', 'an')];
