import { appendFileSync, renameSync, rmSync } from 'node:fs';
import { OperatorError } from '../errors.js';
import type { Exit, GuardedProcess, StopOptions } from '../guard.js';
import { type ServiceOptions, spawnService } from '../service.js';
import { describe as describeExit } from '../supervise.js';

/** One of our services, started again as a new process each time. */
export class Service {
  readonly name: string;
  readonly #options: ServiceOptions;
  readonly #onStart: (pid: number) => void;
  #process: GuardedProcess | undefined;
  #last: GuardedProcess | undefined;
  #endsBecause: string | undefined;

  constructor(options: ServiceOptions, onStart: (pid: number) => void) {
    this.name = options.name;
    this.#options = options;
    this.#onStart = onStart;
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Why its present end was asked for, where it is to be started again. */
  get endsBecause(): string | undefined {
    return this.#endsBecause;
  }

  /** Resolves once it is there; whether it works is asked at its /readyz. */
  async start(): Promise<void> {
    const started = await spawnService(this.#options);
    this.#endsBecause = undefined;
    this.#process = started;
    this.#last = started;
    void started.exited.then(() => {
      if (this.#process === started) this.#process = undefined;
    });
    this.#onStart(started.pid);
  }

  /** `because` is for an end that its supervision answers with a new start, such as `after a change`. */
  async stop({ signal, deadline_ms = 30_000, hurry, because }: Partial<StopOptions> & { because?: string } = {}): Promise<void> {
    this.#endsBecause = because;
    await this.#process?.stop({ signal, deadline_ms, hurry });
  }

  async exited(): Promise<Exit> {
    return (await this.#process?.exited) ?? { code: null, signal: null };
  }

  lastLines(): string[] {
    return this.#last?.lastLines() ?? [];
  }
}

const READY_DEADLINE_MS = 60_000;
/** A service that ends this often before it ever worked will not work by being started once more. */
export const EARLY_ENDS_MAX = 4;

/** Waits until each service's /readyz answers 200. @throws OperatorError that says which one does not, and its last lines. */
export async function waitUntilReady(
  services: readonly { service: Service; url: string; ends: () => readonly Exit[] }[],
  signal: AbortSignal,
): Promise<void> {
  const end = Date.now() + READY_DEADLINE_MS;
  for (const { service, url, ends } of services) {
    for (let why = ''; ; ) {
      signal.throwIfAborted();
      const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
      await answer?.arrayBuffer().catch(() => undefined);
      if (answer?.status === 200) break;
      why = answer === undefined ? 'does not answer' : `answers ${answer.status}`;
      const lines = () =>
        service
          .lastLines()
          .map((line) => `\n  ${line}`)
          .join('') || ' (none)';
      if (ends().length >= EARLY_ENDS_MAX)
        throw new OperatorError(
          `${service.name} ends each time it is started (${describeExit(ends().at(-1)!)}); mend what its last lines say:${lines()}`,
        );
      if (Date.now() > end)
        throw new OperatorError(
          `${service.name} is not ready after ${READY_DEADLINE_MS / 1000} s (${url}/readyz ${why}); its last lines:${lines()}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** A log file that begins anew at each start; the one before is kept as `<file>.1`. */
export function freshLog(file: string): (line: string) => void {
  try {
    renameSync(file, `${file}.1`);
  } catch {
    rmSync(file, { force: true }); // there is none, at the first start
  }
  return (line) => appendFileSync(file, `${line}\n`, { mode: 0o600 });
}
