import { UsageError } from '../model/errors.ts';
import * as layout from './layout.ts';

/** Where everything of a region to be created goes. Bytes. */
export interface RegionPlan {
  readonly totalBytes: number;
  readonly slotStride: number;
  readonly slotsOffset: number;
  readonly ringOffset: number;
  readonly ringCapacity: number;
  readonly bytesAhead: number;
  readonly announceBytes: number;
}

/** Of the ring ahead the writer takes the cache lines of this much at most: a book of 20 levels a side, or some trades. */
const BYTES_AHEAD_MAX = 1024;
/** So small a part of the ring is announced at a time, to leave readers the rest of it. */
const RING_PART_ANNOUNCED = 1 / 64;

/** Indexes of 4-byte words stay small integers up to here, which keeps the writer fast. */
const TOTAL_BYTES_MAX = 1 << 30;

/**
 * Divides a region into header, directory, slots and ring; the ring takes all that is left.
 * @throws UsageError when the size cannot hold the symbols at this depth.
 */
export function planRegion(symbolCount: number, depthMax: number, sizeBytes: number): RegionPlan {
  const recordBytesMax = bookRecordBytes(2 * depthMax);
  const slotStride = layout.SLOT_RECORD + recordBytesMax;
  const slotsOffset = aligned(layout.HEADER_BYTES + layout.DIRECTORY_ENTRY_BYTES * symbolCount);
  const ringOffset = slotsOffset + slotStride * symbolCount;
  const totalBytes = sizeBytes - (sizeBytes % layout.RECORD_ALIGNMENT);
  const ringCapacity = totalBytes - ringOffset;
  const ringBytesMin = layout.RING_RECORDS_MIN * recordBytesMax;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes > TOTAL_BYTES_MAX) {
    throw new UsageError(`shm_size_bytes is ${sizeBytes}; the most is ${TOTAL_BYTES_MAX} (1 GiB)`);
  }
  if (ringCapacity < ringBytesMin) {
    throw new UsageError(
      `shm_size_bytes is ${sizeBytes}, too small for ${symbolCount} symbols at a depth of ${depthMax} levels a side: ` +
        `at least ${ringOffset + ringBytesMin} are needed. Raise shm_size_bytes, or lower order_book_depth or the number of symbols.`,
    );
  }
  const bytesAhead = Math.min(recordBytesMax, BYTES_AHEAD_MAX);
  const announceBytes = aligned(Math.max(bytesAhead, ringCapacity * RING_PART_ANNOUNCED));
  return { totalBytes, slotStride, slotsOffset, ringOffset, ringCapacity, bytesAhead, announceBytes };
}

/** The length of a book record with so many levels on both sides together. */
export function bookRecordBytes(levels: number): number {
  return aligned(layout.BOOK_LEVELS + levels * layout.LEVEL_BYTES);
}

function aligned(bytes: number): number {
  return (bytes + layout.RECORD_ALIGNMENT - 1) & -layout.RECORD_ALIGNMENT;
}
