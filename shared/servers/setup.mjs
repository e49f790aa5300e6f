// node shared/servers/setup.mjs <start|dev|build|check|test|conformance|bench> [arguments]
// Behind every `npm run`: on a fresh clone it installs and builds what is missing, then does the task. Plain JavaScript, as nothing is installed yet.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const NODE_MIN = [20, 19];
const PATIENCE_MS = 15_000;
const LOCK_STALE_MS = 15 * 60_000;
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
// npm passes a SIGTERM on to the shell between us alone, and a SIGKILL to nobody: that the shell is gone is how we hear of it.
const parent = process.ppid;
const isOrphan = () => process.env.npm_lifecycle_event !== undefined && process.ppid !== parent;
const root = fileURLToPath(new URL('../../', import.meta.url));
const [task, ...args] = process.argv.slice(2);

const tasks = {
  start: () => become('shared/servers/dist/start.js', args),
  dev: () => become('shared/servers/dist/start.js', ['--watch', ...args]),
  build: async () => 0,
  check,
  test: () => become('test/run.mjs', args),
  conformance: () => become('test/dist/conformance/main.js', args),
  bench: () => become('test/dist/bench/main.js', args),
};

try {
  process.exitCode = await main();
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}

async function main() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < NODE_MIN[0] || (major === NODE_MIN[0] && minor < NODE_MIN[1]))
    return fail(`Node ${process.versions.node} is too old: install Node ${NODE_MIN.join('.')} or newer.`);
  if (!Object.hasOwn(tasks, task ?? '')) return fail(`say what to do: ${Object.keys(tasks).join(', ')}.`);
  const code = await prepared();
  if (isOrphan()) return 143;
  return code === 0 ? await tasks[task]() : code;
}

