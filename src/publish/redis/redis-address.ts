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
  /** Of a Unix domain socket, in place of host and port. */
  readonly socketPath: string | undefined;
}

const DEFAULT_PORT = 6379;

/**
 * Reads `redis://[user[:password]@]host[:port][/database]`, `rediss://` for TLS, or `unix://[user[:password]@localhost]/path[?db=database]`
 * for a socket file.
 * @throws UsageError, whose text has the secrets masked
 */
export function parseRedisUrl(text: string): RedisAddress {
  const invalid = (why: string) => new UsageError(`redis_url ${JSON.stringify(redactUrl(text))}: ${why}`);
  const decode = (part: string) => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw invalid('user, password or path is not percent-encoded correctly');
    }
  };
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid('not a URL; expected redis://[user:password@]host[:port][/database] or rediss://…');
  }
  const credentials = {
    username: url.username === '' ? undefined : decode(url.username),
    password: url.password === '' ? undefined : decode(url.password),
  };
  if (url.protocol === 'unix:') {
    const database = /^(?:\?db=(\d{1,5}))?$/.exec(url.search);
    if (database === null || url.hash !== '')
      throw invalid('what follows the path is the number of the database, ?db=0');
    if ((url.hostname !== '' && url.hostname !== 'localhost') || url.port !== '' || url.pathname.length < 2) {
      throw invalid('expected unix:///path/of/redis.sock, or unix://user:password@localhost/path/of/redis.sock');
    }
    const socketPath = decode(url.pathname);
    return {
      ...credentials,
      host: 'localhost',
      port: DEFAULT_PORT,
      database: Number(database[1] ?? 0),
      isTls: false,
      socketPath,
    };
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw invalid('must start with redis://, rediss:// or unix://');
  if (url.search !== '' || url.hash !== '') throw invalid('takes no query and no fragment');
  const database = /^\/?(\d{0,5})$/.exec(url.pathname);
  if (database === null) throw invalid('what follows the port is the number of the database, e.g. /0');
  return {
    ...credentials,
    host: url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
    database: Number(database[1]),
    isTls: url.protocol === 'rediss:',
    socketPath: undefined,
  };
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
    ...(address.socketPath === undefined ? { host: address.host, port: address.port } : { path: address.socketPath }),
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
