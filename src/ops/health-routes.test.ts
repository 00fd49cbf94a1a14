import { describe, expect, it } from 'vitest';
import { LabelledCounter } from '../model/counters.ts';
import { LatencyHistogram } from '../model/latency-histogram.ts';
import { healthRoutes } from './health-routes.ts';
import { LoopDelay } from './loop-delay.ts';
import { createMetrics } from './metrics.ts';
import type { ServiceView, SymbolView } from './service-view.ts';

function counted(...counts: [string, number][]): LabelledCounter {
  const counter = new LabelledCounter();
  for (const [label, count] of counts) counter.add(label, count);
  return counter;
}

function symbolView(changes: Partial<SymbolView> = {}): SymbolView {
  const latency = new LatencyHistogram();
  latency.recordMany(3_000, 4);
  latency.record(2e8);
  return {
    symbol: 'BTCUSDT',
    state: 'live',
    reason: 'snapshot_bridged',
    lastUpdateId: 160,
    ageMs: 12.4,
    bidPrice: '61800.1',
    askPrice: '61800.2',
    updates: 5,
    trades: 7,
    gaps: 1,
    tradeGaps: counted(['refilled', 2]),
    tradesLost: 3,
    resyncs: counted(['gap', 1]),
    latency,
    ...changes,
  };
}

function serviceView(changes: Partial<ServiceView> = {}): ServiceView {
  return {
    redisConnected: true,
    redisError: '',
    exchangeConnected: true,
    symbols: [symbolView()],
    routes: [{ route: 'public', isConnected: true, disconnects: counted(['rotated', 2]) }],
    sinks: [{ name: 'redis', dropped: counted(['queue_full', 9]) }],
    rejected: counted(['malformed', 4]),
    redisPublishes: new Map([['orderbook', 11]]),
    redisErrors: 6,
    exchangeLagSeconds: 0.25,
    restOutcomes: counted(['ok', 8]),
    restUsedWeight: 40,
    ...changes,
  };
}

async function answerOf(path: string, view: ServiceView) {
  const route = healthRoutes(view, createMetrics(view, new LoopDelay(50), '1.2.3'), '1.2.3').find(
    (candidate) => candidate.path === path,
  )!;
  return route.answer();
}

describe('/health', () => {
  it('says that the process is alive, and its version', async () => {
    const { status, body } = await answerOf('/health', serviceView({ redisConnected: false, symbols: [] }));
    expect([status, body]).toEqual([200, '{"service":"market-data","status":"healthy","version":"1.2.3"}\n']);
  });
});

describe('/ready', () => {
  it('is 200 when Redis answers and every book is live', async () => {
    const { status, body } = await answerOf('/ready', serviceView());
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({
      ready: true,
      redis_connected: true,
      exchange_connected: true,
      symbols: { BTCUSDT: { state: 'live', last_update_id: 160, age_ms: 12, reason: 'snapshot_bridged' } },
    });
  });

  it('is 503 without Redis', async () => {
    const { status, body } = await answerOf('/ready', serviceView({ redisConnected: false }));
    expect([status, JSON.parse(body)]).toEqual([
      503,
      expect.objectContaining({ ready: false, redis_connected: false }),
    ]);
  });

  it.each(['syncing', 'stale', 'resyncing'] as const)('is 503 while one book is %s, and says which', async (state) => {
    const other = symbolView({ symbol: 'ETHUSDT', state, reason: 'gap', lastUpdateId: -1, ageMs: Number.NaN });
    const { status, body } = await answerOf('/ready', serviceView({ symbols: [symbolView(), other] }));
    expect(status).toBe(503);
    expect(JSON.parse(body).symbols.ETHUSDT).toEqual({ state, last_update_id: -1, age_ms: null, reason: 'gap' });
  });

  it('shows a symbol called like a property of all objects', async () => {
    const { body } = await answerOf('/ready', serviceView({ symbols: [symbolView({ symbol: '__proto__' })] }));
    expect(body).toContain('"__proto__":{"state":"live"');
  });
});

