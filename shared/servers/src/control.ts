import { mkdir } from 'node:fs/promises';
import { type ContainerLaunch, launchContainer } from './container.js';
import { messageOf, OperatorError } from './errors.js';
import { type Exit, type Running, type StopOptions, spawnGuarded } from './guard.js';
import { ServerEnded } from './server-ended.js';

/** A server that can be ended and started again, any number of times, on the same data and port. */
export interface ServerControl extends AsyncDisposable {
  readonly name: string;
  /** The server's own process id; undefined while it is down, in a container, or not ours. */
  readonly pid: number | undefined;
  /** The id of the container that it runs in; undefined while it is down, or where it runs in none of ours. */
  readonly container: string | undefined;
  /** Whether we started it. The operations below throw an OperatorError for a server that is not ours. */
  readonly ours: boolean;
  /** Starts it again and waits until it works. Does nothing while it runs. */
  start(): Promise<void>;
  /** Ends it in order (Docker: the container), and waits. Does nothing while it is down. */
  stop(options?: Partial<StopOptions>): Promise<void>;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGSTOP: it keeps its connections and answers nothing. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Resolves when the present process of it has ended; at once while it is down. */
  exited(): Promise<Exit>;
}

export interface Launch {
  readonly name: string;
  readonly dir: string;
  /** The file that gets the server's output. */
  readonly log: string;
  readonly warn?: ((message: string) => void) | undefined;
  /** Told of each new process, before it is asked whether it works. */
  readonly onStart?: ((pid: number | undefined) => void) | undefined;
  /** Which it is: a program, or a container. */
  readonly program: { readonly path: string; readonly args: readonly string[] } | ContainerLaunch;
}

/** One server of ours. `ready` waits until it works; it is given the process to see whether the answer is this one's. */
export class OwnServer implements ServerControl {
  readonly ours = true;
  readonly #launch: Launch;
  readonly #ready: (running: Running, signal: AbortSignal) => Promise<void>;
  #running: Running | undefined;

  constructor(launch: Launch, ready: (running: Running, signal: AbortSignal) => Promise<void>) {
    this.#launch = launch;
    this.#ready = ready;
  }

  get name(): string {
    return this.#launch.name;
  }

  get pid(): number | undefined {
    return this.#running?.pid;
  }

  get container(): string | undefined {
    return this.#running?.container;
  }

  async start(): Promise<void> {
    if (this.#running !== undefined) return;
    const { name, dir, log, program, warn, onStart } = this.#launch;
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const running =
      'image' in program
        ? await launchContainer(name, program, log)
        : await spawnGuarded({ name, command: program.path, args: program.args, env: SERVER_ENV, cwd: dir, log, warn });
    this.#running = running;
    onStart?.(running.pid);
    const over = new AbortController();
    const died = running.exited.then((exit) => {
      if (this.#running === running) this.#running = undefined;
      over.abort();
      throw new ServerEnded(name, exit, running.lastLines(), log);
    });
    died.catch(() => {}); // a later end is told by `exited`
    const ready = this.#ready(running, over.signal);
    ready.catch(() => {}); // what it says of a server that has ended is of no use
    try {
      await Promise.race([died, ready]);
    } catch (error) {
      over.abort();
      await running.kill();
      throw error;
    }
  }

  async stop({ signal, deadline_ms = STOP_DEADLINE_MS, hurry }: Partial<StopOptions> = {}): Promise<void> {
    await this.#running?.stop({ signal, deadline_ms, hurry });
  }

  async kill(): Promise<void> {
    await this.#running?.kill();
  }

  async freeze(): Promise<void> {
    await this.#running?.freeze();
  }

  async thaw(): Promise<void> {
    await this.#running?.thaw();
  }

  async exited(): Promise<Exit> {
    return (await this.#running?.exited) ?? { code: null, signal: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** A server that somebody else runs: it can be used, and not controlled. */
export class OthersServer implements ServerControl {
  readonly ours = false;
  readonly pid = undefined;
  readonly container = undefined;
  readonly name: string;
  readonly #setting: string;

  constructor(name: string, setting: string) {
    this.name = name;
    this.#setting = setting;
  }

  start = () => this.#refuse('start');
  stop = () => this.#refuse('stop');
  kill = () => this.#refuse('kill');
  freeze = () => this.#refuse('freeze');
  thaw = () => this.#refuse('thaw');

  /** It does not end as far as we know. */
  exited(): Promise<Exit> {
    return new Promise(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #refuse(operation: string): Promise<never> {
    throw new OperatorError(
      `${this.name} cannot be told to ${operation}: it is the one that ${this.#setting} names; unset ${this.#setting} to use a server of our own.`,
    );
  }
}

/** Waits until `attempt` resolves, trying again every 50 ms, and says what the last try said when the deadline is over. */
export async function eventually<T>(what: string, deadline_ms: number, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + deadline_ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof OperatorError || signal.aborted) throw error;
      if (Date.now() > end) throw new Error(`${what} did not work within ${deadline_ms / 1000} s: ${messageOf(error)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const STOP_DEADLINE_MS = 20_000;
/** Loading a large append-only file, or recovering a journal, takes its time. */
export const READY_DEADLINE_MS = 120_000;
/** Servers depend on nothing of ours: a person's locale or malloc settings should not change them. */
const SERVER_ENV = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };
