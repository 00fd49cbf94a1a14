import { describe, expect, it } from 'vitest';
import { openLog } from './logging.ts';

async function linesOf(isPretty: boolean, log: (logger: Awaited<ReturnType<typeof openLog>>['logger']) => void) {
  let text = '';
  const { logger } = await openLog({
    level: 'info',
    isPretty,
    writeLines: (lines) => {
      text += lines;
    },
  });
  log(logger);
  return text.trimEnd().split('\n');
}

describe('the log', () => {
  it('is one JSON document a line, with time and level by name', async () => {
    const lines = await linesOf(false, (logger) => {
      logger.info({ symbol: 'BTCUSDT' }, 'first');
      logger.debug('below the level');
      logger.warn('second\nline');
    });
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/), symbol: 'BTCUSDT', msg: 'first' },
      { level: 'warn', time: expect.any(String), msg: 'second\nline' },
    ]);
  });

  it('hides secrets in objects that are logged whole', async () => {
    const secrets = { redis_url: 'redis://user:hush@host:1/0?k=hush', auth_token: 'hush', password: 'hush' };
    const [line] = await linesOf(false, (logger) => logger.info({ ...secrets, config: secrets }, 'all'));
    expect(line).not.toContain('hush');
    expect(JSON.parse(line!).config).toEqual({
      redis_url: 'redis://***@host:1/0?***',
      auth_token: '***',
      password: '***',
    });
  });

  it('is readable for people on a terminal', async () => {
    const [line] = await linesOf(true, (logger) => logger.warn({ symbol: 'BTCUSDT' }, 'a book is stale'));
    expect(line).toContain('a book is stale');
    expect(line).toContain('BTCUSDT');
    expect(() => JSON.parse(line!)).toThrow(SyntaxError);
  });
});
