import { type Command, EXIT, type Given, needed } from '../command.js';
import { jsonFile } from '../json-file.js';

const at = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/mappings`;

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
    summary: 'say whom other rules would move, and change nothing',
    run: async (given, { api, out }) => {
      const answer = await (await api()).ask('POST', `${at(given)}/dry-run`, await rules(given));
      out.show(answer);
      return EXIT.done;
    },
  },
  {
    usage: 'mapping set <tenant> <file>',
    summary: 'save other rules, for those who come; with --all for those who are there, too',
    options: [['--all', 'also move those who are there already']],
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('PUT', `${at(given)}${given.all === true ? '?apply=all' : ''}`, await rules(given)));
      return EXIT.done;
    },
  },
];
