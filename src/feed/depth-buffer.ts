import { POW10 } from '../model/decimal.ts';
import type { DepthUpdate } from '../model/events.ts';

/** Copies of depth updates in the order of arrival, up to a limit: what waits for a snapshot, or for an update before it. */
export class DepthBuffer {
  readonly updates: DepthUpdate[] = [];
  readonly #countMax: number;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Returns false, without keeping it, when the buffer is full. */
  push(update: DepthUpdate): boolean {
    if (this.updates.length >= this.#countMax) return false;
    this.updates.push(update.clone());
    return true;
  }

  clear(): void {
    this.updates.length = 0;
  }

  /** Moves all levels to finer scales, given by how many decimal places each grows. */
  rescale(pricePlaces: number, quantityPlaces: number): void {
    const priceFactor = POW10[pricePlaces]!;
    const quantityFactor = POW10[quantityPlaces]!;
    for (const update of this.updates) {
      multiply(update.bidPrices, priceFactor);
      multiply(update.askPrices, priceFactor);
      multiply(update.bidQuantities, quantityFactor);
      multiply(update.askQuantities, quantityFactor);
    }
  }
}

function multiply(values: Float64Array, factor: number): void {
  if (factor === 1) return;
  for (let index = 0; index < values.length; index += 1) values[index] = values[index]! * factor;
}
