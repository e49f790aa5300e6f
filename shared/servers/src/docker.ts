import { existsSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
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

/** Brings the image here. Bounded, as a pull may hang. */
export async function pullImage(image: string): Promise<void> {
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers');
  const { image: images, info } = await getContainerRuntimeClient();
  if (!['localhost', '127.0.0.1', '::1'].includes(info.containerRuntime.host)) throw new Error('its engine is on another machine');
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
