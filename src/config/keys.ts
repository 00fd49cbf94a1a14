import { LIMITS } from '../limits.ts';
import {
  fileMode,
  flag,
  type HostAndPort,
  hostAndPort,
  integer,
  list,
  maskUrl,
  matching,
  oneOf,
  optional,
  quote,
  secret,
  text,
  url,
  type ValueKind,
  ValueProblem,
} from './values.ts';

/** The service's settings, by the names they have in `config.yaml`. Texts that are off are empty. */
export interface Config {
  /** Venue, a name of the exchange registry. */
  readonly exchange: string;
  /** Upper case, without duplicates. */
  readonly symbols: readonly string[];
  /** Bases without a trailing slash. */
  readonly exchange_ws_url: string;
  readonly exchange_rest_url: string;
  /** Compress exchange frames (permessage-deflate). */
  readonly ws_compression: boolean;
  /** Sockets per route that run all the time; the first arrival wins. */
  readonly redundancy: number;
  readonly rotate_after_ms: number;
  readonly reconnect_delay_ms: number;
  readonly max_reconnect_delay_ms: number;
  /** Compare each book with the venue's own best bid and offer. */
  readonly audit: boolean;

  /** Levels per side that are published. */
  readonly order_book_depth: number;
  readonly last_price_source: 'trade' | 'mid';

  /** May hold a password: print it only through `maskUrl`. */
  readonly redis_url: string;
  readonly redis_sentinels: readonly HostAndPort[];
  readonly redis_sentinel_name: string;

  /** File name below /dev/shm; empty: no shared memory. */
  readonly shm_name: string;
  readonly shm_size_bytes: number;
  /** Permission bits, 0o640. */
  readonly shm_mode: number;

  readonly health_host: string;
  /** 0: any free port. */
  readonly health_port: number;
  readonly auth_token: string;
  readonly cors_origin: string;

  readonly log_level: LogLevel;
  /** CPU numbers that the process may run on; empty: all. */
  readonly cpu_affinity: readonly number[];
}

export type ConfigKey = keyof Config;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface KeySpec<T> {
  readonly kind: ValueKind<T>;
  readonly default: T;
  /** One line for --help. */
  readonly help: string;
}

const SYMBOL_BYTES_MAX = 32;

/** Letters of any script: the venue decides what exists, this only refuses what no venue could mean. */
const symbol = text(`a symbol such as BTCUSDT (letters, digits, - _ .; at most ${SYMBOL_BYTES_MAX} bytes)`, (value) => {
  const name = value.toUpperCase();
  if (/^[\p{L}\p{N}]+([-_.][\p{L}\p{N}]+)*$/u.test(name) && Buffer.byteLength(name) <= SYMBOL_BYTES_MAX) return name;
  throw new ValueProblem(quote(value));
});

function withoutTrailingSlash(address: string): string {
  return address.replace(/\/+$/, '');
}

/** A base to which paths are appended. */
function baseUrl(...protocols: string[]): ValueKind<string> {
  return url(protocols, (parsed, value) => {
    if (parsed.search !== '' || parsed.hash !== '')
      throw new ValueProblem(`a query or fragment in ${quote(maskUrl(value))}`);
    return withoutTrailingSlash(value);
  });
}

const redisUrl = url(['redis:', 'rediss:'], (parsed, value) => {
  if (!/^\/?$|^\/\d{1,5}$/.test(parsed.pathname)) throw new ValueProblem(`the database ${quote(parsed.pathname)}`);
  return value;
});

const origin = text('* or an origin such as https://dashboard.example.com', (value) => {
  if (value === '*' || (URL.canParse(value) && new URL(value).origin === value)) return value;
  throw new ValueProblem(quote(value));
});

