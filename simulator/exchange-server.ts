import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import { CaptureMarket } from './capture.ts';
import { ClientConnection } from './client-connection.ts';
import { Connections } from './connections.ts';
import { ControlServer } from './control.ts';
import { ExchangeFaults } from './exchange-faults.ts';
import { type SimulatedExchangeOptions, withDefaults } from './exchange-options.ts';
import { Faults } from './faults.ts';
import { FrameFaults } from './frame-faults.ts';
import { Random } from './random.ts';
import { RequestWeights } from './request-weights.ts';
import { RestServer } from './rest.ts';
import { RestFaults } from './rest-faults.ts';
import { StreamHub } from './stream-hub.ts';
import { SyntheticMarket } from './synthetic-market.ts';
import type { Activity } from './synthetic-symbol.ts';
import { Truth, type TruthBook } from './truth.ts';
import { parseWebSocketUrl, type WebSocketTarget } from './websocket-routes.ts';

const REQUEST_BYTES_MAX = 1 << 20;
const KEEP_ALIVE_MS = 65_000;
const ATTEMPT_WINDOW_MS = 300_000;

/**
 * A whole exchange on a loopback port: WebSocket routes, REST, a synthetic or a recorded market, and control.
 * Start one with {@link SimulatedExchange.start}, end it with {@link SimulatedExchange.close}.
 */
export class SimulatedExchange {
  readonly market: SyntheticMarket | CaptureMarket;
  readonly connections: Connections;
  readonly hub = new StreamHub();
  readonly rest: RestServer;
  /** What goes wrong: `faults.add({ kind: 'drop', route: 'public', probability: 0.01 })`. */
  readonly faults: Faults;
  /** Undefined unless asked for. */
  readonly truthRecord: Truth | undefined;
  readonly startedAtMs = Date.now();
  /** Resolves when the last event of a recording has been played; never for a synthetic market. */
  readonly captureEnded: Promise<void>;
  readonly #options: ReturnType<typeof withDefaults>;
  readonly #httpServer: Server;
  readonly #webSocketServer: WebSocketServer;
  readonly #control: ControlServer;
  readonly #exchangeFaults: ExchangeFaults;
  readonly #frameFaults: FrameFaults;
  /** Of WebSockets, open or never answered: the HTTP server does not count them as its own any more. */
  readonly #sockets = new Set<Duplex>();
  readonly #attemptsMs: number[] = [];
  #connectionId = 0;

