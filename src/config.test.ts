import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONFIG_KEY_NAMES } from './config/keys.ts';
import { describeConfig, loadConfig, maskConfig } from './config.ts';
import { LIMITS } from './limits.ts';
import { UsageError } from './model/errors.ts';

let cwd: string;

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'market-data-config-'));
});

afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function load(argv: readonly string[] = [], env: Record<string, string> = {}) {
  return loadConfig({ argv, env, cwd, exchanges: ['binance-usdm', 'other-venue'] });
}

function loadFile(content: string | Uint8Array, argv: readonly string[] = [], env: Record<string, string> = {}) {
  writeFileSync(join(cwd, 'config.yaml'), content);
  return load(argv, env);
}

/** The message of the UsageError, which is what the user sees. */
function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `S${index}USDT`);

describe('defaults', () => {
  it('serve when there is no file', () => {
    const { config, warnings, sources } = load();
    expect(config.symbols).toEqual(['BTCUSDT', 'ETHUSDT', 'BNBUSDT', 'SOLUSDT']);
    expect(config.exchange_ws_url).toBe('wss://fstream.binance.com');
    expect(config.shm_mode).toBe(0o640);
    expect(warnings).toEqual([]);
    expect(new Set(Object.values(sources))).toEqual(new Set(['default']));
  });

  it.each(['', '# only a comment\n', '---\n', 'null\n', '\ufeff'])('serve for the empty file %j', (content) => {
    expect(loadFile(content).config).toEqual(load([], {}).config);
  });

  it('are what config.example.yaml says, and it names every key', () => {
    const example = join(import.meta.dirname, '..', 'config.example.yaml');
    const { config, sources, warnings } = load(['--config', example]);
    expect(config).toEqual(load().config);
    expect(Object.values(sources).every((source) => source.startsWith(example))).toBe(true);
    expect(Object.keys(sources).sort()).toEqual([...CONFIG_KEY_NAMES].sort());
    expect(warnings).toEqual([]);
  });

  it('can be replaced by a command, below everything that the user says', () => {
    const request = { argv: ['--audit'], env: {}, cwd, exchanges: ['binance-usdm'] };
    const { config } = loadConfig({ ...request, defaults: { health_port: 0, audit: false } });
    expect([config.health_port, config.audit]).toEqual([0, true]);
  });
});

describe('precedence', () => {
  it('is flags, environment, file, default', () => {
    const file = 'health_port: 1001\norder_book_depth: 7\nredundancy: 2\n';
    const { config, sources } = loadFile(file, ['--health-port', '1003'], {
      MARKET_DATA_HEALTH_PORT: '1002',
      MARKET_DATA_ORDER_BOOK_DEPTH: '8',
    });
    expect([config.health_port, config.order_book_depth, config.redundancy]).toEqual([1003, 8, 2]);
    expect([sources.health_port, sources.order_book_depth, sources.redundancy, sources.audit]).toEqual([
      '--health-port',
      'MARKET_DATA_ORDER_BOOK_DEPTH',
      `${join(cwd, 'config.yaml')}:3`,
      'default',
    ]);
  });

  it('reads flags in every spelling', () => {
    expect(load(['--redis_url=redis://a:1/2']).config.redis_url).toBe('redis://a:1/2');
    expect(load(['--symbols', 'btcusdt, ethusdt']).config.symbols).toEqual(['BTCUSDT', 'ETHUSDT']);
    expect(load(['--audit']).config.audit).toBe(true);
    expect(load(['--audit', 'false']).config.audit).toBe(false);
    expect(loadFile('audit: true', ['--no-audit']).config.audit).toBe(false);
    expect(load(['--shm-name=']).config.shm_name).toBe('');
    expect(load(['--cpu-affinity', '0,1']).config.cpu_affinity).toEqual([0, 1]);
    expect(load(['--redis-sentinels', 'a:1,[::1]:2', '--redis-sentinel-name', 'm']).config.redis_sentinels).toEqual([
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ]);
  });

  it('takes the file from --config or MARKET_DATA_CONFIG, relative to the working directory', () => {
    writeFileSync(join(cwd, 'other.yaml'), 'health_port: 4');
    expect(load(['--config', 'other.yaml']).config.health_port).toBe(4);
    expect(load([], { MARKET_DATA_CONFIG: 'other.yaml' }).config.health_port).toBe(4);
  });

  it('ignores what Kubernetes injects for a Service of that name, and where recordings are', () => {
    const env = {
      MARKET_DATA_PORT: 'tcp://10.0.0.1:8080',
      MARKET_DATA_PORT_8080_TCP_ADDR: '10.0.0.1',
      MARKET_DATA_SERVICE_HOST: '10.0.0.1',
      MARKET_DATA_SERVICE_PORT_HTTP: '8080',
      MARKET_DATA_CAPTURES: '/captures',
    };
    expect(load([], env).config).toEqual(load().config);
  });

  it('hands out flags and arguments that belong to the command', () => {
    const { flags, positionals } = loadConfig({
      argv: ['btcusdt', '--shm', '--audit'],
      env: {},
      cwd,
      exchanges: ['binance-usdm'],
      commandFlags: [{ name: 'shm', isSwitch: true }],
      positionalsMax: 1,
    });
    expect([positionals, flags.get('shm')]).toEqual([['btcusdt'], 'true']);
  });
});

