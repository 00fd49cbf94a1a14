import { afterEach, describe, expect, it } from 'vitest';
import { InstanceLease, LEASE_KEY } from '../../src/publish/redis/instance-lease.ts';
import { client, closeAll, hasRedis, startRedis } from './rig.ts';

afterEach(closeAll);

describe.skipIf(!hasRedis)('the instance lease', () => {
  async function twoServices(symbolsOfSecond: string[]) {
    const redis = client((await startRedis()).url);
    return {
      redis,
      first: new InstanceLease(redis, ['BTCUSDT', 'ETHUSDT']),
      second: new InstanceLease(redis, symbolsOfSecond),
    };
  }

  it('is held by one service alone, for a limited time', async () => {
    const { redis, first } = await twoServices([]);
    await first.refresh();
    await first.refresh();
    expect(first.otherInstance).toBeUndefined();
    expect(await redis.pttl(LEASE_KEY)).toBeGreaterThan(5000);
    expect(await redis.pttl(LEASE_KEY)).toBeLessThanOrEqual(15_000);
    await first.release();
    expect(await redis.exists(LEASE_KEY)).toBe(0);
  });

  it('tells a second service about the first, as soon as the first has shown that it is alive', async () => {
    const { first, second } = await twoServices(['BTCUSDT']);
    await first.refresh();
    await second.refresh();
    expect(second.otherInstance).toBeUndefined();
    await first.refresh();
    await second.refresh();
    expect(second.otherInstance).toMatchObject({ pid: process.pid, symbols: ['BTCUSDT', 'ETHUSDT'] });
    expect(first.otherInstance).toBeUndefined();
  });

  it('says nothing when the two publish different symbols', async () => {
    const { first, second } = await twoServices(['SOLUSDT']);
    for (let round = 0; round < 3; round++) {
      await first.refresh();
      await second.refresh();
    }
    expect(second.otherInstance).toBeUndefined();
  });

  it('does not accuse a successor of the service that was killed before it', async () => {
    const { redis, first, second } = await twoServices(['BTCUSDT']);
    await first.refresh();
    await second.refresh();
    // Five seconds later the first one has not come back.
    await redis.pexpire(LEASE_KEY, 10_000);
    await second.refresh();
    expect(second.otherInstance).toBeUndefined();
    await redis.del(LEASE_KEY);
    await second.refresh();
    expect(JSON.parse((await redis.get(LEASE_KEY))!).symbols).toEqual(['BTCUSDT']);
  });

  it('is taken over from one that ended, and the report ends with it', async () => {
    const { first, second } = await twoServices(['BTCUSDT']);
    for (let round = 0; round < 2; round++) {
      await first.refresh();
      await second.refresh();
    }
    expect(second.otherInstance).toBeDefined();
    // A release by who does not hold it changes nothing.
    await second.release();
    await first.release();
    await second.refresh();
    expect(second.otherInstance).toBeUndefined();
    await first.refresh();
    await first.refresh();
    expect(first.otherInstance).toBeDefined();
  });

  it('reports a key that it cannot read', async () => {
    const { redis, first } = await twoServices([]);
    await redis.set(LEASE_KEY, 'something else');
    await first.refresh();
    await first.refresh();
    expect(first.otherInstance).toMatchObject({ host: 'unknown' });
  });
});
