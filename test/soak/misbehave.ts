import { connect, type Socket } from 'node:net';
import { Redis } from 'ioredis';
import { sleep } from '../chaos/child.ts';
import type { Stage } from '../chaos/stage.ts';

/** Consumers at their worst, over and over, until `isOver`: none of them may cost the service memory or time. */
export function misbehave(stage: Stage, isOver: () => boolean): Promise<void>[] {
  return [
    repeat(isOver, 15_000, () => stopRedis(stage, 4000)),
    repeat(isOver, 61_000, () => killRedis(stage, 2000)),
    repeat(isOver, 37_000, () => fillRedis(stage, 3000)),
    repeat(isOver, 5_000, () => subscribeWithoutReading(stage, 8, 10_000)),
    repeat(isOver, 3_000, () => scrapeWithoutReading(stage, 16, 4000)),
  ];
}

async function repeat(isOver: () => boolean, pauseMs: number, act: () => Promise<void>): Promise<void> {
  while (!isOver()) {
    for (let waitedMs = 0; waitedMs < pauseMs && !isOver(); waitedMs += 250) await sleep(250);
    if (!isOver()) await act();
  }
}

async function stopRedis(stage: Stage, forMs: number): Promise<void> {
  stage.redis.signal('SIGSTOP');
  await sleep(forMs);
  stage.redis.signal('SIGCONT');
}

async function killRedis(stage: Stage, forMs: number): Promise<void> {
  const { redis } = stage;
  redis.signal('SIGKILL');
  await redis.exited;
  await sleep(forMs);
  await stage.startRedis();
}

async function fillRedis(stage: Stage, forMs: number): Promise<void> {
  const redis = new Redis({ port: stage.redisPort, host: '127.0.0.1', maxRetriesPerRequest: 1 });
  redis.on('error', () => {});
  try {
    await redis.config('SET', 'maxmemory', '1');
    await sleep(forMs);
    await redis.config('SET', 'maxmemory', '0');
  } catch {
    // Killed meanwhile: the next Redis has no limit.
  } finally {
    redis.disconnect();
  }
}

/** Redis buffers for them up to its limit, and then ends them. */
async function subscribeWithoutReading(stage: Stage, count: number, forMs: number): Promise<void> {
  await holdSockets(count, forMs, () => {
    const socket = connect(stage.redisPort, '127.0.0.1', () => socket.write('PSUBSCRIBE *\r\n'));
    return socket;
  });
}

/** Half of them ask for /metrics and never take it, half never finish their request. */
async function scrapeWithoutReading(stage: Stage, count: number, forMs: number): Promise<void> {
  const { port } = new URL(stage.log.httpUrl);
  await holdSockets(count, forMs, (index) => {
    const request = `GET /metrics HTTP/1.1\r\nHost: a\r\n${index % 2 === 0 ? '\r\n' : ''}`;
    const socket = connect(Number(port), '127.0.0.1', () => socket.write(request));
    return socket;
  });
}

async function holdSockets(count: number, forMs: number, open: (index: number) => Socket): Promise<void> {
  const sockets = Array.from({ length: count }, (_, index) => {
    const socket = open(index);
    socket.on('error', () => {});
    return socket.pause();
  });
  await sleep(forMs);
  for (const socket of sockets) socket.destroy();
}
