import { type Command, type Given, needed, text, whole } from '../command.js';

const COLUMNS = ['id', 'name', 'prefix', 'createdAt', 'lastUsedAt', 'expiresAt', 'replacedBy'];

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
      summary: `list ${what}s, without what they sign in with`,
      run: async (given, { api, out }) => {
        const columns = kind === 'client' ? ['clientId', ...COLUMNS] : COLUMNS;
        out.table(await (await api()).list(at(given)), columns, `There is none: rollcall ${kind} create ${needed(given, 'tenant')}`);
        return 0;
      },
    },
    {
      usage: `${kind} create <tenant>`,
      summary: `make ${article} ${what}; it is shown this once`,
      options: [
        ['--name <name>', 'for whom it is, as lists and reminders show it'],
        ['--days <days>', 'how long it holds; 365 where it is left out'],
        ['--user <id>', 'the user whom it stands for: /Me is that one'],
      ],
      run: async (given, { api, out }) => {
        const user = text(given, 'user');
        const wanted = { name: text(given, 'name') ?? 'cli', ...days(given), ...(user === undefined ? {} : { user }) };
        out.show(await (await api()).ask('POST', at(given), wanted), hint);
        return 0;
      },
    },
    {
      usage: `${kind} revoke <tenant> <id>`,
      summary: `revoke ${article} ${what}, from this moment on`,
      run: async (given, { api, out }) => {
        await (await api()).ask('DELETE', one(given));
        out.done(`${needed(given, 'id')} is revoked.`);
        return 0;
      },
    },
    {
      usage: `${kind} regenerate <tenant> <id>`,
      summary: `make another in place of ${article} ${what}`,
      options: [
        ['--overlap-hours <hours>', 'how long the previous one holds, up to 24; 0 where it is left out'],
        ['--days <days>', 'how long the new one holds; as long as the previous one where it is left out'],
      ],
      run: async (given, { api, out }) => {
        const overlapHours = whole(given, 'overlap-hours', { most: 24 }) ?? 0;
        out.show(await (await api()).ask('POST', `${one(given)}/regenerate`, { overlapHours, ...days(given) }), hint);
        return 0;
      },
    },
  ];
};

export const tokenCommands: readonly Command[] = [...commandsOf('token', 'token', 'a'), ...commandsOf('client', 'OAuth client', 'an')];