describe('values', () => {
  it.each(['0640', '"0640"', '0o640', '640'])('reads the mode %s as octal', (mode) => {
    expect(loadFile(`shm_mode: ${mode}`).config.shm_mode).toBe(0o640);
  });

  it('accepts symbols of any script and delivery contracts', () => {
    expect(loadFile('symbols: [币安人生usdt, BTCUSDT_261225, 1000SHIBUSDT]').config.symbols).toEqual([
      '币安人生USDT',
      'BTCUSDT_261225',
      '1000SHIBUSDT',
    ]);
  });

  it('accepts as many symbols as the limit', () => {
    expect(load(['--symbols', many(LIMITS.symbols_max).join(',')]).config.symbols).toHaveLength(LIMITS.symbols_max);
  });

  it('drops a legacy /stream from the WebSocket URL with a warning', () => {
    const { config, warnings } = loadFile('\nexchange_ws_url: wss://fstream.binance.com/stream/\n');
    expect(config.exchange_ws_url).toBe('wss://fstream.binance.com');
    expect(warnings).toEqual([expect.stringMatching(/config\.yaml:2: exchange_ws_url: the legacy path \/stream/)]);
  });

  it('keeps a path below the host and drops the trailing slash', () => {
    expect(load(['--exchange-rest-url', 'http://127.0.0.1:1/venue/']).config.exchange_rest_url).toBe(
      'http://127.0.0.1:1/venue',
    );
  });

  it('asks for a token where HTTP can be reached from elsewhere', () => {
    const token = 'sixteen-or-more-characters';
    expect(load(['--health-host', '0.0.0.0', '--auth-token', token]).config.auth_token).toBe(token);
    expect(load(['--health-host', '127.0.0.2']).config.auth_token).toBe('');
  });
});

