import type { Duplex } from 'node:stream';
import type { CaptureMarket } from './capture.ts';
import type { Connections } from './connections.ts';
import type { Fault, FaultKind } from './fault.ts';
import type { FaultActions, SetFault } from './faults.ts';
import type { Route } from './stream-hub.ts';
import { SyntheticMarket } from './synthetic-market.ts';
import type { SyntheticSymbol } from './synthetic-symbol.ts';

const RESTART_MS = 500;
const SNAPSHOT_LEVELS = 1000;
const SYNTHETIC_ONLY: ReadonlySet<FaultKind> = new Set<FaultKind>(['id_reset', 'tick_size', 'delist', 'relist']);

/** What becomes of a handshake. */
export type HandshakeFate = 'accept' | 'mute' | 'answered';

/** Faults of the exchange as a whole and of whole connections. */
export class ExchangeFaults implements FaultActions {
  /** While it is down, handshakes and requests are answered with 503. */
  isDown = false;
  readonly #market: SyntheticMarket | CaptureMarket;
  readonly #connections: Connections;
  readonly #staleSnapshots = new Map<Fault, Map<string, string>>();

  constructor(market: SyntheticMarket | CaptureMarket, connections: Connections) {
    this.#market = market;
    this.#connections = connections;
  }

  prepare(fault: Fault): void {
    if (fault.symbol !== undefined && !this.#market.symbols.has(fault.symbol)) {
      throw new RangeError(`fault ${fault.kind}: symbol ${fault.symbol} is not listed here`);
    }
    if (SYNTHETIC_ONLY.has(fault.kind) && !(this.#market instanceof SyntheticMarket)) {
      throw new RangeError(`fault ${fault.kind}: a recording cannot be changed`);
    }
    if (fault.kind !== 'stale_snapshot') return;
    const listed = [...this.#market.symbols.values()].filter(({ symbol }) => (fault.symbol ?? symbol) === symbol);
    this.#staleSnapshots.set(fault, new Map(listed.map((each) => [each.symbol, each.depthText(SNAPSHOT_LEVELS)])));
  }

  readonly staleSnapshot = (fault: Fault, symbol: string): string | undefined =>
    this.#staleSnapshots.get(fault)?.get(symbol);

  strike(fault: Fault): void {
    switch (fault.kind) {
      case 'close':
        for (const connection of this.#struck(fault)) connection.close(fault.code ?? 1001, fault.reason ?? '');
        return;
      case 'reset':
        for (const connection of this.#struck(fault)) connection.reset();
        return;
      case 'half_open':
        for (const connection of this.#struck(fault)) connection.freeze();
        return;
      case 'rotate':
        for (const connection of this.#struck(fault)) {
          if (Date.now() - connection.openedAtMs >= (fault.ageMs ?? 0)) connection.close(1001, 'connection age');
        }
        return;
      case 'clock_skew':
      case 'clock_jump':
        this.#market.clockOffsetMs += fault.offsetMs!;
        return;
      case 'restart':
        this.#restart(fault.durationMs ?? RESTART_MS);
        return;
      case 'id_reset':
        for (const listed of this.#synthetic(fault)) listed.restart();
        this.#connections.flush();
        return;
      case 'tick_size':
        for (const listed of this.#synthetic(fault)) listed.changeTickSize(fault.tickSize!, this.#market.nowMs());
        this.#connections.flush();
        return;
      case 'delist':
        for (const listed of this.#synthetic(fault)) listed.delist();
        return;
      case 'relist':
        this.#relist(fault);
    }
  }

  forget(fault: Fault): void {
    this.#staleSnapshots.delete(fault);
  }

  end(fault: Fault): void {
    if (fault.kind === 'clock_skew') this.#market.clockOffsetMs -= fault.offsetMs!;
    if (fault.kind === 'delist') this.#relist(fault);
  }

  /** Lets a handshake pass, or answers it (or never does). */
  judgeHandshake(faults: readonly SetFault[], route: Route, socket: Duplex, ownUrl: string): HandshakeFate {
    if (this.isDown) {
      endHandshake(socket, '503 Service Unavailable', '');
      return 'answered';
    }
    const nowMs = performance.now();
    let fate: HandshakeFate = 'accept';
    for (const set of faults) {
      const { fault } = set;
      if ((fault.route !== undefined && fault.route !== route) || !set.strikes(nowMs)) continue;
      if (fault.kind === 'mute') fate = 'mute';
      if (fault.kind === 'handshake_timeout') return 'answered';
      if (fault.kind === 'refuse') {
        endHandshake(socket, `${fault.status ?? 503} Refused`, '');
        return 'answered';
      }
      if (fault.kind === 'redirect') {
        endHandshake(socket, '302 Found', `location: ${fault.location ?? ownUrl}\r\n`);
        return 'answered';
      }
    }
    return fate;
  }

  #struck(fault: Fault) {
    return this.#connections.all.filter(({ route }) => fault.route === undefined || fault.route === route);
  }

  /** The symbols that a fault changes; none in a recording. */
  #synthetic(fault: Fault): SyntheticSymbol[] {
    if (!(this.#market instanceof SyntheticMarket)) return [];
    return [...this.#market.symbols.values()].filter(({ symbol }) => (fault.symbol ?? symbol) === symbol);
  }

  #relist(fault: Fault): void {
    for (const listed of this.#synthetic(fault)) if (listed.status !== 'TRADING') listed.relist();
    this.#connections.flush();
  }

  #restart(downMs: number): void {
    if (this.isDown) return;
    const { loop } = this.#market;
    const wasPaused = loop.isPaused;
    this.isDown = true;
    loop.isPaused = true;
    for (const connection of this.#connections.all) connection.reset();
    setTimeout(() => {
      this.isDown = false;
      loop.isPaused = wasPaused;
      if (this.#market instanceof SyntheticMarket) for (const listed of this.#market.symbols.values()) listed.restart();
    }, downMs).unref();
  }
}

function endHandshake(socket: Duplex, status: string, headers: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n${headers}\r\n`);
}
