/** The independent scim2-tester (PyPI), in a virtual environment of its own: found or made, run against a server, and told as a table. */
import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

export interface Check {
  readonly status: 'SUCCESS' | 'COMPLIANT' | 'ACCEPTABLE' | 'DEVIATION' | 'ERROR' | 'CRITICAL' | 'SKIPPED';
  /** The name of scim2-tester's own function. */
  readonly title: string;
  /** The resource type, if it is about one. */
  readonly about: string;
  readonly reason: string;
}

export interface Verdict {
  readonly table: string;
  /** What must be mended, a line each; a skipped check that docs/scim.md doesn't explain is one of them. */
  readonly failures: readonly string[];
}

/** The tester can't be had here; the message says why. */
export class NoTester extends Error {
  override readonly name = 'NoTester';
}

/**
 * The interpreter of an environment with what `requirements.txt` names. Made on first use, under the cache folder.
 * @param folder test/conformance in the sources
 * @throws NoTester
 */
export function prepareTester(folder: string, env: NodeJS.ProcessEnv): string {
  const requirements = path.join(folder, 'requirements.txt');
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  const base = cacheFolder(env);
  const home = path.join(base, `scim2-tester-${digest}`);
  const interpreter = path.join('bin', 'python');
  if (existsSync(path.join(home, interpreter))) return path.join(home, interpreter);

  const python = findPython(env);
  mkdirSync(base, { recursive: true });
  // It appears by one rename, whole: an install that was cut short leaves nothing that looks finished.
  const partial = mkdtempSync(path.join(base, '.scim2-tester-'));
  try {
    execute(python, ['-m', 'venv', partial], 'the virtual environment could not be made', env);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', requirements];
    execute(path.join(partial, interpreter), pip, 'scim2-tester could not be installed', env);
    try {
      renameSync(partial, home);
    } catch (error) {
      if (!existsSync(path.join(home, interpreter))) throw error; // else another run was faster
    }
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return path.join(home, interpreter);
}

/** Runs every check against the server at `baseUrl`. */
export async function runTester(interpreter: string, folder: string, baseUrl: string, token: string): Promise<Check[]> {
  const { stdout } = await promisify(execFile)(interpreter, [path.join(folder, 'check.py'), baseUrl], {
    env: { PATH: process.env.PATH, PYTHONDONTWRITEBYTECODE: '1', SCIM_TOKEN: token },
    timeout: CHECKS_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return JSON.parse(stdout) as Check[];
}

/** @param explained the text of docs/scim.md */
export function judge(checks: readonly Check[], explained: string): Verdict {
  const rows = new Map<string, Map<Check['status'], number>>();
  for (const { title, about, status } of checks) {
    const name = `${about.padEnd(10)}${title}`;
    const counts = rows.get(name) ?? rows.set(name, new Map()).get(name)!;
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
  const counted = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([status, count]) => `${count} ${status.toLowerCase()}`).join(', ');
  const total = new Map<string, number>();
  for (const { status } of checks) total.set(status, (total.get(status) ?? 0) + 1);
  const width = Math.max(0, ...[...rows.keys()].map((name) => name.length)) + 2;
  const table = [...rows].map(([name, counts]) => `${name.padEnd(width)}${counted(counts)}`);

  const failures = checks.flatMap(({ status, title, about, reason }) => {
    const line = `${status} ${about} ${title}: ${reason}`;
    if (status === 'SKIPPED') return explained.includes(`\`${title}\``) ? [] : [`${line} (explain it in docs/scim.md)`];
    return PASSING.includes(status) ? [] : [line];
  });
  if (checks.length === 0) failures.push('no check was made');
  return { table: [...table, `${checks.length} checks: ${counted(total)}`].join('\n'), failures };
}

function cacheFolder(env: NodeJS.ProcessEnv): string {
  if (env.ROLLCALL_CACHE_DIR) return path.resolve(env.ROLLCALL_CACHE_DIR);
  const user = process.platform === 'darwin' ? path.join(os.homedir(), 'Library', 'Caches') : path.join(os.homedir(), '.cache');
  return path.join(env.XDG_CACHE_HOME || user, 'rollcall', 'conformance');
}

function findPython(env: NodeJS.ProcessEnv): string {
  const isRight = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))';
  for (const name of ['python3', 'python']) if (spawnSync(name, ['-c', isRight], { env, timeout: 20_000 }).status === 0) return name;
  throw new NoTester('there is no Python 3.11 or newer with venv');
}

function execute(command: string, args: readonly string[], otherwise: string, env: NodeJS.ProcessEnv): void {
  const { status, stderr, error } = spawnSync(command, args, { env, encoding: 'utf8', timeout: INSTALL_MS_MAX });
  if (status !== 0) throw new NoTester(`${otherwise}: ${error?.message ?? stderr.trim().split('\n').slice(-3).join(' ')}`);
}

const PASSING: readonly Check['status'][] = ['SUCCESS', 'COMPLIANT', 'ACCEPTABLE'];
const INSTALL_MS_MAX = 180_000;
const CHECKS_MS_MAX = 120_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
