import type { CaptureStart } from './capture.ts';
import type { Fault } from './fault.ts';
import { defaultSymbols } from './symbol-profile.ts';
import type { TruthOptions } from './truth.ts';

/** Everything that can be set; every field has a default. */
export interface SimulatedExchangeOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** One port for WebSocket, REST and control; 0 (default) takes a free one. */
  readonly port?: number;

  /** Upper case. Synthetic default BTCUSDT, ETHUSDT; a recording is served whole unless some are named. */
  readonly symbols?: readonly string[];
  readonly seed?: number | string;
  /** Diffs a second and symbol. Default 10. */
  readonly rate?: number;
  /** Aggregated trades a second and symbol. Default 5. */
  readonly tradeRate?: number;
  /** Changed levels in a diff, on average. Default 20. */
  readonly levels?: number;
  /** In bursts everything comes this many times as often; 1 = no bursts. Default 3. */
  readonly burst?: number;
  /** Levels a side of each synthetic book. Default 1200. */
  readonly bookLevels?: number;
  /** Market time at the start, ms since the Unix epoch. Default now. Fixed together with `seed`, every byte repeats. */
  readonly startTimeMs?: number;
  /** Market seconds a second; `Infinity` goes as fast as the clients take it. Default 1. */
  readonly speed?: number;

  /** Serves this recording (`btcusdt`, `4symbols`, or a file) in place of a synthetic market. */
  readonly capture?: string;
  /** Default `subscribed`. */
  readonly startWhen?: CaptureStart;
  readonly onCaptureEnd?: () => void;

  /** Default off: it costs a few microseconds a diff. */
  readonly truth?: TruthOptions;

  /** Set from the start; more can be set at any time. */
  readonly faults?: readonly Fault[];

  /** permessage-deflate where the client offers it. Default off. */
  readonly deflate?: boolean;
  /** Default 3 min. */
  readonly pingIntervalMs?: number;
  /** Default 10 min. */
  readonly pongTimeoutMs?: number;
  /** Connection attempts within 5 min; more are answered with 429. Default 300. */
  readonly connectionAttemptsMax?: number;
  /** Connections are closed at this age. Default 24 h. */
  readonly connectionAgeMaxMs?: number;
  /** A client whose socket holds more is dropped (synthetic market at a given speed only; others wait). Default 32 MiB. */
  readonly clientBufferBytesMax?: number;
  /** Weight a minute. Default 2400. */
  readonly weightPerMinuteMax?: number;
  /** How long 418 lasts. Default 2 min. */
  readonly banMs?: number;
}

/** The options with every default filled in, except for what is on only when given. */
export function withDefaults(options: SimulatedExchangeOptions) {
  return {
    ...options,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    symbols: options.symbols ?? (options.capture === undefined ? defaultSymbols(2) : []),
    seed: options.seed ?? 1,
    rate: options.rate ?? 10,
    tradeRate: options.tradeRate ?? 5,
    levels: options.levels ?? 20,
    burst: options.burst ?? 3,
    bookLevels: options.bookLevels ?? 1200,
    startTimeMs: options.startTimeMs ?? Date.now(),
    speed: options.speed ?? 1,
    startWhen: options.startWhen ?? 'subscribed',
    faults: options.faults ?? [],
    deflate: options.deflate ?? false,
    pingIntervalMs: options.pingIntervalMs ?? 180_000,
    pongTimeoutMs: options.pongTimeoutMs ?? 600_000,
    connectionAgeMaxMs: options.connectionAgeMaxMs ?? 86_400_000,
    connectionAttemptsMax: options.connectionAttemptsMax ?? 300,
    clientBufferBytesMax: options.clientBufferBytesMax ?? 32 << 20,
    weightPerMinuteMax: options.weightPerMinuteMax ?? 2400,
    banMs: options.banMs ?? 120_000,
  };
}
