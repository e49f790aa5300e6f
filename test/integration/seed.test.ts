/**
 * Goal: whoever sets up a first tenant learns in one line why a server is not used.
 * Method: the real seed.js at real servers that refuse it.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findRedis, startRedis } from '@rollcall/servers';
import { Redis } from 'ioredis';

jest.setTimeout(60_000);
const entry = path.resolve(__dirname, '../../services/worker/dist/seed.js');

/** Ends by itself: it waits for servers for 30 s at most. */
const seed = (env: Record<string, string>) =>
  new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const needed = {
      ROLLCALL_SEED_TENANT: 'demo',
      ROLLCALL_SEED_TOKEN: randomBytes(24).toString('hex'),
      MONGODB_URI: 'mongodb://127.0.0.1:1/',
    };
    execFile(process.execPath, [entry], { env: { PATH: process.env.PATH, ...needed, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });

describe('seed', () => {
  let dir: string;
  let server: Awaited<ReturnType<typeof startRedis>>;
  let admin: Redis;
  beforeAll(async () => {
    const { REDIS_URL: _, ...env } = process.env;
    dir = await mkdtemp(path.join(tmpdir(), 'rollcall-seed-'));
    server = await startRedis({ source: await findRedis({ env }), dir: path.join(dir, 'redis') });
    admin = new Redis(server.url);
    await admin.acl('SETUSER', 'reader', 'on', '>secret', '~*', '+get');
  });
  afterAll(async () => {
    admin?.disconnect();
    await server?.kill();
    await rm(dir, { recursive: true, force: true });
  });

  const as = (credentials: string) => server.url.replace('redis://', `redis://${credentials}@`);

  // It waited 30 s, asked "Redis: is it there?", and had been told by Redis what was wrong.
  it.each([
    ['the password is wrong', 'reader:wrong', /^seed: Redis refuses the connection: WRONGPASS .*; check the credentials in REDIS_URL\n$/],
    [
      'the user may not do enough',
      'reader:secret',
      /^seed: Redis refuses the connection: NOPERM .*; check the credentials in REDIS_URL\n$/,
    ],
  ])('says at once in one line what Redis answers where %s', async (_, credentials, expected) => {
    const { code, stdout, stderr } = await seed({ REDIS_URL: as(credentials) });
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(expected);
    expect(stderr).not.toContain('secret');
  });

  it('says what Redis answers where it asks for a password and none is given', async () => {
    await admin.config('SET', 'requirepass', 'secret');
    try {
      const { code, stderr } = await seed({ REDIS_URL: server.url });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^seed: Redis refuses the connection: NOAUTH .*; check the credentials in REDIS_URL\n$/);
    } finally {
      await admin.config('SET', 'requirepass', '');
    }
  });
});
