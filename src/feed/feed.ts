import type { DepthMode, Exchange, StreamKind } from '../exchanges/exchange.ts';
import { LIMITS } from '../limits.ts';
import type { SystemClock } from '../model/clock.ts';
import { LabelledCounter } from '../model/counters.ts';
import { UsageError } from '../model/errors.ts';
import type { DepthSnapshot, Trade } from '../model/events.ts';
import type { Instrument } from '../model/instrument.ts';
import type { Publisher } from '../publish/publisher.ts';
import { AttemptBudget, Backoff } from './backoff.ts';
import type { Connection } from './connection.ts';
import { createInstruments, matchInstruments } from './instruments.ts';
import { type FeedLog, Pipeline, type PipelineOptions, type PipelineServices } from './pipeline.ts';
import { RequestBudget } from './request-budget.ts';
import { PRIORITY, type Priority, RestClient, RestRefusedError } from './rest-client.ts';
import { Route, type RouteOwner } from './route.ts';
import { chooseSnapshotLimit } from './snapshot-size.ts';
import { StatisticsSeeder } from './statistics-seeder.ts';
import type { SymbolSession } from './symbol-session.ts';

export interface FeedOptions extends PipelineOptions {
  readonly symbols: readonly string[];
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly reconnectDelayMs: number;
  readonly reconnectDelayMaxMs: number;
  readonly rotateAfterMs: number;
  readonly redundancy: number;
  readonly compression: boolean;
  /** The feed cannot go on, and only the user can change that: an unknown symbol that is noticed late. */
  readonly onFatal: (error: UsageError) => void;
}

