import { CliError, type Command, EXIT, type Given, needed, text, whole } from '../command.js';
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
const COLUMNS = ['id', 'userName', 'displayName', 'status', 'preservedBy', 'managedBy', 'profile', 'updatedAt'];

export const accountCommands: readonly Command[] = [
  {
    usage: 'account list <tenant>',
    summary: 'find accounts',
    options: [
      ['--filter <filter>', 'a SCIM filter: userName sw "ada"'],
      ['--limit <count>', 'how many; 50 where it is left out'],
    ],
    run: async (given, { api, out }) => {
      const limit = whole(given, 'limit', { least: 1, most: 100_000 }) ?? 50;
      out.table(await (await api()).list(filtered(given), limit), COLUMNS, 'None is found.');
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
    usage: 'account create <tenant> <userName>',
    summary: 'make an account by hand; the identity provider adopts it with the person’s first request',
    options: [
      ['--email <address>', 'the primary address'],
      ['--given-name <name>', 'first name'],
      ['--family-name <name>', 'last name'],
      ['--external-id <id>', 'what the identity provider calls the person'],
      ...PROVIDED,
    ],
    run: async (given, { api, out }) => {
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
      out.show(await (await api()).ask('POST', all(given), account));
      return EXIT.done;
    },
  },
  {
    usage: 'account export <tenant>',
    summary: 'print all accounts as CSV, deleted and preserved ones too',
    options: [['--filter <filter>', 'a SCIM filter: only these']],
    run: async (given, { api, out }) => {
      const asked = await api();
      if (out.json) out.table(await asked.list(filtered(given)), COLUMNS, '');
      else await out.raw(asked.csv(filtered(given)));
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
    usage: 'account adopt <tenant> <id>',
    summary: 'say that this account is the person who comes under a userName or externalId',
    options: [...PERSON_OPTIONS],
    run: async (given, { api, out }) => {
      const person = personOf(given);
      out.show(
        await (await api()).ask('POST', `${one(given)}/adopt`, person),
        'The person gets it the next time that the identity provider sends them.',
      );
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
    run: async (given, { api, out }) => {
      const [gives, takes] = [provided(given), takenAway(given)];
      const both = Object.keys(takes).find((name) => name in gives);
      if (both !== undefined) throw new CliError(`--no-${both}: nothing of it can be given at once`, EXIT.usage);
      const change = { ...gives, ...takes };
      if (Object.keys(change).length === 0)
        throw new CliError('say what: --profile, --region or --quota; --no-profile or --no-storage', EXIT.usage);
      out.show(await (await api()).ask('PATCH', one(given), change));
      return EXIT.done;
    },
  },
  {
    usage: 'account purge <tenant> <id>',
    summary: 'take away everything of a person for good: ask, then confirm by the word that is answered',
    options: [['--confirm <word>', 'the word that the first step answered']],
    run: async (given, { api, out }) => {
      const [tenant, id, confirm] = [needed(given, 'tenant'), needed(given, 'id'), text(given, 'confirm')];
      if (confirm === undefined) {
        const asked = await (await api()).ask('DELETE', one(given));
        out.show(asked, `Nothing is done yet. For good: rollcall account purge ${tenant} ${id} --confirm ${String(asked.confirm)}`);
        return EXIT.done;
      }
      await (await api()).ask('POST', `${one(given)}/purge`, { confirm });
      out.done(`${id} is purged.`, { id });
      return EXIT.done;
    },
  },
];
