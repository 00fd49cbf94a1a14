import * as fs from 'node:fs';
import type { Clock } from '../model/clock.ts';
import { UsageError } from '../model/errors.ts';
import type { Instrument } from '../model/instrument.ts';
import { EpochNanos } from './epoch-nanos.ts';
import { errnoName } from './errors.ts';
import { storeInt64 } from './int64.ts';
import * as layout from './layout.ts';
import { mapFile, tryLock, unlock } from './mapping.ts';
import { planRegion, type RegionPlan } from './plan.ts';
import {
  createFilled,
  fileError,
  lockPredecessor,
  type Predecessor,
  regionPath,
  removeStaleTemporaries,
  temporaryPath,
} from './region-file.ts';
import { RegionWriter } from './region-writer.ts';

export const SHM_DIRECTORY = '/dev/shm';

export interface RegionOptions {
  /** File name below the directory: letters, digits, "._-", at most 200 of them. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Most levels a side. */
  readonly depthMax: number;
  /** In the order of their indexes. */
  readonly instruments: readonly Instrument[];
  readonly clock: Clock;
  /** Permission bits; 0o640 when left out. */
  readonly mode?: number;
  readonly directory?: string;
  /** Every record carries a checksum: for tests, it costs time. */
  readonly checksums?: boolean;
  /** Where positions start, a multiple of 64: for tests of their wrap-around. */
  readonly firstPosition?: number;
}

const ATTEMPTS_MAX = 20;

/**
 * The writer's file, created whole under a temporary name and then put in place; docs/SHM_LAYOUT.md section 6. Mapped for
 * writing, locked for as long as this process holds it.
 */
export class Region {
  readonly buffer: ArrayBuffer;
  readonly path: string;
  readonly plan: RegionPlan;
  readonly writer: RegionWriter;
  readonly #fd: number;
  readonly #floats: Float64Array;
  readonly #words: Uint32Array;
  readonly #time = new EpochNanos();
  readonly #timeWords = new Uint32Array(2);
  readonly #beatTime = new Float64Array(1);
  #isOpen = true;

  private constructor(options: RegionOptions, path: string, fd: number, plan: RegionPlan, generation: number) {
    this.path = path;
    this.plan = plan;
    this.#fd = fd;
    this.buffer = mapFile(fd, plan.totalBytes, 'read-write');
    this.#floats = new Float64Array(this.buffer);
    this.#words = new Uint32Array(this.buffer);
    this.#writeHeader(options, generation);
    const { instruments, clock, depthMax } = options;
    const place = {
      ...plan,
      depthMax,
      symbolCount: instruments.length,
      hasChecksums: options.checksums === true,
      firstPosition: options.firstPosition ?? 0,
    };
    this.writer = new RegionWriter(this.buffer, place, instruments, clock);
  }