  /** @throws Error when the port is taken or the recording cannot be read. */
  static async start(options: SimulatedExchangeOptions = {}): Promise<SimulatedExchange> {
    const exchange = new SimulatedExchange(options);
    await exchange.#listen();
    for (const fault of exchange.#options.faults) exchange.faults.add(fault);
    exchange.market.start();
    return exchange;
  }

  private constructor(given: SimulatedExchangeOptions) {
    const options = withDefaults(given);
    this.#options = options;
    this.truthRecord = options.truth === undefined ? undefined : new Truth(options.truth);
    this.connections = new Connections(
      options.capture === undefined && Number.isFinite(options.speed)
        ? options.clientBufferBytesMax
        : Number.POSITIVE_INFINITY,
    );
    let onEnd = () => {};
    this.captureEnded = new Promise((resolve) => {
      onEnd = () => {
        this.truthRecord?.flush();
        options.onCaptureEnd?.();
        resolve();
      };
    });
    this.market =
      options.capture === undefined
        ? new SyntheticMarket(options, this.hub, this.connections, this.truthRecord)
        : new CaptureMarket(
            { ...options, capture: options.capture },
            this.hub,
            this.connections,
            this.truthRecord,
            onEnd,
          );
    this.#exchangeFaults = new ExchangeFaults(this.market, this.connections);
    this.faults = new Faults(new Random(options.seed).fork('faults'), this.#exchangeFaults);
    this.#frameFaults = new FrameFaults(() => this.faults.frame);
    this.rest = new RestServer(
      this.market,
      new RestFaults(() => this.faults.rest, this.#exchangeFaults.staleSnapshot),
      new RequestWeights(options.weightPerMinuteMax, options.banMs),
    );
    this.#control = new ControlServer(this);
    this.#webSocketServer = new WebSocketServer({
      noServer: true,
      perMessageDeflate: options.deflate,
      maxPayload: REQUEST_BYTES_MAX,
    });
    this.#httpServer = createServer((request, response) => {
      if (request.url?.startsWith('/control')) this.#control.handle(request, response);
      else if (this.#exchangeFaults.isDown) response.writeHead(503).end();
      else this.rest.handle(request, response);
    });
    // Longer than clients keep a connection for reuse: none is closed under a request.
    this.#httpServer.keepAliveTimeout = KEEP_ALIVE_MS;
    this.#httpServer.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  /** `ws://127.0.0.1:PORT`, to which `/public/stream`, `/market/ws/…` and so on are appended. */
  get wsUrl(): string {
    return `ws://${this.#authority}`;
  }

  get restUrl(): string {
    return `http://${this.#authority}`;
  }

  get controlUrl(): string {
    return `${this.restUrl}/control`;
  }

  get port(): number {
    return (this.#httpServer.address() as AddressInfo).port;
  }

  /** The exchange's book after this update, before any fault; undefined when it is not kept. Needs the option `truth`. */
  truth(symbol: string, updateId: number): TruthBook | undefined {
    return this.truthRecord?.book(symbol, updateId);
  }

  /** Changes how busy the synthetic market is. @throws Error in capture mode. */
  setActivity(change: Partial<Activity>, symbol?: string): void {
    if (!(this.market instanceof SyntheticMarket)) throw new Error('a recording plays at its own rate: set the speed');
    this.market.setActivity(change, symbol);
  }

  setSpeed(speed: number): void {
    this.market.loop.speed = speed;
  }

  pause(): void {
    this.market.loop.isPaused = true;
  }

  resume(): void {
    this.market.loop.isPaused = false;
  }

  stats() {
    const { market, connections, rest } = this;
    const symbols = [...market.symbols.values()].map((listed) => ({
      symbol: listed.symbol,
      status: listed.status,
      last_update_id: listed.book.lastUpdateId,
      last_trade_id: listed.trades.lastId,
      snapshots_fetched: listed.snapshotsFetched,
    }));
    return {
      market: market.kind,
      market_time_ms: market.nowMs(),
      uptime_ms: Date.now() - this.startedAtMs,
      connections: connections.all.map(({ id, route, framesSent, bufferedBytes, subscriptions }) => ({
        id,
        route,
        streams: subscriptions.length,
        frames_sent: framesSent,
        buffered_bytes: bufferedBytes,
      })),
      connections_opened: connections.openedCount,
      slow_clients_dropped: connections.droppedSlowCount,
      frames_sent: connections.framesSent,
      bytes_sent: connections.bytesSent,
      requests: rest.requestCount,
      requests_by_status: Object.fromEntries(rest.requestsByStatus),
      faults: { set: this.faults.list(), hits: this.faults.hits },
      truth: { books: this.truthRecord?.bookCount ?? 0, trades: this.truthRecord?.tradeCount ?? 0 },
      ...(market instanceof CaptureMarket && {
        capture: {
          events: market.eventCount,
          played: market.eventsPlayed,
          is_ended: market.isEnded,
          awaited_streams: market.awaitedStreams,
        },
      }),
      symbols,
    };
  }

  /** Ends every connection and the server. */
  async close(): Promise<void> {
    this.market.stop();
    this.faults.clear();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#httpServer.close(() => resolve());
      this.#httpServer.closeAllConnections();
    });
    this.truthRecord?.close();
  }

  get #authority(): string {
    const { address, family, port } = this.#httpServer.address() as AddressInfo;
    return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#httpServer.once('error', reject);
      this.#httpServer.listen(this.#options.port, this.#options.host, () => {
        this.#httpServer.off('error', reject);
        resolve();
      });
    });
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // A client that vanishes during the handshake is nobody's error.
    socket.on('error', () => socket.destroy());
    if (!this.#mayConnect()) {
      socket.end('HTTP/1.1 429 Too Many Requests\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const target = parseWebSocketUrl(request.url ?? '/');
    if (target === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    const fate = this.#exchangeFaults.judgeHandshake(
      this.faults.handshake,
      target.route,
      socket,
      `${this.wsUrl}${request.url}`,
    );
    if (fate !== 'answered') this.#accept(request, socket, head, target, fate === 'mute');
  }

  /** Counts an attempt. */
  #mayConnect(): boolean {
    const nowMs = performance.now();
    while (this.#attemptsMs.length > 0 && nowMs - this.#attemptsMs[0]! > ATTEMPT_WINDOW_MS) this.#attemptsMs.shift();
    if (this.#attemptsMs.length >= this.#options.connectionAttemptsMax) return false;
    this.#attemptsMs.push(nowMs);
    return true;
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Buffer, target: WebSocketTarget, isMuted: boolean): void {
    this.#webSocketServer.handleUpgrade(request, socket, head, (webSocket) => {
      const connection = new ClientConnection(++this.#connectionId, target, webSocket, socket, {
        hub: this.hub,
        options: this.#options,
        filter: this.#frameFaults,
        onDirty: this.connections.onDirty,
      });
      connection.isMuted = isMuted;
      this.connections.add(connection);
    });
  }
}
