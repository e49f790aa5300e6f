import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { messageOf } from './errors.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Something that runs, whatever it runs in: a process of ours or a container. */
export interface Running {
  /** The server's own process id; undefined where it is not a process of this machine that we started. */
  readonly pid: number | undefined;
  /** The container's id; undefined for a process. */
  readonly container?: string | undefined;
  /** Resolves once it has ended, for whatever reason; never rejects. */
  readonly exited: Promise<Exit>;
  /** Asks it to end, and ends it the hard way after `deadline_ms`, or as soon as `hurry` is aborted. */
  stop(options: StopOptions): Promise<Exit>;
  /** SIGKILL, or what does the same. */
  kill(): Promise<Exit>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** The newest lines that it wrote, to say why it ended. */
  lastLines(): string[];
}

export interface StopOptions {
  readonly signal?: NodeJS.Signals | undefined;
  readonly deadline_ms: number;
  readonly hurry?: AbortSignal | undefined;
}

export interface GuardedProcess extends Running {
  readonly pid: number;
  readonly name: string;
  signal(signal: NodeJS.Signals): void;
}

export interface GuardedOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process: nothing is added. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  /** A file that the process itself appends its output to, or a function that gets each line. */
  readonly log: string | ((line: string) => void);
  /** Signals go to the whole process group: for programs that start others. */
  readonly group?: boolean | undefined;
  /** Told when something is not as it should be, such as a guardian that was killed. */
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Starts a process that cannot outlive us, in a process group of its own (so only we hear Ctrl-C).
 * Its guardian is a small shell that holds the other end of a pipe to us: when the pipe closes because we are gone, even by SIGKILL,
 * it sends SIGTERM, and SIGKILL 2 s later. `pid` is the process's own, as the shell that forked the guardian then becomes the process (`exec`).
 */
export async function spawnGuarded(options: GuardedOptions): Promise<GuardedProcess> {
  const { name, command, args, env, cwd, log, group = false } = options;
  const out = typeof log === 'string' ? openSync(log, 'a', 0o600) : 'pipe';
  const child = spawn('/bin/sh', ['-c', `${GUARDIAN}\n${BECOME}`, 'sh', group ? '-' : '', command, ...args], {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', out, out, 'pipe'],
  });
  if (typeof out === 'number') closeSync(out);
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => reject(new Error(`${name} could not be started: ${messageOf(error)}`, { cause: error })));
  });
  child.on('error', () => {}); // a signal that could not be sent: the process is gone, which `exited` tells
  return new Guarded(child, options);
}

class Guarded implements GuardedProcess {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #options: GuardedOptions;
  readonly #lines: string[] = [];
  #ended = false;
  #pipe: Socket;

  constructor(child: ChildProcess, options: GuardedOptions) {
    this.#child = child;
    this.#options = options;
    this.name = options.name;
    this.pid = child.pid!;
    this.#pipe = this.#watchGuardian(child.stdio[3] as Socket);
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#ended = true;
        this.#pipe.end('done\n'); // the guardian must go without killing: the id may be another process's soon
        const exit = { code, signal };
        child.once('close', () => resolve(exit)); // after its last line was read …
        setTimeout(() => resolve(exit), 100).unref(); // … unless somebody else holds its output open
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      stream.on('error', () => {});
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => this.#take(line));
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#ended) return;
    if (!this.#options.group) {
      this.#child.kill(signal);
      return;
    }
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody of the group is left.
    }
  }

  async stop({ signal = 'SIGTERM', deadline_ms, hurry }: StopOptions): Promise<Exit> {
    this.signal(signal);
    this.signal('SIGCONT'); // a frozen process would not hear it
    const kill = () => this.signal('SIGKILL');
    const timer = setTimeout(kill, deadline_ms);
    if (hurry?.aborted) kill();
    hurry?.addEventListener('abort', kill);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
      hurry?.removeEventListener('abort', kill);
    }
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.exited;
  }

  async freeze(): Promise<void> {
    this.signal('SIGSTOP');
  }

  async thaw(): Promise<void> {
    this.signal('SIGCONT');
  }

  lastLines(): string[] {
    return typeof this.#options.log === 'string' ? tail(this.#options.log) : [...this.#lines];
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LAST_LINES_MAX) this.#lines.shift();
    if (typeof this.#options.log === 'function') this.#options.log(line);
  }

  /** A guardian that was itself killed is replaced at once, else our own end would leave an orphan. */
  #watchGuardian(pipe: Socket): Socket {
    pipe.on('error', () => {});
    pipe.on('data', () => {}); // only a stream that flows tells its end
    pipe.once('close', () => {
      // The guardian's end may be seen before the process's, where both were ended together.
      setTimeout(() => {
        if (this.#ended) return;
        const next = spawn('/bin/sh', ['-c', `${GUARDIAN}\nguard "$1" "$2"`, 'sh', this.#options.group ? '-' : '', String(this.pid)], {
          env: {},
          detached: true,
          stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
        });
        // Told only once it is there: who reads this may end us the next moment.
        next.once('spawn', () =>
          this.#options.warn?.(`the guardian of ${this.name} (pid ${this.pid}) was ended; a new one is in its place`),
        );
        next.on('error', (error) => this.#options.warn?.(`no new guardian for ${this.name}: ${messageOf(error)}`));
        this.#pipe = this.#watchGuardian(next.stdio[3] as Socket);
      }, 50);
    });
    return pipe;
  }
}

/** $1: '-' where the whole group is meant, $2: process id. Reads fd 3 until it closes; the word `done` dismisses it. (dash takes `--` only after `-s`.) */
const GUARDIAN = `
guard() {
  trap '' HUP INT TERM
  PATH=/usr/local/bin:/usr/bin:/bin
  while read -r word <&3; do [ "$word" = done ] && exit 0; done
  kill -s TERM -- "$1$2" 2>/dev/null
  kill -s CONT -- "$1$2" 2>/dev/null
  n=0
  while [ $n -lt 20 ]; do kill -0 "$2" 2>/dev/null || exit 0; sleep 0.1; n=$((n + 1)); done
  kill -s KILL -- "$1$2" 2>/dev/null
  exit 0
}`;
/** The guardian must be there before the process is; it may hold neither its output nor its input open. */
const BECOME = `
group=$1
shift
guard "$group" $$ </dev/null >/dev/null 2>&1 &
exec 3<&- 3>&-
exec "$@"`;

export const LAST_LINES_MAX = 20;

/** The last lines of a file, read from its end. */
export function tail(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LAST_LINES_MAX);
  } catch {
    return [];
  }
}
