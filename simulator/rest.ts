import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ListedSymbol, Market } from './market.ts';
import { RequestWeights, WEIGHT_PER_MINUTE_MAX } from './request-weights.ts';
import { aggregateTradesBody, errorBody, exchangeInfoBody, klinesBody, ticker24hBody } from './rest-responses.ts';
import type { AggregateTrade } from './trade-history.ts';

const DEPTH_WEIGHTS: ReadonlyMap<number, number> = new Map([
  [5, 2],
  [10, 2],
  [20, 2],
  [50, 2],
  [100, 5],
  [500, 10],
  [1000, 20],
]);

/** An answer before it is sent; the faults may change or withhold it. */
export interface RestAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Empty where the request names none. */
  symbol: string;
  /** Path without query. */
  path: string;
  /** Called once the client has been given the whole body. */
  onDelivered?: () => void;
}

/** What the faults do to requests. */
export interface RestFilter {
  readonly isActive: boolean;
  /** Sends the answer or something worse. */
  respond(answer: RestAnswer, response: ServerResponse): void;
}

/** A request that cannot be answered as asked: the venue's HTTP status, code and words. */
class RequestRefused extends Error {
  readonly status: number;
  readonly code: number;

  constructor(code: number, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The REST side of the exchange: `GET /fapi/v1/…`. Every answer, refusals included, costs its weight. */
export class RestServer {
  readonly weights: RequestWeights;
  requestCount = 0;
  readonly requestsByStatus = new Map<number, number>();
  readonly #market: Market;
  readonly #filter: RestFilter;

  constructor(market: Market, filter: RestFilter, weights = new RequestWeights()) {
    this.#market = market;
    this.#filter = filter;
    this.weights = weights;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://exchange');
    const answer = this.#answer(request.method ?? 'GET', url);
    this.requestCount++;
    this.requestsByStatus.set(answer.status, (this.requestsByStatus.get(answer.status) ?? 0) + 1);
    if (this.#filter.isActive) this.#filter.respond(answer, response);
    else sendAnswer(answer, response);
  }

  #answer(method: string, url: URL): RestAnswer {
    const query = url.searchParams;
    const symbol = query.get('symbol') ?? '';
    const weight = requestWeight(url.pathname, query);
    // The weight window lies on this machine's UTC minute: a client keeps to the budget by its own clock.
    const decision = this.weights.take(weight, Date.now());
    const answer: RestAnswer = {
      status: decision.status,
      headers: {
        'content-type': 'application/json',
        'x-mbx-used-weight-1m': String(decision.usedWeight),
      },
      body: '',
      symbol,
      path: url.pathname,
    };
    if (decision.status !== 200) {
      answer.headers['retry-after'] = String(decision.retryAfterSeconds);
      answer.body =
        decision.status === 429
          ? errorBody(
              -1003,
              `Too many requests; current limit of IP is ${WEIGHT_PER_MINUTE_MAX} requests per minute. Please use the websocket for live updates to avoid polling the API.`,
            )
          : errorBody(
              -1003,
              `Way too many requests; IP banned until ${this.weights.bannedUntilMs}. Please use the websocket for live updates to avoid bans.`,
            );
      return answer;
    }
    try {
      if (method !== 'GET') throw new RequestRefused(-1000, `${method} is not supported`, 405);
      answer.body = this.#body(url.pathname, query, answer);
    } catch (error) {
      if (!(error instanceof RequestRefused)) throw error;
      answer.status = error.status;
      answer.body = errorBody(error.code, error.message);
    }
    return answer;
  }

  #body(path: string, query: URLSearchParams, answer: RestAnswer): string {
    switch (path) {
      case '/fapi/v1/ping':
        return '{}';
      case '/fapi/v1/time':
        return `{"serverTime":${this.#market.nowMs()}}`;
      case '/fapi/v1/exchangeInfo':
        return exchangeInfoBody(this.#market);
      case '/fapi/v1/depth':
        return this.#depth(query, answer);
      case '/fapi/v1/klines':
        return this.#klines(query);
      case '/fapi/v1/ticker/24hr':
        return this.#ticker24h(query);
      case '/fapi/v1/aggTrades':
        return this.#aggregateTrades(query);
      default:
        throw new RequestRefused(-5000, `Path ${path}, Method GET is invalid`, 404);
    }
  }

  #depth(query: URLSearchParams, answer: RestAnswer): string {
    const listed = this.#listed(query);
    const limit = wholeNumber(query, 'limit') ?? 500;
    if (!DEPTH_WEIGHTS.has(limit)) throw new RequestRefused(-4021, `${limit} is not valid depth limit.`);
    answer.onDelivered = () => listed.onSnapshotFetched();
    return listed.depthText(limit);
  }

  #klines(query: URLSearchParams): string {
    const listed = this.#listed(query);
    const interval = query.get('interval');
    if (interval === null) throw new RequestRefused(-1102, missing('interval'));
    if (interval !== '1m') throw new RequestRefused(-1120, 'Invalid interval.');
    const limit = limitWithin(query, 500, 1500);
    listed.candles.advanceTo(this.#market.nowMs());
    return klinesBody(
      listed,
      listed.candles.range(wholeNumber(query, 'startTime'), wholeNumber(query, 'endTime'), limit),
    );
  }

  #ticker24h(query: URLSearchParams): string {
    const nowMs = this.#market.nowMs();
    const body = (listed: ListedSymbol) => {
      listed.candles.advanceTo(nowMs);
      return ticker24hBody(listed, nowMs);
    };
    if (query.has('symbol')) return body(this.#listed(query));
    return `[${[...this.#market.symbols.values()].map(body).join(',')}]`;
  }

  #aggregateTrades(query: URLSearchParams): string {
    const listed = this.#listed(query);
    const limit = limitWithin(query, 500, 1000);
    const fromId = wholeNumber(query, 'fromId');
    const startTime = wholeNumber(query, 'startTime') ?? 0;
    const endTime = wholeNumber(query, 'endTime') ?? Number.MAX_SAFE_INTEGER;
    const { trades } = listed;
    const isLatest = fromId === undefined && !query.has('startTime');
    const firstId = isLatest ? trades.lastId - limit + 1 : (fromId ?? trades.firstId);
    const found: AggregateTrade[] = [];
    for (let id = Math.max(firstId, trades.firstId); id <= trades.lastId && found.length < limit; id++) {
      const trade = trades.get(id);
      if (trade !== undefined && trade.timeMs >= startTime && trade.timeMs <= endTime) found.push(trade);
    }
    return aggregateTradesBody(listed, found);
  }

