import { accountRow, accountShown, idOf } from '../accounts.js';
import type { JsonObject } from '../api.js';
import { CliError, type Command, type Context, EXIT, type Given, needed, text, whole } from '../command.js';
import { PERSON_OPTIONS, personOf } from '../person.js';

const all = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/accounts`;
const one = (given: Given) => `${all(given)}/${encodeURIComponent(needed(given, 'id'))}`;
const filtered = (given: Given) => {
  const filter = text(given, 'filter');
  return `${all(given)}${filter === undefined ? '' : `?filter=${encodeURIComponent(filter)}`}`;
};
const PROVIDED = [
  ['--profile <name>', 'a profile of the tenant'],
  ['--region <region>', 'where its storage is'],
  ['--quota <bytes>', 'how much'],
] as const;
/** What `PROVIDED` says an account may use; only what was given. */
function provided(given: Given) {
  const [profile, region, quotaBytes] = [text(given, 'profile'), text(given, 'region'), whole(given, 'quota')];
  const storage = { ...(region === undefined ? {} : { region }), ...(quotaBytes === undefined ? {} : { quotaBytes }) };
  return { ...(profile === undefined ? {} : { profile }), ...(Object.keys(storage).length === 0 ? {} : { storage }) };
}
/** What is to be taken away, as the admin API takes it. */
const takenAway = (given: Given) => ({
  ...(given['no-profile'] === true ? { profile: null } : {}),
  ...(given['no-storage'] === true ? { storage: null } : {}),
});
const COLUMNS = ['id', 'userName', 'displayName', 'status', 'by', 'managedBy', 'profile', 'updatedAt'];
const show = ({ out }: Context, account: JsonObject, hint?: string) => out.show(account, { shown: accountShown(account), hint });

export const accountCommands: readonly Command[] = [
  {
    usage: 'account list <tenant>',
    summary: 'find accounts',
    options: [
      ['--filter <filter>', 'a SCIM filter: userName sw "ada"'],
      ['--limit <count>', 'how many; 50 if left out'],
    ],
    run: async (given, { api, out }) => {
      const limit = whole(given, 'limit', { least: 1, most: 100_000 }) ?? 50;
      const accounts = await (await api()).list(filtered(given), limit);
      out.table(out.json ? accounts : accounts.map(accountRow), COLUMNS, 'No accounts found.');
      return EXIT.done;
    },
  },
  {
    usage: 'account show <tenant> <id>',
    summary: 'show an account, by its id or userName, and whether its newest change is applied',
    run: async (given, context) => {
      const api = await context.api();
      const id = await idOf(api, needed(given, 'tenant'), needed(given, 'id'));
      show(context, await api.ask('GET', `${all(given)}/${encodeURIComponent(id)}`));
      return EXIT.done;
    },
  },
  {
    usage: 'account create <tenant> <userName>',
    summary: 'create an account by hand; the identity provider takes it over with its first request for the user',
    options: [
      ['--email <address>', 'the primary address'],
      ['--given-name <name>', 'first name'],
      ['--family-name <name>', 'last name'],
      ['--external-id <id>', 'the identity provider’s id of the user'],
      ...PROVIDED,
    ],
    run: async (given, context) => {
      const [email, givenName, familyName] = [text(given, 'email'), text(given, 'given-name'), text(given, 'family-name')];
      const externalId = text(given, 'external-id');
      const name = { ...(givenName === undefined ? {} : { givenName }), ...(familyName === undefined ? {} : { familyName }) };
      const account = {
        userName: needed(given, 'userName'),
        ...(email === undefined ? {} : { emails: [{ value: email, primary: true }] }),
        ...(Object.keys(name).length === 0 ? {} : { name }),
        ...(externalId === undefined ? {} : { externalId }),
        ...provided(given),
      };
      show(context, await (await context.api()).ask('POST', all(given), account));
      return EXIT.done;
    },
  },
  {
    usage: 'account export <tenant>',
    summary: 'print all accounts as CSV, deactivated, blocked and deleted ones too',
    options: [['--filter <filter>', 'a SCIM filter: only these']],
    run: async (given, { api, out }) => {
      const asked = await api();
      if (out.json) out.table(await asked.list(filtered(given)), COLUMNS, '');
      else await out.raw(asked.csv(filtered(given)));
      return EXIT.done;
    },
  },
  {
    usage: 'account block <tenant> <id>',
    aliases: ['account preserve'],
    summary: 'block an account, whatever the identity provider says, until it is unblocked',
    options: [['--reason <reason>', 'why, for the history']],
    run: async (given, context) => {
      const reason = text(given, 'reason');
      show(context, await (await context.api()).ask('POST', `${one(given)}/preserve`, reason === undefined ? {} : { reason }));
      return EXIT.done;
    },
  },
  {
    usage: 'account unblock <tenant> <id>',
    aliases: ['account reactivate'],
    summary: 'remove the block that an administrator set; one that the identity provider deactivated stays so',
    run: async (given, context) => {
      show(context, await (await context.api()).ask('POST', `${one(given)}/reactivate`));
      return EXIT.done;
    },
  },
  {
    usage: 'account adopt <tenant> <id>',
    summary: 'give this account to the user that the identity provider sends with a userName or externalId',
    options: [...PERSON_OPTIONS],
    run: async (given, context) => {
      const person = personOf(given);
      const account = await (await context.api()).ask('POST', `${one(given)}/adopt`, person);
      show(context, account, 'The user gets it with the next request of the identity provider.');
      return EXIT.done;
    },
  },
  {
    usage: 'account separate <tenant> <id>',
    summary: 'keep this account from the user that the identity provider sends with a userName or externalId',
    options: [...PERSON_OPTIONS],
    run: async (given, context) => {
      const person = personOf(given);
      const account = await (await context.api()).ask('POST', `${one(given)}/separate`, person);
      show(context, account, 'The user gets an account of its own with the next request of the identity provider.');
      return EXIT.done;
    },
  },
  {
    usage: 'account set <tenant> <id>',
    summary: 'give an account a profile, a storage region, a quota, or take them away',
    options: [
      ...PROVIDED,
      ['--no-profile', 'take the profile away: the mappings choose one'],
      ['--no-storage', 'take region and quota away'],
    ],
    run: async (given, context) => {
      const [gives, takes] = [provided(given), takenAway(given)];
      const both = Object.keys(takes).find((name) => name in gives);
      if (both !== undefined) throw new CliError(`--no-${both}: nothing of it can be given at once`, EXIT.usage);
      const change = { ...gives, ...takes };
      if (Object.keys(change).length === 0)
        throw new CliError('expected at least one of --profile, --region, --quota, --no-profile, --no-storage', EXIT.usage);
      show(context, await (await context.api()).ask('PATCH', one(given), change));
      return EXIT.done;
    },
  },
  {
    usage: 'account purge <tenant> <id>',
    summary: 'delete everything of a person for good: ask first, then confirm with the word that is answered',
    options: [['--confirm <word>', 'the word that the first step answered']],
    run: async (given, { api, out }) => {
      const [tenant, id, confirm] = [needed(given, 'tenant'), needed(given, 'id'), text(given, 'confirm')];
      if (confirm === undefined) {
        const asked = await (await api()).ask('DELETE', one(given));
        out.show(asked, {
          hint: `Nothing is deleted yet. For good: rollcall account purge ${tenant} ${id} --confirm ${String(asked.confirm)}`,
        });
        return EXIT.done;
      }
      await (await api()).ask('POST', `${one(given)}/purge`, { confirm });
      out.done(`${id} is purged.`, { id });
      return EXIT.done;
    },
  },
];
