import { fence, processorFence } from './fence.ts';
import { storeCounter } from './int64.ts';
import * as layout from './layout.ts';

/** Offsets of layout.ts in words of 4 and of 8 bytes. Constants of this module, because V8 fetches imported ones at each use. */
const SLOT_RECORD_WORD = layout.SLOT_RECORD / 4;
const SLOT_RECORD_FLOAT = layout.SLOT_RECORD / 8;

/** Where the latest slots lie in a mapped region, bytes. */
export interface SlotPlace {
  readonly slotsOffset: number;
  readonly slotStride: number;
  readonly symbolCount: number;
}

/** The writer's half of the sequence lock around each symbol's slot: the version is odd while bytes change. */
export interface LatestWriter {
  /** Copies a record from elsewhere in the region. @param recordWord its first 4-byte word. */
  copyFrom(symbolIndex: number, recordWord: number, lengthBytes: number): void;
  /** Opens the slot for changes until `end`. Returns its record's first 4-byte word. */
  begin(symbolIndex: number): number;
  end(symbolIndex: number): void;
}

/** A function with constants around it for the same reason as in ring-writer.ts. */
export function createLatestWriter(buffer: ArrayBuffer, place: SlotPlace): LatestWriter {
  const words = new Uint32Array(buffer);
  const floats = new Float64Array(buffer);
  const { slotsOffset, slotStride, symbolCount } = place;
  const versions = new Float64Array(symbolCount);

  const slotFloat = (symbolIndex: number) => (slotsOffset + symbolIndex * slotStride) >> 3;

  function nextVersion(symbolIndex: number, slot: number): void {
    versions[symbolIndex] = versions[symbolIndex]! + 1;
    storeCounter(words, floats, slot, versions, symbolIndex);
  }

  return {
    copyFrom(symbolIndex, recordWord, lengthBytes) {
      const slot = slotFloat(symbolIndex);
      const source = recordWord >> 1;
      nextVersion(symbolIndex, slot);
      processorFence();
      floats.copyWithin(slot + SLOT_RECORD_FLOAT, source, source + (lengthBytes >> 3));
      processorFence();
      nextVersion(symbolIndex, slot);
    },
    begin(symbolIndex) {
      const slot = slotFloat(symbolIndex);
      nextVersion(symbolIndex, slot);
      fence();
      return 2 * slot + SLOT_RECORD_WORD;
    },
    end(symbolIndex) {
      fence();
      nextVersion(symbolIndex, slotFloat(symbolIndex));
    },
  };
}
