import { OperatorError } from '../errors.js';
import { spawnService } from '../service.js';

export const DEMO_TENANT = 'demo';
const SEED_DEADLINE_MS = 60_000;

/**
 * Makes MongoDB's indexes, the partitions, the tenant `demo` and its token, where they are missing (services/worker/src/seed.ts).
 * @throws OperatorError with the last lines of what it said.
 */
export async function seedDemo(options: {
  entry: string;
  token: string;
  env: NodeJS.ProcessEnv;
  log: (line: string) => void;
  signal: AbortSignal;
}): Promise<void> {
  const { entry, token, env, log, signal } = options;
  const seed = await spawnService({
    name: 'seed',
    entry,
    env: { ...env, ROLLCALL_SEED_TENANT: DEMO_TENANT, ROLLCALL_SEED_TOKEN: token },
    log,
  });
  const kill = () => void seed.kill();
  const timer = setTimeout(kill, SEED_DEADLINE_MS);
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();
  const exit = await seed.exited;
  clearTimeout(timer);
  signal.removeEventListener('abort', kill);
  signal.throwIfAborted();
  if (exit.code === 0) return;
  const lines = seed.lastLines().map((line) => `\n  ${line}`);
  throw new OperatorError(
    `The tenant '${DEMO_TENANT}' could not be set up (${exit.signal ?? `exit code ${exit.code}`}); mend what its last lines say:${lines.join('') || ' (none)'}`,
  );
}
