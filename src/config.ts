import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { readConfigFile } from './config/file.ts';
import { type FlagSpec, parseFlags, toFlag } from './config/flags.ts';
import { CONFIG_KEY_NAMES, CONFIG_KEYS, type Config, type ConfigKey, isConfigKey } from './config/keys.ts';
import { ValueProblem } from './config/values.ts';
import { UsageError } from './model/errors.ts';
import { nearestNames } from './model/nearest.ts';

export type { Config, ConfigKey, LogLevel } from './config/keys.ts';

export const DEFAULT_CONFIG_FILE = 'config.yaml';
const ENVIRONMENT_PREFIX = 'MARKET_DATA_';

/** Variables of that prefix that are no settings: the file's path, where recordings are, the seed of simulations. */
const OTHER_VARIABLES: readonly string[] = ['MARKET_DATA_CONFIG', 'MARKET_DATA_CAPTURES', 'MARKET_DATA_SEED'];

/**
 * Kubernetes puts these into every container beside a Service named "market-data"; they are no settings.
 * https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
 */
const KUBERNETES_SERVICE_LINK = /^MARKET_DATA_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$/;

export interface ConfigRequest {
  /** Arguments after the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Names of the exchange registry, the default first. */
  readonly exchanges: readonly string[];
  /** Further flags of the command; their values come back in `flags`. */
  readonly commandFlags?: readonly FlagSpec[];
  /** How many arguments may stand without a flag; 0 when absent. */
  readonly positionalsMax?: number;
  /** Replaces defaults, below file, environment and flags. */
  readonly defaults?: Partial<Config>;
}

export interface LoadedConfig {
  readonly config: Config;
  /** For the log, one sentence each. */
  readonly warnings: readonly string[];
  /** Where each value came from: "default", "/etc/md.yaml:3", "MARKET_DATA_REDIS_URL" or "--redis-url". */
  readonly sources: { readonly [K in ConfigKey]: string };
  readonly flags: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

/**
 * Settings from flags, environment, file and defaults, the first one that has a key winning.
 * @throws UsageError listing every problem, one a line, with its place, what was found and what is allowed
 */
export function loadConfig(request: ConfigRequest): LoadedConfig {
  const { commandFlags = [], positionalsMax = 0 } = request;
  const { values: flags, positionals } = parseFlags(request.argv, [...CONFIG_FLAGS, ...commandFlags]);
  if (positionals.length > positionalsMax) {
    throw new UsageError(
      `found ${JSON.stringify(positionals[positionalsMax])}, allowed: flags such as --redis-url, see --help`,
    );
  }

  const settings = new Settings(request.defaults ?? {});
  const path = configPath(request, flags.get('config'));
  if (path !== undefined) settings.readFile(path);
  settings.readEnvironment(request.env);
  settings.readFlags(flags);
  settings.checkRelations(request.exchanges);
  if (settings.problems.length > 0) throw new UsageError(settings.problems.join('\n'));
  return { ...settings.result(), flags, positionals };
}

const CONFIG_FLAGS: readonly FlagSpec[] = [
  { name: 'config', isSwitch: false },
  ...CONFIG_KEY_NAMES.map((name) => ({ name, isSwitch: typeof CONFIG_KEYS[name].default === 'boolean' })),
];

/** A file that was asked for must be there; the default one may be missing. */
function configPath(request: ConfigRequest, flag: string | undefined): string | undefined {
  const asked = flag ?? request.env.MARKET_DATA_CONFIG;
  if (asked !== undefined) return resolve(request.cwd, asked);
  const path = resolve(request.cwd, DEFAULT_CONFIG_FILE);
  return existsSync(path) ? path : undefined;
}

class Settings {
  readonly problems: string[] = [];
  readonly #warnings: string[] = [];
  readonly #values = new Map<ConfigKey, unknown>();
  readonly #sources = new Map<ConfigKey, string>();

  constructor(defaults: Partial<Config>) {
    for (const key of CONFIG_KEY_NAMES) this.#set(key, 'default', () => defaults[key] ?? CONFIG_KEYS[key].default);
  }

  readFile(path: string): void {
    for (const { key, value, line } of readConfigFile(path)) {
      const source = `${path}:${line}`;
      if (!isConfigKey(key)) this.#refuseUnknown(`${source}: ${key}`, key, (nearest) => nearest);
      else this.#set(key, source, () => CONFIG_KEYS[key].kind.fromYaml(value));
    }
  }

  readEnvironment(env: ConfigRequest['env']): void {
    for (const [name, value] of Object.entries(env)) {
      if (!name.startsWith(ENVIRONMENT_PREFIX) || value === undefined) continue;
      if (OTHER_VARIABLES.includes(name) || KUBERNETES_SERVICE_LINK.test(name)) continue;
      const key = name.slice(ENVIRONMENT_PREFIX.length).toLowerCase();
      if (isConfigKey(key) && name === toVariable(key))
        this.#set(key, name, () => CONFIG_KEYS[key].kind.fromText(value));
      else this.#refuseUnknown(name, key, toVariable);
    }
  }

