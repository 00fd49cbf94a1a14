import { UsageError } from '../../model/errors.ts';
import type { Instrument } from '../../model/instrument.ts';
import type { ConnectionPlan, StreamKind, StreamOptions, StreamSpec } from '../exchange.ts';

/** Documented limit of streams per connection; one more is answered with an error and close code 1008. */
export const STREAMS_PER_CONNECTION_MAX = 1024;

/** A longer URL is not sent: proxies and servers cut off request lines from 8 KB on. Such a socket subscribes by message instead. */
const URL_LENGTH_MAX = 4096;

/** 1024 streams are six messages: sent at once they stay within ten incoming messages per second, pongs included. */
const STREAMS_PER_MESSAGE_MAX = 200;

const PARTIAL_DEPTHS = [5, 10, 20] as const;

type Route = 'public' | 'market';

interface StreamTemplate {
  readonly suffix: string;
  readonly kind: StreamKind;
}

/**
 * Splits the streams of these instruments into sockets: depth and best bid/offer are only on `/public`, trades and tickers only on
 * `/market` (BINANCE change notice of 2026-04-23). All streams that an instrument has on a route share one socket.
 * @throws UsageError when the base URL cannot be used.
 */
export function planConnections(instruments: readonly Instrument[], options: StreamOptions): ConnectionPlan[] {
  const base = baseUrl(options.wsUrl);
  const publicPlans = planRoute('public', base, instruments, publicStreams(options));
  const marketPlans = planRoute('market', base, instruments, marketStreams(options));
  const plans: ConnectionPlan[] = [];
  for (let index = 0; index < Math.max(publicPlans.length, marketPlans.length); index++) {
    plans.push(...publicPlans.slice(index, index + 1), ...marketPlans.slice(index, index + 1));
  }
  return plans;
}

/** SUBSCRIBE messages for a plan whose URL would be too long to name its streams; none for the others. */
export function subscribeMessages(plan: ConnectionPlan): string[] {
  if (plan.url.includes('?streams=')) return [];
  const messages: string[] = [];
  for (let start = 0; start < plan.streams.length; start += STREAMS_PER_MESSAGE_MAX) {
    const names = plan.streams.slice(start, start + STREAMS_PER_MESSAGE_MAX).map((stream) => stream.name);
    messages.push(JSON.stringify({ method: 'SUBSCRIBE', params: names, id: messages.length + 1 }));
  }
  return messages;
}

function publicStreams(options: StreamOptions): StreamTemplate[] {
  const depth = options.depthMode === 'diff' ? '@depth@100ms' : `@depth${partialDepth(options.depth)}@100ms`;
  const streams: StreamTemplate[] = [{ suffix: depth, kind: 'depth' }];
  if (options.audit && options.depthMode === 'diff') streams.push({ suffix: '@bookTicker', kind: 'top' });
  return streams;
}

function marketStreams(options: StreamOptions): StreamTemplate[] {
  const streams: StreamTemplate[] = [{ suffix: '@aggTrade', kind: 'trade' }];
  if (options.depthMode === 'partial') streams.push({ suffix: '@ticker', kind: 'ticker' });
  return streams;
}

/** The smallest partial-depth stream that covers the published depth, or the largest there is. */
function partialDepth(depth: number): number {
  return PARTIAL_DEPTHS.find((levels) => levels >= depth) ?? PARTIAL_DEPTHS[PARTIAL_DEPTHS.length - 1]!;
}

function planRoute(
  route: Route,
  base: string,
  instruments: readonly Instrument[],
  templates: readonly StreamTemplate[],
): ConnectionPlan[] {
  const perSocketMax = Math.floor(STREAMS_PER_CONNECTION_MAX / templates.length);
  const socketCount = Math.ceil(instruments.length / perSocketMax);
  const perSocket = Math.ceil(instruments.length / socketCount);
  const plans: ConnectionPlan[] = [];
  for (let start = 0; start < instruments.length; start += perSocket) {
    const streams: StreamSpec[] = instruments
      .slice(start, start + perSocket)
      .flatMap((instrument) =>
        templates.map(({ suffix, kind }) => ({ name: instrument.symbol.toLowerCase() + suffix, kind, instrument })),
      );
    const name = plans.length === 0 ? route : `${route}-${plans.length + 1}`;
    plans.push({ route: name, url: socketUrl(`${base}/${route}/stream`, streams), streams });
  }
  return plans;
}

function socketUrl(endpoint: string, streams: readonly StreamSpec[]): string {
  const names = streams.map((stream) => encodeURIComponent(stream.name).replaceAll('%40', '@'));
  const url = `${endpoint}?streams=${names.join('/')}`;
  return url.length <= URL_LENGTH_MAX ? url : endpoint;
}

/** Scheme, host and path without trailing slashes and without the legacy `/stream`, which delivers no trades any more. */
function baseUrl(wsUrl: string): string {
  if (!URL.canParse(wsUrl)) throw new UsageError(`exchange_ws_url: "${wsUrl}" is not a URL`);
  const url = new URL(wsUrl);
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') {
    throw new UsageError(`exchange_ws_url: the scheme is "${url.protocol}//", it must be ws:// or wss://`);
  }
  if (url.search !== '' || url.hash !== '') {
    throw new UsageError('exchange_ws_url: a base URL without "?" and "#" is needed; the streams are appended to it');
  }
  const path = url.pathname
    .replace(/\/+$/, '')
    .replace(/\/stream$/, '')
    .replace(/\/+$/, '');
  const credentials = url.username === '' ? '' : `${url.username}${url.password === '' ? '' : `:${url.password}`}@`;
  return `${url.protocol}//${credentials}${url.host}${path}`;
}
