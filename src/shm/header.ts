import { ShmError } from './errors.ts';
import * as layout from './layout.ts';

/** The constant part of a region's header. Offsets and sizes in bytes. */
export interface RegionHeader {
  readonly flags: number;
  readonly totalBytes: number;
  readonly generation: number;
  /** i64 nanoseconds since the Unix epoch. */
  readonly startTimeNs: bigint;
  readonly writerPid: number;
  readonly symbolCount: number;
  readonly depthMax: number;
  readonly slotStride: number;
  readonly firstPosition: number;
  readonly directoryOffset: number;
  readonly slotsOffset: number;
  readonly ringOffset: number;
  readonly ringCapacity: number;
}

const SYMBOLS_MAX = 100_000;
const DEPTH_MAX = 100_000;

export function hasMagic(view: DataView): boolean {
  return view.getUint32(0, true) === layout.MAGIC_LOW && view.getUint32(4, true) === layout.MAGIC_HIGH;
}

/**
 * Reads and checks the header of a file: docs/SHM_LAYOUT.md section 2, "Checks before use".
 * @param bytes the file's first bytes, up to 512. @param fileBytes the file's size.
 * @throws ShmError NOT_A_REGION, WRONG_VERSION, TRUNCATED or CORRUPT
 */
export function parseHeader(bytes: Uint8Array, fileBytes: number, path: string): RegionHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < layout.HEADER_BYTES || !hasMagic(view)) {
    throw new ShmError('NOT_A_REGION', `${path} is not a market-data region`);
  }
  const version = view.getUint32(layout.HEADER_LAYOUT_VERSION, true);
  if (version !== layout.LAYOUT_VERSION) {
    throw new ShmError(
      'WRONG_VERSION',
      `${path} has layout version ${version}; this reader knows version ${layout.LAYOUT_VERSION}`,
    );
  }
  const totalBytes = Number(view.getBigInt64(layout.HEADER_TOTAL_BYTES, true));
  if (totalBytes > fileBytes) {
    throw new ShmError('TRUNCATED', `${path} has ${fileBytes} bytes, its header says ${totalBytes}`);
  }
  const header = headerFields(view, totalBytes);
  const problem = inconsistency(header);
  if (problem !== undefined) throw new ShmError('CORRUPT', `${path} contradicts itself: ${problem}`);
  return header;
}

function headerFields(view: DataView, totalBytes: number): RegionHeader {
  const int64 = (offset: number) => Number(view.getBigInt64(offset, true));
  const uint32 = (offset: number) => view.getUint32(offset, true);
  return {
    flags: uint32(layout.HEADER_FLAGS),
    totalBytes,
    generation: int64(layout.HEADER_GENERATION),
    startTimeNs: view.getBigInt64(layout.HEADER_START_TIME_NS, true),
    writerPid: uint32(layout.HEADER_WRITER_PID),
    symbolCount: uint32(layout.HEADER_SYMBOL_COUNT),
    depthMax: uint32(layout.HEADER_DEPTH_MAX),
    slotStride: uint32(layout.HEADER_SLOT_STRIDE),
    firstPosition: int64(layout.HEADER_FIRST_POSITION),
    directoryOffset: int64(layout.HEADER_DIRECTORY_OFFSET),
    slotsOffset: int64(layout.HEADER_SLOTS_OFFSET),
    ringOffset: int64(layout.HEADER_RING_OFFSET),
    ringCapacity: int64(layout.HEADER_RING_CAPACITY),
  };
}

/** What is wrong with the fields' relations, or undefined. Doubles cannot overflow here: they are compared, never wrapped. */
function inconsistency(header: RegionHeader): string | undefined {
  const { symbolCount, depthMax, slotStride, slotsOffset, ringOffset, ringCapacity, firstPosition } = header;
  if (header.directoryOffset !== layout.HEADER_BYTES) return 'directory_offset';
  if (symbolCount < 1 || symbolCount > SYMBOLS_MAX) return 'symbol_count';
  if (depthMax < 1 || depthMax > DEPTH_MAX) return 'depth_max';
  const slotBytesMin = layout.SLOT_RECORD + layout.BOOK_LEVELS + 2 * layout.LEVEL_BYTES * depthMax;
  if (!isAligned(slotStride) || slotStride < slotBytesMin) return 'slot_stride';
  const directoryEnd = layout.HEADER_BYTES + layout.DIRECTORY_ENTRY_BYTES * symbolCount;
  if (!isAligned(slotsOffset) || slotsOffset < directoryEnd) return 'slots_offset';
  if (!isAligned(ringOffset) || ringOffset < slotsOffset + slotStride * symbolCount) return 'ring_offset';
  const ringBytesMin = layout.RING_RECORDS_MIN * layout.RECORD_ALIGNMENT;
  if (!isAligned(ringCapacity) || ringCapacity < ringBytesMin) return 'ring_capacity';
  if (ringOffset + ringCapacity > header.totalBytes) return 'the ring ends behind total_bytes';
  if (!isAligned(firstPosition)) return 'first_position';
  return undefined;
}

function isAligned(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0 && value % layout.RECORD_ALIGNMENT === 0;
}

/** The names of the symbol directory, by symbol index. @param bytes of the whole region. */
export function readDirectory(bytes: Uint8Array, header: RegionHeader): string[] {
  const decoder = new TextDecoder();
  return Array.from({ length: header.symbolCount }, (_, index) => {
    const start = header.directoryOffset + index * layout.DIRECTORY_ENTRY_BYTES;
    const entry = bytes.slice(start, start + layout.DIRECTORY_ENTRY_BYTES);
    const end = entry.indexOf(0);
    return decoder.decode(end < 0 ? entry : entry.subarray(0, end));
  });
}
