// How a server of ours is started, wherever it was found.
import path from 'node:path';
import type { Launch } from './control.js';
import { freePort } from './ports.js';
import type { Source } from './sources.js';

export interface StartOptions {
  readonly source: Source;
  /** The data folder, made where it is missing. Two servers must never share one. */
  readonly dir: string;
  /** Kept for life; default: a free one. */
  readonly port?: number | undefined;
  /** More options for the server, e.g. `['--maxmemory', '64mb']`; they come after ours. */
  readonly args?: readonly string[] | undefined;
  /** The file that gets its output; default `<dir>.log`. */
  readonly log?: string | undefined;
  readonly warn?: ((message: string) => void) | undefined;
  /** Told of each new process of it, the first too, before it works. */
  readonly onStart?: ((pid: number | undefined) => void) | undefined;
}

/** What one kind of server asks for. */
export interface ServerKind {
  readonly name: string;
  /** Its data folder in a container. */
  readonly containerDir: string;
  /** What its log says once it can be asked. */
  readonly readyLine: RegExp;
  readonly options: (port: number, dir: string, bind: string) => readonly string[];
}

export interface Placed {
  readonly port: number;
  /** Its data folder, as a whole path. */
  readonly dir: string;
  readonly launch: Launch;
}

/** Where a server of ours will stand, and how it is launched: as a program, or in a container whose port is the same outside. */
export async function placed(
  source: Exclude<Source, { kind: 'url' }>,
  { dir, port, args = [], log = `${dir}.log`, warn, onStart }: StartOptions,
  { name, containerDir, readyLine, options }: ServerKind,
): Promise<Placed> {
  const at = port ?? (await freePort());
  const home = path.resolve(dir);
  const program =
    source.kind === 'docker'
      ? {
          ...source,
          port: at,
          data: { host: home, container: containerDir },
          command: [source.program, ...options(at, containerDir, '0.0.0.0'), ...args],
          readyLine,
        }
      : { path: source.path, args: [...options(at, home, '127.0.0.1'), ...args] };
  return { port: at, dir: home, launch: { name, dir: home, log, warn, onStart, program } };
}
