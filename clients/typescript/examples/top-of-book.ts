/*
 * Prints the best bid and ask of a symbol whenever one of them changes.
 *
 *   node dist/clients/typescript/examples/top-of-book.js [SYMBOL] [SHM_NAME]
 */
import { type BookEvent, open, ShmError, stream } from '../index.ts';

const [symbol = 'BTCUSDT', name] = process.argv.slice(2);

function line(book: BookEvent): string {
  if (!book.isLive) return `${book.symbol}  ${book.state} (${book.reason})`;
  const bid = `${book.bidQuantity(0)} @ ${book.bidPrice(0)}`;
  return `${book.symbol}  ${bid}  |  ${book.askPrice(0)} @ ${book.askQuantity(0)}  last ${book.lastPrice}`;
}

let shown = '';
function show(text: string): void {
  if (text !== shown) console.log(text);
  shown = text;
}

try {
  const reader = open(name);
  show(line(reader.latest(symbol)));
  for await (const event of stream(reader)) {
    if (event.kind === 'lost') console.error(`too slow: ${event.bytes} bytes lost`);
    else if (event.kind === 'writer') console.error(`the service is ${event.state}`);
    else if (event.symbol !== symbol) continue;
    else if (event.kind === 'book') show(line(event));
    else if (event.kind === 'status') show(`${symbol}  ${event.state} (${event.reason})`);
  }
} catch (error) {
  if (!(error instanceof ShmError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
