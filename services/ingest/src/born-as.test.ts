import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { bornAs } from './born-as.js';

it('makes requests and answers with the prototypes that Express gives them, and Express’s own members work', async () => {
  const app = express();
  const seen: unknown[] = [];
  app.get('/', (request, response) => {
    seen.push(...[request, response].map(Object.getPrototypeOf), request.ip, request.app === app, response.app === app);
    response.status(201).json({ host: request.host });
  });
  const born: unknown[] = [];
  const server = createServer(bornAs(app), (request: IncomingMessage, response: ServerResponse) => {
    born.push(...[request, response].map(Object.getPrototypeOf));
    app(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const asked = send({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', headers: { host: 'scim.example.com' } });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of answer) text += part;
    expect({ status: answer.statusCode, text }).toEqual({ status: 201, text: '{"host":"scim.example.com"}' });
    expect(seen).toEqual([...born, '127.0.0.1', true, true]);
    expect(born).toEqual([app.request, app.response]);
  } finally {
    server.close();
  }
});
