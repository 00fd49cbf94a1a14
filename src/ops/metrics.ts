import prometheus from 'prom-client';
import { LATENCY_BOUNDS_NS, type LatencyHistogram } from '../model/latency-histogram.ts';
import { MARKET_STATES } from '../model/market-state.ts';
import { LOOP_DELAY_STATISTICS, type LoopDelay } from './loop-delay.ts';
import type { ServiceView, SymbolView } from './service-view.ts';

const DAY_MS = 86_400_000;

/**
 * Every metric of the service in one registry. Nothing is counted here: the numbers live where they arise, and are read
 * through the view when /metrics is asked.
 */
export function createMetrics(view: ServiceView, loopDelay: LoopDelay, version: string): prometheus.Registry {
  const registry = new prometheus.Registry();
  addProcessMetrics(registry, loopDelay);
  addSymbolMetrics(registry, view);
  addExchangeMetrics(registry, view);
  addSinkMetrics(registry, view);
  addGauge(registry, 'market_data_info', 'Always 1; the version is in the label.', ['version'], (set) =>
    set([version], 1),
  );
  return registry;
}

/** The usual ones of Node. The event loop's delay comes from a timer that runs anyway: the library's own never fires. */
function addProcessMetrics(registry: prometheus.Registry, loopDelay: LoopDelay): void {
  prometheus.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: DAY_MS });
  const gauges = LOOP_DELAY_STATISTICS.map((statistic, index) => {
    const name = `nodejs_eventloop_lag_${statistic}_seconds`;
    const help = `How late a periodic timer fired, ${statistic} since the last scrape.`;
    registry.removeSingleMetric(name);
    // The first one, which is asked first, sets them all.
    const collect = index === 0 ? { collect: setAll } : {};
    return new prometheus.Gauge({ name, help, registers: [registry], ...collect });
  });
  function setAll(): void {
    const seconds = loopDelay.take();
    for (const [index, statistic] of LOOP_DELAY_STATISTICS.entries()) gauges[index]!.set(seconds[statistic]);
  }
}

function addSymbolMetrics(registry: prometheus.Registry, view: ServiceView): void {
  const perSymbol = (name: string, help: string, count: (symbol: SymbolView) => number): void =>
    addCounter(registry, name, help, ['symbol'], (add) => {
      for (const symbol of view.symbols) add([symbol.symbol], count(symbol));
    });

  perSymbol('market_data_updates_total', 'Book updates applied.', ({ updates }) => updates);
  perSymbol('market_data_trades_total', 'Trades published.', ({ trades }) => trades);
  perSymbol('market_data_sequence_gaps_total', 'Breaks in the chain of book update ids.', ({ gaps }) => gaps);

  perSymbol(
    'market_data_trades_lost_total',
    'Trades that neither stream nor REST gave.',
    ({ tradesLost }) => tradesLost,
  );

  const tradeGapsHelp = 'Breaks in the chain of trade ids, by what became of them.';
  addCounter(registry, 'market_data_trade_gaps_total', tradeGapsHelp, ['symbol', 'outcome'], (add) => {
    for (const { symbol, tradeGaps } of view.symbols) {
      for (const [outcome, count] of tradeGaps.counts) add([symbol, outcome], count);
    }
  });
  addCounter(registry, 'market_data_resyncs_total', 'Books rebuilt, by cause.', ['symbol', 'reason'], (add) => {
    for (const { symbol, resyncs } of view.symbols) {
      for (const [reason, count] of resyncs.counts) add([symbol, reason], count);
    }
  });
  const stateHelp = `State of the book: ${MARKET_STATES.map((state, index) => `${index} ${state}`).join(', ')}.`;
  addGauge(registry, 'market_data_book_state', stateHelp, ['symbol'], (set) => {
    for (const { symbol, state } of view.symbols) set([symbol], MARKET_STATES.indexOf(state));
  });

  addHistogram(registry, 'market_data_latency_seconds', 'From frame received to published.', (observe) => {
    for (const { symbol, latency } of view.symbols) observe(symbol, latency);
  });
}

