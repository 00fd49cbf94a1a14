import { FrameReader } from './frame-reader.ts';
import { LevelScanner, PriceLayout } from './level-scanner.ts';

/** Sides that between them take every branch of the level scanner, with the scales to read them at. */
const SIDES: readonly (readonly [string, number, number])[] = [
  ['[["61800.20","2.507"],["1800.20","12.5070"],["800.200","1234.507"],["123456.70","12345.67000"]]', 1, 3],
  ['[["12345678.90","12345678.123"],["0.5","0.5"],["7","7"]]', 2, 3],
  ['[["7","813"],["12345","57618"],["12345678","12345678"],["1234","1234"],["7","123456789012"],["7.0","7.00"]]', 0, 0],
  ['[["0.0123456","7"],["12345.01234560","1234567"],["0.012345","7.0"],["0.01234567800","1"]]', 7, 0],
  ['[["0.00001234","0.00001234"],["1.5","12345.00001234"],["0.0000123400","1"]]', 8, 8],
  ['[["1.05","1"]]', 1, 0],
  ['[["1","1.05"]]', 0, 1],
  ['[["0.000001","1.00000001"]]', 5, 5],
  ['[[".5","1"]]', 1, 1],
  ['[["1","x"]]', 1, 1],
  ['[["1","1"],', 1, 1],
  ['[["1","1"]', 1, 1],
  ['[["1",1]]', 1, 1],
  ['[]', 1, 1],
  ['{}', 1, 1],
];

/** Feedback is kept from the second call on; the rest is for good measure. */
const ROUNDS = 8;

let isPrimed = false;

/**
 * Shows the level scanner every branch before the first frame comes. An optimiser that has not seen a branch compiles it as a way
 * back to slow code; when a long frame takes it later, V8 (measured with Node 20) may settle on replacing the loop while it runs, anew in every
 * call, and decoding stays two to three times slower for as long as the process lives. One millisecond here prevents that. Once is enough for a process.
 */
export function primeLevelScanner(): void {
  if (isPrimed) return;
  isPrimed = true;
  const reader = new FrameReader();
  const scanner = new LevelScanner(reader);
  const layout = new PriceLayout();
  const prices = new Float64Array(16);
  const quantities = new Float64Array(16);
  const encoder = new TextEncoder();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [text, priceScale, quantityScale] of SIDES) {
      reader.load(encoder.encode(text));
      scanner.scan(layout, priceScale, quantityScale, prices, quantities);
    }
  }
}
