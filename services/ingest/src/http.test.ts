import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { exercise, silentLog } from '@rollcall/telemetry';
import type { ScimRequest, ScimResponse } from './exchange.js';
import { type HttpOptions, type HttpServer, httpServer } from './http.js';
import { errorResponse } from './respond/errors.js';

const open: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()));
});

async function start(answer: (request: ScimRequest) => Promise<ScimResponse>, more: Partial<HttpOptions> = {}) {
  const server = httpServer({
    host: '127.0.0.1',
    port: 0,
    trustProxy: 0,
    publicUrl: undefined,
    bodyBytesMax: 100,
    connectionsMax: 1_000,
    requestTimeout_ms: 300,
    stopTimeout_ms: 1_000,
    log: silentLog(),
    answer: (request) =>
      (request.fault ? Promise.reject(request.fault) : answer(request)).catch((error) => errorResponse(error, request.id)),
    ...more,
  });
  open.push(server);
  await server.start();
  const url = server.url!;
  return { server, url, fetch: (path: string, init?: RequestInit) => fetch(url + path, init) };
}

const echo = async (request: ScimRequest): Promise<ScimResponse> => ({
  status: 200,
  body: {
    method: request.method,
    path: request.path,
    filter: request.query.get('filter'),
    baseUrl: request.baseUrl,
    address: request.address,
    text: await request.text(),
  },
});

/** Speaks HTTP by hand. */
async function dial(url: string): Promise<{ socket: Socket; read: (until: RegExp) => Promise<string> }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
    socket.emit('more');
  });
  const read = async (until: RegExp) => {
    while (!until.test(text)) await once(socket, 'more');
    return text;
  };
  return { socket, read };
}

