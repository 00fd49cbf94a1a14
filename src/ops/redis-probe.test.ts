import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { startEmbeddedRedis } from './embedded-redis.ts';
import { redisAnswers } from './redis-probe.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers whatever it is told with the same text, or not at all. */
function serverThatSays(text: string): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => text !== '' && socket.end(text));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address !== 'string') resolve(`redis://127.0.0.1:${address.port}`);
    });
  });
}

describe('redisAnswers', () => {
  it('is true for a Redis, also for one that wants a password', async () => {
    for (const options of [[], ['--requirepass', 'secret']]) {
      const redis = await startEmbeddedRedis({ options });
      expect(await redisAnswers(redis.url)).toBe(true);
      await redis.close();
    }
  });

  it('is false where nothing listens', async () => {
    const url = await serverThatSays('');
    servers.pop()!.close();
    expect(await redisAnswers(url)).toBe(false);
  });

  it('is false for another protocol and for silence', async () => {
    expect(await redisAnswers(await serverThatSays('HTTP/1.1 400 Bad Request\r\n\r\n'))).toBe(false);
    expect(await redisAnswers(await serverThatSays(''))).toBe(false);
    expect(await redisAnswers((await serverThatSays('+PONG\r\n')).replace('redis:', 'rediss:'))).toBe(false);
  });
});
