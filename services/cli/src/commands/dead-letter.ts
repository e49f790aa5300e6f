import { CliError, type Command, EXIT, type Given, text, whole } from '../command.js';

/** @throws CliError where it is not said which */
function selection(given: Given): Record<string, string | boolean | { tenant: string; id: string }[]> {
  const [tenant, cause, ids] = [text(given, 'tenant'), text(given, 'cause'), given.ids];
  if (Array.isArray(ids) && ids.length > 0) {
    if (tenant === undefined) throw new CliError('--tenant is missing: ids belong to a tenant', EXIT.usage);
    return { items: ids.map((id: string) => ({ tenant, id })) };
  }
  const of = tenant === undefined ? {} : { tenant };
  if (cause !== undefined) return { cause, ...of };
  if (given.all === true) return { all: true, ...of };
  throw new CliError('expected ids, --cause or --all', EXIT.usage);
}

const WHICH = [
  ['--tenant <tenant>', 'the tenant'],
  ['--cause <cause>', 'all with this cause'],
  ['--all', 'all'],
] as const;

const COLUMNS = ['tenant', 'type', 'id', 'version', 'cause', 'rules', 'code', 'tries', 'failedAt', 'requestId'];

export const deadLetterCommands: readonly Command[] = [
  {
    usage: 'dead-letter list',
    summary: 'list changes that MongoDB refused for good',
    options: [
      ['--tenant <tenant>', 'only this tenant'],
      ['--limit <count>', 'how many; 100 if left out'],
    ],
    run: async (given, { api, out }) => {
      const tenant = text(given, 'tenant');
      const most = whole(given, 'limit', { least: 1, most: 100_000 }) ?? 100;
      const letters = await (await api()).list(`/dead-letters${tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`}`, most);
      const told = letters.map((letter) => (Array.isArray(letter.rules) ? { ...letter, rules: letter.rules.join('; ') } : letter));
      out.table(out.json ? letters : told, COLUMNS, 'No dead letters.');
      return 0;
    },
  },
  {
    usage: 'dead-letter redrive [ids...]',
    summary: 'try dead letters again',
    options: WHICH,
    run: async (given, { api, out }) => {
      const answer = await (await api()).ask('POST', '/dead-letters/redrive', selection(given));
      out.done(`${String(answer.redriven)} redriven.`, answer);
      return 0;
    },
  },
  {
    usage: 'dead-letter discard [ids...]',
    summary: 'discard the pending change and return to the state in MongoDB',
    options: WHICH,
    run: async (given, { api, out }) => {
      const answer = await (await api()).ask('POST', '/dead-letters/discard', selection(given));
      const refused = Array.isArray(answer.refused) ? answer.refused.length : 0;
      out.done(
        `${String(answer.discarded)} discarded${refused === 0 ? '' : `, ${refused} refused: their names are another's by now`}.`,
        answer,
      );
      return refused === 0 ? EXIT.done : EXIT.refused;
    },
  },
];