  /**
   * Creates the region, or takes it over from a writer that is gone.
   * @throws UsageError when something the user chose stands in the way: a live writer, no space, no permission, a foreign file.
   * @throws ShmError UNAVAILABLE where this platform cannot map memory.
   */
  static create(options: RegionOptions): Region {
    const path = regionPath(options.name, options.directory ?? SHM_DIRECTORY);
    checkSymbols(options.instruments);
    const plan = planRegion(options.instruments.length, options.depthMax, options.sizeBytes);
    removeStaleTemporaries(path);
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const predecessor = lockPredecessor(path);
      if (predecessor === 'changed') continue;
      try {
        const region = Region.#build(options, path, plan, predecessor);
        if (region !== undefined) return region;
      } finally {
        predecessor?.release();
      }
    }
    throw new UsageError(`${path} keeps changing: several services are starting with the same shm_name`);
  }

  /** Undefined when another service was faster. */
  static #build(
    options: RegionOptions,
    path: string,
    plan: RegionPlan,
    predecessor: Predecessor | undefined,
  ): Region | undefined {
    const temporary = temporaryPath(path);
    const fd = createFilled(temporary, plan.totalBytes, options.mode ?? 0o640);
    let region: Region | undefined;
    try {
      tryLock(fd);
      region = new Region(options, path, fd, plan, (predecessor?.generation ?? 0) + 1);
      if (predecessor === undefined) fs.linkSync(temporary, path);
      else {
        fs.renameSync(temporary, path);
        predecessor.markReplaced();
      }
      return region;
    } catch (error) {
      region?.close();
      if (region === undefined) fs.closeSync(fd);
      if (errnoName(error) === 'EEXIST') return undefined;
      throw fileError(error, path);
    } finally {
      fs.rmSync(temporary, { force: true });
    }
  }

  /** Tells readers that the writer lives; call every HEARTBEAT_INTERVAL_MS. */
  beat(): void {
    this.#beatTime[0] = Date.now();
    this.#time.writeMilliseconds(this.#timeWords, 0, this.#beatTime, 0);
    storeInt64(this.#floats, layout.HEADER_HEARTBEAT_TIME_NS / 8, this.#timeWords[0]!, this.#timeWords[1]!);
  }

  /** Tells readers that this was all, and lets go of the name. Nothing may be written afterwards. The file stays. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.beat();
    Atomics.store(this.#words, layout.HEADER_WRITER_STATE / 4, layout.WRITER_CLOSED);
    unlock(this.#fd);
    fs.closeSync(this.#fd);
  }

  #writeHeader(options: RegionOptions, generation: number): void {
    const view = new DataView(this.buffer);
    const uint32 = (offset: number, value: number) => view.setUint32(offset, value, true);
    const int64 = (offset: number, value: number) => view.setBigInt64(offset, BigInt(value), true);
    const { clock } = options;
    const now = clock.nowNs();
    uint32(0, layout.MAGIC_LOW);
    uint32(4, layout.MAGIC_HIGH);
    uint32(layout.HEADER_LAYOUT_VERSION, layout.LAYOUT_VERSION);
    uint32(layout.HEADER_FLAGS, options.checksums ? layout.FLAG_CHECKSUMS : 0);
    int64(layout.HEADER_TOTAL_BYTES, this.plan.totalBytes);
    int64(layout.HEADER_GENERATION, generation);
    const startTimeNs = BigInt(clock.wallSeconds(now)) * 1_000_000_000n + BigInt(clock.wallNanos(now));
    view.setBigInt64(layout.HEADER_START_TIME_NS, startTimeNs, true);
    uint32(layout.HEADER_WRITER_PID, process.pid);
    uint32(layout.HEADER_SYMBOL_COUNT, options.instruments.length);
    uint32(layout.HEADER_DEPTH_MAX, options.depthMax);
    uint32(layout.HEADER_SLOT_STRIDE, this.plan.slotStride);
    int64(layout.HEADER_FIRST_POSITION, options.firstPosition ?? 0);
    int64(layout.HEADER_DIRECTORY_OFFSET, layout.HEADER_BYTES);
    int64(layout.HEADER_SLOTS_OFFSET, this.plan.slotsOffset);
    int64(layout.HEADER_RING_OFFSET, this.plan.ringOffset);
    int64(layout.HEADER_RING_CAPACITY, this.plan.ringCapacity);
    uint32(layout.HEADER_WRITER_STATE, layout.WRITER_RUNNING);
    view.setBigInt64(layout.HEADER_HEARTBEAT_TIME_NS, startTimeNs, true);
    const bytes = new Uint8Array(this.buffer);
    const encoder = new TextEncoder();
    options.instruments.forEach((instrument, index) => {
      bytes.set(encoder.encode(instrument.symbol), layout.HEADER_BYTES + index * layout.DIRECTORY_ENTRY_BYTES);
    });
  }
}

function checkSymbols(instruments: readonly Instrument[]): void {
  const encoder = new TextEncoder();
  if (instruments.length === 0) throw new UsageError('shared memory needs at least one symbol');
  instruments.forEach((instrument, index) => {
    if (instrument.index !== index)
      throw new Error(`instrument ${instrument.symbol} has index ${instrument.index}, not ${index}`);
    if (encoder.encode(instrument.symbol).length > layout.SYMBOL_BYTES_MAX) {
      throw new UsageError(
        `symbol ${instrument.symbol} is longer than the ${layout.SYMBOL_BYTES_MAX} bytes that fit shared memory`,
      );
    }
  });
}
