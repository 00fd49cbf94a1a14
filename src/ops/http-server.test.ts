import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../limits.ts';
import { UsageError } from '../model/errors.ts';
import { HttpServer, type HttpServerOptions, jsonAnswer } from './http-server.ts';

const TOKEN = 'a-token-of-enough-characters';
const servers: HttpServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function start(options: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await HttpServer.start({
    host: '127.0.0.1',
    port: 0,
    authToken: '',
    corsOrigin: '',
    onError: () => {},
    routes: [
      { path: '/health', isOpen: true, answer: () => jsonAnswer(200, { status: 'healthy' }) },
      {
        path: '/metrics',
        isOpen: false,
        answer: async () => ({ status: 200, contentType: 'text/plain', body: 'µ 1\n' }),
      },
    ],
    ...options,
  });
  servers.push(server);
  return server;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

function ask(
  server: HttpServer,
  path: string,
  method = 'GET',
  headers: Record<string, string> = {},
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}${path}`, { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: text }));
    });
    request.on('error', reject).end(body);
  });
}

/** Sends bytes as they are and returns all that comes back until the server closes. */
function exchange(server: HttpServer, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(server.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}

describe('routes', () => {
  it('answer GET, with length in bytes and without caching', async () => {
    const { status, headers, body } = await ask(await start(), '/metrics?x=1');
    expect([status, body, headers['content-length'], headers['cache-control']]).toEqual([
      200,
      'µ 1\n',
      '5',
      'no-store',
    ]);
  });

  it('answer HEAD with the same headers and no body', async () => {
    const server = await start();
    const [get, head] = [await ask(server, '/health'), await ask(server, '/health', 'HEAD')];
    expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', get.headers['content-length']]);
  });

  it.each(['/', '/healthz', '/health/', '/HEALTH', '/../health', '/%68ealth', '*', '//health'])(
    'do not include %s',
    async (path) => {
      const server = await start();
      const reply = await exchange(server, `GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
      expect(reply).toMatch(/^HTTP\/1\.1 404 /);
      expect(reply).toContain('"paths":["/health","/metrics"]');
    },
  );

  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])('refuse %s and say what is allowed', async (method) => {
    const { status, headers } = await ask(await start(), '/health', method);
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });

  it('that fail answer 500, and the server goes on', async () => {
    const errors: string[] = [];
    const server = await start({
      onError: (error) => errors.push(error.message),
      routes: [
        { path: '/broken', isOpen: true, answer: () => Promise.reject(new Error('inner detail')) },
        { path: '/health', isOpen: true, answer: () => jsonAnswer(200, {}) },
      ],
    });
    const { status, body } = await ask(server, '/broken');
    expect([status, body]).toEqual([500, '{"error":"internal error"}\n']);
    expect(errors).toEqual(['inner detail']);
    expect((await ask(server, '/health')).status).toBe(200);
  });
});

describe('the token', () => {
  it('is asked of all but open routes, unknown paths included', async () => {
    const server = await start({ authToken: TOKEN });
    const statuses = await Promise.all(
      ['/health', '/metrics', '/other'].map(async (path) => (await ask(server, path)).status),
    );
    expect(statuses).toEqual([200, 401, 401]);
    expect((await ask(server, '/metrics')).headers['www-authenticate']).toBe('Bearer');
  });

  it.each([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])('is taken from "%s"', async (authorization) => {
    const server = await start({ authToken: TOKEN });
    expect((await ask(server, '/metrics', 'GET', { authorization })).status).toBe(200);
  });

  it.each([
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN} ${TOKEN}`,
  ])('is not "%s"', async (authorization) => {
    const server = await start({ authToken: TOKEN });
    expect((await ask(server, '/metrics', 'GET', { authorization })).status).toBe(401);
  });
});

describe('CORS', () => {
  it('is off by default', async () => {
    const { headers } = await ask(await start(), '/health', 'GET', { origin: 'https://a.example' });
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
  });

  it('names the configured origin, whoever asks', async () => {
    const server = await start({ corsOrigin: 'https://a.example' });
    const { headers } = await ask(server, '/health', 'GET', { origin: 'https://b.example' });
    expect([headers['access-control-allow-origin'], headers.vary]).toEqual(['https://a.example', 'Origin']);
  });

  it('answers preflights without the token, which browsers do not send with them', async () => {
    const server = await start({ corsOrigin: '*', authToken: TOKEN });
    const { status, headers } = await ask(server, '/metrics', 'OPTIONS', { origin: 'https://a.example' });
    expect([status, headers['access-control-allow-headers']]).toEqual([204, 'Authorization']);
  });
});

describe('limits', () => {
  it('end headers that are too large', async () => {
    const server = await start();
    const filler = 'x'.repeat(LIMITS.http_header_bytes_max);
    const reply = await exchange(server, `GET /health HTTP/1.1\r\nHost: h\r\nX: ${filler}\r\n\r\n`);
    expect(reply).toMatch(/^HTTP\/1\.1 431 /);
  });

  it.each(['\0\0\0\r\n\r\n', 'GET\r\n\r\n', 'GET /health HTTP/9.9\r\n\r\n', '\x16\x03\x01\x02\x00\x01'])(
    'refuse what is not HTTP: %j',
    async (bytes) => {
      const server = await start();
      expect(await exchange(server, bytes)).toMatch(/^HTTP\/1\.1 400 /);
      expect((await ask(server, '/health')).status).toBe(200);
    },
  );

  it('do not read bodies: the connection ends after the answer', async () => {
    const server = await start();
    const { status, headers } = await ask(server, '/health', 'POST', {}, 'x'.repeat(1000));
    expect([status, headers.connection]).toEqual([405, 'close']);
  });

  it('bound how many connections there are', async () => {
    const server = await start();
    const sockets = await Promise.all(
      Array.from({ length: LIMITS.http_connections_max }, () => {
        return new Promise<ReturnType<typeof connect>>((resolve) => {
          const socket = connect(server.port, '127.0.0.1', () => resolve(socket));
          socket.on('error', () => {});
        });
      }),
    );
    expect(await exchange(server, 'GET /health HTTP/1.1\r\nHost: h\r\n\r\n')).toBe('');
    for (const socket of sockets) socket.destroy();
  });
});

describe('the address', () => {
  it('in use is an error that names the key to change', async () => {
    const { port } = await start();
    const failure = start({ port });
    await expect(failure).rejects.toThrow(UsageError);
    await expect(failure).rejects.toThrow(`health_port ${port} on 127.0.0.1 is in use by another program`);
  });

  it('that is not of this machine is an error that names the key', async () => {
    await expect(start({ host: '192.0.2.1' })).rejects.toThrow(
      'health_host 192.0.2.1 is not an address of this machine',
    );
    await expect(start({ host: 'no-such-host.invalid' })).rejects.toThrow('health_host no-such-host.invalid');
  });

  it('may be IPv6', async () => {
    const server = await start({ host: '::1' });
    expect(server.url).toBe(`http://[::1]:${server.port}`);
    expect((await ask(server, '/health')).status).toBe(200);
  });

  it('is free again after closing, with clients connected', async () => {
    const server = await start();
    const idle = connect(server.port, '127.0.0.1');
    await ask(server, '/health');
    const { port } = server;
    await server.close();
    idle.destroy();
    expect((await start({ port })).port).toBe(port);
  });
});
