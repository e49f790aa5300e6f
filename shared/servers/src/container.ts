import { appendFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { connectEngine, DATA_LABEL, removeContainersOf } from './engine.js';
import { messageOf, OperatorError } from './errors.js';
import { type Exit, LAST_LINES_MAX, type Running, type StopOptions } from './guard.js';
import { ServerEnded } from './server-ended.js';

export interface ContainerLaunch {
  readonly image: string;
  readonly command: readonly string[];
  /** The same inside and outside, so that what the server says of its own address holds outside too. */
  readonly port: number;
  /** Data live in a folder of ours, so that they outlive the container. */
  readonly data: { readonly host: string; readonly container: string };
  readonly readyLine: RegExp;
}

/**
 * Starts a container through testcontainers, whose reaper removes it some seconds after this process has ended, even by SIGKILL. A start that
 * comes sooner removes the containers of its data folder itself, as two servers must never have the same data.
 * Its port is published on 127.0.0.1 alone: these servers have no password.
 * @throws ServerEnded where the server ends before it is ready, OperatorError where its container does not start
 */
export async function launchContainer(
  name: string,
  { image, command, port, data, readyLine }: ContainerLaunch,
  log: string,
): Promise<Running> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const engine = await connectEngine();
  await removeContainersOf(data.host);
  await mkdir(data.host, { recursive: true, mode: 0o700 });
  const lines: string[] = [];
  const take = (chunk: Buffer | string) => {
    appendFileSync(log, chunk, { mode: 0o600 });
    lines.push(...String(chunk).trimEnd().split('\n'));
    lines.splice(0, Math.max(0, lines.length - LAST_LINES_MAX));
  };

  class OnLoopback extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      this.hostConfig.PortBindings = { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: String(port) }] };
    }
  }
  const container = new OnLoopback(image)
    .withEntrypoint([command[0]!])
    .withCommand(command.slice(1))
    .withExposedPorts({ container: port, host: port })
    .withLabels({ [DATA_LABEL]: data.host })
    .withBindMounts([{ source: data.host, target: data.container, mode: 'rw' }])
    .withStartupTimeout(120_000)
    .withWaitStrategy(Wait.forLogMessage(readyLine))
    .withLogConsumer((stream) => stream.on('data', take));
  // Files in the data folder are to be ours, not root's.
  if (process.getuid !== undefined && process.getgid !== undefined) container.withUser(`${process.getuid()}:${process.getgid()}`);
  const started = await container.start().catch(async (error: unknown) => {
    await removeContainersOf(data.host).catch(() => undefined); // the next launch tries again
    const [why] = messageOf(error).trim().split('\n');
    if (ENDED.test(why!)) throw new ServerEnded(`${name} (in a container of ${image})`, { code: null, signal: null }, lines, log);
    throw new OperatorError(`The container of ${name} (${image}) did not start: ${why}; its log is ${log}`);
  });
  const handle = engine.container.getById(started.getId());
  const exited: Promise<Exit> = handle.wait().then(
    async ({ StatusCode }: { StatusCode: number }) => {
      await handle.remove({ force: true }).catch(() => {});
      return { code: StatusCode, signal: null };
    },
    () => ({ code: null, signal: null }), // another program removed it
  );
  return {
    pid: undefined,
    container: started.getId(),
    exited,
    async stop({ deadline_ms, hurry }: StopOptions) {
      const kill = () => void handle.kill().catch(() => {});
      hurry?.addEventListener('abort', kill, { once: true });
      if (hurry?.aborted) kill();
      await handle.unpause().catch(() => {}); // a frozen one would not hear it
      await handle.stop({ t: Math.ceil(deadline_ms / 1000) }).catch(() => {}); // it may be gone already
      return exited;
    },
    async kill() {
      await handle.kill().catch(() => {});
      return exited;
    },
    async freeze() {
      await handle.pause();
    },
    async thaw() {
      await handle.unpause();
    },
    lastLines: () => [...lines],
  };
}

/** What testcontainers says where a container ended before the ready line. */
const ENDED = /^Log stream ended/;
