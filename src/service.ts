import type { Config } from './config.ts';
import { EXCHANGES } from './exchanges/registry.ts';
import { Feed } from './feed/feed.ts';
import { LIMITS } from './limits.ts';
import { LiveView } from './live-view.ts';
import { SystemClock } from './model/clock.ts';
import { UsageError } from './model/errors.ts';
import { pinToCpus } from './ops/cpu-affinity.ts';
import { healthRoutes } from './ops/health-routes.ts';
import { HttpServer } from './ops/http-server.ts';
import type { Logger } from './ops/logging.ts';
import { LoopDelay } from './ops/loop-delay.ts';
import { createMetrics } from './ops/metrics.ts';
import type { ServiceView } from './ops/service-view.ts';
import { DocumentEncoder } from './publish/encode.ts';
import type { Publisher } from './publish/publisher.ts';
import { RedisPublisher } from './publish/redis/redis-publisher.ts';
import { ShmPublisher } from './publish/shm.ts';
import { mappingUnavailable } from './shm/mapping.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly version: string;
  /** The service cannot go on: wrong configuration that is only noticed while it runs. */
  readonly onFatal: (error: Error) => void;
}

/** The whole service in one process: every stage is named and wired here, in the order in which data flows. */
export class Service {
  readonly view: ServiceView;
  readonly feed: Feed;
  readonly redis: RedisPublisher;
  readonly shm: ShmPublisher | undefined;
  readonly #logger: Logger;
  readonly #clock = new SystemClock();
  readonly #publishers: readonly Publisher[];
  readonly #loopDelay = new LoopDelay(LIMITS.check_interval_ms);
  #checkTimer: NodeJS.Timeout | undefined;
  #http: HttpServer | undefined;

  /** Resolves when HTTP answers; the feed and Redis connect in the background. @throws UsageError on what only the user can change */
  static async start(options: ServiceOptions): Promise<Service> {
    const service = new Service(options);
    try {
      await service.#listen(options);
    } catch (error) {
      await service.close('start failed');
      throw error;
    }
    service.#checkTimer = setInterval(() => service.#check(), LIMITS.check_interval_ms);
    service.redis.start();
    service.feed.start().catch(options.onFatal);
    return service;
  }

  private constructor({ config, logger, onFatal }: ServiceOptions) {
    this.#logger = logger;
    pinToCpus(config.cpu_affinity, logger);

    // 1. The venue, and the feed that keeps its books: sockets, decoder, sequencer, book.
    const exchange = EXCHANGES.find(({ name }) => name === config.exchange);
    if (exchange === undefined) throw new UsageError(`exchange: no venue is called ${config.exchange}`);
    const publishers: Publisher[] = [];
    this.#publishers = publishers;
    const log = this.#log.bind(this);
    this.feed = new Feed(exchange, feedOptions(config, onFatal), this.#clock, publishers, log);

    // 2. Shared memory first among the sinks: its readers count nanoseconds.
    this.shm = this.#openShm(config);
    if (this.shm !== undefined) publishers.push(this.shm);

    // 3. Redis.
    this.redis = new RedisPublisher({
      url: config.redis_url,
      ...sentinelsOf(config),
      clock: this.#clock,
      instruments: this.feed.instruments,
      encoder: new DocumentEncoder(this.#clock),
      onLog: log,
    });
    publishers.push(this.redis);
    this.view = new LiveView(this.feed, this.redis, this.#clock);
  }

  /** Where HTTP listens: with `health_port: 0` the port that was free. */
  get httpUrl(): string {
    return this.#http?.url ?? '';
  }

  /** Stops reading, hands out what was accepted, closes every socket. */
  async close(reason: string): Promise<void> {
    this.#logger.info({ reason }, 'stopping');
    clearInterval(this.#checkTimer);
    this.feed.stop();
    await Promise.all(this.#publishers.map((publisher) => publisher.close()));
    await this.#http?.close();
    this.#logger.info('stopped');
  }

  // 4. What it says about itself.
  async #listen({ config, version }: ServiceOptions): Promise<void> {
    this.#http = await HttpServer.start({
      host: config.health_host,
      port: config.health_port,
      routes: healthRoutes(this.view, createMetrics(this.view, this.#loopDelay, version), version),
      authToken: config.auth_token,
      corsOrigin: config.cors_origin,
      onError: (error) => this.#logger.warn({ error: error.message }, 'HTTP request failed'),
    });
    this.#logger.info({ url: this.#http.url }, 'HTTP listening');
  }

  #check(): void {
    this.#loopDelay.onTimer(this.#clock.nowNs());
    this.feed.check();
    for (const publisher of this.#publishers) publisher.onTick();
  }

  #openShm(config: Config): ShmPublisher | undefined {
    if (config.shm_name === '') return undefined;
    const unavailable = mappingUnavailable();
    if (unavailable !== undefined) {
      this.#logger.warn({ reason: unavailable }, 'running without shared memory');
      return undefined;
    }
    const shm = new ShmPublisher({
      name: config.shm_name,
      sizeBytes: config.shm_size_bytes,
      depth: config.order_book_depth,
      instruments: this.feed.instruments,
      clock: this.#clock,
      mode: config.shm_mode,
    });
    this.#logger.info({ path: shm.path }, 'shared memory open');
    return shm;
  }

  #log(
    level: 'debug' | 'info' | 'warn' | 'error',
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): void {
    this.#logger[level](fields, message);
  }
}

function feedOptions(config: Config, onFatal: (error: UsageError) => void): ConstructorParameters<typeof Feed>[1] {
  return {
    symbols: config.symbols,
    wsUrl: config.exchange_ws_url,
    restUrl: config.exchange_rest_url,
    depth: config.order_book_depth,
    lastPriceSource: config.last_price_source,
    audit: config.audit,
    redundancy: config.redundancy,
    rotateAfterMs: config.rotate_after_ms,
    reconnectDelayMs: config.reconnect_delay_ms,
    reconnectDelayMaxMs: config.max_reconnect_delay_ms,
    compression: config.ws_compression,
    onFatal,
  };
}

function sentinelsOf(config: Config) {
  if (config.redis_sentinels.length === 0) return {};
  return { sentinels: { name: config.redis_sentinel_name, nodes: config.redis_sentinels } };
}
