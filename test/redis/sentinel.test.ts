import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { findRedisServer } from '../../src/ops/embedded-redis.ts';
import {
  bookOf,
  btc,
  client,
  closeAll,
  hasRedis,
  startPublisher,
  startRedis,
  statusOf,
  until,
  whenClosing,
} from './rig.ts';

afterEach(closeAll);

async function startSentinel(masterPort: number): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  // A Sentinel keeps its state in its configuration file.
  const directory = mkdtempSync(join(tmpdir(), 'sentinel-'));
  const file = join(directory, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${directory}`,
      `sentinel monitor feed 127.0.0.1 ${masterPort} 1`,
      'sentinel down-after-milliseconds feed 300',
      'sentinel failover-timeout feed 2000',
    ].join('\n'),
  );
  const sentinel = spawn(findRedisServer()!, [file, '--sentinel'], { stdio: 'ignore' });
  whenClosing(async () => {
    sentinel.kill('SIGKILL');
    await once(sentinel, 'exit');
    rmSync(directory, { recursive: true });
  });
  return port;
}

describe.skipIf(!hasRedis)('with Sentinel, the publisher', { timeout: 60_000 }, () => {
  it('finds the master, and follows it when another takes over', async () => {
    const master = await startRedis();
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)]);
    const sentinelPort = await startSentinel(master.port);
    const sentinel = client(`redis://127.0.0.1:${sentinelPort}`);
    await until('the replica is known', async () =>
      JSON.stringify(await sentinel.call('SENTINEL', 'REPLICAS', 'feed')).includes(String(replica.port)),
    );

    const nodes = [{ host: '127.0.0.1', port: sentinelPort }];
    const { publisher } = startPublisher('redis://unused', { sentinels: { name: 'feed', nodes } });
    await until('connected', () => publisher.connected);
    publisher.onStatus(statusOf(btc, 'live', 'snapshot_bridged'));
    publisher.onBook(bookOf(btc, 1));
    publisher.onEndOfBatch();
    await until('the key on the master', async () => (await client(master.url).exists('market_data:BTCUSDT')) === 1);

    process.kill(master.pid, 'SIGKILL');
    const onReplica = client(replica.url);
    await until('the replica is master', async () =>
      String(await onReplica.info('replication')).includes('role:master'),
    );
    await onReplica.flushall();
    await until('connected to it', () => publisher.connected);
    publisher.onBook(bookOf(btc, 2));
    publisher.onEndOfBatch();
    await until('the key there', async () => (await onReplica.exists('market_data:BTCUSDT')) === 1);
    expect(publisher.connected).toBe(true);
    expect(publisher.lastError).toBeUndefined();
  });
});
