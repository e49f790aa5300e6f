import { setTimeout } from 'node:timers/promises';
import type { Api, JsonObject } from './api.js';
import { CliError, EXIT } from './command.js';
import type { Output } from './output.js';

export interface Following {
  /** Where the job is asked for. */
  readonly path: string;
  /** What its parts are called. */
  readonly what: string;
  /** The command that says how far it is. */
  readonly again: string;
}

/** Asks until a job is done, and shows how far it is. @throws CliError where the command is stopped: the job itself goes on */
export async function followed(api: Api, { path, what, again }: Following, out: Output, signal: AbortSignal): Promise<JsonObject> {
  try {
    for (;;) {
      const job = await api.ask('GET', path);
      if (job.status === 'done') return job;
      out.progress(`${String(job.done)} of ${String(job.total)} ${what}, ${String(job.failed)} failed`);
      await setTimeout(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) throw new CliError(`it goes on by itself; how far it is: ${again}`, EXIT.away, { cause: error });
    throw error;
  } finally {
    out.endProgress();
  }
}

/** Says how far a job is, and what failed. @returns the exit code: 1 where something did */
export function ended(job: JsonObject, what: string, out: Output): number {
  const failures = Array.isArray(job.failures) ? (job.failures as JsonObject[]) : [];
  if (out.json) out.show(job);
  else {
    const said = `${String(job.done)} of ${String(job.total)} ${what} are done, ${String(job.failed)} of them failed.`;
    if (failures.length === 0) out.done(said);
    else out.table(failures, ['line', 'reason'], said);
    if (failures.length > 0) out.stderr.write(`${said}\n`);
  }
  return job.failed === 0 ? EXIT.done : EXIT.refused;
}

const POLL_MS = 250;
