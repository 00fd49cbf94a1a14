import type { Feed } from './feed/feed.ts';
import type { SymbolSession } from './feed/symbol-session.ts';
import type { TradeSequence } from './feed/trade-sequence.ts';
import type { Clock } from './model/clock.ts';
import { LabelledCounter } from './model/counters.ts';
import { formatDecimal } from './model/decimal.ts';
import type { RouteView, ServiceView, SinkView, SymbolView } from './ops/service-view.ts';
import type { RedisPublisher } from './publish/redis/redis-publisher.ts';

/** The running service as /ready, /metrics and the status table see it. Everything is read when it is asked for. */
export class LiveView implements ServiceView {
  readonly #feed: Feed;
  readonly #redis: RedisPublisher;
  readonly #clock: Clock;

  constructor(feed: Feed, redis: RedisPublisher, clock: Clock) {
    this.#feed = feed;
    this.#redis = redis;
    this.#clock = clock;
  }

  get redisConnected(): boolean {
    return this.#redis.connected;
  }

  get redisError(): string {
    return this.#redis.lastError ?? '';
  }

  get exchangeConnected(): boolean {
    return this.#feed.isConnected;
  }

  get symbols(): readonly SymbolView[] {
    const { sessions, tradeSequences } = this.#feed.pipeline;
    const nowNs = this.#clock.nowNs();
    return sessions.map((session, index) => symbolView(session, tradeSequences[index]!, nowNs));
  }

  get routes(): readonly RouteView[] {
    const isUp = new Map(this.#feed.routes.map((route) => [route.plan.route, route.isUp]));
    return [...this.#feed.disconnects].map(([route, disconnects]) => {
      return { route, isConnected: isUp.get(route) ?? false, disconnects };
    });
  }

  get sinks(): readonly SinkView[] {
    const conflated = new LabelledCounter();
    conflated.add('book_conflated', this.#feed.pipeline.overload.conflated);
    return [
      { name: 'redis', dropped: this.#redis.dropped },
      { name: 'all', dropped: conflated },
    ];
  }

  get rejected(): LabelledCounter {
    return this.#feed.pipeline.rejected;
  }

  get redisPublishes(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#redis.publishesByChannel));
  }

  get redisErrors(): number {
    return this.#redis.errors.total;
  }

  get exchangeLagSeconds(): number {
    return this.#feed.pipeline.exchangeLagSeconds;
  }

  get restOutcomes(): LabelledCounter {
    return this.#feed.rest.outcomes;
  }

  get restUsedWeight(): number {
    return this.#feed.rest.budget.usedWeight;
  }
}

function symbolView(session: SymbolSession, trades: TradeSequence, nowNs: number): SymbolView {
  const { symbol, market, updates, gaps, resyncs, latency } = session;
  const [bidPrice, askPrice] = bestPrices(session);
  return {
    symbol,
    state: market.state,
    reason: market.reason,
    lastUpdateId: market.lastUpdateId,
    ageMs: (nowNs - session.market.receiveTimeNs) / 1e6,
    bidPrice,
    askPrice,
    updates,
    trades: trades.trades,
    gaps,
    tradeGaps: trades.gaps,
    tradesLost: trades.lost,
    resyncs,
    latency,
  };
}

function bestPrices({ market }: SymbolSession): [bid: string, ask: string] {
  if (market.state !== 'live') return ['', ''];
  const { priceScale } = market.instrument;
  const isPartial = market.source === 'partial';
  const bid = isPartial ? market.update.bidPrices[0]! : market.book.bestBidPrice;
  const ask = isPartial ? market.update.askPrices[0]! : market.book.bestAskPrice;
  return [formatDecimal(bid, priceScale), formatDecimal(ask, priceScale)];
}
