import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  bookOf,
  btc,
  client,
  closeAll,
  fieldOf,
  hasRedis,
  startPublisher,
  startRedis,
  statusOf,
  subscribe,
  tradeOf,
  until,
  whenClosing,
} from './rig.ts';

afterEach(closeAll);

describe.skipIf(!hasRedis)('when Redis refuses, the publisher', { timeout: 30_000 }, () => {
  it('says that the password is wrong, without showing it, and goes on once it is right', async () => {
    const redis = await startRedis(['--requirepass', 'right']);
    const { publisher, logs } = startPublisher(`redis://:wr0ng@127.0.0.1:${redis.port}`);
    await until('the refusal', () => publisher.lastError !== undefined);
    expect(publisher.connected).toBe(false);
    expect(publisher.lastError).toContain('WRONGPASS');
    expect(publisher.errors.get('WRONGPASS')).toBeGreaterThan(0);
    expect(logs.join('\n')).not.toContain('wr0ng');

    const admin = client(`redis://:right@127.0.0.1:${redis.port}`);
    await admin.config('SET', 'requirepass', 'wr0ng');
    await until('connected', () => publisher.connected);
    expect(publisher.lastError).toBeUndefined();
  });

  it('says that a password is needed', async () => {
    const redis = await startRedis(['--requirepass', 'right']);
    const { publisher } = startPublisher(redis.url);
    await until('the refusal', () => publisher.errors.get('NOAUTH') > 0);
    expect(publisher.connected).toBe(false);
    expect(publisher.lastError).toContain('NOAUTH');
  });

  it('says that the database does not exist, instead of writing to another', async () => {
    const redis = await startRedis();
    const { publisher } = startPublisher(`${redis.url}/99`);
    await until('the refusal', () => publisher.lastError !== undefined);
    expect(publisher.lastError).toContain('DB index is out of range');
    expect(publisher.connected).toBe(false);
  });

  it('publishes what a user without all rights may publish, and counts the rest', async () => {
    // The least that the service needs, but no trades.
    const redis = await startRedis([
      ...['--user', 'feed', 'on', '>pw', 'resetchannels', '&orderbook:*', '&market_data:*', '&status:*'],
      ...['~market_data:*', '+publish', '+set'],
    ]);
    const messages = await subscribe(redis.url);
    const { publisher, logs } = startPublisher(`redis://feed:pw@127.0.0.1:${redis.port}`);
    await until('connected', () => publisher.connected);
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged'));
    publisher.onTrade(tradeOf(btc, 1));
    publisher.onBook(bookOf(btc, 1));
    publisher.onTrade(tradeOf(btc, 2));
    publisher.onEndOfBatch();
    await until('answered', () => publisher.queuedBytes === 0);
    await until('the book', () => messages.length === 3);
    expect(messages.map(({ channel }) => channel)).toEqual([
      'status:BTCUSDT',
      'orderbook:BTCUSDT',
      'market_data:BTCUSDT',
    ]);
    expect(publisher.errors.get('NOPERM')).toBe(2);
    expect(publisher.publishesByChannel).toEqual({ orderbook: 1, market_data: 1, trades: 0, status: 1 });
    expect(publisher.connected).toBe(true);
    expect(publisher.lastError).toContain('NOPERM');
    expect(logs.filter((line) => line.includes('"command":"trades"'))).toHaveLength(1);
  });

  it('goes on publishing while memory is full, and writes the key as soon as it can', async () => {
    const redis = await startRedis(['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction']);
    const messages = await subscribe(redis.url);
    const { publisher } = startPublisher(redis.url);
    await until('connected', () => publisher.connected);
    publisher.onBook(bookOf(btc, 5));
    publisher.onEndOfBatch();
    await until('answered', () => publisher.errors.get('OOM') > 0);
    await until('published all the same', () => messages.length === 2);
    expect(publisher.lastError).toContain('OOM');
    expect(publisher.connected).toBe(true);

    const admin = client(redis.url);
    expect(await admin.exists('market_data:BTCUSDT')).toBe(0);
    await admin.config('SET', 'maxmemory', '0');
    await until('the key', async () => (await admin.exists('market_data:BTCUSDT')) === 1);
    expect(fieldOf(messages, 'orderbook:BTCUSDT', 'last_update_id')).toEqual([5]);
  });

  it('goes on publishing on a read-only replica, and says that it is one', async () => {
    const master = await startRedis();
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)]);
    const reader = client(replica.url);
    await until('replicating', async () => String(await reader.info('replication')).includes('master_link_status:up'));
    const messages = await subscribe(replica.url);
    const { publisher } = startPublisher(replica.url);
    await until('connected', () => publisher.connected);
    publisher.onBook(bookOf(btc, 5));
    publisher.onEndOfBatch();
    await until('answered', () => publisher.errors.get('READONLY') > 0);
    await until('published all the same', () => messages.length === 2);
    expect(publisher.lastError).toContain('READONLY');

    await reader.replicaof('NO', 'ONE');
    await until('the key', async () => (await reader.exists('market_data:BTCUSDT')) === 1);
  });

  it('does not take a full server for a connected one', async () => {
    const redis = await startRedis(['--maxclients', '1']);
    const only = client(redis.url);
    await only.ping();
    const { publisher } = startPublisher(redis.url);
    await until('several refusals', () => publisher.errors.total > 3);
    expect(publisher.connected).toBe(false);
    expect(publisher.lastError).toContain('max number of clients');
    await only.config('SET', 'maxclients', '10');
    await until('connected', () => publisher.connected);
  });

  it('waits while Redis is loading its data', async () => {
    let pings = 0;
    const url = await fakeServer((socket) => {
      socket.on('data', () =>
        socket.write(++pings < 4 ? '-LOADING Redis is loading the dataset in memory\r\n' : '+PONG\r\n'),
      );
    });
    const { publisher } = startPublisher(url);
    await until('the first answer', () => publisher.lastError !== undefined);
    expect(publisher.connected).toBe(false);
    expect(publisher.lastError).toContain('LOADING');
    await until('connected', () => publisher.connected);
    expect(publisher.lastError).toBeUndefined();
  });

  it('gives up a server that speaks something else, and tries again', async () => {
    let connections = 0;
    const url = await fakeServer((socket) => {
      connections++;
      socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    const { publisher } = startPublisher(url);
    await until('several attempts', () => connections > 4);
    expect(publisher.connected).toBe(false);
    expect(publisher.lastError).toContain('not expected');
  });
});

/** Something that is not Redis. Returns its URL. */
async function fakeServer(accept: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  whenClosing(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