  #listed(query: URLSearchParams): ListedSymbol {
    const symbol = query.get('symbol') ?? '';
    if (symbol === '') throw new RequestRefused(-1102, missing('symbol'));
    const listed = this.#market.symbols.get(symbol);
    if (listed === undefined || listed.status !== 'TRADING') throw new RequestRefused(-1121, 'Invalid symbol.');
    return listed;
  }
}

export function sendAnswer(answer: RestAnswer, response: ServerResponse): void {
  const { onDelivered } = answer;
  if (onDelivered !== undefined && answer.status === 200) response.once('finish', onDelivered);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(Buffer.byteLength(answer.body)) });
  response.end(answer.body);
}

function requestWeight(path: string, query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? 500);
  switch (path) {
    case '/fapi/v1/depth':
      return DEPTH_WEIGHTS.get(limit) ?? 2;
    case '/fapi/v1/klines':
      return limit < 100 ? 1 : limit < 500 ? 2 : limit <= 1000 ? 5 : 10;
    case '/fapi/v1/ticker/24hr':
      return query.has('symbol') ? 1 : 40;
    case '/fapi/v1/aggTrades':
      return 20;
    default:
      return 1;
  }
}

function missing(name: string): string {
  return `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`;
}

function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,16}$/.test(text)) throw new RequestRefused(-1102, missing(name));
  return Number(text);
}

function limitWithin(query: URLSearchParams, fallback: number, max: number): number {
  const limit = wholeNumber(query, 'limit') ?? fallback;
  if (limit < 1 || limit > max) throw new RequestRefused(-1130, "Data sent for parameter 'limit' is not valid.");
  return limit;
}
