import type { Registry } from 'prom-client';
import { type HttpAnswer, type HttpRoute, jsonAnswer } from './http-server.ts';
import type { ServiceView } from './service-view.ts';

/** /health: the process is alive. /ready: it does its job. /metrics: how well. */
export function healthRoutes(view: ServiceView, registry: Registry, version: string): HttpRoute[] {
  return [
    {
      path: '/health',
      isOpen: true,
      answer: () => jsonAnswer(200, { service: 'market-data', status: 'healthy', version }),
    },
    { path: '/ready', isOpen: false, answer: () => readyAnswer(view) },
    {
      path: '/metrics',
      isOpen: false,
      answer: async () => ({ status: 200, contentType: registry.contentType, body: await registry.metrics() }),
    },
  ];
}

/** 200 when Redis answers and every book is live, else 503; the body says which part is not. */
function readyAnswer(view: ServiceView): HttpAnswer {
  const isReady = view.redisConnected && view.symbols.every(({ state }) => state === 'live');
  const symbols = view.symbols.map(({ symbol, state, reason, lastUpdateId, ageMs }) => [
    symbol,
    { state, last_update_id: lastUpdateId, age_ms: Number.isNaN(ageMs) ? null : Math.round(ageMs), reason },
  ]);
  return jsonAnswer(isReady ? 200 : 503, {
    ready: isReady,
    redis_connected: view.redisConnected,
    exchange_connected: view.exchangeConnected,
    symbols: Object.fromEntries(symbols),
    ...(view.redisError === '' ? {} : { redis_error: view.redisError }),
  });
}
