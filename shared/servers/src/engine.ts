import { createRequire } from 'node:module';
import type { ContainerRuntimeClient } from 'testcontainers';
import { messageOf } from './errors.js';

/** A container of ours names the data folder that it is mounted on: the next start on this folder finds it by this label. */
export const DATA_LABEL = 'dev.rollcall.data';
const REMOVE_DEADLINE_MS = 30_000;
const REMOVE_RETRY_MS = 100;

let connection: Promise<ContainerRuntimeClient> | undefined;

/**
 * The container engine, with testcontainers' reaper connected. Both are asked for once in the life of this process: two launches at the same
 * time that each asked would start two reapers.
 * @throws Error where the engine or the reaper does not start; the next call tries again
 */
export function connectEngine(): Promise<ContainerRuntimeClient> {
  connection ??= open().catch((error: unknown) => {
    connection = undefined;
    throw error;
  });
  return connection;
}

async function open(): Promise<ContainerRuntimeClient> {
  const { getContainerRuntimeClient, getReaper } = await import('testcontainers');
  const client = await getContainerRuntimeClient();
  await getReaper(client);
  return client;
}

/**
 * The image of the reaper, which testcontainers starts before any container.
 * @returns undefined where TESTCONTAINERS_RYUK_DISABLED says that there is none
 */
export function reaperImage(env: NodeJS.ProcessEnv): string | undefined {
  if (env.TESTCONTAINERS_RYUK_DISABLED === 'true') return undefined;
  // testcontainers does not export the name, which changes with its version.
  const { REAPER_IMAGE } = createRequire(import.meta.url)('testcontainers/build/reaper/reaper') as { REAPER_IMAGE: string };
  return REAPER_IMAGE;
}

/**
 * Removes the containers that an earlier start left on a data folder because it was killed, and waits until they are gone.
 * The caller has the folder to itself, so no container of it is in use.
 * @throws Error where one of them is still there after the deadline
 */
export async function removeContainersOf(folder: string): Promise<void> {
  const { dockerode } = (await connectEngine()).container;
  const end = Date.now() + REMOVE_DEADLINE_MS;
  for (let why = ''; ; ) {
    const found = await dockerode.listContainers({ all: true, filters: { label: [`${DATA_LABEL}=${folder}`] } });
    if (found.length === 0) return;
    if (Date.now() > end) throw new Error(`the container ${found[0]!.Id.slice(0, 12)} of an earlier start could not be removed (${why})`);
    for (const { Id } of found) {
      await dockerode
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch((error: unknown) => {
          why = messageOf(error); // the reaper may be removing it at this very moment: the next look tells
        });
    }
    await new Promise((resolve) => setTimeout(resolve, REMOVE_RETRY_MS));
  }
}
