import path from 'node:path';
import { readSettings } from './settings.js';

const TOKEN = 'x'.repeat(32);

describe('settings of npm start', () => {
  it('have defaults, and an empty value is none', () => {
    expect(readSettings({ REDIS_URL: '', PUBLIC_URL: '' }, '/home/ada')).toEqual({
      redisUrl: undefined,
      mongodbUri: undefined,
      ingestPort: 8080,
      opsPort: 8081,
      metricsPort: 8082,
      dataDir: path.resolve('/home/ada/.rollcall'),
      demoToken: undefined,
      operatorToken: undefined,
      publicUrl: undefined,
    });
  });

  it.each([
    [{ INGEST_PORT: '0' }, "INGEST_PORT: expected a port from 1 to 65535, got '0'"],
    [{ INGEST_PORT: '8080x' }, 'INGEST_PORT: expected'],
    [{ OPS_PORT: '65536' }, 'OPS_PORT: expected'],
    [{ OPS_PORT: '8080' }, 'OPS_PORT: expected another port than INGEST_PORT: both are 8080'],
    [{ REDIS_URL: 'localhost:6379' }, 'REDIS_URL: expected a URL like'],
    [{ MONGODB_URI: 'mongodb://' }, 'MONGODB_URI: expected a URI like'],
    [{ PUBLIC_URL: 'scim.example.com' }, 'PUBLIC_URL: expected a URL like'],
    [{ ROLLCALL_DEMO_TOKEN: TOKEN.slice(1) }, 'ROLLCALL_DEMO_TOKEN: expected 32 to 256'],
    [{ ROLLCALL_DEMO_TOKEN: `${TOKEN} ` }, 'ROLLCALL_DEMO_TOKEN: expected 32 to 256'],
    [{ ROLLCALL_OPERATOR_TOKEN: 'x'.repeat(257) }, 'ROLLCALL_OPERATOR_TOKEN: expected 32 to 256'],
  ])('are refused: %j', (env, message) => {
    expect(() => readSettings(env, '/')).toThrow(message);
  });

  it('never show a token or a password that is wrong', () => {
    expect(() => readSettings({ ROLLCALL_DEMO_TOKEN: 'hunter2', MONGODB_URI: 'mongo://ada:hunter2@db' }, '/')).toThrow(/^(?!.*hunter2)/);
  });
});
