import { type Command, EXIT, type Given, needed } from '../command.js';
import { ended, followed } from '../follow.js';
import { jsonFile } from '../json-file.js';

const at = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/mappings`;

const ACCOUNTS = 'accounts';
const rules = (given: Given) => jsonFile(needed(given, 'file'), 'mapping show');

export const mappingCommands: readonly Command[] = [
  {
    usage: 'mapping show <tenant>',
    summary: 'show the rules that give profiles and storage',
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('GET', at(given)));
      return EXIT.done;
    },
  },
  {
    usage: 'mapping dry-run <tenant> <file>',
    summary: 'list the accounts that other rules would move; changes nothing',
    run: async (given, { api, out }) => {
      const answer = await (await api()).ask('POST', `${at(given)}/dry-run`, await rules(given));
      out.show(answer);
      return EXIT.done;
    },
  },
  {
    usage: 'mapping set <tenant> <file>',
    summary: 'save rules for new users; with --all for existing users too',
    options: [
      ['--all', 'also move existing users, and wait until that is done'],
      ['--detach', 'don’t wait for that'],
    ],
    run: async (given, { api, out, signal }) => {
      const [asked, wanted] = [await api(), await rules(given)];
      if (given.all !== true) {
        out.show(await asked.ask('PUT', at(given), wanted));
        return EXIT.done;
      }
      const begun = await asked.ask('PUT', `${at(given)}?apply=all`, wanted);
      const again = `rollcall mapping job-status ${needed(given, 'tenant')} ${String(begun.id)}`;
      if (given.detach === true) {
        out.show(begun, { hint: `Progress: ${again}` });
        return EXIT.done;
      }
      const path = `${at(given)}/jobs/${String(begun.id)}`;
      return ended(await followed(asked, { path, what: ACCOUNTS, again }, out, signal), ACCOUNTS, out);
    },
  },
  {
    usage: 'mapping job-status <tenant> <id>',
    summary: 'show the progress of moving all accounts, and what failed',
    run: async (given, { api, out }) =>
      ended(await (await api()).ask('GET', `${at(given)}/jobs/${encodeURIComponent(needed(given, 'id'))}`), ACCOUNTS, out),
  },
];
