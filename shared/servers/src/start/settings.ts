import path from 'node:path';
import { OperatorError } from '../errors.js';

/** What `npm start` takes from the environment. */
export interface Settings {
  readonly redisUrl: string | undefined;
  readonly mongodbUri: string | undefined;
  readonly ingestPort: number;
  readonly opsPort: number;
  readonly metricsPort: number;
  readonly dataDir: string;
  readonly demoToken: string | undefined;
  readonly operatorToken: string | undefined;
  /** Without a slash at its end. */
  readonly publicUrl: string | undefined;
}

/** A token that a person chooses: it goes into a header, so visible ASCII alone. */
export const isToken = (text: string): boolean => /^[\x21-\x7e]{32,256}$/.test(text);

/** An empty value counts as unset. @throws OperatorError that lists everything wrong at once, by name, never with a value that may be secret. */
export function readSettings(env: NodeJS.ProcessEnv, cwd: string): Settings {
  const problems: string[] = [];
  const text = (name: string) => (env[name] === undefined || env[name] === '' ? undefined : env[name]);
  const checked = (name: string, isRight: (value: string) => boolean, expected: string) => {
    const value = text(name);
    if (value !== undefined && !isRight(value)) problems.push(`${name}: expected ${expected}`);
    return value;
  };
  const ports = new Map<number, string>();
  const port = (name: string, fallback: number) => {
    const value = text(name) ?? String(fallback);
    const number = /^\d{1,5}$/.test(value) ? Number(value) : 0;
    if (number < 1 || number > 65_535) problems.push(`${name}: expected a port from 1 to 65535, got '${value}'`);
    else if (ports.has(number)) problems.push(`${name}: expected another port than ${ports.get(number)}: both are ${number}`);
    else ports.set(number, name);
    return number;
  };
  const token = '32 to 256 visible ASCII characters without spaces';
  const settings: Settings = {
    redisUrl: checked('REDIS_URL', isUrlOf(/^rediss?:$/), 'a URL like redis://127.0.0.1:6379'),
    mongodbUri: checked(
      'MONGODB_URI',
      (value) => /^mongodb(\+srv)?:\/\/[^/?]+/.test(value),
      'a URI like mongodb://127.0.0.1:27017/?replicaSet=rs0',
    ),
    ingestPort: port('INGEST_PORT', 8080),
    opsPort: port('OPS_PORT', 8081),
    metricsPort: port('INGEST_METRICS_PORT', 8082),
    dataDir: path.resolve(cwd, text('ROLLCALL_DATA_DIR') ?? '.rollcall'),
    demoToken: checked('ROLLCALL_DEMO_TOKEN', isToken, token),
    operatorToken: checked('ROLLCALL_OPERATOR_TOKEN', isToken, token),
    publicUrl: checked('PUBLIC_URL', isUrlOf(/^https?:$/), 'a URL like https://scim.example.com')?.replace(/\/+$/, ''),
  };
  if (problems.length > 0) throw new OperatorError(`Wrong settings: ${problems.join('; ')}.`);
  return settings;
}

function isUrlOf(protocol: RegExp): (value: string) => boolean {
  return (value) => URL.canParse(value) && protocol.test(new URL(value).protocol) && new URL(value).hostname !== '';
}