/** Every key, in the order of --help and config.example.yaml. */
export const CONFIG_KEYS: { readonly [K in ConfigKey]: KeySpec<Config[K]> } = {
  exchange: {
    kind: matching('the name of an exchange', /^[a-z0-9-]+$/),
    default: 'binance-usdm',
    help: 'venue to listen to',
  },
  symbols: {
    kind: list(symbol, {
      countMin: 1,
      countMax: LIMITS.symbols_max,
      items: 'symbols',
      identity: (name) => name,
    }),
    default: ['BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'SOLUSDT'],
    help: 'what to publish, first ones first; upper or lower case',
  },
  exchange_ws_url: {
    kind: baseUrl('ws:', 'wss:'),
    default: 'wss://fstream.binance.com',
    help: 'base of the WebSocket routes',
  },
  exchange_rest_url: {
    kind: baseUrl('http:', 'https:'),
    default: 'https://fapi.binance.com',
    help: 'base of the REST requests: snapshots, symbols, candles',
  },
  ws_compression: { kind: flag(), default: false, help: 'ask the exchange to compress frames: less traffic, more CPU' },
  redundancy: {
    kind: integer(1, 2),
    default: 1,
    help: 'sockets per route; with 2 the first arrival wins and a lost socket loses nothing',
  },
  rotate_after_ms: {
    kind: integer(1_000, 86_400_000),
    default: 82_800_000,
    help: 'age at which a socket is replaced, before the exchange cuts it off at 24 h',
  },
  reconnect_delay_ms: {
    kind: integer(1, 3_600_000),
    default: 1_000,
    help: 'longest wait before the first reconnect; doubles with each failure, full jitter',
  },
  max_reconnect_delay_ms: {
    kind: integer(1, 3_600_000),
    default: 60_000,
    help: 'longest wait before any reconnect',
  },
  audit: { kind: flag(), default: false, help: "compare every book with the exchange's own best bid and offer" },
  order_book_depth: {
    kind: integer(1, LIMITS.published_depth_max),
    default: 20,
    help: 'levels per side that are published',
  },
  last_price_source: {
    kind: oneOf('trade', 'mid'),
    default: 'trade',
    help: 'last_price is the last trade, or always the mid of best bid and ask',
  },
  redis_url: {
    kind: redisUrl,
    default: 'redis://localhost:6379',
    help: 'redis://user:password@host:port/database, or rediss:// for TLS',
  },
  redis_sentinels: {
    kind: list(hostAndPort(), {
      countMin: 0,
      countMax: 16,
      items: 'Sentinels',
      identity: ({ host, port }) => `${host}:${port}`,
    }),
    default: [],
    help: 'Redis Sentinels to ask for the master; user, password and database still come from redis_url',
  },
  redis_sentinel_name: {
    kind: optional(matching('a name of letters, digits, . _ -', /^[\w.-]{1,64}$/)),
    default: '',
    help: 'name of the master that the Sentinels watch',
  },
  shm_name: {
    kind: optional(matching('a file name of letters, digits, . _ - (no slash)', /^[A-Za-z0-9_][\w.-]{0,200}$/)),
    default: 'market_data_shm',
    help: 'file below /dev/shm; empty switches shared memory off',
  },
  shm_size_bytes: {
    kind: integer(65_536, 2 ** 34),
    default: 1 << 20,
    help: 'size of the shared-memory file',
  },
  shm_mode: { kind: fileMode(), default: 0o640, help: 'permissions of the shared-memory file' },
  health_host: {
    kind: matching('a host name or IP address', /^(?=.{1,253}$)[A-Za-z0-9:][A-Za-z0-9.:_-]*$/),
    default: '127.0.0.1',
    help: 'address of /health, /ready and /metrics; anything but loopback needs auth_token',
  },
  health_port: { kind: integer(0, 65_535), default: 8080, help: 'port of the same; 0 takes any free one' },
  auth_token: {
    kind: secret(
      optional(matching('a token of 16 to 512 printable ASCII characters without spaces', /^[\x21-\x7e]{16,512}$/)),
    ),
    default: '',
    help: 'asked of every HTTP client as "Authorization: Bearer <token>"; /health stays open',
  },
  cors_origin: { kind: optional(origin), default: '', help: 'web origin that browsers may read HTTP answers from' },
  log_level: { kind: oneOf(...LOG_LEVELS), default: 'info', help: 'least severe level that is logged' },
  cpu_affinity: {
    kind: list(integer(0, 1023), { countMin: 0, countMax: 1024, items: 'CPU numbers', identity: String }),
    default: [],
    help: 'CPU numbers to run on; empty for all',
  },
};

export const CONFIG_KEY_NAMES = Object.keys(CONFIG_KEYS) as readonly ConfigKey[];

/** Exact: "__proto__" or "toString" are not keys. */
export function isConfigKey(name: string): name is ConfigKey {
  return Object.hasOwn(CONFIG_KEYS, name);
}
