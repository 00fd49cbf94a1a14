import { CaptureMarket } from './capture.ts';
import type { SimulatedExchange } from './exchange-server.ts';
import { stepsText } from './recorded-symbol.ts';

const INTERVAL_MS = 5000;

/** Tells a person on standard error what goes on, every few seconds, when something has changed. @returns the end of it. */
export function startStatusLines(exchange: SimulatedExchange, say: (line: string) => void): () => void {
  const { market } = exchange;
  for (const listed of [...market.symbols.values()].slice(0, 8)) {
    say(`${listed.symbol}: ${stepsText(listed)}`);
  }
  if (market.symbols.size > 8) say(`and ${market.symbols.size - 8} more symbols`);
  say(`${market.kind} market at ${exchange.wsUrl} (WebSocket) and ${exchange.restUrl} (REST)`);
  let lastLine = '';
  let lastFrames = 0;
  const timer = setInterval(() => {
    const frames = exchange.connections.framesSent;
    const perSecond = Math.round(((frames - lastFrames) / INTERVAL_MS) * 1000);
    lastFrames = frames;
    const line = `${exchange.connections.size} connections, ${perSecond} frames/s, ${exchange.rest.requestCount} requests${captureText(exchange)}`;
    if (line !== lastLine) say(line);
    lastLine = line;
  }, INTERVAL_MS);
  return () => clearInterval(timer);
}

function captureText(exchange: SimulatedExchange): string {
  const { market } = exchange;
  if (!(market instanceof CaptureMarket)) return '';
  const awaited = market.awaitedStreams;
  if (awaited.length > 0) return `; the recording waits for subscribers of ${awaited.join(', ')}`;
  if (market.isEnded) return `; the recording has ended (${market.eventCount} events)`;
  return `; ${market.eventsPlayed} of ${market.eventCount} events${market.isHeld ? ', waiting for a snapshot request' : ''}`;
}
