import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { errorCode } from './errors.js';

export interface CacheOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly progress?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** ROLLCALL_CACHE_DIR, else `rollcall/servers` in the user's own cache folder. */
export function defaultCacheDir(env: NodeJS.ProcessEnv): string {
  if (env.ROLLCALL_CACHE_DIR) return path.resolve(env.ROLLCALL_CACHE_DIR);
  const user = process.platform === 'darwin' ? path.join(os.homedir(), 'Library', 'Caches') : path.join(os.homedir(), '.cache');
  return path.join(env.XDG_CACHE_HOME || user, 'rollcall', 'servers');
}

interface Fetch {
  readonly title: string;
  /** Its folder in the cache; the name holds the version, so another version is another folder. */
  readonly folder: string;
  readonly file: string;
  fetch(into: string, options: CacheOptions): Promise<void>;
}

/**
 * The path of a program in the cache; undefined where it is not there and may not be fetched.
 * A folder appears by one rename, whole: a start that was cut short leaves nothing half-done, and of two at once the later one finds the earlier one's.
 */
export async function cached(
  cacheDir: string,
  { title, folder, file, fetch }: Fetch,
  fetching: boolean,
  options: CacheOptions,
): Promise<string | undefined> {
  const home = path.join(cacheDir, folder);
  const program = path.join(home, file);
  if (existsSync(program)) return program;
  if (!fetching) return undefined;
  await mkdir(cacheDir, { recursive: true });
  await sweep(cacheDir);
  const partial = await mkdtemp(path.join(cacheDir, `.${folder}-`));
  try {
    options.progress?.(`${title}: fetching it into ${cacheDir} (once)`);
    const began = performance.now();
    await fetch(partial, options);
    await chmod(path.join(partial, file), 0o755);
    await chmod(partial, 0o755);
    await rename(partial, home).catch((error: unknown) => {
      const code = errorCode(error);
      if ((code !== 'ENOTEMPTY' && code !== 'EEXIST') || !existsSync(program)) throw error;
    });
    options.progress?.(`${title}: fetched in ${((performance.now() - began) / 1000).toFixed(1)} s`);
    return program;
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** What downloads that were killed left behind; a running one is younger than that. */
async function sweep(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith('.')) continue;
    const file = path.join(cacheDir, name);
    const born = await stat(file).then(
      (one) => one.birthtimeMs,
      () => undefined,
    );
    if (born !== undefined && Date.now() - born > 60 * 60_000) await rm(file, { recursive: true, force: true });
  }
}
