import { isThisMachine } from './docker.js';
import { reaperImage } from './engine.js';

describe('an engine', () => {
  const machine = { name: 'laptop', addresses: ['127.0.0.1', '192.0.2.7', '172.17.0.1'] };

  // Where this machine is marked as a container, testcontainers names the bridge's address, and the engine was taken for another machine's.
  it.each([
    ['on a loopback address', 'localhost', 'elsewhere', true],
    ['on an address of this machine, such as the bridge', '172.17.0.1', undefined, true],
    ['that has the name of this machine', '10.88.0.1', 'laptop', true],
    ['on another address and of another name', '172.18.0.1', 'host', false],
    ['on another address and without a name', '203.0.113.9', undefined, false],
  ])('%s', (_, host, engineName, expected) => {
    expect(isThisMachine(host, engineName, machine)).toBe(expected);
  });

  it('needs the image of the reaper, unless the reaper is switched off', () => {
    expect(reaperImage({})).toMatch(/^testcontainers\/ryuk:\d/);
    expect(reaperImage({ TESTCONTAINERS_RYUK_DISABLED: 'true' })).toBeUndefined();
  });
});
