import { openAsBlob } from 'node:fs';
import { CliError, type Command, EXIT, type Given, needed } from '../command.js';
import { ended, followed } from '../follow.js';

const imports = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/imports`;

export const accountImportCommands: readonly Command[] = [
  {
    usage: 'account import <tenant> <file>',
    summary: 'create accounts from CSV with a header line, and list the lines that failed',
    options: [['--detach', 'don’t wait for its end']],
    run: async (given, { api, out, signal }) => {
      const [asked, file] = [await api(), needed(given, 'file')];
      const csv = await csvFile(file);
      const begun = await asked.ask('POST', imports(given), csv);
      const again = `rollcall account import-status ${needed(given, 'tenant')} ${String(begun.id)}`;
      if (given.detach === true) {
        out.show(begun, { hint: `Progress: ${again}` });
        return EXIT.done;
      }
      const path = `${imports(given)}/${String(begun.id)}`;
      return ended(await followed(asked, { path, what: LINES, again }, out, signal), LINES, out);
    },
  },
  {
    usage: 'account import-status <tenant> <id>',
    summary: 'show the progress of an import, and the lines that failed',
    run: async (given, { api, out }) =>
      ended(await (await api()).ask('GET', `${imports(given)}/${encodeURIComponent(needed(given, 'id'))}`), LINES, out),
  },
];

/** @throws CliError where it can't be read */
async function csvFile(file: string): Promise<Blob> {
  try {
    return await openAsBlob(file, { type: 'text/csv' });
  } catch (error) {
    throw new CliError(`${file}: expected a file that can be read`, EXIT.usage, { cause: error });
  }
}

const LINES = 'lines';
