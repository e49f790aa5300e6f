import { existsSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import type { ContainerRuntimeClient } from 'testcontainers';
import { reaperImage } from './engine.js';
import { messageOf } from './errors.js';

const PING_DEADLINE_MS = 1_000;
const PULL_DEADLINE_MS = 10 * 60_000;

/** Whether a container engine of this machine answers; it costs a millisecond where there is none. */
export async function engineAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  const given = env.DOCKER_HOST;
  const sockets = given?.startsWith('unix://') ? [given.slice('unix://'.length)] : given === undefined ? defaultSockets(env) : [];
  for (const socketPath of sockets) if (existsSync(socketPath) && (await answers({ socketPath }))) return true;
  // An engine elsewhere could not publish its ports on our loopback, nor mount our folders.
  return false;
}

/**
 * Brings what a container of this image needs to this machine: the image, and the reaper's. Bounded, as a pull may hang.
 * @throws Error that says in a line why the engine cannot be used
 */
export async function prepareContainers(image: string, env: NodeJS.ProcessEnv): Promise<void> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  const client = await getContainerRuntimeClient();
  const { host } = client.info.containerRuntime;
  const { Name } = (await client.container.dockerode.info()) as { Name?: string };
  if (!isThisMachine(host, Name))
    throw new Error(`its engine seems to be on another machine, ${host}; if it is on this one, set TESTCONTAINERS_HOST_OVERRIDE=127.0.0.1`);
  await pull(client, image);
  const reaper = reaperImage(env);
  if (reaper === undefined) return;
  await pull(client, reaper).catch((error: unknown) => {
    throw new Error(`its reaper ${reaper} cannot be pulled: ${messageOf(error)}; TESTCONTAINERS_RYUK_DISABLED=true does without it`);
  });
}

/**
 * Whether an engine that names itself so is on this machine. In a container that has Docker, testcontainers names the bridge's address: that is
 * an address of this machine where the engine runs in here, and of another one where only its socket was mounted.
 */
export function isThisMachine(
  host: string,
  engineName: string | undefined,
  machine: { name: string; addresses: readonly string[] } = { name: os.hostname(), addresses: ownAddresses() },
): boolean {
  return LOOPBACK.includes(host) || machine.addresses.includes(host) || (engineName !== undefined && engineName === machine.name);
}

const LOOPBACK: readonly string[] = ['localhost', '127.0.0.1', '::1'];
const ownAddresses = (): string[] =>
  Object.values(os.networkInterfaces()).flatMap((interfaces = []) => interfaces.map(({ address }) => address));

async function pull({ image: images }: ContainerRuntimeClient, image: string): Promise<void> {
  const { ImageName } = await import('testcontainers');
  const name = ImageName.fromString(image);
  if (await images.exists(name)) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not pulled within ${PULL_DEADLINE_MS / 60_000} minutes`)), PULL_DEADLINE_MS);
  });
  try {
    await Promise.race([images.pull(name), late]);
  } catch (error) {
    throw new Error(messageOf(error).split('\n')[0]);
  } finally {
    clearTimeout(timer);
  }
  // An engine tells what became of a pull within its answer, which testcontainers does not read.
  if (!(await images.exists(name))) throw new Error('the engine could not pull it');
}

/** Where testcontainers looks, too. */
function defaultSockets(env: NodeJS.ProcessEnv): string[] {
  const home = os.homedir();
  const run = env.XDG_RUNTIME_DIR ?? `/run/user/${process.getuid?.() ?? 0}`;
  return [
    '/var/run/docker.sock',
    path.join(run, 'docker.sock'),
    path.join(home, '.docker/run/docker.sock'),
    path.join(home, '.docker/desktop/docker.sock'),
  ];
}

const answers = (where: { socketPath: string }): Promise<boolean> =>
  new Promise((resolve) => {
    const request = http.get({ ...where, path: '/_ping', timeout: PING_DEADLINE_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', () => resolve(false));
  });
