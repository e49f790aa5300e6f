// Where the admin API is, and who asks: from the environment, or from a file that nobody else may read.
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { CliError, EXIT } from './command.js';

export interface Credentials {
  /** Of the operations port, without a trailing slash. */
  readonly url: string;
  readonly token: string;
  /** Where the token came from, as messages name it: the setting, or the file. */
  readonly source: string;
}

/**
 * `ROLLCALL_ADMIN_URL` and `ROLLCALL_OPERATOR_TOKEN` go before what the file has.
 * @throws CliError that says what to set
 */
export async function credentials(env: NodeJS.ProcessEnv): Promise<Credentials> {
  const file =
    env.ROLLCALL_CREDENTIALS_FILE || path.join(env.XDG_CONFIG_HOME || path.join(homedir(), '.config'), 'rollcall', 'credentials.json');
  // What the environment has in full needs no file.
  const stored = env.ROLLCALL_OPERATOR_TOKEN ? {} : await read(file);
  const url = env.ROLLCALL_ADMIN_URL || stored.url || DEFAULT_URL;
  const token = env.ROLLCALL_OPERATOR_TOKEN || stored.token;
  if (!token)
    throw new CliError(`no operator token: set ROLLCALL_OPERATOR_TOKEN, or write {"url", "token"} to ${file} with mode 0600`, EXIT.denied);
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
    throw new CliError('ROLLCALL_ADMIN_URL: expected an http or https URL, such as http://127.0.0.1:8081', EXIT.usage);
  const source = env.ROLLCALL_OPERATOR_TOKEN ? 'ROLLCALL_OPERATOR_TOKEN' : `the token in ${file}`;
  return { url: url.replace(/\/+$/, ''), token, source };
}

async function read(file: string): Promise<{ url?: string; token?: string }> {
  let content: string;
  try {
    if (((await stat(file)).mode & 0o077) !== 0) throw new CliError(`${file} can be read by others: chmod 600 ${file}`, EXIT.denied);
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (typeof error === 'object' && error !== null && ABSENT.has(Reflect.get(error, 'code'))) return {};
    throw error;
  }
  try {
    const { url, token } = Object(JSON.parse(content)) as { url?: unknown; token?: unknown };
    return { ...(typeof url === 'string' ? { url } : {}), ...(typeof token === 'string' ? { token } : {}) };
  } catch {
    throw new CliError(`${file}: expected {"url": "http://…", "token": "…"}`, EXIT.usage);
  }
}

const ABSENT: ReadonlySet<unknown> = new Set(['ENOENT', 'ENOTDIR']);
const DEFAULT_URL = 'http://127.0.0.1:8081';