  readFlags(flags: ReadonlyMap<string, string>): void {
    for (const [name, value] of flags) {
      if (isConfigKey(name)) this.#set(name, toFlag(name), () => CONFIG_KEYS[name].kind.fromText(value));
    }
  }

  /** What no single value can say. */
  checkRelations(exchanges: readonly string[]): void {
    if (this.problems.length > 0) return;
    const { config } = this.result();

    if (!exchanges.includes(config.exchange)) {
      const nearest = nearestNames(config.exchange, exchanges)[0];
      const hint = nearest === undefined ? '' : ` (did you mean ${nearest}?)`;
      this.#refuse('exchange', JSON.stringify(config.exchange), `${exchanges.join(', ')}${hint}`);
    }
    if (config.exchange !== CONFIG_KEYS.exchange.default) {
      for (const key of ['exchange_ws_url', 'exchange_rest_url'] as const) {
        if (this.#sources.get(key) === 'default') {
          this.#refuse(key, 'no value', `the URL of ${config.exchange}, which must be given for it`);
        }
      }
    }
    if (config.max_reconnect_delay_ms < config.reconnect_delay_ms) {
      const least = `at least reconnect_delay_ms, which is ${config.reconnect_delay_ms}`;
      this.#refuse('max_reconnect_delay_ms', String(config.max_reconnect_delay_ms), least);
    }
    if (!isLoopback(config.health_host) && config.auth_token === '') {
      this.#refuse('auth_token', 'no value', `a token, because health_host ${config.health_host} is not loopback`);
    }
    if (config.redis_sentinels.length > 0 && config.redis_sentinel_name === '') {
      this.#refuse('redis_sentinel_name', 'no value', 'the name of the master that redis_sentinels watch');
    }
    this.#dropLegacyStreamPath(config.exchange_ws_url);
  }

  result(): { config: Config; warnings: readonly string[]; sources: LoadedConfig['sources'] } {
    return {
      config: Object.fromEntries(this.#values) as unknown as Config,
      warnings: this.#warnings,
      sources: Object.fromEntries(this.#sources) as LoadedConfig['sources'],
    };
  }

  #dropLegacyStreamPath(wsUrl: string): void {
    const base = wsUrl.replace(/\/stream$/, '');
    if (base === wsUrl) return;
    this.#values.set('exchange_ws_url', base);
    this.#warnings.push(
      `${this.#place('exchange_ws_url')}: the legacy path /stream at the end is not used; write the base only`,
    );
  }

  #set(key: ConfigKey, source: string, read: () => unknown): void {
    try {
      this.#values.set(key, read());
      this.#sources.set(key, source);
    } catch (error) {
      if (!(error instanceof ValueProblem)) throw error;
      this.#sources.set(key, source);
      this.#refuse(key, error.message, CONFIG_KEYS[key].kind.allowed);
    }
  }

  #refuse(key: ConfigKey, found: string, allowed: string): void {
    this.problems.push(`${this.#place(key)}: found ${found}, allowed: ${allowed}`);
  }

  #place(key: ConfigKey): string {
    const source = this.#sources.get(key)!;
    return source === 'default' || source.includes(':') ? `${source}: ${key}`.replace(/^default: /, '') : source;
  }

  #refuseUnknown(place: string, key: string, spell: (key: string) => string): void {
    const nearest = nearestNames(key, CONFIG_KEY_NAMES)[0];
    const hint = nearest === undefined ? 'see config.example.yaml for all keys' : `did you mean ${spell(nearest)}?`;
    this.problems.push(`${place}: unknown key, ${hint}`);
  }
}

function toVariable(key: string): string {
  return `${ENVIRONMENT_PREFIX}${key.toUpperCase()}`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** For --help: every key with what it does, what is allowed and the default. */
export function describeConfig(): string {
  const lines = CONFIG_KEY_NAMES.map((key) => {
    const spec = CONFIG_KEYS[key];
    const shown = defaultText(key);
    return `  ${toFlag(key).padEnd(25)} ${spec.help}\n${' '.repeat(28)}${spec.kind.allowed}${shown === '' ? '' : ` [${shown}]`}`;
  });
  return lines.join('\n');
}

function defaultText<K extends ConfigKey>(key: K): string {
  return CONFIG_KEYS[key].kind.toText(CONFIG_KEYS[key].default);
}

/** All settings as texts that are safe to log: without passwords and tokens. */
export function maskConfig(config: Config): Record<ConfigKey, string> {
  const shown = <K extends ConfigKey>(key: K): [K, string] => [key, CONFIG_KEYS[key].kind.toText(config[key])];
  return Object.fromEntries(CONFIG_KEY_NAMES.map((key) => shown(key))) as Record<ConfigKey, string>;
}
