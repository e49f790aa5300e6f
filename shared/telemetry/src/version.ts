import { readFileSync } from 'node:fs';

/** The version that a package.json names; `unknown` if it cannot be read: no process fails for it. */
export function versionOf(packageFile: URL): string {
  try {
    const { version }: { version?: unknown } = JSON.parse(readFileSync(packageFile, 'utf8'));
    return typeof version === 'string' ? version : 'unknown';
  } catch {
    return 'unknown';
  }
}

/** The version of rollcall that runs, for `/healthz`. All of its packages have one version. */
export const VERSION = versionOf(new URL('../package.json', import.meta.url));
