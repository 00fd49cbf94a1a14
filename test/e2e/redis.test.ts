import { Redis } from 'ioredis';
import { afterEach, describe, expect, test } from 'vitest';
import { startEmbeddedRedis } from '../../src/ops/embedded-redis.ts';
import { until } from './processes.ts';
import { Rig } from './rig.ts';

/** What the whole service says and does while Redis misbehaves; the publisher alone is tested in test/redis. */
describe('the service while Redis misbehaves', () => {
  let rig: Rig;
  afterEach(() => rig.close());

  test('killed and restarted: unready meanwhile, books go on inside, and what is current is published again', async () => {
    rig = await Rig.start();
    await rig.live();
    const { port, pid } = rig.redis;
    process.kill(pid, 'SIGKILL');
    await until('unready', async () => ((await rig.ready()).status === 503 ? true : undefined));
    const { body } = await rig.ready();
    expect(body.redis_connected).toBe(false);
    expect(body.symbols.BTCUSDT!.state).toBe('live');
    const again = await startEmbeddedRedis({ port });
    try {
      await rig.live();
      const client = new Redis(port);
      await until('the key', async () => (await client.get('market_data:BTCUSDT')) ?? undefined);
      expect(await client.ttl('market_data:BTCUSDT')).toBeGreaterThan(290);
      client.disconnect();
      await rig.nextBook('ETHUSDT');
      expect(rig.wrong).toEqual([]);
    } finally {
      await again.close();
    }
  });

  test('out of memory: /ready names the refusal, channels go on', async () => {
    rig = await Rig.start();
    await rig.live();
    const client = new Redis(rig.redis.port);
    await client.config('SET', 'maxmemory', '1');
    const refused = await until('refusal', async () => {
      const { body } = await rig.ready();
      return (body as { redis_error?: string }).redis_error;
    });
    expect(refused).toContain('OOM');
    await client.config('SET', 'maxmemory', '0');
    client.disconnect();
    expect(await rig.metric('redis_errors_total')).toBeGreaterThan(0);
  });
});
