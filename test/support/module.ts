import { execFile } from 'node:child_process';

/**
 * Runs a module in a process of its own: jest can't load packages that are ES modules alone. What it prints is its answer, as JSON.
 * @param input told to it by `INPUT`
 */
export function runModule(script: string, input: unknown): Promise<unknown> {
  const head = "import { readFileSync } from 'node:fs';\nconst INPUT = JSON.parse(readFileSync(0, 'utf8'));\n";
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      ['--input-type=module', '-e', head + script],
      { cwd: __dirname, timeout: 30_000, maxBuffer: 16_777_216 },
      (error, stdout, stderr) => (error ? reject(new Error(`${error.message}\n${stderr}`)) : resolve(JSON.parse(stdout))),
    );
    child.stdin?.end(JSON.stringify(input));
  });
}
