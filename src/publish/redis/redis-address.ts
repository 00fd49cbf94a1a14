import { isIP } from 'node:net';
import type { RedisOptions } from 'ioredis';
import { LIMITS } from '../../limits.ts';
import { UsageError } from '../../model/errors.ts';

/** Where Redis is and as whom to log in; parsed from `redis_url`. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  readonly isTls: boolean;
}

const DEFAULT_PORT = 6379;

/**
 * Reads `redis://[user[:password]@]host[:port][/database]`, or `rediss://` for TLS.
 * @throws UsageError, whose text has the secrets masked
 */
export function parseRedisUrl(text: string): RedisAddress {
  const invalid = (why: string) => new UsageError(`redis_url ${JSON.stringify(redactUrl(text))}: ${why}`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('not a URL; expected redis://[user:password@]host[:port][/database] or rediss://…');
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw invalid('must start with redis:// or rediss://');
  if (url.search !== '' || url.hash !== '') throw invalid('takes no query and no fragment');
  const database = /^\/?(\d{0,5})$/.exec(url.pathname);
  if (database === null) throw invalid('what follows the port is the number of the database, e.g. /0');
  try {
    return {
      host: url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? DEFAULT_PORT : Number(url.port),
      username: url.username === '' ? undefined : decodeURIComponent(url.username),
      password: url.password === '' ? undefined : decodeURIComponent(url.password),
      database: Number(database[1]),
      isTls: url.protocol === 'rediss:',
    };
  } catch {
    throw invalid('user or password is not percent-encoded correctly');
  }
}

/** The same URL without user and password, for logs and messages. Works on any text. */
export function redactUrl(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?[^/?#]*@/is, '$1***@')
    .replace(/^([a-z][a-z0-9+.-]*:\/\/).*@/is, '$1***@')
    .replace(/([?&](?:user(?:name)?|password|auth|token)=)[^&#]*/gi, '$1***');
}

/** ioredis's constructors want the mapping to be stated. */
export type ConnectionOptions = RedisOptions & { readonly replyMapping: 'legacy' };

/** What every connection to this address has in common. Nothing is ever queued inside ioredis. */
export function connectionOptions(address: RedisAddress): ConnectionOptions {
  return {
    host: address.host,
    port: address.port,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    // A server name is for names: an IP address is not sent as one.
    ...(address.isTls ? { tls: isIP(address.host) === 0 ? { servername: address.host } : {} } : {}),
    // RESP 2: every answer to our commands is one line, and servers before Redis 6 know it.
    protocol: 2,
    replyMapping: 'legacy',
    lazyConnect: true,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    noDelay: true,
    keepAlive: 10_000,
    connectTimeout: LIMITS.redis_connect_timeout_ms,
    commandTimeout: LIMITS.redis_unresponsive_after_ms,
    disconnectTimeout: 500,
  };
}

/** Exponential from 20 ms, half of it jitter. Never gives up. */
export function reconnectDelayMs(attempt: number): number {
  const delay = Math.min(20 * 2 ** Math.min(attempt - 1, 20), LIMITS.redis_reconnect_delay_ms_max);
  return delay * (0.5 + Math.random() / 2);
}