/** One venue's symbols: learns its instruments, keeps its sockets open and its REST budget, and feeds the pipeline. */
export class Feed implements RouteOwner, PipelineServices {
  readonly instruments: readonly Instrument[];
  readonly pipeline: Pipeline;
  readonly rest: RestClient;
  /** Symbols that the venue lists but does not trade, with its word for their status. */
  readonly notTrading = new Map<string, string>();
  routes: readonly Route[] = [];
  depthMode: DepthMode = 'diff';
  /** Disconnects by route and reason, of all routes there ever were. */
  readonly disconnects = new Map<string, LabelledCounter>();
  readonly #exchange: Exchange;
  readonly #options: FeedOptions;
  readonly #clock: SystemClock;
  readonly #log: FeedLog;
  readonly #seeders: readonly StatisticsSeeder[];
  readonly #attempts: AttemptBudget;
  readonly #instrumentsBackoff = new Backoff(LIMITS.instruments_retry_ms, LIMITS.instruments_retry_ms_max);
  /** Routes by stream kind, then instrument index. */
  readonly #routeOf = new Map<StreamKind, (Route | undefined)[]>();
  readonly #replacedAtNs = new Map<Route, number>();
  #retryTimer: NodeJS.Timeout | undefined;
  #refusals = 0;
  #snapshotsWaiting = 0;
  #nextAuditNs = Number.POSITIVE_INFINITY;
  #auditIndex = 0;
  #checkedNs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(
    exchange: Exchange,
    options: FeedOptions,
    clock: SystemClock,
    publishers: readonly Publisher[],
    log: FeedLog,
  ) {
    this.#exchange = exchange;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.instruments = createInstruments(options.symbols);
    this.rest = new RestClient(options.restUrl, exchange.rest, new RequestBudget(exchange.limits.requestWeightMax));
    this.pipeline = new Pipeline(exchange, this.instruments, options, clock, publishers, this, log);
    this.#attempts = new AttemptBudget(exchange.limits.connectionAttemptsMax);
    const onScale = this.pipeline.onScale.bind(this.pipeline);
    this.#seeders = this.pipeline.sessions.map(
      ({ market }) => new StatisticsSeeder(market, exchange.rest, this.rest, onScale),
    );
  }

  /** Resolves once the sockets are being opened. @throws UsageError on a symbol that the venue does not list */
  async start(): Promise<void> {
    if (this.#options.audit) this.#nextAuditNs = this.#clock.nowNs() + LIMITS.audit_interval_ms * 1e6;
    await this.#learnInstruments();
    if (!this.#isStopped && this.routes.length === 0) this.#openRoutes();
  }

  /** Takes no more frames, hands on what was held back, and tells every sink that its books are no longer kept. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retryTimer);
    for (const route of this.routes) route.stop('shutdown');
    this.rest.close();
    for (const sequence of this.pipeline.tradeSequences) sequence.flush();
    for (const session of this.pipeline.sessions) session.close();
    this.pipeline.endBatch();
  }

  get isConnected(): boolean {
    return this.routes.length > 0 && this.routes.every((route) => route.isUp);
  }

  // --- sockets

  onBatchStart(): void {
    this.pipeline.beginBatch();
  }

  onFrame(connection: Connection, frame: Uint8Array): void {
    this.pipeline.onFrame(frame);
    connection.lastHeardNs = this.pipeline.nowNs();
  }

  onBatchEnd(): void {
    this.pipeline.endBatch();
  }

  onRouteUp(route: Route): void {
    this.#restartLiveness(route, this.#clock.nowNs());
    for (const { kind, instrument } of route.plan.streams) {
      if (kind === 'depth') this.pipeline.sessions[instrument.index]!.onDepthRouteUp();
    }
  }

  onRouteDown(route: Route): void {
    if (this.#isStopped) return;
    for (const { kind, instrument } of route.plan.streams) {
      const session = this.pipeline.sessions[instrument.index]!;
      if (kind === 'depth') session.onDepthRouteDown();
      else if (kind === 'trade') session.onTradeRouteDown();
    }
  }

  onConnectionEvent(route: Route, event: 'open' | 'closed' | 'retry', detail: Readonly<Record<string, unknown>>): void {
    const isExpected = event !== 'closed' || detail.reason === 'shutdown' || detail.reason === 'rotated';
    this.#log(isExpected ? 'info' : 'warn', `exchange connection: ${event}`, { route: route.plan.route, ...detail });
    if (event !== 'open' || !route.isOverlapping) return;
    for (const { kind, instrument } of route.plan.streams) {
      if (kind === 'top') this.pipeline.sessions[instrument.index]!.onSocketAdded();
    }
  }

  // --- what the pipeline cannot do from frames alone

  async requestSnapshot(instrument: Instrument, priority: Priority, onStart: () => void): Promise<DepthSnapshot> {
    this.#snapshotsWaiting += 1;
    const { rest } = this.#exchange;
    const { budget } = this.rest;
    const remaining = budget.remaining(Date.now());
    const { depth } = this.#options;
    const limit = chooseSnapshotLimit(rest.snapshotSizes, depth, this.#snapshotsWaiting, remaining, budget.weightMax);
    const request = rest.snapshot(instrument, limit, this.pipeline.onScale.bind(this.pipeline));
    try {
      // The order in which the user named them is the order in which symbols go live.
      const rank = priority === PRIORITY.snapshot ? instrument.index : 0;
      const snapshot = await this.rest.request(request, priority, { onStart, rank });
      this.#refusals = 0;
      this.pipeline.scheduleFlush();
      return snapshot;
    } catch (error) {
      this.#log('warn', 'snapshot failed', { symbol: instrument.symbol, error: (error as Error).message });
      if (error instanceof RestRefusedError) this.#onRefused(error);
      throw error;
    } finally {
      this.#snapshotsWaiting -= 1;
    }
  }

  async fetchTrades(instrument: Instrument, fromId: number): Promise<Trade[]> {
    if (this.depthMode === 'partial') throw new RestRefusedError('REST is refused');
    const request = this.#exchange.rest.trades(instrument, fromId, 1000, this.pipeline.onScale.bind(this.pipeline));
    try {
      return await this.rest.request(request, PRIORITY.trades);
    } catch (error) {
      const { symbol } = instrument;
      this.#log('warn', 'trade refill failed', { symbol, from_id: fromId, error: (error as Error).message });
      throw error;
    }
  }

  isDepthOverlapping(instrument: Instrument): boolean {
    return this.#routeOf.get('depth')?.[instrument.index]?.isOverlapping ?? false;
  }

  isTradeOverlapping(instrument: Instrument): boolean {
    return this.#routeOf.get('trade')?.[instrument.index]?.isOverlapping ?? false;
  }

  // --- instruments and depth mode

  async #learnInstruments(): Promise<void> {
    try {
      const definitions = await this.rest.request(this.#exchange.rest.instruments(), PRIORITY.instruments);
      const onScale = this.pipeline.onScale.bind(this.pipeline);
      const { notTrading } = matchInstruments(this.instruments, definitions, onScale);
      this.notTrading.clear();
      for (const [symbol, status] of notTrading) {
        this.notTrading.set(symbol, status);
        this.#log('warn', 'symbol is listed but does not trade', { symbol, status });
      }
      this.#refusals = 0;
      if (this.depthMode === 'partial') this.#switchTo('diff');
    } catch (error) {
      if (this.#isStopped) return;
      if (error instanceof UsageError) throw error;
      if (error instanceof RestRefusedError) this.#onRefused(error);
      else this.#log('warn', 'instruments could not be learned', { error: (error as Error).message });
      this.#learnInstrumentsLater();
    }
  }

  #learnInstrumentsLater(): void {
    const delayMs = this.depthMode === 'partial' ? LIMITS.rest_recheck_ms : this.#instrumentsBackoff.nextDelayMs();
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => {
      this.#learnInstruments().catch((error: UsageError) => this.#options.onFatal(error));
    }, delayMs);
  }

  #onRefused(error: RestRefusedError): void {
    this.#refusals += 1;
    if (this.depthMode === 'partial' || this.#isStopped) return;
    if (error.isFinal || this.#refusals >= LIMITS.rest_refusals_max) {
      this.#log('warn', 'REST is refused: falling back to partial depth', { error: error.message });
      this.#switchTo('partial');
      this.#learnInstrumentsLater();
    }
  }

  #switchTo(mode: DepthMode): void {
    this.#log('info', 'depth mode', { mode });
    this.depthMode = mode;
    const hadRoutes = this.routes.length > 0;
    for (const route of this.routes) route.stop('rotated');
    for (const session of this.pipeline.sessions) session.restart('depth_mode');
    if (hadRoutes) this.#openRoutes();
  }

  #openRoutes(): void {
    const { wsUrl, depth, audit, redundancy, rotateAfterMs, compression } = this.#options;
    const plans = this.#exchange.connections(this.instruments, { wsUrl, depthMode: this.depthMode, depth, audit });
    this.#routeOf.clear();
    this.#replacedAtNs.clear();
    this.routes = plans.map((plan) => {
      const disconnects = this.disconnects.get(plan.route) ?? new LabelledCounter();
      this.disconnects.set(plan.route, disconnects);
      return new Route(plan, this, disconnects, {
        clock: this.#clock,
        compression,
        reconnectDelayMs: this.#options.reconnectDelayMs,
        reconnectDelayMaxMs: this.#options.reconnectDelayMaxMs,
        redundancy,
        rotateAfterMs: Math.min(rotateAfterMs, this.#exchange.limits.connectionAgeMaxMs),
        attempts: this.#attempts,
        subscribeMessages: (of) => this.#exchange.subscribeMessages(of),
      });
    });
    for (const route of this.routes) {
      for (const { kind, instrument } of route.plan.streams) {
        const byInstrument = this.#routeOf.get(kind) ?? [];
        byInstrument[instrument.index] = route;
        this.#routeOf.set(kind, byInstrument);
      }
      route.start();
    }
  }

  // --- several times a second

  /** To be called every `check_interval_ms`: time-outs, silence, what is due. */
  check(): void {
    const nowNs = this.#clock.nowNs();
    const nowMs = Date.now();
    const stepMs = this.#clock.resync();
    if (stepMs !== 0) this.#log('warn', 'the wall clock stepped', { step_ms: Math.round(stepMs) });
    this.pipeline.overload.check(nowMs);
    // This process itself stood still: what arrived meanwhile waits in the sockets and is read next. Silence is judged after that.
    const hasPaused = nowNs - this.#checkedNs > LIMITS.own_pause_ms * 1e6;
    this.#checkedNs = nowNs;
    if (hasPaused) {
      for (const route of this.routes) if (route.isUp) this.#restartLiveness(route, nowNs);
      return;
    }
    for (const session of this.pipeline.sessions) session.check(nowNs);
    for (const sequence of this.pipeline.tradeSequences) sequence.check(nowNs);
    for (const route of this.routes) {
      route.check(nowNs);
      this.#checkSilence(route, nowNs);
    }
    if (this.depthMode === 'diff' && this.isConnected) for (const seeder of this.#seeders) seeder.check(nowMs);
    if (nowNs > this.#nextAuditNs) this.#auditNext(nowNs);
  }

  #restartLiveness(route: Route, nowNs: number): void {
    route.liveness.restart(nowNs);
    for (const { kind, instrument } of route.plan.streams) {
      const session = this.pipeline.sessions[instrument.index]!;
      if (kind === 'depth') session.depthLiveness.restart(nowNs);
      else if (kind === 'trade') session.tradeLiveness.restart(nowNs);
    }
  }

  /** A socket that is open while its streams are silent is replaced: at once when all are, beside the old one when some are. */
  #checkSilence(route: Route, nowNs: number): void {
    if (!route.isUp) return;
    let judged = 0;
    let silent = 0;
    for (const { kind, instrument } of route.plan.streams) {
      if (this.notTrading.has(instrument.symbol)) continue;
      const session = this.pipeline.sessions[instrument.index]!;
      if (kind !== 'depth' && kind !== 'trade') continue;
      judged += 1;
      if ((kind === 'depth' ? session.depthLiveness : session.tradeLiveness).isSilent(nowNs)) silent += 1;
    }
    const isAllSilent = judged > 0 && (silent === judged || route.liveness.isSilent(nowNs));
    if (silent === 0 && !isAllSilent) return;
    const sinceReplacedMs = (nowNs - (this.#replacedAtNs.get(route) ?? Number.NEGATIVE_INFINITY)) / 1e6;
    if (
      sinceReplacedMs <
      (isAllSilent ? LIMITS.silent_socket_replace_interval_ms : LIMITS.silent_stream_replace_interval_ms)
    )
      return;
    this.#replacedAtNs.set(route, nowNs);
    this.#log('warn', 'streams are silent: replacing the socket', { route: route.plan.route, silent, of: judged });
    if (isAllSilent) this.#abandon(route);
    else route.replace('silent_stream');
  }

  /** Its books are stale for its silence, whether or not each of them was silent for long enough to be told so by itself. */
  #abandon(route: Route): void {
    for (const { kind, instrument } of route.plan.streams) {
      if (kind === 'depth') this.pipeline.sessions[instrument.index]!.markStale('silent_stream');
    }
    route.terminateAll('silent_stream');
  }

  /** One symbol after the other is compared with a fresh snapshot, spread over the interval. */
  #auditNext(nowNs: number): void {
    const sessions: readonly SymbolSession[] = this.pipeline.sessions;
    this.#nextAuditNs = nowNs + (LIMITS.audit_interval_ms * 1e6) / sessions.length;
    sessions[this.#auditIndex % sessions.length]!.refresh();
    this.#auditIndex += 1;
  }
}
