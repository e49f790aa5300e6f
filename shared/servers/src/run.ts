import { spawn } from 'node:child_process';

export interface RunResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly deadline_ms: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of each piece of output: it may use it to move the deadline. */
  readonly onOutput?: ((chunk: string) => void) | undefined;
}

const OUTPUT_MAX = 100_000;

/** Runs a program to its end. @throws where it cannot be started, is aborted, or takes longer than the deadline. */
export function run(command: string, args: readonly string[], { env, deadline_ms, signal, onOutput }: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = { stdout: '', stderr: '' };
    const end = (reason: Error) => {
      child.kill('SIGKILL');
      done(() => reject(reason));
    };
    const onAbort = () => end(new Error('it was interrupted'));
    const timer = setTimeout(() => end(new Error(`it took longer than ${Math.round(deadline_ms / 1000)} s`)), deadline_ms);
    const done = (then: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      then();
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk: string) => {
        output[name] = (output[name] + chunk).slice(-OUTPUT_MAX);
        onOutput?.(chunk);
      });
    }
    child.once('error', (error) => done(() => reject(error)));
    child.once('close', (code) => done(() => resolve({ code, ...output })));
  });
}

/** The first match's first group, else the last line that says anything. */
export const firstLineOf = (text: string, pattern: RegExp): string =>
  (pattern.exec(text)?.[1] ?? text.trim().split('\n').at(-1) ?? '').trim() || 'it said nothing';
