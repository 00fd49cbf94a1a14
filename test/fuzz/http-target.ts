import { connect } from 'node:net';
import prometheus from 'prom-client';
import { LabelledCounter } from '../../src/model/counters.ts';
import { LatencyHistogram } from '../../src/model/latency-histogram.ts';
import { healthRoutes } from '../../src/ops/health-routes.ts';
import { HttpServer } from '../../src/ops/http-server.ts';
import type { ServiceView } from '../../src/ops/service-view.ts';
import { assertThat, type FuzzTarget } from './target.ts';

const TOKEN = 'fuzz-token-0123456789';
/** Connections at a time; each carries one input. */
const PARALLEL = 32;
const ANSWER_MS_MAX = 3000;

const SAMPLES = [
  'GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  `GET /ready HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n\r\n`,
  'HEAD /metrics?x=1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  'POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello',
  'OPTIONS /ready HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
].map((text) => Buffer.from(text));

/** Bytes on a real socket of the service's own HTTP server. Without the token, nothing but /health is ever answered with 200. */
export async function httpTarget(): Promise<FuzzTarget> {
  let errors = 0;
  const routes = healthRoutes(view(), new prometheus.Registry(), '0.0.0');
  const server = await HttpServer.start({
    host: '127.0.0.1',
    port: 0,
    routes,
    authToken: TOKEN,
    corsOrigin: '',
    onError: () => errors++,
  });
  const running = new Set<Promise<void>>();
  return {
    name: 'http',
    samples: SAMPLES,
    share: 0.002,
    async run(input) {
      const sent: Promise<void> = exchange(server.port, Buffer.from(input)).finally(() => running.delete(sent));
      running.add(sent);
      if (running.size >= PARALLEL) await Promise.race(running);
    },
    async finish() {
      await Promise.all(running);
      const answer = await fetch(`${server.url}/health`);
      assertThat(answer.status === 200, `/health answers ${answer.status}`);
      assertThat((await fetch(`${server.url}/metrics`)).status === 401, '/metrics without a token is not refused');
      assertThat(errors === 0, `${errors} internal errors`);
      await server.close();
    },
  };
}

/** Sends, half-closes, and reads until the server ends the connection, which it must. */
function exchange(port: number, input: Buffer): Promise<void> {
  const isAuthorized = input.includes(TOKEN);
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    socket.setEncoding('latin1');
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    socket.on('data', (text: string) => {
      if (answer.length < 4096) answer += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      const isOk = answer.startsWith('HTTP/1.1 200');
      if (isOk && !isAuthorized && !answer.includes('"status":"healthy"') && !answer.includes('Content-Length: 5')) {
        const isHead = input.toString('latin1').includes('HEAD');
        if (!isHead)
          reject(new Error(`answered without a token: ${JSON.stringify(input.toString('latin1'))} ${answer}`));
      }
      resolve();
    });
    socket.end(input);
  });
}

function view(): ServiceView {
  const counter = new LabelledCounter();
  const latency = new LatencyHistogram();
  return {
    redisConnected: true,
    redisError: '',
    exchangeConnected: true,
    symbols: [
      {
        symbol: 'BTCUSDT',
        state: 'live',
        reason: 'snapshot_bridged',
        lastUpdateId: 1,
        ageMs: 1,
        bidPrice: '1',
        askPrice: '2',
        updates: 1,
        trades: 1,
        gaps: 0,
        tradeGaps: counter,
        tradesLost: 0,
        resyncs: counter,
        latency,
      },
    ],
    routes: [],
    sinks: [],
    rejected: counter,
    redisPublishes: new Map(),
    redisErrors: 0,
    exchangeLagSeconds: 0,
    restOutcomes: counter,
    restUsedWeight: 0,
  };
}
