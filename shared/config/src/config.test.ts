import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, describeSettings, loadConfig, mongoDatabase, settingsPage, tracesEndpoint } from './index.js';

const problemsOf = (env: NodeJS.ProcessEnv): readonly { name: string; expected: string }[] => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('loadConfig', () => {
  it('needs nothing: every setting has a default or may be absent', () => {
    expect(loadConfig({})).toMatchObject({
      REDIS_URL: 'redis://127.0.0.1:6379',
      INGEST_PORT: 8080,
      OPS_PORT: 8081,
      INGEST_METRICS_PORT: 8082,
      DURABILITY: 'always',
      PARTITIONS: 64,
      BATCH_MAX: 200,
      INGEST_HOST: '127.0.0.1',
    });
  });

  it('takes what is given', () => {
    const config = loadConfig({
      REDIS_URL: 'rediss://user:pass@redis.example:6380/2',
      INGEST_PORT: '0',
      OPS_PORT: '0',
      PUBLIC_URL: 'https://scim.example/base/',
      DURABILITY: 'everysec',
    });
    expect(config).toMatchObject({ INGEST_PORT: 0, OPS_PORT: 0, PUBLIC_URL: 'https://scim.example/base', DURABILITY: 'everysec' });
    expect(config.REDIS_URL).toBe('rediss://user:pass@redis.example:6380/2');
  });

  // An image without settings ran for ever, as healthy, on servers that are not there.
  it('asks for the two servers in production, beside all else that is wrong', () => {
    const [REDIS_URL, MONGODB_URI] = ['redis://redis:6379', 'mongodb://mongodb'];
    const names = (env: NodeJS.ProcessEnv) => problemsOf({ NODE_ENV: 'production', ...env }).map(({ name }) => name);
    expect(names({})).toEqual(['REDIS_URL', 'MONGODB_URI']);
    expect(names({ REDIS_URL, MONGODB_URI: '', PARTITIONS: '0' })).toEqual(['MONGODB_URI', 'PARTITIONS']);
    expect(names({ REDIS_URL, MONGODB_URI })).toEqual([]);
  });

  it('counts a variable that is set to nothing as unset', () => {
    const config = loadConfig({ ROLLCALL_OPERATOR_TOKEN: '', INGEST_PORT: '' });
    expect(config.INGEST_PORT).toBe(8080);
    expect(config).not.toHaveProperty('ROLLCALL_OPERATOR_TOKEN');
  });

  it('lists everything wrong at once, rules over several settings among it, and never a value', () => {
    const env = {
      REDIS_URL: 'http://hunter2@redis.example',
      ROLLCALL_OPERATOR_TOKEN: 'too short, and secret',
      PARTITIONS: '-3',
      STOP_TIMEOUT_MS: '5000',
      SETTLED_TTL_S: '49',
    };
    expect(problemsOf(env).map(({ name }) => name)).toEqual([
      'REDIS_URL',
      'PARTITIONS',
      'ROLLCALL_OPERATOR_TOKEN',
      'STOP_TIMEOUT_MS',
      'SETTLED_TTL_S',
    ]);
    expect(() => loadConfig(env)).toThrow(/^5 settings are wrong:\n {2}REDIS_URL: expected a URL like redis:\/\/127\.0\.0\.1:6379\n/);
    expect(() => loadConfig(env)).not.toThrow(/hunter2|too short|-3|5000|49/);
  });

  it.each([
    ['REDIS_URL', 'localhost:6379'],
    ['REDIS_URL', 'redis://'],
    ['MONGODB_URI', 'http://127.0.0.1'],
    ['MONGODB_URI', 'mongodb://'],
    ['MONGODB_URI', 'mongodb://me:p@ss@host/db'],
    ['MONGODB_URI', 'mongodb://host/a.b'],
    ['MONGODB_URI', 'mongodb://host/%zz'],
    ['INGEST_PORT', '65536'],
    ['INGEST_PORT', '80 '],
    ['INGEST_PORT', '0x50'],
    ['INGEST_PORT', '8e3'],
    ['INGEST_PORT', '8080.5'],
    ['INGEST_PORT', '99999999999999999999'],
    ['INGEST_HOST', 'a b'],
    ['PUBLIC_URL', 'ftp://scim.example'],
    ['PUBLIC_URL', 'https://scim.example?a=1'],
    ['PUBLIC_URL', 'https://me@scim.example'],
    ['PUBLIC_URL', 'scim.example'],
    ['ROLLCALL_KEY_PREFIX', 'roll:call'],
    ['ROLLCALL_KEY_PREFIX', '{rollcall}'],
    ['PARTITIONS', '0'],
    ['DURABILITY', 'no'],
    ['LOG_LEVEL', 'loud'],
    ['ROLLCALL_OPERATOR_TOKEN', 'x'.repeat(31)],
    ['ROLLCALL_OPERATOR_TOKEN', 'x'.repeat(257)],
    ['ROLLCALL_OPERATOR_TOKEN', `${'x'.repeat(32)} y`],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['OPS_PORT', '8080'],
    ['INGEST_METRICS_PORT', '8081'],
    ['PAGE_COUNT', '201'],
    ['REQUEST_DEADLINE_MS', '10000'],
    ['MONGO_TIMEOUT_MS', '10000'],
    ['FILL_AGE_MAX_MS', '360001'],
  ])('refuses %s=%s, and says so once', (name, value) => {
    expect(problemsOf({ [name]: value })).toHaveLength(1);
  });
});

describe('mongoDatabase', () => {
  it.each([
    ['mongodb://127.0.0.1:27017/rollcall', 'rollcall'],
    ['mongodb://127.0.0.1:27017', 'rollcall'],
    ['mongodb://127.0.0.1:27017/', 'rollcall'],
    ['mongodb://a:1,b:2,c:3/?replicaSet=rs0', 'rollcall'],
    ['mongodb://a:1,b:2,c:3?replicaSet=rs0', 'rollcall'],
    ['mongodb+srv://user:p%40ss@cluster.example/people?w=majority', 'people'],
  ])('%s → %s', (uri, database) => {
    expect(mongoDatabase(loadConfig({ MONGODB_URI: uri }))).toBe(database);
  });
});

describe('tracesEndpoint', () => {
  it('is nothing, the base with its path, or the one for traces as it is', () => {
    expect(tracesEndpoint(loadConfig({}))).toBeUndefined();
    expect(tracesEndpoint(loadConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318/' }))).toBe('http://c:4318/v1/traces');
    const both = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://t/in' };
    expect(tracesEndpoint(loadConfig(both))).toBe('http://t/in');
  });
});

describe('docs/configuration.md', () => {
  it('describes every setting', () => {
    const settings = describeSettings();
    expect(settings.length).toBeGreaterThan(30);
    expect(settings).toContainEqual(expect.objectContaining({ name: 'INGEST_PORT', default: '8080', readBy: 'ingest' }));
    for (const setting of settings) expect(setting.meaning).toMatch(/\.$/);
  });

  it('is current (else: npx tsc -b shared/config && node shared/config/docs.mjs)', () => {
    expect(readFileSync(join(__dirname, '../../../docs/configuration.md'), 'utf8')).toBe(settingsPage());
  });
});
