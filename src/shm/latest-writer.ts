import { fence, processorFence } from './fence.ts';
import { Int64Cell } from './int64.ts';
import * as layout from './layout.ts';

/** Where the latest slots lie in a mapped region, bytes. */
export interface SlotPlace {
  readonly slotsOffset: number;
  readonly slotStride: number;
  readonly symbolCount: number;
}

/** The writer's half of the sequence lock around each symbol's slot: the version is odd while bytes change. */
export class LatestWriter {
  readonly #floats: Float64Array;
  readonly #versions: Int64Cell[];
  readonly #counts: Float64Array;
  readonly #place: SlotPlace;

  constructor(buffer: ArrayBuffer, place: SlotPlace) {
    this.#place = place;
    this.#floats = new Float64Array(buffer);
    this.#counts = new Float64Array(place.symbolCount);
    this.#versions = Array.from(
      { length: place.symbolCount },
      (_, index) => new Int64Cell(buffer, place.slotsOffset + index * place.slotStride + layout.SLOT_VERSION, 0),
    );
  }

  /** Copies a record from elsewhere in the region. @param recordWord its first 4-byte word. */
  copyFrom(symbolIndex: number, recordWord: number, lengthBytes: number): void {
    const source = recordWord >> 1;
    this.#nextVersion(symbolIndex);
    processorFence();
    this.#floats.copyWithin(this.#recordWord(symbolIndex) >> 1, source, source + (lengthBytes >> 3));
    processorFence();
    this.#nextVersion(symbolIndex);
  }

  /** Opens the slot for changes until {@link LatestWriter.end}. Returns its record's first 4-byte word. */
  begin(symbolIndex: number): number {
    this.#nextVersion(symbolIndex);
    fence();
    return this.#recordWord(symbolIndex);
  }

  end(symbolIndex: number): void {
    fence();
    this.#nextVersion(symbolIndex);
  }

  #nextVersion(symbolIndex: number): void {
    const version = this.#counts[symbolIndex]! + 1;
    this.#counts[symbolIndex] = version;
    this.#versions[symbolIndex]!.store(version);
  }

  #recordWord(symbolIndex: number): number {
    return (this.#place.slotsOffset + symbolIndex * this.#place.slotStride + layout.SLOT_RECORD) >> 2;
  }
}
