import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CacheOptions } from './cache.js';
import { firstLineOf, run } from './run.js';

/** Exact, and the same as the container image's: data made with one are the other's as well. */
export const MONGOD_VERSION = '8.2.6';
const DEADLINE_MS = 10 * 60_000;
const STALL_MS = 15_000;

/**
 * Downloads mongod from its vendor with mongodb-memory-server-core, which checks the vendor's sum.
 * In a process of its own, as its downloader cannot be stopped otherwise: one that makes no progress for 15 s is given up.
 */
export async function fetchMongod(into: string, { env, progress, signal }: CacheOptions): Promise<void> {
  const stalled = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let said = performance.now();
  const alive = (chunk = '') => {
    clearTimeout(timer);
    timer = setTimeout(() => stalled.abort(), STALL_MS);
    const percent = /(\d+)(?:\.\d+)?%/.exec(chunk)?.[1];
    if (percent === undefined || performance.now() - said < 2_000) return;
    said = performance.now();
    progress?.(`MongoDB ${MONGOD_VERSION}: ${percent} %`);
  };
  alive();
  try {
    const script = fileURLToPath(new URL('../fetch-mongod.mjs', import.meta.url));
    const either = AbortSignal.any(signal === undefined ? [stalled.signal] : [stalled.signal, signal]);
    const { code, stderr } = await run(process.execPath, [script, MONGOD_VERSION, into], {
      env,
      deadline_ms: DEADLINE_MS,
      signal: either,
      onOutput: alive,
    });
    if (code !== 0) throw new Error(`its vendor's download is out of reach (${firstLineOf(stderr, /^(.*)/m)})`);
  } catch (error) {
    throw stalled.signal.aborted ? new Error(`its vendor's download stood still for ${STALL_MS / 1000} s`) : error;
  } finally {
    clearTimeout(timer);
  }
  const [found] = (await readdir(into)).filter((name) => name.startsWith('mongod') && !name.endsWith('.md5'));
  if (found === undefined) throw new Error('its downloader brought no mongod');
  if (found !== 'mongod') await rename(path.join(into, found), path.join(into, 'mongod'));
  for (const name of await readdir(into)) if (name !== 'mongod') await rm(path.join(into, name), { recursive: true, force: true });
}
