import { isTooOld, refuseOld, versionFromBanner, versionFromInfo } from './versions.js';

describe('the version of a server', () => {
  it('is read from INFO server, and Valkey is not taken for the Redis that it claims to be', () => {
    expect(versionFromInfo('# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n')).toEqual({
      product: 'Valkey',
      version: '8.0.1',
    });
    expect(versionFromInfo('# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n')).toEqual({
      product: 'Redis',
      version: '7.0.15',
    });
  });

  it.each([
    ['Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64', { product: 'Redis', version: '7.0.15' }],
    ['Valkey server v=9.1.2 sha=00000000:1 malloc=libc bits=64', { product: 'Valkey', version: '9.1.2' }],
    ['db version v6.0.5\nBuild Info: {', { product: 'MongoDB', version: '6.0.5' }],
    ['GNU bash, version 5.2', undefined],
  ])('is read from %j', (banner, version) => {
    expect(versionFromBanner(banner)).toEqual(version);
  });

  it.each([
    ['Redis', '6.2.14', true],
    ['Redis', '7.0.0', false],
    ['Redis', '10.0', false],
    ['Valkey', '7.2.5', false],
    ['MongoDB', '4.4.29', true],
    ['MongoDB', '5.0.0-rc1', false],
    ['MongoDB', '8.2.6', false],
  ] as const)('%s %s is too old: %s', (product, version, tooOld) => {
    expect(isTooOld({ product, version })).toBe(tooOld);
  });

  it('is refused with one sentence that says what to do', () => {
    expect(() => refuseOld({ product: 'Redis', version: '6.2.14' }, 'REDIS_URL: the server at redis://db')).toThrow(
      'REDIS_URL: the server at redis://db is Redis 6.2.14, and rollcall needs Redis 7.0 or newer: upgrade it, or name another server.',
    );
  });
});
