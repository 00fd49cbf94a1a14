import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type Server } from 'node:tls';
import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort, ROOT, type Running, start, startRedis, startSimulator, until } from './processes.ts';

const CERTIFICATE = join(ROOT, 'test/e2e/tls/certificate.pem');
const KEY = join(ROOT, 'test/e2e/tls/key.pem');

/** TLS in front of a server that has none, as a load balancer does it. */
class TlsFront {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(port: number) {
    const options = { cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) };
    this.#server = createServer(options, (client) => {
      const behind = connect(port, '127.0.0.1');
      for (const socket of [client, behind]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => this.#sockets.delete(socket));
      }
      client.pipe(behind).pipe(client);
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Book {
  readonly last_update_id: number;
  readonly bids: readonly unknown[];
}

describe('TLS on both sides: wss and https to the exchange, rediss to Redis', () => {
  const running: Running[] = [];
  let front: TlsFront | undefined;
  let subscriber: Redis | undefined;

  afterEach(async () => {
    subscriber?.disconnect();
    for (const process of running.splice(0).reverse()) await process.end();
    await front?.close();
  });

  async function startService(env: NodeJS.ProcessEnv) {
    const simulator = await startSimulator(['--symbols', 'BTCUSDT', '--rate', '50', '--deflate']);
    running.push(simulator);
    front = new TlsFront(Number(new URL(simulator.restUrl).port));
    const exchange = `localhost:${await front.listen()}`;
    const tlsPort = await freePort();
    const tls = [
      '--tls-port',
      tlsPort,
      '--tls-cert-file',
      CERTIFICATE,
      '--tls-key-file',
      KEY,
      '--tls-auth-clients',
      'no',
    ];
    running.push(await startRedis([...tls.map(String), '--tls-ca-cert-file', CERTIFICATE]));
    const healthPort = await freePort();
    const flags = {
      symbols: 'BTCUSDT',
      'exchange-ws-url': `wss://${exchange}`,
      'exchange-rest-url': `https://${exchange}`,
      'redis-url': `rediss://localhost:${tlsPort}`,
      'health-port': healthPort,
      'shm-name': '',
    };
    const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const service = start(process.execPath, ['bin/market-data.js', 'run', ...args], { env });
    running.push(service);
    return { service, tlsPort, ready: `http://127.0.0.1:${healthPort}/ready` };
  }

  test.each(['false', 'true'])(
    'books arrive where the certificate is trusted; compression: %s',
    async (compression) => {
      const env = { NODE_EXTRA_CA_CERTS: CERTIFICATE, MARKET_DATA_WS_COMPRESSION: compression };
      const { ready, tlsPort } = await startService(env);
      await until('ready', async () => (await fetch(ready)).ok || undefined);
      subscriber = new Redis({ host: 'localhost', port: tlsPort, tls: { ca: readFileSync(CERTIFICATE) } });
      const books: Book[] = [];
      subscriber.on('message', (_channel, text: string) => books.push(JSON.parse(text) as Book));
      await subscriber.subscribe('orderbook:BTCUSDT');
      await until('books', () => (books.length >= 100 ? true : undefined));
      const ids = books.map((book) => book.last_update_id);
      expect(ids).toEqual([...new Set(ids)].sort((one, other) => one - other));
      expect(books.every(({ bids }) => bids.length === 20)).toBe(true);
    },
  );

  test('an unknown certificate is refused, by name, and nothing is taken from there', async () => {
    const { service, ready } = await startService({});
    const said = await until('refusal', () => service.output.find((line) => line.includes('self-signed certificate')));
    expect(said).toBeDefined();
    expect((await fetch(ready)).status).toBe(503);
  });
});
