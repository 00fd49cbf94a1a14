/*
 * One depth frame from bytes to integer levels, beside JSON.parse of the same bytes in the same run.
 *
 * Frames: the depth frames of the BTCUSDT recording (1.6 KB, 68 levels on average), each in its own buffer as from a socket, in
 * order, so that they come from memory and not from a warm cache. Excluded: the socket, the sequencer, the book. JSON.parse leaves
 * prices as text; turning them into numbers would come on top.
 *
 *   npm run bench -- decode
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { binanceUsdm } from '../src/exchanges/binance-usdm/index.ts';
import type { MarketSink } from '../src/exchanges/exchange.ts';
import type { DepthUpdate } from '../src/model/events.ts';
import { BenchReport } from './report.ts';

/** Long enough for the optimiser, whose threads share the processor with everything else. */
const WARM_UP_MS = 1500;
const ROUNDS = 15;
const FILE = 'usdm-btcusdt-20240808.gz';

/** Reads every update as a book would, so that nothing can be optimised away. */
class CountingSink implements MarketSink {
  levels = 0;
  sum = 0;
  others = 0;

  onDepth(update: DepthUpdate): void {
    this.levels += update.bidCount + update.askCount;
    if (update.bidCount > 0) this.sum += update.bidPrices[update.bidCount - 1]!;
  }

  onPartialDepth(): void {
    this.others++;
  }

  onTrade(): void {
    this.others++;
  }

  onTopOfBook(): void {
    this.others++;
  }

  onTicker24h(): void {
    this.others++;
  }

  onScale(): void {
    this.others++;
  }

  onRejected(): void {
    this.others++;
  }

  onAcknowledged(): void {
    this.others++;
  }
}

/** The checkout above this file, whether it runs from source or from a build folder within. */
function captureFolder(): string {
  const fromEnvironment = process.env.MARKET_DATA_CAPTURES;
  if (fromEnvironment !== undefined) return fromEnvironment;
  for (const up of ['..', '../..', '../../..']) {
    const folder = join(fileURLToPath(new URL('.', import.meta.url)), up, '../shared/captures');
    if (existsSync(folder)) return folder;
  }
  return '../shared/captures';
}

function depthFrames(): Buffer[] {
  const path = join(captureFolder(), FILE);
  if (!existsSync(path)) {
    console.log(`skipped: the recording ${path} is not there (MARKET_DATA_CAPTURES says where it is)`);
    process.exit(0);
  }
  return gunzipSync(readFileSync(path))
    .toString()
    .split('\n')
    .filter((line) => line.includes('@depth'))
    .map((line) => Buffer.from(line.slice(line.indexOf('{'))));
}

export interface DecodeResult {
  readonly name: string;
  readonly meanNs: number;
  readonly p50Ns: number;
  readonly p99Ns: number;
}

/**
 * Times every frame by itself in every round. Percentiles are over all of these. The mean is over each frame's fastest round, so that
 * what else the machine does stays out of it. Reading the clock, about 40 ns, is included.
 */
function measure(
  name: string,
  frames: readonly Buffer[],
  decode: (frame: Buffer, index: number) => void,
): DecodeResult {
  const warmUntil = performance.now() + WARM_UP_MS;
  while (performance.now() < warmUntil) {
    for (let index = 0; index < frames.length; index++) decode(frames[index]!, index);
  }
  const fastestNs = new Float64Array(frames.length).fill(Number.POSITIVE_INFINITY);
  const allNs = new Float64Array(frames.length * ROUNDS);
  for (let round = 0; round < ROUNDS; round++) {
    for (let index = 0; index < frames.length; index++) {
      const start = performance.now();
      decode(frames[index]!, index);
      const elapsedNs = (performance.now() - start) * 1e6;
      allNs[round * frames.length + index] = elapsedNs;
      if (elapsedNs < fastestNs[index]!) fastestNs[index] = elapsedNs;
    }
  }
  allNs.sort();
  return {
    name,
    meanNs: fastestNs.reduce((sum, ns) => sum + ns, 0) / frames.length,
    p50Ns: allNs[Math.floor(allNs.length * 0.5)]!,
    p99Ns: allNs[Math.floor(allNs.length * 0.99)]!,
  };
}

export async function run(): Promise<DecodeResult[]> {
  const frames = depthFrames();
  const sink = new CountingSink();
  const decoder = binanceUsdm.createDecoder([{ index: 0, symbol: 'BTCUSDT', priceScale: 1, quantityScale: 3 }]);
  const texts = frames.map((frame) => frame.toString());
  let parsed = 0;
  const results = [
    measure('decode', frames, (frame) => decoder.decode(frame, sink)),
    measure('JSON.parse(text)', frames, (_, index) => {
      parsed += JSON.parse(texts[index]!).data.b.length;
    }),
    measure('JSON.parse(frame.toString())', frames, (frame) => {
      parsed += JSON.parse(frame.toString()).data.b.length;
    }),
  ];
  if (sink.others > 0 || parsed === 0) throw new Error('not every frame was decoded as a diff');
  return results;
}

function print(results: readonly DecodeResult[]): void {
  const report = new BenchReport('decode', [
    `depth frames of ${FILE} (1.6 KB, 68 levels on average), ${ROUNDS} rounds`,
    'mean over each frame’s fastest round; percentiles over all; reading the clock is included; sockets, sequencer and book are not',
  ]);
  for (const { name, meanNs, p50Ns, p99Ns } of results) {
    report.add(`${name}, mean`, meanNs, 'ns');
    report.add(`${name}, p50`, p50Ns, 'ns');
    report.add(`${name}, p99`, p99Ns, 'ns');
  }
  const [ours, ...baselines] = results;
  for (const { name, meanNs } of baselines) report.add(`${name} / decode`, meanNs / ours!.meanNs, '×', '≥ 5');
  report.finish();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) print(await run());
