import { type Command, EXIT, type Given, needed } from '../command.js';
import { jsonFile } from '../json-file.js';

const at = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/extensions`;

export const extensionCommands: readonly Command[] = [
  {
    usage: 'extension show <tenant>',
    summary: 'show the extension schemas that a tenant declares',
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('GET', at(given)));
      return EXIT.done;
    },
  },
  {
    usage: 'extension set <tenant> <file>',
    summary: 'declare extension schemas (RFC 7643 section 7) in place of those; what has values is not taken away',
    run: async (given, { api, out }) => {
      out.show(await (await api()).ask('PUT', at(given), await jsonFile(needed(given, 'file'), 'extension show')));
      return EXIT.done;
    },
  },
];
