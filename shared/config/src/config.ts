// The one schema of every setting. Each process reads all of it, so that one environment serves the whole deployment.
import { isIP } from 'node:net';
import { z } from 'zod';
import { databaseOf, isMongoUri } from './mongo-uri.js';

/** Who heeds a setting. All are read, and checked, by every process. */
export type ReadBy = 'both' | 'ingest' | 'worker' | 'start';

interface Description {
  readonly meaning: string;
  readonly readBy: ReadBy;
}

const descriptions = z.registry<Description>();

const HOST = /^[A-Za-z0-9._:-]{1,255}$/;
const VISIBLE = /^[\x21-\x7e]{32,256}$/;

/** What a whole number may be; `expected` is the sentence that an operator reads. */
function whole(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`;
  return z
    .string(expected)
    .refine((text) => /^\d{1,15}$/.test(text) && Number(text) >= least && Number(text) <= most, expected)
    .transform(Number);
}

const matching = (pattern: RegExp, expected: string) => z.string(expected).regex(pattern, expected);
const port = () => whole(0, 65_535);
const milliseconds = (least = 1, most = 3_600_000) => whole(least, most);
const oneOf = <const T extends readonly [string, ...string[]]>(...words: T) => z.enum(words, `one of ${words.join(', ')}`);

function url(protocols: readonly string[], expected: string) {
  return z.string(expected).refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, hostname } = new URL(text);
    return protocols.includes(protocol) && hostname !== '';
  }, expected);
}

const httpUrl = (expected: string) => url(['http:', 'https:'], expected);
const token = () => matching(VISIBLE, '32 to 256 visible characters (letters, digits, signs; no spaces)');
const host = () => matching(HOST, 'a host name or an IP address');

/** The base of what clients see; a trailing slash is dropped, as paths are put behind it. */
const publicUrl = () => {
  const expected = 'an http or https URL without user, query and fragment';
  return httpUrl(expected)
    .refine((text) => {
      if (!URL.canParse(text)) return true; // said already
      const { search, hash, username, password } = new URL(text);
      return search + hash + username + password === '';
    }, expected)
    .transform((text) => text.replace(/\/+$/, ''));
};

/** Host names, addresses and ranges, separated by commas; `refuse` and `allow` have the form of a name. */
function isAllowList(text: string): boolean {
  return text.split(',').every((entry) => {
    const [host = '', bits, ...rest] = entry.trim().split('/');
    if (rest.length > 0 || !HOST.test(host)) return false;
    return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= [-1, 32, 128][[0, 4, 6].indexOf(isIP(host))]!);
  });
}

/** Puts meaning and reader on a setting, for `describeSettings`. */
function says<T extends z.ZodType>(schema: T, meaning: string, readBy: ReadBy = 'both'): T {
  descriptions.add(schema, { meaning, readBy });
  return schema;
}

const shape = {
  REDIS_URL: says(
    url(['redis:', 'rediss:'], 'a URL like redis://127.0.0.1:6379').default('redis://127.0.0.1:6379'),
    'Redis or Valkey: accepted state, queues. Needs `appendonly yes` and `maxmemory-policy noeviction`. Required where `NODE_ENV` is `production`, as in the images.',
  ),
  MONGODB_URI: says(
    z.string().refine(isMongoUri, 'a URI like mongodb://127.0.0.1:27017/?replicaSet=rs0').default('mongodb://127.0.0.1:27017/rollcall'),
    'MongoDB, a replica set. The database is `rollcall` where the URI names none. Required where `NODE_ENV` is `production`, as in the images.',
  ),
  DURABILITY: says(
    oneOf('always', 'everysec').default('always'),
    'The `appendfsync` that is expected of Redis. With `everysec` a crash of the host may lose up to 2 s of acknowledged writes.',
  ),
  ROLLCALL_KEY_PREFIX: says(
    matching(/^[a-z0-9][a-z0-9-]{0,31}$/, '1 to 32 of a-z, 0-9 and hyphen').default('rollcall'),
    'What every key in Redis begins with. Two deployments on one Redis need two prefixes.',
  ),
  PARTITIONS: says(
    whole(1, 4_096).default(64),
    'Number of partitions. Fixed when a deployment is first started; another number than the stored one refuses to start.',
  ),
  MONGO_TIMEOUT_MS: says(
    milliseconds().default(5_000),
    'How long one operation waits for MongoDB, finding a server included, before it counts as away.',
  ),

  INGEST_HOST: says(host().default('127.0.0.1'), 'Address that ingest listens on. In a container: `0.0.0.0`.', 'ingest'),
  INGEST_PORT: says(port().default(8_080), 'Port of the SCIM service.', 'ingest'),
  INGEST_METRICS_PORT: says(port().default(8_082), "Port of ingest's own `/metrics`, on the same address; keep it internal.", 'ingest'),
  PUBLIC_URL: says(
    publicUrl().optional(),
    'What clients see in place of the host, for `Location` and `meta.location`. Where unset, the `Host` of the request decides.',
    'ingest',
  ),
  TRUST_PROXY: says(
    whole(0, 16).default(0),
    'How many proxies stand in front. 0: the address of the connection counts, whatever `X-Forwarded-For` says.',
  ),
  EXTENSIONS_FILE: says(
    z.string().optional(),
    'JSON file of extension schemas of your own (RFC 7643 section 7): `{ "User": [schema, …], "Group": [schema, …] }`. The same for all processes.',
  ),
  BODY_BYTES_MAX: says(whole(1_024, 16_777_216).default(1_048_576), 'Longest body of a request, and largest resource.', 'ingest'),
  PAGE_COUNT: says(whole(1, 10_000).default(100), 'Resources on a page of a list where the client does not ask for a `count`.', 'ingest'),
  PAGE_MAX: says(whole(1, 10_000).default(200), 'Most resources on one page, whatever `count` the client asks for.', 'ingest'),
  CURSOR_TTL_S: says(whole(1, 86_400).default(600), 'How long a cursor of a list is good (RFC 9865).', 'ingest'),
  REQUEST_DEADLINE_MS: says(milliseconds(50).default(2_000), 'How long a commit is tried before the answer is 503.'),
  REQUEST_TIMEOUT_MS: says(milliseconds(100).default(10_000), 'How long a request may take as a whole, slow clients included.'),
  TOKEN_CACHE_MAX: says(whole(1, 10_000_000).default(10_000), 'How many tokens a process remembers the tenant of.', 'ingest'),
  SIGN_IN_FAILURES_MAX: says(
    whole(1, 100_000).default(60),
    'Wrong tokens from one address in a minute, counted by all replicas together, from which on a wrong token is answered 429 in place of 401. A good token is never refused by it.',
  ),
  CONNECTIONS_MAX: says(
    whole(1, 1_000_000).default(10_000),
    'Most connections that the SCIM port, and the operations port, hold at a time. Further ones are closed as they are made.',
  ),
  TENANT_LISTS_MAX: says(
    whole(1, 10_000).default(4),
    'Lists and searches of one tenant that a process has under way at a time. More wait for up to REQUEST_DEADLINE_MS, then are answered 429. Look-ups by `userName`, `externalId` or `id`, and writes, are not counted.',
    'ingest',
  ),
  TENANT_BULKS_MAX: says(
    whole(1, 10_000).default(4),
    'Bulk requests of one tenant that a process carries out at a time. More wait for up to REQUEST_DEADLINE_MS, then are answered 429.',
    'ingest',
  ),
  OVERLAY_MAX: says(
    whole(0, 100_000).default(5_000),
    'Longest backlog of a tenant that a list is laid over; a longer one makes the list wait for the drain, then answer 503.',
    'ingest',
  ),
  BACKLOG_MAX: says(
    whole(1, 100_000_000).default(200_000),
    'Most pending resources of a tenant; beyond it writes are answered 429. Deactivations and deletions pass.',
    'ingest',
  ),
  BACKLOG_BYTES_MAX: says(
    whole(1_048_576, 1_099_511_627_776).default(536_870_912),
    'Most bytes of a tenant in Redis that MongoDB has not yet: pending resources, changes of members, history. Beyond it writes are answered 429; deactivations and deletions pass. A fifth of `maxmemory` or less leaves room for other tenants.',
    'ingest',
  ),
  FILL_AGE_MAX_MS: says(milliseconds(10).default(5_000), 'How old a read of MongoDB may be to fill the cache.', 'ingest'),
  SETTLED_TTL_S: says(whole(1, 2_592_000).default(3_600), 'How long an applied resource stays in Redis. At least 10 × FILL_AGE_MAX_MS.'),

  OPS_HOST: says(host().default('127.0.0.1'), "Address of the worker's operations port. In a container: `0.0.0.0`.", 'worker'),
  OPS_PORT: says(port().default(8_081), 'Operations port: health, metrics, queues, admin API; keep it internal.', 'worker'),
  OPS_PUBLIC_URL: says(
    publicUrl().optional(),
    "Where operators' browsers find the operations port, if a proxy stands in front. Where it is https, the sign-in's cookie is sent by https alone. Where unset, the connection decides, or, behind `TRUST_PROXY` proxies, `X-Forwarded-Proto`.",
    'worker',
  ),
  ROLLCALL_OPERATOR_TOKEN: says(
    token().optional(),
    "The operator's sign-in for `/queues` and `/admin`, 32 to 256 visible characters. Without it, both are closed.",
    'worker',
  ),
  IMPORT_BYTES_MAX: says(
    whole(1_024, 1_073_741_824).default(16_777_216),
    'Largest CSV file of one import; a larger one is answered 413.',
    'worker',
  ),
  WORKER_CONCURRENCY: says(whole(1, 1_000).default(8), 'How many tenants one worker drains at a time.', 'worker'),
  BATCH_MAX: says(whole(1, 1_000).default(200), 'Most resources applied in one batch; then it is the next tenant’s turn.', 'worker'),
  LEASE_MS: says(milliseconds(100).default(3_000), 'How long a worker has a tenant, or the sweep, unless it renews.', 'worker'),
  GATHER_MS: says(
    milliseconds(0).default(50),
    'How long what came in while a batch of a tenant was applied gathers before the next one, where it would not fill one. Leavers never wait.',
    'worker',
  ),
  ATTEMPTS_MAX: says(whole(1, 100).default(8), 'How often an unknown error is tried before the resource is a dead letter.', 'worker'),
  BACKOFF_MS_MAX: says(milliseconds(1).default(5_000), 'Longest pause between two tries.', 'worker'),
  SWEEP_INTERVAL_MS: says(milliseconds(10).default(1_000), 'How often the sweeper looks for what nobody was called for.', 'worker'),
  SWEEP_AGE_MS: says(milliseconds(10).default(2_000), 'How old the oldest pending of a tenant is before the sweeper rings.', 'worker'),
  TOKEN_CHECK_INTERVAL_MS: says(
    milliseconds(10).default(60_000),
    'How often is looked for tokens and client secrets that end soon, to remind of them.',
    'worker',
  ),
  WEBHOOK_PRIVATE_ADDRESSES: says(
    z
      .string()
      .refine(isAllowList, '`refuse`, `allow`, or host names, IP addresses and ranges (10.0.0.0/8) separated by commas')
      .default('refuse'),
    "Whether tenants' webhooks may go to addresses that are not public: `refuse`, `allow`, or those that may, separated by commas: host names, IP addresses, ranges.",
    'worker',
  ),
  HISTORY_DAYS: says(whole(1, 36_500).default(30), 'How long the history is kept in MongoDB.', 'worker'),

  DRAIN_DELAY_MS: says(
    milliseconds(0, 300_000).default(0),
    'After SIGTERM, how long requests are still accepted while `/readyz` answers 503 (draining), so that a load balancer sends new ones elsewhere. Only then the stop begins, with its own STOP_TIMEOUT_MS.',
    'ingest',
  ),
  STOP_TIMEOUT_MS: says(milliseconds(100).default(25_000), 'How long a stop may wait for work in hand. More than REQUEST_TIMEOUT_MS.'),
  LOG_LEVEL: says(oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent').default('info'), 'Least level that is logged.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: says(
    httpUrl('an http or https URL').optional(),
    'OpenTelemetry collector (OTLP over HTTP); `/v1/traces` is put behind it. Where neither this nor the next is set, nothing is traced.',
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: says(
    httpUrl('an http or https URL').optional(),
    'The same for traces alone, taken as it is. Goes before OTEL_EXPORTER_OTLP_ENDPOINT.',
  ),

  ROLLCALL_DATA_DIR: says(z.string().default('.rollcall'), 'Where `npm start` keeps the data of the servers that it starts.', 'start'),
  ROLLCALL_DEMO_TOKEN: says(
    token().optional(),
    'A token for the tenant `demo` that `npm start` makes, 32 to 256 visible characters. Where unset, one is made and kept.',
    'start',
  ),
};

export type Config = z.infer<z.ZodObject<typeof shape>>;
type Name = keyof Config;
type Numbers = { [N in Name]: Config[N] extends number ? N : never }[Name];

/** One rule over several settings. It is asked only where all of them are numbers, as another fault may have been found before. */
interface Rule {
  readonly at: Numbers;
  readonly with: readonly Numbers[];
  readonly holds: (at: number, ...others: number[]) => boolean;
  readonly message: string;
}

const rules: readonly Rule[] = [
  {
    at: 'STOP_TIMEOUT_MS',
    with: ['REQUEST_TIMEOUT_MS'],
    holds: (stop, request) => stop > request,
    message: 'more than REQUEST_TIMEOUT_MS, or a stop cuts requests short',
  },
  {
    at: 'REQUEST_DEADLINE_MS',
    with: ['REQUEST_TIMEOUT_MS'],
    holds: (deadline, timeout) => deadline < timeout,
    message: 'less than REQUEST_TIMEOUT_MS, or a client is cut off before it is told',
  },
  {
    at: 'MONGO_TIMEOUT_MS',
    with: ['REQUEST_TIMEOUT_MS'],
    holds: (mongo, timeout) => mongo < timeout,
    message: 'less than REQUEST_TIMEOUT_MS, or a client is cut off before it is told',
  },
  {
    at: 'SETTLED_TTL_S',
    with: ['FILL_AGE_MAX_MS'],
    holds: (ttl_s, age_ms) => ttl_s * 1_000 >= 10 * age_ms,
    message: 'at least 10 × FILL_AGE_MAX_MS, or a fill may bring back what is no longer so',
  },
  {
    at: 'BACKLOG_BYTES_MAX',
    with: ['BODY_BYTES_MAX'],
    holds: (backlog, body) => backlog >= 4 * body,
    message: 'at least 4 × BODY_BYTES_MAX, or a large resource is never taken',
  },
  { at: 'PAGE_COUNT', with: ['PAGE_MAX'], holds: (count, max) => count <= max, message: 'at most PAGE_MAX' },
  ...(
    [
      ['INGEST_METRICS_PORT', 'INGEST_PORT'],
      ['OPS_PORT', 'INGEST_PORT'],
      ['OPS_PORT', 'INGEST_METRICS_PORT'],
    ] as const
  ).map(([at, other]) => ({
    at,
    with: [other],
    holds: (port: number, taken: number) => port !== taken || port === 0, // 0: any free one
    message: `another port than ${other}`,
  })),
];

const Schema = rules.reduce<z.ZodType<Config, unknown>>(
  (schema, rule) =>
    schema.refine((config) => holds(rule, config), {
      path: [rule.at],
      message: rule.message,
      when: () => true, // else zod reports it only after every other fault is mended
    }),
  z.object(shape),
);

function holds(rule: Rule, config: Config): boolean {
  const values = [rule.at, ...rule.with].map((name) => config[name]);
  if (!values.every((value) => typeof value === 'number')) return true;
  const [at, ...others] = values;
  return rule.holds(at!, ...others);
}

/** One thing that is wrong. `expected` never holds what was given: it may be a secret. */
export interface Problem {
  readonly name: string;
  readonly expected: string;
}

/** The environment does not make a configuration. The message lists everything wrong, a line each, fit to be shown to an operator. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly problems: readonly Problem[]) {
    const lines = problems.map(({ name, expected }) => `  ${name}: expected ${expected}`);
    super(`${problems.length === 1 ? 'One setting is' : `${problems.length} settings are`} wrong:\n${lines.join('\n')}`);
  }
}

/** The defaults of these are servers of this machine: right on a laptop, and never there in a container. */
const NO_DEFAULT_IN_PRODUCTION = ['REDIS_URL', 'MONGODB_URI'] as const;

/**
 * Reads every setting. A variable that is set to nothing counts as unset, as compose files and charts pass on what they were not given.
 * With `NODE_ENV=production`, as in the images, REDIS_URL and MONGODB_URI must be set.
 * @throws ConfigError that lists everything wrong at once, by name, never with a value.
 */
export function loadConfig(env: NodeJS.ProcessEnv): Config {
  const missing = env.NODE_ENV === 'production' ? NO_DEFAULT_IN_PRODUCTION.filter((name) => !env[name]) : [];
  const given = Object.keys(shape).flatMap((name) => (env[name] ? [[name, env[name]] as const] : []));
  const result = Schema.safeParse(Object.fromEntries(given));
  if (result.success && missing.length === 0) return Object.freeze(result.data);
  const problems = [
    ...missing.map((name) => ({ name, expected: 'a value: with NODE_ENV=production it has no default' })),
    ...(result.error?.issues ?? []).map(({ path, message }) => ({ name: String(path[0]), expected: message })),
  ];
  // One setting may fail two checks of one meaning: it is said once.
  throw new ConfigError(problems.filter((p, at) => problems.findIndex((q) => q.name === p.name && q.expected === p.expected) === at));
}

/** The database that `config` means. Pass it as `dbName`: put into the URI it would change where MongoDB looks for the user. */
export const mongoDatabase = (config: Pick<Config, 'MONGODB_URI'>): string => databaseOf(config.MONGODB_URI);

/** Where traces go, or nothing where they go nowhere. */
export function tracesEndpoint(
  config: Pick<Config, 'OTEL_EXPORTER_OTLP_ENDPOINT' | 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'>,
): string | undefined {
  if (config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined) return config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  return config.OTEL_EXPORTER_OTLP_ENDPOINT && `${config.OTEL_EXPORTER_OTLP_ENDPOINT.replace(/\/+$/, '')}/v1/traces`;
}

/** One row of `docs/configuration.md`. */
export interface Setting extends Description {
  readonly name: string;
  /** As it would be written in the environment; absent where the setting has none. */
  readonly default: string | undefined;
}

/** Every setting, in the order of the schema. */
export function describeSettings(): Setting[] {
  return Object.entries(shape).map(([name, schema]) => {
    const description = descriptions.get(schema);
    if (description === undefined) throw new Error(`${name} has no description`);
    return { name, default: schema instanceof z.ZodDefault ? String(schema.def.defaultValue) : undefined, ...description };
  });
}
