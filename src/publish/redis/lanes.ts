import type { Cluster } from 'ioredis';
import { LIMITS } from '../../limits.ts';
import type { Trade } from '../../model/events.ts';
import { readSlots, type SlotRange, slotOf } from './cluster-topology.ts';
import { ControlConnection } from './control-connection.ts';
import { Lane, type LaneContext } from './lane.ts';
import { nodeName, type RedisConnections } from './redis-connections.ts';
import { marketDataKey } from './resp-encoder.ts';

const TOPOLOGY_INTERVAL_NS = 5e9;
/** After a MOVED, so that one migration is one question. */
const MOVED_PAUSE_NS = 0.2e9;

/**
 * The lanes that symbols take. Usually there is one, to the address of the URL. When that turns out to be a node of a cluster
 * (it answers MOVED), each symbol takes the lane to the master that serves its key. PUBLISH works on any node; it goes the same
 * way, so that a symbol's messages stay in order.
 */
export class Lanes {
  readonly #connections: RedisConnections;
  readonly #context: LaneContext;
  readonly #laneOf: Lane[];
  #lanes: Lane[];
  #control: ControlConnection;
  #cluster: Cluster | undefined;
  #topologyDueNs = Number.POSITIVE_INFINITY;
  #isReadingTopology = false;
  #isClosed = false;
  #suspectSinceNs = Number.NaN;

  constructor(connections: RedisConnections, context: LaneContext) {
    this.#connections = connections;
    this.#context = context;
    const lane: Lane = new Lane(
      connections.hot(undefined, () => lane.connectionErrorKind),
      connections.address.database,
      connections.name,
      context,
    );
    for (const symbol of context.symbols) lane.assigned.add(symbol);
    this.#lanes = [lane];
    this.#laneOf = context.symbols.map(() => lane);
    this.#control = this.#makeControl(connections.control(() => lane.connectionErrorKind));
  }

  /** By instrument index. */
  of(index: number): Lane {
    return this.#laneOf[index]!;
  }

  get all(): readonly Lane[] {
    return this.#lanes;
  }

  get control(): ControlConnection {
    return this.#control;
  }

  start(): void {
    for (const lane of this.#lanes) lane.connection.start();
    this.#control.start();
  }

  /** To be called a few times a second. */
  tick(): void {
    this.#control.tick();
    for (const lane of this.#lanes) lane.connection.keepAlive();
    if (this.#cluster !== undefined) this.#followCluster(this.#cluster);
    else this.#replaceDeadConnection(this.#lanes[0]!);
  }

  /** A key is served by another node than the one it was sent to. */
  onMoved(): void {
    const now = this.#context.clock.nowNs();
    if (this.#cluster === undefined) this.#discoverCluster();
    this.#topologyDueNs = Math.min(this.#topologyDueNs, now + MOVED_PAUSE_NS);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const lane of this.#lanes) lane.abandon();
    await this.#control.close(200);
  }

  /**
   * A silent Redis is waited for: it may be stopped, and would answer late what was sent. But when it keeps answering the
   * control connection, the hot one is dead (a middlebox forgot it, a failover went unnoticed) and is made anew.
   */
  #replaceDeadConnection({ connection }: Lane): void {
    const { answeredAtNs } = this.#control;
    const now = this.#context.clock.nowNs();
    const isOverdue = connection.silenceNs(now) > LIMITS.redis_unresponsive_after_ms * 1e6;
    if (!isOverdue || answeredAtNs < connection.waitingSinceNs + 1e9) {
      this.#suspectSinceNs = Number.NaN;
    } else if (Number.isNaN(this.#suspectSinceNs)) {
      this.#suspectSinceNs = now;
    } else if (answeredAtNs > this.#suspectSinceNs + 1e9) {
      this.#suspectSinceNs = Number.NaN;
      connection.replace();
    }
  }

  // --- cluster

  #discoverCluster(): void {
    this.#cluster = this.#connections.cluster();
    void this.#control.close(0);
    this.#control = this.#makeControl(this.#cluster);
    this.#control.start();
  }

  #makeControl(redis: ConstructorParameters<typeof ControlConnection>[0]): ControlConnection {
    const { clock, outcomes, instruments } = this.#context;
    const symbols = instruments.map(({ symbol }) => symbol);
    return new ControlConnection(redis, symbols, clock, outcomes);
  }

  #followCluster(cluster: Cluster): void {
    const now = this.#context.clock.nowNs();
    if (this.#isReadingTopology || now < this.#topologyDueNs || cluster.status !== 'ready') return;
    this.#isReadingTopology = true;
    this.#topologyDueNs = now + TOPOLOGY_INTERVAL_NS;
    readSlots(cluster, this.#connections.address)
      .then((slots) => this.#assign(slots))
      .catch((error: Error) => {
        this.#context.outcomes.logs.log('topology', 'warn', `Redis cluster: ${error.message}`);
      })
      .finally(() => {
        this.#isReadingTopology = false;
      });
  }

  #assign(slots: readonly SlotRange[]): void {
    if (this.#isClosed) return;
    const byName = new Map(this.#lanes.map((lane) => [lane.name, lane]));
    for (const symbol of this.#context.symbols) {
      const slot = slotOf(marketDataKey(symbol.instrument));
      const range = slots.find(({ first, last }) => first <= slot && slot <= last);
      // Nobody serves it at the moment: it stays where it is.
      if (range === undefined) continue;
      const lane = byName.get(nodeName(range)) ?? this.#open(range);
      byName.set(lane.name, lane);
      const before = this.#laneOf[symbol.instrument.index]!;
      if (lane === before) continue;
      this.#laneOf[symbol.instrument.index] = lane;
      before.unassign(symbol, (trade: Trade) => lane.onTrade(trade));
      lane.assign(symbol);
    }
    for (const lane of this.#lanes) if (lane.assigned.size === 0) lane.abandon();
    this.#lanes = this.#lanes.filter((lane) => lane.assigned.size > 0);
  }

  #open(range: SlotRange): Lane {
    const lane: Lane = new Lane(
      this.#connections.hot(range, () => lane.connectionErrorKind),
      0,
      nodeName(range),
      this.#context,
    );
    this.#lanes.push(lane);
    lane.connection.start();
    return lane;
  }
}
