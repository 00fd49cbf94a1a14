import { rmSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { type Running, start, startRedis, startService, startSimulator, until } from './processes.ts';

const NODE = process.execPath;

describe('market-data watch', () => {
  const running: Running[] = [];
  afterEach(async () => {
    for (const process of running.splice(0).reverse()) await process.end();
  });

  test('shows the ladder of a running service, and says when the service has ended', async () => {
    const redis = await startRedis();
    const simulator = await startSimulator(['--symbols', 'BTCUSDT', '--rate', '50']);
    const shmName = `market_data_test_${process.pid}_${Date.now()}`;
    const service = await startService({
      symbols: 'BTCUSDT',
      'exchange-ws-url': simulator.wsUrl,
      'exchange-rest-url': simulator.restUrl,
      'redis-url': redis.url,
      'shm-name': shmName,
    });
    running.push(redis, simulator, service);
    await until('live', async () => (await fetch(`${service.healthUrl}/ready`)).ok || undefined);

    const once = start(NODE, ['bin/market-data.js', 'watch', 'btcusdt', `--shm=${shmName}`, '--depth', '3', '--once']);
    expect(await once.exited).toBe(0);
    const text = once.output.join('\n');
    expect(text).toMatch(/^BTCUSDT {2}live {2}id \d+/);
    expect(once.output.filter((line) => line.startsWith('ask'))).toHaveLength(3);
    expect(once.output.filter((line) => line.startsWith('bid'))).toHaveLength(3);
    expect(text).toMatch(/bid [\d.]+ {2}ask [\d.]+ {2}mid [\d.]+ {2}spread [\d.]+/);

    const following = start(NODE, ['bin/market-data.js', 'watch', 'BTCUSDT', `--shm=${shmName}`]);
    running.push(following);
    await until('a line with a rate', () => following.output.find((line) => /live .* [1-9]\d* updates\/s/.test(line)));
    await service.end();
    await until('the end of the writer', () => following.output.find((line) => line.includes('writer closed')));
    expect(await following.end('SIGINT')).toBe(0);
    rmSync(`/dev/shm/${shmName}`, { force: true });
  }, 60_000);

  test.each([
    [['watch'], 'one symbol is wanted'],
    [['watch', 'BTCUSDT'], '--shm says where to read from'],
    [['watch', 'BTCUSDT', '--shm=market_data_none_here'], 'does not exist'],
    [['watch', 'BTCUSDT', '--shm', '--depth', '0'], 'allowed: 1 to 1000'],
  ])('refuses %j', async (args, message) => {
    const watch = start(NODE, ['bin/market-data.js', ...args]);
    expect(await watch.exited).toBeGreaterThan(0);
    expect(watch.output.join('\n')).toContain(message);
  });
});
