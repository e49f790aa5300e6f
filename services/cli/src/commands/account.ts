import { CliError, type Command, EXIT, type Given, needed, text, whole } from '../command.js';

const all = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/accounts`;
const one = (given: Given) => `${all(given)}/${encodeURIComponent(needed(given, 'id'))}`;
const COLUMNS = ['id', 'userName', 'status', 'preservedBy', 'managedBy', 'profile', 'updatedAt'];

export const accountCommands: readonly Command[] = [
  {
    usage: 'account list <tenant>',
    summary: 'find accounts',
    options: [
      ['--filter <filter>', 'a SCIM filter: userName sw "ada"'],
      ['--limit <count>', 'how many; 50 where it is left out'],
    ],
    run: async (given, { api, out }) => {
      const [filter, limit] = [text(given, 'filter'), whole(given, 'limit', { least: 1, most: 100_000 }) ?? 50];
      const found = await (await api()).list(`${all(given)}${filter === undefined ? '' : `?filter=${encodeURIComponent(filter)}`}`, limit);
      out.table(found, COLUMNS, 'None is found.');
      return EXIT.done;
    },
  },
  {
    usage: 'account show <tenant> <id>',
    summary: 'show an account',
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('GET', one(given)));
      return EXIT.done;
    },
  },
  {
    usage: 'account preserve <tenant> <id>',
    summary: 'keep somebody out: the identity provider can’t let them in again',
    options: [['--reason <reason>', 'why, for the history']],
    run: async (given, { api, out }) => {
      const reason = text(given, 'reason');
      out.show(await (await api()).ask('POST', `${one(given)}/preserve`, reason === undefined ? {} : { reason }));
      return EXIT.done;
    },
  },
  {
    usage: 'account reactivate <tenant> <id>',
    summary: 'lift the administrator’s mark',
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('POST', `${one(given)}/reactivate`));
      return EXIT.done;
    },
  },
  {
    usage: 'account set <tenant> <id>',
    summary: 'give an account a profile, a storage region, a quota',
    options: [
      ['--profile <name>', 'a profile of the tenant'],
      ['--region <region>', 'where its storage is'],
      ['--quota <bytes>', 'how much'],
    ],
    run: async (given, { api, out }) => {
      const [profile, region, quotaBytes] = [text(given, 'profile'), text(given, 'region'), whole(given, 'quota')];
      const storage = { ...(region === undefined ? {} : { region }), ...(quotaBytes === undefined ? {} : { quotaBytes }) };
      const change = { ...(profile === undefined ? {} : { profile }), ...(Object.keys(storage).length === 0 ? {} : { storage }) };
      if (Object.keys(change).length === 0) throw new CliError('say what: --profile, --region or --quota', EXIT.usage);
      out.show(await (await api()).ask('PATCH', one(given), change));
      return EXIT.done;
    },
  },
];
