import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { killAllChildren, sleep, until } from '../chaos/child.ts';
import { MetricsPage } from '../chaos/metrics.ts';
import { Stage } from '../chaos/stage.ts';

/** The two users of SECURITY.md, word for word: all that the service needs and nothing else, all that a consumer needs and nothing else. */
const SERVICE_RULES =
  'on >service-secret resetchannels &orderbook:* &market_data:* &trades:* &status:* ~market_data:* -@all +publish +set +get +pttl +del +ping';
const CONSUMER_RULES =
  'on >consumer-secret resetchannels &orderbook:* &market_data:* &trades:* &status:* %R~market_data:* -@all +subscribe +psubscribe +unsubscribe +punsubscribe +get +ttl +ping';

let stage: Stage | undefined;

afterEach(async () => {
  await stage?.close();
  killAllChildren();
});

test('with the least rights of SECURITY.md everything is published, everything can be read, and nothing else can be done', async () => {
  stage = new Stage({ symbols: ['BTCUSDT'], seed: 1, rate: 20, tradeRate: 20 });
  await stage.startSimulator();
  await stage.startRedis();
  const admin = new Redis(stage.redisPort, '127.0.0.1');
  await admin.call('ACL', 'SETUSER', 'market-data', ...SERVICE_RULES.split(' '));
  await admin.call('ACL', 'SETUSER', 'consumer', ...CONSUMER_RULES.split(' '));
  await admin.call('ACL', 'SETUSER', 'default', 'off');

  stage = withUser(stage, 'market-data:service-secret');
  const lines: string[] = [];
  stage.log.onEntry = (entry) => lines.push(JSON.stringify(entry));
  await stage.startService();
  await until('ready', 30_000, () => stage!.isReady());

  const consumer = new Redis({
    port: stage.redisPort,
    username: 'consumer',
    password: 'consumer-secret',
    enableReadyCheck: false,
  });
  const refused = await refusals(consumer, [
    ['SET', 'market_data:BTCUSDT', 'x'],
    ['PUBLISH', 'orderbook:BTCUSDT', 'x'],
    ['GET', 'other'],
    ['CONFIG', 'GET', '*'],
    ['KEYS', '*'],
  ]);
  expect(refused).toBe(5);
  expect(JSON.parse((await consumer.get('market_data:BTCUSDT'))!)).toMatchObject({ symbol: 'BTCUSDT' });

  const channels = new Set<string>();
  consumer.on('pmessage', (_pattern: string, channel: string) => channels.add(channel));
  await consumer.psubscribe('orderbook:*', 'market_data:*', 'trades:*', 'status:*');
  await until('a message on each busy channel', 30_000, () => channels.size >= 3);
  // Long enough for the lease, which asks for more than publishing does.
  await sleep(6000);
  const metrics = new MetricsPage((await stage.get('/metrics'))!.text);
  expect(metrics.sum('redis_errors_total')).toBe(0);
  expect(lines.filter((line) => line.includes('NOPERM'))).toEqual([]);
  expect(lines.filter((line) => line.includes('service-secret'))).toEqual([]);
  admin.disconnect();
  consumer.disconnect();
});

/** The same stage, whose service logs in as this user. */
function withUser(of: Stage, user: string): Stage {
  const base = of.serviceConfig.bind(of);
  of.serviceConfig = () => ({ ...base(), redis_url: `redis://${user}@127.0.0.1:${of.redisPort}` });
  return of;
}

async function refusals(redis: Redis, commands: readonly (readonly [string, ...string[]])[]): Promise<number> {
  let count = 0;
  for (const [name, ...args] of commands) {
    await redis.call(name, ...args).catch((error: Error) => {
      if (error.message.includes('NOPERM')) count++;
    });
  }
  return count;
}