/** Installs and builds what is missing; the exit code of what failed, else 0. */
async function prepared() {
  const unlock = await lock();
  try {
    if (!isInstalled()) {
      say(`installing ${count()} packages with npm (once; about 400 MB in node_modules, minutes on a slow line)`);
      // Warnings of npm are for those who choose the packages; errors are shown.
      const { code, took_s } = await patiently('still installing', () => npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']));
      if (code !== 0) return fail('npm ci failed: correct what it says above, then run the same command again.', code);
      say(`installed in ${took_s} s`);
    }
    return task === 'check' ? 0 : await build();
  } finally {
    unlock();
  }
}

async function build() {
  const turbo = path.join(root, 'node_modules/turbo/bin/turbo');
  const quiet = task === 'build' ? [] : ['--output-logs=errors-only'];
  const env = { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1', TURBO_PRINT_VERSION_DISABLED: '1', DO_NOT_TRACK: '1' };
  const isFirst = !existsSync(path.join(root, 'shared/servers/dist'));
  if (isFirst && task !== 'build') say('building rollcall (once; later only what has changed)');
  const { code, output, took_s } = await patiently('still building', () =>
    run(process.execPath, [turbo, 'run', 'build', '--ui=stream', '--log-order=grouped', ...quiet], { env, hold: task !== 'build' }),
  );
  if (code === 0) {
    if ((isFirst || took_s > 3) && task !== 'build') say(`built in ${took_s} s`);
    return 0;
  }
  process.stderr.write(output);
  return fail('the build failed: correct what it says above.', code);
}

/** How many packages the lockfile names for this machine, about: some are for other systems. */
function count() {
  const { packages } = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).filter(([name, { optional, link }]) => name.includes('node_modules/') && !optional && !link).length;
}

/** Does a step that may take minutes, and says every 15 s that it goes on. */
async function patiently(what, step) {
  const began = performance.now();
  const seconds = () => Math.round((performance.now() - began) / 1000);
  const patience = setInterval(() => say(`${what} (${seconds()} s)`), PATIENCE_MS);
  try {
    return { ...(await step()), took_s: seconds() };
  } finally {
    clearInterval(patience);
  }
}

/** Types, lint and format, all reported. */
async function check() {
  const codes = [];
  for (const [name, file, ...rest] of [
    ['types', 'typescript/bin/tsc', '-b'],
    ['lint and format', '@biomejs/biome/bin/biome', 'check', ...args],
  ]) {
    const { code } = await run(process.execPath, [path.join(root, 'node_modules', file), ...rest]);
    say(`${name}: ${code === 0 ? 'fine' : 'mend what it says above'}`);
    codes.push(code);
  }
  return codes.find((code) => code !== 0) ?? 0;
}

/** Goes on as another program in this very process: one process less between a Ctrl-C, or a SIGKILL, and whoever must hear of it. */
async function become(file, rest) {
  const program = path.join(root, file);
  if (!existsSync(program)) return fail(`${file} is missing: run npm run build.`);
  process.argv = [process.argv[0], program, ...rest];
  for (const signal of signals) process.removeAllListeners(signal);
  await import(pathToFileURL(program).href);
  return process.exitCode ?? 0;
}

/** Whether node_modules is what the lockfile says. npm writes its own copy of it last of all, so an install that was cut short has none. */
function isInstalled() {
  const [wanted, there] = ['package-lock.json', 'node_modules/.package-lock.json'].map((file) => {
    try {
      return JSON.parse(readFileSync(path.join(root, file), 'utf8')).packages;
    } catch {
      return undefined;
    }
  });
  if (wanted === undefined) throw new Error('package-lock.json is missing or broken: get it back from version control.');
  if (there === undefined) return false;
  const same = (a, b) => a.version === b.version && a.integrity === b.integrity && a.resolved === b.resolved && a.link === b.link;
  for (const [name, one] of Object.entries(there))
    if (wanted[name] === undefined || (one.link !== true && one.integrity !== wanted[name].integrity)) return false;
  for (const [name, one] of Object.entries(wanted)) {
    if (!name.includes('node_modules/')) continue; // the workspaces themselves
    const has = there[name];
    if (has === undefined ? !one.optional && !one.peer && !one.devOptional : !same(has, one)) return false;
    if (has !== undefined && !existsSync(path.join(root, name))) return false;
  }
  return true;
}

/** Two commands on a fresh clone must not install into the same folder. The lock of a command that was killed is nobody's. */
async function lock() {
  const file = path.join(os.tmpdir(), `rollcall-setup-${createHash('sha256').update(root).digest('hex').slice(0, 16)}`);
  for (let waited = false; ; ) {
    try {
      mkdirSync(file);
      writeFileSync(path.join(file, 'pid'), String(process.pid));
      const unlock = () => rmSync(file, { recursive: true, force: true });
      process.once('exit', unlock);
      return () => {
        process.removeListener('exit', unlock);
        unlock();
      };
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale(file)) rmSync(file, { recursive: true, force: true });
    else {
      if (!waited) say('another command installs or builds here; waiting for it');
      waited = true;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

function isStale(file) {
  try {
    if (Date.now() - statSync(file).mtimeMs > LOCK_STALE_MS) return true;
    const pid = Number(readFileSync(path.join(file, 'pid'), 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    if (error.code === 'ESRCH') return true;
    return error.code === 'ENOENT' && existsSync(file) && Date.now() - statSync(file).mtimeMs > 2_000; // killed before it wrote its id
  }
}

function npm(rest) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli?.endsWith('.js') ? [process.execPath, [cli]] : ['npm', []];
  // Under `npm start`, npm's own settings of that run are in the environment; they are no business of this one.
  const env = Object.fromEntries(
    Object.keys(process.env)
      .filter((name) => /^npm_(lifecycle|package|command)/.test(name))
      .map((name) => [name, undefined]),
  );
  return run(command, [...first, ...rest], { env });
}

/**
 * Runs a program in a process group of its own, and ends the whole group when we are told to end: some of them leave children behind otherwise.
 * With `hold`, its output is kept, and answered.
 */
function run(command, rest, { env = {}, hold = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, rest, {
      cwd: root,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', hold ? 'pipe' : 'inherit', hold ? 'pipe' : 'inherit'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (chunk) => (output += chunk));
    let by;
    const pass = (signal) => {
      by ??= signal;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has just ended.
      }
    };
    const kill = () => pass('SIGKILL');
    const watch = setInterval(() => isOrphan() && by === undefined && pass('SIGTERM'), 300);
    for (const signal of signals) process.on(signal, pass);
    process.once('exit', kill);
    const done = () => {
      clearInterval(watch);
      for (const signal of signals) process.removeListener(signal, pass);
      process.removeListener('exit', kill);
    };
    child.once('error', (error) => {
      done();
      reject(new Error(`${command} could not be started (${error.message}): is it on the PATH?`));
    });
    child.once('close', (code, signal) => {
      done();
      if (by !== undefined) process.exit(128 + os.constants.signals[by]);
      resolve({ code: code ?? 128 + (os.constants.signals[signal] ?? 0), output });
    });
  });
}

function say(message) {
  console.log(`rollcall: ${message}`);
}

function fail(message, code = 1) {
  console.error(`rollcall: ${message}`);
  process.exitCode = code;
  return code;
}
