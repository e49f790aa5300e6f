// node test/run.mjs [unit|integration] [options for jest]: runs the suites one after the other, and ends with `N passed, N failed`.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const PROJECTS = ['unit', 'integration'];
/** For all of it. Whatever hangs longer counts as failed. */
const LIMIT_MS = 26 * 60_000;
const KILL_AFTER_MS = 10_000;
const MESSAGE_MAX = 1_500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const root = fileURLToPath(new URL('..', import.meta.url));
const [first, ...others] = process.argv.slice(2);
const one = PROJECTS.includes(first);
const options = one || first === undefined ? others : [first, ...others];
const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-results-'));
const deadline = performance.now() + LIMIT_MS;
const total = { passed: 0, failed: 0, skipped: 0 };
/** What failed, in short: a long log is often shown by its end alone. */
const failures = [];
let stopped = false;
try {
  for (const project of one ? [first] : PROJECTS) {
    if (stopped) break;
    const counts = await run(project);
    for (const name of Object.keys(total)) total[name] += counts[name];
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const { passed, failed, skipped } = total;
for (const failure of failures) console.log(failure);
if (passed + failed === 0) console.error('no test ran');
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

/** Runs one of jest's projects, with its output as it comes. */
async function run(project) {
  const file = path.join(folder, `${project}.json`);
  const code = await jest([
    '--selectProjects',
    project,
    '--maxWorkers=2',
    '--passWithNoTests',
    '--json',
    `--outputFile=${file}`,
    ...options,
  ]);
  return countsOf(file, code);
}

/** A suite that could not run counts as one that failed; so does a run that ended badly and names nothing that failed. */
function countsOf(file, code) {
  let result;
  try {
    result = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }; // it never came to a result
  }
  const failed = result.numFailedTests + result.numRuntimeErrorTestSuites;
  for (const { name, message, assertionResults } of result.testResults) {
    const wrong = assertionResults.filter(({ status }) => status === 'failed');
    for (const test of wrong) failures.push(inShort(name, test.fullName, test.failureMessages.join('\n')));
    if (wrong.length === 0 && assertionResults.length === 0 && message) failures.push(inShort(name, 'did not run', message));
  }
  return {
    passed: result.numPassedTests,
    failed: failed === 0 && code !== 0 ? 1 : failed,
    skipped: result.numPendingTests + result.numTodoTests,
  };
}

function inShort(file, title, message) {
  return `FAILED ${path.relative(root, file)}: ${title}\n${stripVTControlCharacters(message).slice(0, MESSAGE_MAX)}\n`;
}

/** Jest in a process group of its own, so that its workers end with it. @returns its exit code */
function jest(args) {
  // The MongoDB driver and the trace exporter load parts by import(), which jest can follow only with this option.
  const node = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const program = path.join(root, 'node_modules/jest/bin/jest.js');
  const config = path.join(root, 'test/jest.config.mjs');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...node, program, '-c', config, ...args], { cwd: root, detached: true, stdio: 'inherit' });
    const tell = (signal) => {
      try {
        process.kill(-child.pid, signal);
      } catch {
        // It has just ended.
      }
    };
    let kill;
    const end = (signal) => {
      stopped = true;
      tell(signal);
      kill ??= setTimeout(() => tell('SIGKILL'), KILL_AFTER_MS);
    };
    const late = setTimeout(
      () => {
        console.error(`the tests took longer than ${LIMIT_MS / 60_000} minutes and are ended`);
        end('SIGTERM');
      },
      Math.max(0, deadline - performance.now()),
    );
    const kin = () => tell('SIGKILL');
    for (const signal of SIGNALS) process.on(signal, end);
    process.once('exit', kin);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(late);
      clearTimeout(kill);
      for (const signal of SIGNALS) process.removeListener(signal, end);
      process.removeListener('exit', kin);
      resolve(code ?? 1);
    });
  });
}