function addExchangeMetrics(registry: prometheus.Registry, view: ServiceView): void {
  addCounter(registry, 'market_data_messages_rejected_total', 'Frames that were not used.', ['reason'], (add) => {
    for (const [reason, count] of view.rejected.counts) add([reason], count);
  });
  const lagHelp = "Wall clock minus the exchange's time of the newest event, the clocks' difference included.";
  addGauge(registry, 'market_data_exchange_lag_seconds', lagHelp, [], (set) => set([], view.exchangeLagSeconds));
  addCounter(registry, 'market_data_rest_requests_total', 'REST answers by outcome.', ['outcome'], (add) => {
    for (const [outcome, count] of view.restOutcomes.counts) add([outcome], count);
  });
  const weightHelp = "Request weight used in the exchange's current window.";
  addGauge(registry, 'market_data_rest_used_weight', weightHelp, [], (set) => set([], view.restUsedWeight));

  addGauge(registry, 'websocket_connected', '1 while the route has an open socket.', ['route'], (set) => {
    for (const { route, isConnected } of view.routes) set([route], isConnected ? 1 : 0);
  });
  addCounter(registry, 'websocket_disconnects_total', 'Sockets that ended, by reason.', ['route', 'reason'], (add) => {
    for (const { route, disconnects } of view.routes) {
      for (const [reason, count] of disconnects.counts) add([route, reason], count);
    }
  });
}

function addSinkMetrics(registry: prometheus.Registry, view: ServiceView): void {
  addCounter(registry, 'market_data_dropped_total', 'What a sink did not hand out.', ['sink', 'reason'], (add) => {
    for (const { name, dropped } of view.sinks) {
      for (const [reason, count] of dropped.counts) add([name, reason], count);
    }
  });
  addCounter(registry, 'redis_publishes_total', 'Messages published to Redis.', ['channel'], (add) => {
    for (const [channel, count] of view.redisPublishes) add([channel], count);
  });
  addCounter(registry, 'redis_errors_total', 'Error replies and failed connections.', [], (add) => {
    add([], view.redisErrors);
  });
  addGauge(registry, 'redis_connected', '1 while Redis answers.', [], (set) => set([], view.redisConnected ? 1 : 0));
}

/** Hands over one value with its labels, in the order of the label names. */
type Collect = (labels: readonly string[], value: number) => void;

function addCounter(
  registry: prometheus.Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  collect: (add: Collect) => void,
): void {
  const counter = new prometheus.Counter({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect: () => {
      counter.reset();
      collect((labels, value) => counter.inc(toLabels(labelNames, labels), value));
    },
  });
}

function addGauge(
  registry: prometheus.Registry,
  name: string,
  help: string,
  labelNames: readonly string[],
  collect: (set: Collect) => void,
): void {
  const gauge = new prometheus.Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    collect: () => {
      gauge.reset();
      collect((labels, value) => gauge.set(toLabels(labelNames, labels), value));
    },
  });
}

function toLabels(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index]!]));
}

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * prom-client's own histogram can only be fed observation by observation. The registry asks no more of a metric than a name
 * and `get`, so this one answers with the recorder's counts.
 */
function addHistogram(
  registry: prometheus.Registry,
  name: string,
  help: string,
  collect: (observe: (symbol: string, latency: LatencyHistogram) => void) => void,
): void {
  const metric = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    get: async () => {
      const values: Sample[] = [];
      collect((symbol, latency) => values.push(...histogramSamples(name, symbol, latency)));
      return { name, help, type: 'histogram', aggregator: 'sum', values };
    },
    reset: () => {},
  };
  registry.registerMetric(metric as unknown as prometheus.Metric);
}

function histogramSamples(name: string, symbol: string, latency: LatencyHistogram): Sample[] {
  let cumulative = 0;
  const samples: Sample[] = LATENCY_BOUNDS_NS.map((boundNs, bucket) => {
    cumulative += latency.buckets[bucket]!;
    return { metricName: `${name}_bucket`, labels: { le: boundNs / 1e9, symbol }, value: cumulative };
  });
  samples.push(
    { metricName: `${name}_bucket`, labels: { le: '+Inf', symbol }, value: latency.count },
    { metricName: `${name}_sum`, labels: { symbol }, value: latency.sumNs / 1e9 },
    { metricName: `${name}_count`, labels: { symbol }, value: latency.count },
  );
  return samples;
}