describe('the SCIM port', () => {
  // Somebody who goes away was taken for a bug of ours, and what was begun for them, and not asked for yet, stayed open.
  it.each([
    ['while it is sent', false],
    ['before it is begun', true],
  ])('ends a stream whose client goes away %s, and calls nobody', async (_, before) => {
    const errors: unknown[] = [];
    const log = Object.assign(Object.create(silentLog()), { error: (...said: unknown[]) => void errors.push(said) });
    let ended!: () => void;
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const parts: AsyncIterator<string> = {
      next: async () => ({ done: false, value: 'x'.repeat(100_000) }),
      return: async () => {
        ended();
        return { done: true, value: undefined };
      },
    };
    const answer = async (): Promise<ScimResponse> => {
      if (before) {
        client.socket.destroy();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return { status: 200, stream: { [Symbol.asyncIterator]: () => parts } };
    };
    const { url } = await start(answer, { log });
    const client = await dial(url);
    client.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    if (!before) {
      await client.read(/x{100}/);
      client.socket.destroy();
    }
    await end;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(errors).toEqual([]);
  });

  it('hands on what came, and answers as SCIM', async () => {
    const { url, fetch } = await start(echo);
    const answer = await fetch('/scim/v2/Users/?filter=userName+eq+%22ada%22', {
      method: 'POST',
      body: '\uFEFF{"ä":1}',
      headers: { 'X-Request-Id': 'r-7' },
    });
    expect(await answer.json()).toEqual({
      method: 'POST',
      path: '/scim/v2/Users',
      filter: 'userName eq "ada"',
      baseUrl: `${url}/scim/v2`,
      address: '127.0.0.1',
      text: '{"ä":1}',
    });
    expect(answer.headers.get('content-type')).toBe('application/scim+json; charset=utf-8');
    expect(answer.headers.get('x-request-id')).toBe('r-7');
    expect(answer.headers.get('x-powered-by')).toBeNull();
  });

  it('makes a request id where there is none fit to be kept', async () => {
    const { fetch } = await start(echo);
    const answer = await fetch('/', { headers: { 'X-Request-Id': 'with blanks' } });
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('believes proxies only as far as it is told', async () => {
    const headers = { 'X-Forwarded-For': '203.0.113.9', 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'scim.example' };
    const none = await start(echo);
    expect(await (await none.fetch('/', { headers })).json()).toMatchObject({ address: '127.0.0.1', baseUrl: `${none.url}/scim/v2` });
    // A client's own X-Forwarded-Host, which most proxies pass on, came to be the host of meta.location.
    const one = await start(echo, { trustProxy: 1 });
    expect(await (await one.fetch('/', { headers })).json()).toMatchObject({
      address: '203.0.113.9',
      baseUrl: `${one.url.replace('http:', 'https:')}/scim/v2`,
    });
    const known = await start(echo, { publicUrl: 'https://public.example/scim/v2' });
    expect(await (await known.fetch('/', { headers })).json()).toMatchObject({ baseUrl: 'https://public.example/scim/v2' });
  });

  it('answers 413 to a body that is too large, announced or not, and goes on', async () => {
    const { fetch } = await start(echo);
    expect((await fetch('/', { method: 'POST', body: 'x'.repeat(101) })).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        for (let n = 0; n < 30; n += 1) controller.enqueue(new TextEncoder().encode('0123456789'));
        controller.close();
      },
    });
    expect((await fetch('/', { method: 'POST', body: stream, duplex: 'half' } as RequestInit)).status).toBe(413);
    expect((await fetch('/', { method: 'POST', body: 'x'.repeat(100) })).status).toBe(200);
  });

  it('answers 400 to a body that is not UTF-8', async () => {
    const { fetch } = await start(echo);
    const answer = await fetch('/', { method: 'POST', body: new Uint8Array([0x22, 0xff, 0x22]) });
    expect(await answer.json()).toMatchObject({ status: '400', scimType: 'invalidSyntax' });
  });

  it('answers a request with an expectation that nobody knows as if it had none', async () => {
    const { url } = await start(echo);
    const { socket, read } = await dial(url);
    socket.write('GET /a HTTP/1.1\r\nHost: x\r\nExpect: the-unexpected\r\n\r\n');
    expect(await read(/\}$/)).toMatch(/^HTTP\/1\.1 200 /);
    socket.destroy();
  });

  it('does not read the body of what is refused before', async () => {
    const { url } = await start(async () => ({ status: 401 }));
    const { socket, read } = await dial(url);
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n');
    expect(await read(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 401/);
    socket.destroy();
  });

  it.each([
    ['what is no HTTP', 'nonsense\r\n\r\n', 400],
    ['headers that never end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`, 431],
    ['a body that comes too slowly', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{', 408],
  ])('cuts %s, with a SCIM error', async (_what, text, status) => {
    const { url } = await start(echo);
    const { socket, read } = await dial(url);
    socket.write(text);
    expect(await read(/"detail"/)).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"status":"${status}"`));
    if (!socket.closed) await once(socket, 'close');
  });

  const answerTo = async (text: string, more: Partial<HttpOptions> = {}) => {
    const { url } = await start(echo, more);
    const { socket, read } = await dial(url);
    socket.write(`${text}\r\nConnection: close\r\n\r\n`);
    return { url, text: await read(/"(?:detail|baseUrl)":"[^"]*"/) };
  };

  it.each([
    ['two Host headers', 'Host: a\r\nHost: a', 400, 'Host: expected one, got two'],
    ['a Host that is none', 'Host: ..', 400, 'Host: expected a host'],
    ['a Host with other signs', 'Host: a"b/c', 400, 'Host: expected a host'],
    ['a port beyond 65535', 'Host: a:65536', 400, 'Host: expected a host'],
    // Node keeps as many headers as it is told to and drops the rest in silence: a proxy's own X-Forwarded-For was among these.
    ['more than a hundred headers', `Host: a\r\n${'X: y\r\n'.repeat(100)}Z: z`, 431, 'at most 100'],
  ])('refuses %s', async (_what, headers, status, detail) => {
    const { text } = await answerTo(`GET / HTTP/1.1\r\n${headers}`);
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*${detail}`));
  });

  it('takes an empty Host for none', async () => {
    const { url, text } = await answerTo('GET / HTTP/1.1\r\nHost: ');
    expect(text).toContain(`"baseUrl":"${url}/scim/v2"`);
  });

  it('takes a target in absolute form, whose host goes before the Host header (RFC 9112 §3.2.2)', async () => {
    const { text } = await answerTo('GET http://scim.example:8080/scim/v2/Users?filter=a HTTP/1.1\r\nHost: other.example');
    expect(text).toContain('"path":"/scim/v2/Users","filter":"a","baseUrl":"http://scim.example:8080/scim/v2"');
  });

  it('lets no cache keep an answer, and no browser guess what it is', async () => {
    const { fetch } = await start(echo);
    const { headers } = await fetch('/');
    expect([headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual(['no-store', 'nosniff']);
    const refused = await answerTo('nonsense');
    expect(refused.text).toMatch(/Cache-Control: no-store\r\nX-Content-Type-Options: nosniff/);
  });
});

describe('a stop', () => {
  it('lets requests in hand end, tells their connections so, and takes no new ones', async () => {
    let release!: () => void;
    const held = new Promise<void>((resolve) => (release = resolve));
    let arrived!: () => void;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    const { server, fetch } = await start(async () => {
      arrived();
      await held;
      return { status: 200, body: { done: true } };
    });
    const inHand = fetch('/');
    await arrival;
    const stopped = server.stop();
    expect(server.draining).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(fetch('/')).rejects.toThrow();
    release();
    const answer = await inHand;
    expect(answer.headers.get('connection')).toBe('close');
    expect(await answer.json()).toEqual({ done: true });
    await stopped;
  });

  it('says that it drains as soon as a stop is announced, and serves new connections until the stop', async () => {
    const { server, url } = await start(echo);
    expect(server.draining).toBe(false);
    server.announceStop();
    expect(server.draining).toBe(true);
    const client = await dial(url);
    client.socket.write('GET /later HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await client.read(/later/)).not.toMatch(/Connection: close/i);
    await server.stop();
    await expect(fetch(url)).rejects.toThrow();
    await server.start();
    expect(server.draining).toBe(false);
  });

  it('closes idle connections after a moment, and cuts what does not end in time', async () => {
    const { server, url } = await start(async () => new Promise(() => undefined), { stopTimeout_ms: 400 });
    const idle = await dial(url);
    const hanging = await dial(url);
    hanging.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    const closed = Promise.all([once(idle.socket, 'close'), once(hanging.socket, 'close')]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await server.stop();
    await closed;
  });

  it('and a start come in any order, many times over', async () => {
    const { server } = await start(echo);
    await exercise(server, { rounds: 10 });
  });

  it('a port that is taken is said in a sentence', async () => {
    const { url } = await start(echo);
    await expect(start(echo, { port: Number(new URL(url).port) })).rejects.toThrow(
      /port \d+ on 127.0.0.1 is in use; set INGEST_PORT to another/,
    );
  });
});
