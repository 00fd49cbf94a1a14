import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenOptions, open, type ShmEvent, type ShmReader } from '../../clients/typescript/index.ts';

/** Opens byte arrays as regions, through files in a directory of its own. */
export function openForTest() {
  const directory = fs.mkdtempSync(join(tmpdir(), 'market-data-shm-'));
  let count = 0;
  const openBytes = (bytes: Uint8Array, options: OpenOptions = {}): ShmReader => {
    const name = `region-${count++}`;
    fs.writeFileSync(join(directory, name), bytes);
    return open(name, { directory, ...options });
  };
  return {
    open: openBytes,
    /** All that `next` gives from a position on, described as in the golden JSON. */
    read(bytes: Uint8Array, startPosition: string, options: OpenOptions = {}): unknown[] {
      const reader = openBytes(bytes, options);
      reader.seek(Number(startPosition));
      const events: unknown[] = [];
      for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(describeEvent(event));
      return events;
    },
    dispose: () => fs.rmSync(directory, { recursive: true }),
  };
}

/** An event as the golden JSON spells it. */
export function describeEvent(event: ShmEvent): Record<string, unknown> {
  if (event.kind === 'lost') return { type: 'lost', bytes: String(event.bytes) };
  const common = {
    type: event.kind,
    sequence: String(event.sequence),
    publish_time_ns: String(event.publishTimeNs),
    receive_time_ns: String(event.receiveTimeNs),
    exchange_time_ns: String(event.exchangeTimeNs),
    symbol_index: event.symbolIndex,
    symbol: event.symbol,
  };
  switch (event.kind) {
    case 'book': {
      const level = (index: number) => [event.levels[2 * index], event.levels[2 * index + 1]];
      return {
        ...common,
        state: event.state,
        reason: event.reason,
        source: event.source,
        price_scale: event.priceScale,
        quantity_scale: event.quantityScale,
        last_price_scale: event.lastPriceScale,
        last_update_id: String(event.lastUpdateId),
        last_price: nullable(event.lastPriceMantissa),
        volume_24h: nullable(event.volume24hMantissa),
        high_24h: nullable(event.high24hMantissa),
        low_24h: nullable(event.low24hMantissa),
        bids: Array.from({ length: event.bidCount }, (_, index) => level(index)),
        asks: Array.from({ length: event.askCount }, (_, index) => level(event.bidCount + index)),
      };
    }
    case 'trade':
      return {
        ...common,
        is_buyer_maker: event.isBuyerMaker,
        is_refill: event.isRefill,
        price_scale: event.priceScale,
        quantity_scale: event.quantityScale,
        trade_id: String(event.tradeId),
        price: event.priceMantissa,
        quantity: event.quantityMantissa,
        trade_time_ns: String(event.tradeTimeNs),
      };
    case 'status':
      return {
        ...common,
        state: event.state,
        reason: event.reason,
        last_update_id: String(event.lastUpdateId),
      };
  }
}

function nullable(mantissa: number): number | null {
  return Number.isNaN(mantissa) ? null : mantissa;
}
