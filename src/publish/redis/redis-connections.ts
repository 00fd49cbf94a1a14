import { Cluster, Redis } from 'ioredis';
import { LIMITS } from '../../limits.ts';
import type { NodeAddress } from './cluster-topology.ts';
import { HotConnector } from './hot-connector.ts';
import { type ConnectionOptions, connectionOptions, type RedisAddress, reconnectDelayMs } from './redis-address.ts';
import { isRefusal } from './redis-error.ts';

export interface Sentinels {
  /** The name under which the Sentinels know the master. */
  readonly name: string;
  readonly nodes: readonly NodeAddress[];
}

/** Why a connection failed last, asked before the next attempt; empty when it did not. */
export type ErrorKindSource = () => string;

/** Makes ioredis connections to one address, to the master that Sentinels name, or to the nodes of a cluster. None connects by itself. */
export class RedisConnections {
  readonly address: RedisAddress;
  readonly #sentinels: Sentinels | undefined;

  constructor(address: RedisAddress, sentinels: Sentinels | undefined) {
    this.address = address;
    this.#sentinels = sentinels;
  }

  get isSentinel(): boolean {
    return this.#sentinels !== undefined;
  }

  /** For messages. */
  get name(): string {
    return this.#sentinels === undefined ? nodeName(this.address) : `${this.#sentinels.name} (Sentinel)`;
  }

  /** A connection to be taken over: it stays in database 0. */
  hot(node: NodeAddress | undefined, errorKind: ErrorKindSource): Redis {
    // With Sentinels, their connector has to be theirs.
    const connector = this.isSentinel ? {} : { Connector: HotConnector };
    return new Redis({ ...this.#options(errorKind), ...connector, ...(node && { host: node.host, port: node.port }) });
  }

  control(errorKind: ErrorKindSource): Redis {
    return new Redis({ ...this.#options(errorKind), db: this.address.database });
  }

  /** Only asked about the topology and for the lease. */
  cluster(): Cluster {
    const { retryStrategy: _, ...redisOptions } = this.#options(() => '');
    return new Cluster([{ host: this.address.host, port: this.address.port }], {
      lazyConnect: true,
      enableOfflineQueue: false,
      slotsRefreshTimeout: LIMITS.redis_unresponsive_after_ms,
      clusterRetryStrategy: reconnectDelayMs,
      redisOptions,
    });
  }

  #options(errorKind: ErrorKindSource): ConnectionOptions {
    const sentinels = this.#sentinels;
    return {
      ...connectionOptions(this.address),
      retryStrategy: (attempt: number) =>
        isRefusal(errorKind()) ? LIMITS.redis_refused_delay_ms : reconnectDelayMs(attempt),
      // The ready check is what looks at the role of the server that a Sentinel named.
      ...(sentinels && { sentinels: [...sentinels.nodes], name: sentinels.name, enableReadyCheck: true }),
    };
  }
}

export function nodeName({ host, port }: NodeAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