describe('refuses, naming place, key, what was found and what is allowed', () => {
  const refused: [name: string, content: string, ...parts: string[]][] = [
    [
      'a wrong type',
      'audit: false\nhealth_port: eighty',
      'config.yaml:2: health_port: found the text "eighty"',
      '0 to 65535',
    ],
    ['a number out of range', 'health_port: 65536', ':1: health_port: found the number 65536, allowed: a whole number'],
    ['a fraction', 'order_book_depth: 1.5', 'order_book_depth: found the number 1.5'],
    ['a huge number', `shm_size_bytes: ${'9'.repeat(400)}`, 'shm_size_bytes: found the number 999'],
    ['no value', 'redis_url:', 'redis_url: found nothing, allowed: a URL that begins with redis:// or rediss://'],
    ['a list for a text', 'redis_url: [a]', 'redis_url: found a list'],
    ['a map for a text', 'redis_url: {a: b}', 'redis_url: found a map'],
    ['yes for true', 'audit: yes', 'audit: found the text "yes", allowed: true or false'],
    ['an unknown choice', 'last_price_source: last', 'found "last"', 'trade or mid'],
    [
      'an unknown key',
      'redis_url: redis://h\n\nredis_urll: x',
      'config.yaml:3: redis_urll: unknown key, did you mean redis_url?',
    ],
    ['a key that resembles nothing', 'zzzzzz: 1', ':1: zzzzzz: unknown key, see config.example.yaml'],
    ['__proto__', '__proto__: {audit: true}', ':1: __proto__: unknown key'],
    ['constructor', 'constructor: 1', ':1: constructor: unknown key'],
    ['a key in upper case', 'AUDIT: true', ':1: AUDIT: unknown key'],
    ['a list as a key', '? [a]\n: 1', ':1: found a list as a key'],
    ['a key twice', 'audit: true\nredundancy: 1\naudit: false', ':3: audit: found a second time, first on line 1'],
    ['a list', '- a\n- b', ':1: found a list, allowed: a map'],
    ['a text', 'hello', ':1: found a single value, allowed: a map'],
    ['broken YAML', 'audit: true\nsymbols: [a', ':2: not valid YAML'],
    ['a tab as indentation', 'symbols:\n\t- a', 'not valid YAML'],
    ['two documents', 'audit: true\n---\naudit: false', 'not valid YAML'],
    ['an unknown tag', 'audit: !!js/function x', 'not valid YAML'],
    [
      'an alias',
      'exchange: &a binance-usdm\nshm_name: *a',
      ':2: shm_name: found the alias *a, allowed: the value itself',
    ],
    [
      'an alias bomb',
      'a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nsymbols: [*c, *c]',
      ':2: b: found the alias *a, allowed: the value itself',
    ],
    ['too deep nesting', '['.repeat(50_000), 'not valid YAML'],
    ['no symbols', 'symbols: []', 'symbols: found no symbols, allowed: a list of 1 to 1000 different symbols'],
    ['symbols that are no list', 'symbols: BTCUSDT', 'symbols: found the text "BTCUSDT", allowed: a list'],
    ['too many symbols', `symbols: [${many(2000)}]`, 'symbols: found 2000 symbols, allowed: a list of 1 to 1000'],
    ['a symbol twice', 'symbols: [BTCUSDT, ethusdt, btcusdt]', 'symbols: found "BTCUSDT" twice'],
    [
      'an impossible symbol',
      'symbols: [BTC/USDT]',
      'symbols: found "BTC/USDT", allowed: a list of 1 to 1000 different symbols, each a symbol such as BTCUSDT',
    ],
    ['an empty symbol', 'symbols: [""]', 'symbols: found ""'],
    ['a symbol with a line break', 'symbols: ["BTC\\r\\nUSDT"]', 'symbols: found "BTC\\r\\nUSDT"'],
    ['a symbol that is too long', `symbols: [${'A'.repeat(33)}]`, 'symbols: found "AAA'],
    ['a symbol that is a number', 'symbols: [12]', 'symbols: found the number 12'],
    ['a list in a list', 'symbols: [[BTCUSDT]]', 'symbols: found a list'],
    [
      'a bad URL',
      'exchange_ws_url: fstream.binance.com',
      'exchange_ws_url: found "fstream.binance.com", allowed: a URL that begins with ws:// or wss://',
    ],
    [
      'a URL of another protocol',
      'exchange_rest_url: ftp://h',
      'exchange_rest_url: found "ftp://h", allowed: a URL that begins with http://',
    ],
    ['a base with a query', 'exchange_ws_url: wss://h/?a=b', 'exchange_ws_url: found a query or fragment'],
    ['a database that is no number', 'redis_url: redis://h/mine', 'redis_url: found the database "/mine"'],
    ['a path as shm name', 'shm_name: ../etc/passwd', 'shm_name: found "../etc/passwd"'],
    ['a mode the owner cannot write', 'shm_mode: "0444"', 'shm_mode: found "0444"'],
    ['a mode that is not octal', 'shm_mode: rw', 'shm_mode: found "rw"'],
    ['an impossible host', 'health_host: "a b"', 'health_host: found "a b"'],
    ['a CORS origin with a path', 'cors_origin: https://a/b', 'cors_origin: found "https://a/b"'],
    ['a Sentinel without port', 'redis_sentinels: [a]', 'redis_sentinels: found "a"', 'each host:port'],
    ['Sentinels without the name', 'redis_sentinels: [a:1]', 'redis_sentinel_name: found no value'],
    [
      'delays in the wrong order',
      'max_reconnect_delay_ms: 10',
      ':1: max_reconnect_delay_ms: found 10, allowed: at least reconnect_delay_ms, which is 1000',
    ],
    [
      'an open port without token',
      'health_host: 0.0.0.0',
      'auth_token: found no value, allowed: a token, because health_host 0.0.0.0 is not loopback',
    ],
    [
      'an unknown exchange',
      'exchange: binance-usd',
      ':1: exchange: found "binance-usd", allowed: binance-usdm, other-venue (did you mean binance-usdm?)',
    ],
    [
      'another exchange without its URLs',
      'exchange: other-venue',
      'exchange_ws_url: found no value',
      'exchange_rest_url: found no value',
    ],
  ];

  it.each(refused)('%s', (_name, content, ...parts) => {
    const message = messageOf(() => loadFile(content));
    for (const part of parts) expect(message).toContain(part);
  });

  const refusedFlags: [name: string, argv: string[], env: Record<string, string>, part: string][] = [
    [
      'a wrong flag value',
      ['--health-port', 'x'],
      {},
      '--health-port: found "x", allowed: a whole number from 0 to 65535',
    ],
    ['an unknown flag', ['--redis-ulr=redis://u:hush@h'], {}, '--redis-ulr: unknown flag, did you mean --redis-url?'],
    ['a flag like nothing', ['--zzzzzzz'], {}, '--zzzzzzz: unknown flag, see --help'],
    ['a short flag', ['-x'], {}, '-x: unknown flag'],
    ['a flag twice', ['--audit', '--audit'], {}, '--audit: given twice'],
    ['a flag without value', ['--redis-url'], {}, '--redis-url: found no value after it'],
    ['a flag followed by a flag', ['--redis-url', '--audit'], {}, '--redis-url: found no value after it'],
    ['a value for --no-', ['--no-audit=true'], {}, '--no-audit: takes no value'],
    ['--no- before a value', ['--no-redis-url'], {}, '--no-redis-url: unknown flag'],
    ['a stray argument', ['BTCUSDT'], {}, 'found "BTCUSDT", allowed: flags'],
    ['a stray argument after --', ['--', '--audit'], {}, 'found "--audit"'],
    ['no symbols', ['--symbols='], {}, '--symbols: found no symbols'],
    [
      'a wrong variable value',
      [],
      { MARKET_DATA_AUDIT: 'maybe' },
      'MARKET_DATA_AUDIT: found "maybe", allowed: true or false',
    ],
    [
      'an unknown variable',
      [],
      { MARKET_DATA_REDISURL: 'x' },
      'MARKET_DATA_REDISURL: unknown key, did you mean MARKET_DATA_REDIS_URL?',
    ],
    [
      'a variable in lower case',
      [],
      { MARKET_DATA_audit: 'true' },
      'MARKET_DATA_audit: unknown key, did you mean MARKET_DATA_AUDIT?',
    ],
    ['a missing file', ['--config', 'nowhere.yaml'], {}, 'nowhere.yaml: cannot be read: there is no such file'],
    ['a missing file of the environment', [], { MARKET_DATA_CONFIG: 'gone.yaml' }, 'gone.yaml: cannot be read'],
    ['a directory as file', ['--config', '.'], {}, 'it is a directory'],
  ];

  it.each(refusedFlags)('%s', (_name, argv, env, part) => {
    expect(messageOf(() => load(argv, env))).toContain(part);
  });

  it('a file that is not text', () => {
    expect(messageOf(() => loadFile(Uint8Array.of(0x61, 0xff, 0xfe)))).toContain('it is not UTF-8 text');
  });

  it('a file that is too large', () => {
    expect(messageOf(() => loadFile(' '.repeat(LIMITS.config_file_bytes_max + 1)))).toContain('allowed: at most');
  });

  it.skipIf(process.getuid?.() === 0)('a file that may not be read', () => {
    writeFileSync(join(cwd, 'config.yaml'), '');
    chmodSync(join(cwd, 'config.yaml'), 0);
    expect(messageOf(() => load())).toContain('permission denied');
  });

  it('a directory named config.yaml', () => {
    mkdirSync(join(cwd, 'config.yaml'));
    expect(messageOf(() => load())).toContain('it is a directory');
  });

  it('everything that is wrong at once', () => {
    const message = messageOf(() => loadFile('health_port: x\nrediss: 1\n', ['--redundancy', '3']));
    expect(message.split('\n')).toHaveLength(3);
  });
});

