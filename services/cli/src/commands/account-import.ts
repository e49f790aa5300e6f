import { openAsBlob } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { Api, JsonObject } from '../api.js';
import { CliError, type Command, EXIT, type Given, needed } from '../command.js';
import type { Output } from '../output.js';

const imports = (given: Given) => `/tenants/${encodeURIComponent(needed(given, 'tenant'))}/imports`;

export const accountImportCommands: readonly Command[] = [
  {
    usage: 'account import <tenant> <file>',
    summary: 'make accounts from CSV with a header line, and say which lines failed',
    options: [['--detach', 'don’t wait for its end']],
    run: async (given, { api, out, signal }) => {
      const [asked, file] = [await api(), needed(given, 'file')];
      const csv = await csvFile(file);
      const begun = await asked.ask('POST', imports(given), csv);
      const follow = `rollcall account import-status ${needed(given, 'tenant')} ${String(begun.id)}`;
      if (given.detach === true) {
        out.show(begun, `How far it is: ${follow}`);
        return EXIT.done;
      }
      return ended(await followed(asked, `${imports(given)}/${String(begun.id)}`, out, signal, follow), out);
    },
  },
  {
    usage: 'account import-status <tenant> <id>',
    summary: 'say how far an import is, and which lines failed',
    run: async (given, { api, out }) =>
      ended(await (await api()).ask('GET', `${imports(given)}/${encodeURIComponent(needed(given, 'id'))}`), out),
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

/** Asks until the import is done. @throws CliError where it is stopped: the import itself goes on */
async function followed(api: Api, path: string, out: Output, signal: AbortSignal, follow: string): Promise<JsonObject> {
  try {
    for (;;) {
      const job = await api.ask('GET', path);
      if (job.status === 'done') return job;
      out.progress(`${String(job.done)} of ${String(job.total)} lines, ${String(job.failed)} failed`);
      await setTimeout(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) throw new CliError(`the import goes on: ${follow}`, EXIT.away, { cause: error });
    throw error;
  } finally {
    out.endProgress();
  }
}

/** Says how far an import is. @returns the exit code: 1 where a line failed */
function ended(job: JsonObject, out: Output): number {
  const failures = Array.isArray(job.failures) ? (job.failures as JsonObject[]) : [];
  if (out.json) out.show(job);
  else {
    const said = `${String(job.done)} of ${String(job.total)} lines are done, ${String(job.failed)} of them failed.`;
    if (failures.length === 0) out.done(said);
    else out.table(failures, ['line', 'reason'], said);
    if (failures.length > 0) out.stderr.write(`${said}\n`);
  }
  return job.failed === 0 ? EXIT.done : EXIT.refused;
}

const POLL_MS = 250;
