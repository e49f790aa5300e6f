import { type GuardedProcess, spawnGuarded } from './guard.js';

export interface ServiceOptions {
  readonly name: string;
  /** The JavaScript file of its main program. */
  readonly entry: string;
  readonly args?: readonly string[] | undefined;
  /** Options for Node itself. */
  readonly execArgv?: readonly string[] | undefined;
  /** Its whole environment: nothing is added. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  /** A file to append to (nothing of ours is then in its way: best for benches), or who gets each line. */
  readonly log: string | ((line: string) => void);
  readonly warn?: ((message: string) => void) | undefined;
}

/** Starts one of our own Node programs, guarded like a server: it cannot outlive us, and does not hear Ctrl-C. `pid` is Node's own. */
export const spawnService = ({ name, entry, args = [], execArgv = [], env, cwd, log, warn }: ServiceOptions): Promise<GuardedProcess> =>
  spawnGuarded({ name, command: process.execPath, args: [...execArgv, entry, ...args], env, cwd, log, warn });
