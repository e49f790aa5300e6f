import { createServer, type Server, type Socket } from 'node:net';
import { Ringer } from './ringer.js';

const ringerAt = (port: number, errors: Error[], timeout_ms = 200) =>
  new Ringer({
    ...{ redisUrl: `redis://127.0.0.1:${port}`, prefix: '{test}', attempts: 3, timeout_ms },
    onError: (error) => errors.push(error),
  });

describe('a ring while Redis is away', () => {
  it('is given up within its time, is reported, fails nobody, and keeps no stop waiting (nobody listens)', async () => {
    const errors: Error[] = [];
    const ringer = ringerAt(1, errors);
    const started = performance.now();
    await ringer.ring({ tenant: 'acme' }, 1);
    expect(performance.now() - started).toBeLessThan(1_500);
    expect(errors.length).toBeGreaterThan(0);
    expect(ringer.rung).toBe(1);
    await ringer.stop();
    expect(performance.now() - started).toBeLessThan(3_000);
  });

  it('is given up within its time (somebody listens and is silent)', async () => {
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const errors: Error[] = [];
    const ringer = ringerAt(address.port, errors);
    const started = performance.now();
    await Promise.all([ringer.ring({ tenant: 'acme' }, 1), ringer.ring({ tenant: 'acme' }, 2)]);
    expect(performance.now() - started).toBeLessThan(1_500);
    expect(errors.length).toBeGreaterThan(0);
    const stopped = ringer.stop();
    for (const socket of sockets) socket.destroy();
    silent.close();
    await stopped;
    expect(performance.now() - started).toBeLessThan(4_000);
  });
});
