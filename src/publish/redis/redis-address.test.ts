import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../model/errors.ts';
import { connectionOptions, parseRedisUrl, reconnectDelayMs, redactUrl } from './redis-address.ts';

describe('a Redis URL', () => {
  it('is read with its defaults', () => {
    expect(parseRedisUrl('redis://localhost')).toEqual({
      host: 'localhost',
      port: 6379,
      username: undefined,
      password: undefined,
      database: 0,
      isTls: false,
    });
  });

  it('may name user, password, port, database and TLS', () => {
    expect(parseRedisUrl('rediss://us%40er:p%2Fss@redis.example:7000/3')).toEqual({
      host: 'redis.example',
      port: 7000,
      username: 'us@er',
      password: 'p/ss',
      database: 3,
      isTls: true,
    });
    expect(parseRedisUrl('redis://:secret@[::1]:1')).toMatchObject({
      host: '::1',
      username: undefined,
      password: 'secret',
    });
  });

  it('is refused when it cannot be used, without showing its secrets', () => {
    for (const url of [
      'http://user:s3cret@host',
      'redis://user:s3cret@host/db',
      'redis://user:s3cret@host:port',
      'redis://user:s3cret%zz@host',
      'redis://user:s3cret@host?x=1',
      'user:s3cret@host',
      '',
    ]) {
      expect(() => parseRedisUrl(url)).toThrow(UsageError);
      expect(() => parseRedisUrl(url)).not.toThrow('s3cret');
    }
  });

  it('never shows user or password when it is masked', () => {
    expect(redactUrl('redis://user:p@ss/w0rd@host:1/2')).toBe('redis://***@host:1/2');
    expect(redactUrl('rediss://host:1/2')).toBe('rediss://host:1/2');
    expect(redactUrl('redis://host/?password=abc&x=1')).toBe('redis://host/?password=***&x=1');
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z0-9/?#@:%!]{0,12}$/), (password) => {
        expect(redactUrl(`redis://us3r:S${password}E@host:1`)).toBe('redis://***@host:1');
      }),
    );
  });

  it('gives an IP address no TLS server name', () => {
    expect(connectionOptions(parseRedisUrl('rediss://127.0.0.1')).tls).toEqual({});
    expect(connectionOptions(parseRedisUrl('rediss://redis.example')).tls).toEqual({ servername: 'redis.example' });
    expect(connectionOptions(parseRedisUrl('redis://redis.example')).tls).toBeUndefined();
  });
});

it('the pause between attempts grows to its limit and stays there', () => {
  for (let attempt = 1; attempt < 2000; attempt++) {
    expect(reconnectDelayMs(attempt)).toBeLessThanOrEqual(500);
    expect(reconnectDelayMs(attempt)).toBeGreaterThanOrEqual(10);
  }
});