describe('/metrics', () => {
  it('is Prometheus text', async () => {
    const { status, contentType } = await answerOf('/metrics', serviceView());
    expect([status, contentType]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  });

  it.each([
    'market_data_updates_total{symbol="BTCUSDT"} 5',
    'market_data_trades_total{symbol="BTCUSDT"} 7',
    'market_data_sequence_gaps_total{symbol="BTCUSDT"} 1',
    'market_data_trade_gaps_total{symbol="BTCUSDT",outcome="refilled"} 2',
    'market_data_trades_lost_total{symbol="BTCUSDT"} 3',
    'market_data_resyncs_total{symbol="BTCUSDT",reason="gap"} 1',
    'market_data_book_state{symbol="BTCUSDT"} 1',
    'market_data_messages_rejected_total{reason="malformed"} 4',
    'market_data_dropped_total{sink="redis",reason="queue_full"} 9',
    'market_data_exchange_lag_seconds 0.25',
    'market_data_rest_requests_total{outcome="ok"} 8',
    'market_data_rest_used_weight 40',
    'market_data_info{version="1.2.3"} 1',
    'websocket_connected{route="public"} 1',
    'websocket_disconnects_total{route="public",reason="rotated"} 2',
    'redis_publishes_total{channel="orderbook"} 11',
    'redis_errors_total 6',
    'redis_connected 1',
    'market_data_latency_seconds_bucket{le="0.000001",symbol="BTCUSDT"} 0',
    'market_data_latency_seconds_bucket{le="0.000005",symbol="BTCUSDT"} 4',
    'market_data_latency_seconds_bucket{le="0.1",symbol="BTCUSDT"} 4',
    'market_data_latency_seconds_bucket{le="+Inf",symbol="BTCUSDT"} 5',
    'market_data_latency_seconds_count{symbol="BTCUSDT"} 5',
    '# TYPE market_data_latency_seconds histogram',
    '# TYPE market_data_updates_total counter',
    '# TYPE market_data_book_state gauge',
  ])('has %s', async (line) => {
    const { body } = await answerOf('/metrics', serviceView());
    expect(body.split('\n')).toContain(line);
  });

  it('sums latencies in seconds', async () => {
    const { body } = await answerOf('/metrics', serviceView());
    const sum = /^market_data_latency_seconds_sum\{symbol="BTCUSDT"\} (\S+)$/m.exec(body)?.[1];
    expect(Number(sum)).toBeCloseTo(0.200012, 9);
  });

  it.each([
    'process_resident_memory_bytes',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_p99_seconds',
    'nodejs_gc_duration_seconds',
  ])('has %s of the process', async (name) => {
    expect((await answerOf('/metrics', serviceView())).body).toContain(`# TYPE ${name}`);
  });

  it('reads anew each time it is asked', async () => {
    const symbol = { ...symbolView() };
    const view = serviceView({ symbols: [symbol] });
    const registry = createMetrics(view, new LoopDelay(50), '1');
    expect(await registry.metrics()).toContain('market_data_updates_total{symbol="BTCUSDT"} 5\n');
    Object.assign(symbol, { updates: 6 });
    expect(await registry.metrics()).toContain('market_data_updates_total{symbol="BTCUSDT"} 6\n');
  });

  it('keeps quotes and line breaks inside their labels', async () => {
    const { body } = await answerOf('/metrics', serviceView({ rejected: counted(['a"b\nc\\', 1]) }));
    expect(body).toContain('market_data_messages_rejected_total{reason="a\\"b\\nc\\\\"} 1\n');
  });

  it('says that the lag is unknown before the first event', async () => {
    const { body } = await answerOf('/metrics', serviceView({ exchangeLagSeconds: Number.NaN }));
    expect(body).toMatch(/^market_data_exchange_lag_seconds nan$/im);
  });
});
