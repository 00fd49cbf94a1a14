import { Random } from './random.ts';

/** What a made-up instrument is like. Mantissas at its own scales. */
export interface SymbolProfile {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly priceScale: number;
  readonly quantityScale: number;
  readonly tickSize: number;
  readonly stepSize: number;
  readonly startPrice: number;
  /** Typical quantity of a level. */
  readonly typicalQuantity: number;
}

type KnownProfile = Omit<SymbolProfile, 'symbol' | 'baseAsset' | 'quoteAsset'>;

/** Steps and decimals as the venue states them; the prices are of no particular day. */
const KNOWN: Readonly<Record<string, KnownProfile>> = {
  BTCUSDT: { priceScale: 2, quantityScale: 3, tickSize: 10, stepSize: 1, startPrice: 6_180_020, typicalQuantity: 400 },
  ETHUSDT: { priceScale: 2, quantityScale: 3, tickSize: 1, stepSize: 1, startPrice: 268_341, typicalQuantity: 6_000 },
  BNBUSDT: { priceScale: 3, quantityScale: 2, tickSize: 10, stepSize: 1, startPrice: 561_420, typicalQuantity: 900 },
  SOLUSDT: {
    priceScale: 4,
    quantityScale: 2,
    tickSize: 100,
    stepSize: 1,
    startPrice: 1_532_600,
    typicalQuantity: 4_000,
  },
  XRPUSDT: { priceScale: 4, quantityScale: 1, tickSize: 1, stepSize: 1, startPrice: 21_734, typicalQuantity: 30_000 },
  DOGEUSDT: { priceScale: 5, quantityScale: 0, tickSize: 1, stepSize: 1, startPrice: 10_412, typicalQuantity: 25_000 },
};

/** The names of `--symbol-count`: the known ones first, then SYM007USDT and so on. */
export function defaultSymbols(count: number): string[] {
  const known = Object.keys(KNOWN);
  return Array.from({ length: count }, (_, index) => known[index] ?? `SYM${String(index + 1).padStart(3, '0')}USDT`);
}

/** The known profile of a symbol, or one drawn from its name: the same for every seed. */
export function symbolProfile(symbol: string): SymbolProfile {
  const quoteAsset = /(USDT|USDC|BTC)$/.exec(symbol)?.[1] ?? 'USDT';
  const baseAsset = symbol.endsWith(quoteAsset) ? symbol.slice(0, -quoteAsset.length) : symbol;
  return { symbol, baseAsset, quoteAsset, ...(KNOWN[symbol] ?? drawnProfile(symbol)) };
}

function drawnProfile(symbol: string): KnownProfile {
  const random = new Random(`profile/${symbol}`);
  const priceScale = 1 + random.below(6);
  const quantityScale = Math.max(0, 4 - priceScale);
  return {
    priceScale,
    quantityScale,
    tickSize: 1,
    stepSize: 1,
    // 8,000 to 40,000 ticks: room for a thousand levels below.
    startPrice: 8_000 + random.below(32_000),
    typicalQuantity: 500 + random.below(20_000),
  };
}
