import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterEach, describe, expect, it } from 'vitest';
import { slotOf } from '../../src/publish/redis/cluster-topology.ts';
import {
  bookOf,
  btc,
  client,
  closeAll,
  eth,
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

const btcSlot = slotOf('market_data:BTCUSDT');
const ethSlot = slotOf('market_data:ETHUSDT');

interface Node {
  readonly url: string;
  readonly redis: Redis;
  readonly id: string;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function startNode(): Promise<Node> {
  const directory = mkdtempSync(join(tmpdir(), 'cluster-'));
  whenClosing(() => rmSync(directory, { recursive: true }));
  const { url } = await startRedis([
    ...['--cluster-enabled', 'yes', '--dir', directory],
    ...['--cluster-port', String(await freePort()), '--cluster-require-full-coverage', 'no'],
  ]);
  const redis = client(url);
  return { url, redis, id: String(await redis.call('CLUSTER', 'MYID')) };
}

/** Two masters: one has the slot of BTCUSDT's key, the other that of ETHUSDT's and all the rest. */
async function startCluster(): Promise<{ ofBtc: Node; ofEth: Node }> {
  const [ofBtc, ofEth] = await Promise.all([startNode(), startNode()]);
  await ofBtc.redis.call('CLUSTER', 'ADDSLOTS', String(btcSlot));
  const rest = [
    [0, btcSlot - 1],
    [btcSlot + 1, 16_383],
  ];
  await ofEth.redis.call('CLUSTER', 'ADDSLOTSRANGE', ...rest.flat().map(String));
  const { options } = ofEth.redis;
  const busPort = Number(((await ofEth.redis.call('CONFIG', 'GET', 'cluster-port')) as string[])[1]);
  await ofBtc.redis.call('CLUSTER', 'MEET', '127.0.0.1', String(options.port), String(busPort));
  for (const { redis } of [ofBtc, ofEth]) {
    await until('the cluster is whole', async () => {
      const info = String(await redis.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes('cluster_slots_assigned:16384');
    });
  }
  return { ofBtc, ofEth };
}

describe('hash slots', () => {
  it('are those of the specification and of redis-server', () => {
    expect(slotOf('123456789')).toBe(0x31c3);
    expect(slotOf('{user1000}.following')).toBe(slotOf('user1000'));
    expect(slotOf('foo{}{bar}')).not.toBe(slotOf('bar'));
    expect(slotOf('foo{{bar}}zap')).toBe(slotOf('{bar'));
  });
});

describe.skipIf(!hasRedis)('on a cluster, the publisher', { timeout: 60_000 }, () => {
  it('writes each key to the node that serves it, and follows a slot that moves', async () => {
    expect(btcSlot).not.toBe(ethSlot);
    const { ofBtc, ofEth } = await startCluster();
    expect(Number(await ofBtc.redis.call('CLUSTER', 'KEYSLOT', 'market_data:BTCUSDT'))).toBe(btcSlot);
    const messages = await subscribe(ofBtc.url);
    // The URL names a node that serves one of the two keys.
    const { publisher } = startPublisher(ofEth.url);
    await until('connected', () => publisher.connected);
    let id = 0;
    const publish = () => {
      id++;
      for (const instrument of [btc, eth]) {
        publisher.onBook(bookOf(instrument, id));
        publisher.onTrade(tradeOf(instrument, id));
      }
      publisher.onEndOfBatch();
    };
    for (const instrument of [btc, eth]) publisher.onStatus(statusOf(instrument, 'live', 'snapshot_bridged'));
    publish();
    await until('the key of BTCUSDT', async () => (await ofBtc.redis.exists('market_data:BTCUSDT')) === 1);
    await until('the key of ETHUSDT', async () => (await ofEth.redis.exists('market_data:ETHUSDT')) === 1);

    // The slot moves, with its key.
    await ofBtc.redis.del('market_data:BTCUSDT');
    for (const { redis } of [ofEth, ofBtc]) await redis.call('CLUSTER', 'SETSLOT', String(btcSlot), 'NODE', ofEth.id);
    publish();
    await until('the key at its new node', async () => (await ofEth.redis.exists('market_data:BTCUSDT')) === 1);
    await until('confirmed', () => publisher.connected && publisher.queuedBytes === 0);
    await until('all trades', () => fieldOf(messages, 'trades:BTCUSDT', 'trade_id').length === 2);
    expect(fieldOf(messages, 'trades:BTCUSDT', 'trade_id')).toEqual([1, 2]);
    expect(fieldOf(messages, 'trades:ETHUSDT', 'trade_id')).toEqual([1, 2]);
    expect(publisher.dropped.total).toBe(0);
  });
});
