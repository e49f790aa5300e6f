import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { boundServer } from './bound-server.js';

describe('a bounded server', () => {
  it('closes connections beyond its limit, tells of it once, and goes on', async () => {
    const told: number[] = [];
    const server = createServer((_, response) => void response.end('ok'));
    boundServer(server, { connectionsMax: 1, onClosed: (count) => told.push(count) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const dial = () => connect(port, '127.0.0.1');
    const first = dial();
    await once(server, 'connection');
    for (let n = 0; n < 2; n += 1) await once(dial().resume(), 'close');
    expect(told).toEqual([1]);
    first.destroy();
    await once(first, 'close');
    let text = '';
    while (text !== 'ok')
      text = await fetch(`http://127.0.0.1:${port}/`).then(
        (answer) => answer.text(),
        () => '',
      );
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  });
});