describe('secrets', () => {
  const secrets: [name: string, content: string][] = [
    ['a token that is too short', 'auth_token: hush-hush'],
    ['a token with a space', 'auth_token: hush-hush-hush-hush hush'],
    ['a token that is a list', 'auth_token: [hush-hush-hush-hush]'],
    ['a broken Redis URL', 'redis_url: redis//user:hush@host'],
    ['a Redis URL without protocol', 'redis_url: user:hush@host'],
    ['a Redis URL with @ in the password', 'redis_url: http://user:hush@hush@host'],
    ['a password in the query', 'redis_url: http://host?password=hush'],
    ['a password in a Redis URL with a wrong database', 'redis_url: redis://user:hush@host/x'],
    ['a password in broken YAML', 'redis_url: redis://user:hush@host\n  x: [hush'],
    ['a password under a mistyped key', 'redis_urll: redis://user:hush@host'],
    ['a query in the exchange URL', 'exchange_rest_url: https://host/?key=hush'],
    ['credentials in the exchange URL', 'exchange_ws_url: http://user:hush@host'],
  ];

  it.each(secrets)('are not shown: %s', (_name, content) => {
    expect(messageOf(() => loadFile(content))).not.toContain('hush');
  });

  it('are not shown from flags', () => {
    expect(messageOf(() => load(['--redis-password=hush']))).not.toContain('hush');
    expect(messageOf(() => load(['--auth-token', 'hush']))).not.toContain('hush');
  });

  it('are masked for the log', () => {
    const { config } = load(['--redis-url', 'rediss://user:hush@host:1/0', '--auth-token', 'hush-hush-hush-hush']);
    const masked = maskConfig(config);
    expect(JSON.stringify(masked)).not.toContain('hush');
    expect([masked.redis_url, masked.auth_token, masked.shm_mode]).toEqual(['rediss://***@host:1/0', '***', '0640']);
  });
});

describe('describeConfig', () => {
  it('names every key as a flag, with its default', () => {
    const help = describeConfig();
    for (const key of CONFIG_KEY_NAMES) expect(help).toContain(`--${key.replaceAll('_', '-')} `);
    expect(help).toContain('[BTCUSDT,ETHUSDT,BNBUSDT,SOLUSDT]');
  });
});

describe('any input', () => {
  it('ends in a configuration or a UsageError', () => {
    const seed = process.env.FUZZ_SEED === undefined ? {} : { seed: Number(process.env.FUZZ_SEED) };
    const key = fc.oneof(fc.constantFrom<string>(...CONFIG_KEY_NAMES), fc.string({ maxLength: 12 }));
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('[', '{}', '*a', '&a', '!!map', '|', '>', '1e999', '- a'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(key, value), { maxLength: 5 }), (pairs) => {
        try {
          loadFile(pairs.map(([name, text]) => `${name}: ${text}`).join('\n'));
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 300, ...seed },
    );
  });
});
