/*
 * The load process: a recorded loop over real WebSockets on the venue's routes, as fast as it is taken or at a given rate, with just
 * enough REST beside it for a service to start. Prepared frames and large writes keep it cheaper than what it measures.
 *
 *   node dist/bench/load/exchange.js btcusdt|four-symbols [--trades]
 *
 * Prints {"url","symbols"} once it listens. GET /control/play?rate=N (frames/s; 0: as fast as taken)&frames=N&live_time=1 starts or
 * changes playback; GET /control/state says where it is.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { LoadSocket } from './load-socket.ts';
import { Playback } from './playback.ts';
import { RecordedLoop, type RecordingName } from './recorded-loop.ts';

const loop = RecordedLoop.open(process.argv[2] as RecordingName, process.argv.includes('--trades'));
if (loop === undefined) process.exit(1);
const playback = new Playback(loop);

const server = createServer((request, response) => answer(new URL(request.url!, 'http://load'), response));
// Compression is negotiated only where a client asks for it, and these frames are never compressed.
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
server.on('upgrade', (request: IncomingMessage, socket, head) => {
  sockets.handleUpgrade(request, socket, head, (client) => {
    const route = request.url!.startsWith('/market') ? 'market' : 'public';
    playback.connect(route, new LoadSocket(client));
  });
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo;
  console.log(JSON.stringify({ url: `127.0.0.1:${port}`, symbols: loop.symbols }));
});

function answer(url: URL, response: ServerResponse): void {
  const body = bodyOf(url);
  response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' });
  response.end(body ?? '{"code":-1,"msg":"not here"}');
}

function bodyOf(url: URL): string | undefined {
  const { searchParams: query } = url;
  switch (url.pathname) {
    case '/fapi/v1/exchangeInfo':
      return JSON.stringify({ symbols: loop!.symbols.map(listing) });
    case '/fapi/v1/depth':
      return loop!.snapshotBody(query.get('symbol')!, playback.position);
    case '/fapi/v1/klines':
    case '/fapi/v1/aggTrades':
      return '[]';
    case '/control/play':
      playback.play({
        rate: Number(query.get('rate') ?? 0),
        frames: Number(query.get('frames') ?? Number.POSITIVE_INFINITY),
        isLiveTime: query.has('live_time'),
      });
      return JSON.stringify(playback.state());
    case '/control/state':
      return JSON.stringify(playback.state());
    default:
      return undefined;
  }
}

function listing(symbol: string) {
  const { tickSize, stepSize } = loop!.steps(symbol);
  const filters = [
    { filterType: 'PRICE_FILTER', tickSize },
    { filterType: 'LOT_SIZE', stepSize },
  ];
  return { symbol, status: 'TRADING', filters };
}
