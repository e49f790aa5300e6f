import { execFile } from 'node:child_process';
import path from 'node:path';
import type { Cluster } from './cluster.js';

const main = path.resolve(__dirname, '../../services/cli/dist/main.js');

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandLine {
  /** Runs the command as an operator types it: in words, or as a line of words without spaces in them. `more` is put over the environment. */
  readonly rollcall: (args: string | readonly string[], more?: Readonly<Record<string, string | undefined>>) => Promise<Said>;
  /** What it prints with `--json`. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  readonly json: (args: string | readonly string[]) => Promise<any>;
}

/** The command `rollcall`, signed in at a cluster by the environment, with no file of credentials. */
export function commandLine(cluster: Cluster): CommandLine {
  const env = {
    PATH: process.env.PATH ?? '',
    ROLLCALL_ADMIN_URL: cluster.worker.url,
    ROLLCALL_OPERATOR_TOKEN: cluster.operatorToken,
    ROLLCALL_SCIM_URL: `${cluster.ingests[0]!.url}/scim/v2`,
    ROLLCALL_CREDENTIALS_FILE: '/nowhere/credentials.json',
  };
  const words = (args: string | readonly string[]) => (typeof args === 'string' ? args.split(' ') : args);
  const rollcall: CommandLine['rollcall'] = (args, more = {}) =>
    new Promise((resolve) => {
      const given = Object.entries({ ...env, ...more }).filter(([, value]) => value !== undefined) as [string, string][];
      execFile(process.execPath, [main, ...words(args)], { env: Object.fromEntries(given), timeout: 60_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
      );
    });
  return { rollcall, json: async (args) => JSON.parse((await rollcall([...words(args), '--json'])).out) };
}
