import { binanceUsdm } from '../src/exchanges/binance-usdm/index.ts';
import { Pipeline, type PipelineServices } from '../src/feed/pipeline.ts';
import { LIMITS } from '../src/limits.ts';
import { SystemClock } from '../src/model/clock.ts';
import type { DepthSnapshot } from '../src/model/events.ts';
import type { Instrument } from '../src/model/instrument.ts';
import { DocumentEncoder } from '../src/publish/encode.ts';
import type { Publisher } from '../src/publish/publisher.ts';
import { RedisPublisher } from '../src/publish/redis/redis-publisher.ts';
import { ShmPublisher } from '../src/publish/shm.ts';
import type { RecordedLoop } from './load/recorded-loop.ts';

const DEPTH = 20;
const FRAMES_PER_BATCH_MAX = 64;
const FRAME_BYTES_MAX = 64 << 10;

/** Stands between two sinks and tells when it is its turn. Does nothing while it is off: reading the clock allocates. */
class Stopwatch implements Publisher {
  readonly name = 'stopwatch';
  isOn = false;
  bookMs = 0;
  readonly #onEndOfBatch: () => void;

  constructor(onEndOfBatch: () => void) {
    this.#onEndOfBatch = onEndOfBatch;
  }

  onBook(): void {
    if (this.isOn) this.bookMs = performance.now();
  }

  onTrade(): void {}
  onStatus(): void {}
  onTick(): void {}

  onEndOfBatch(): void {
    if (this.isOn) this.#onEndOfBatch();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Of a batch, since `feed`: when its last book was in the ring, its commands were encoded, and the write to Redis's socket had returned. */
export interface BatchTimes {
  readonly ringMs: number;
  readonly encodedMs: number;
  readonly writtenMs: number;
  /** Of its frames. */
  readonly bytes: number;
}

/** Memory for the frames of a batch. Views are kept: what they take is the socket's business, not the pipeline's. */
class ReadBuffer {
  readonly #memory = new ArrayBuffer(FRAMES_PER_BATCH_MAX * FRAME_BYTES_MAX);
  readonly #views = new Map<number, Uint8Array>();

  view(slot: number, length: number): Uint8Array {
    const key = slot * FRAME_BYTES_MAX + length;
    let view = this.#views.get(key);
    if (view === undefined) {
      view = new Uint8Array(this.#memory, slot * FRAME_BYTES_MAX, length);
      this.#views.set(key, view);
    }
    return view;
  }
}

/** The service's pipeline and its sinks, wired as in src/service.ts, with frames from memory instead of sockets. */
export class PipelineRig {
  readonly pipeline: Pipeline;
  /** Called after the I/O of each batch. */
  onPublished: ((times: BatchTimes) => void) | undefined;
  readonly #loop: RecordedLoop;
  readonly #redis: RedisPublisher;
  readonly #shm: ShmPublisher;
  readonly #stopwatches: readonly Stopwatch[];
  readonly #readBuffer = new ReadBuffer();
  readonly #batch: Uint8Array[] = [];
  readonly #ticking: NodeJS.Timeout;
  #position = 0;
  #startMs = 0;
  #encodedMs = 0;
  #bytes = 0;

  constructor(loop: RecordedLoop, redisUrl: string, shmFolder: string) {
    this.#loop = loop;
    const clock = new SystemClock();
    const onLog = (): void => {};
    const instruments: Instrument[] = loop.symbols.map((symbol, index) => {
      const { tickSize, stepSize } = loop.steps(symbol);
      return { index, symbol, priceScale: placesOf(tickSize), quantityScale: placesOf(stepSize) };
    });
    this.#redis = new RedisPublisher({ url: redisUrl, clock, instruments, onLog, encoder: new DocumentEncoder(clock) });
    const place = { name: `bench-${process.pid}`, directory: shmFolder, sizeBytes: 1 << 20, depth: DEPTH };
    this.#shm = new ShmPublisher({ ...place, clock, instruments });
    const services: PipelineServices = {
      depthMode: 'diff',
      requestSnapshot: (instrument, _, onStart) => this.#snapshot(instrument, onStart),
      fetchTrades: () => Promise.resolve([]),
      isDepthOverlapping: () => false,
      isTradeOverlapping: () => false,
    };
    const options = { depth: DEPTH, lastPriceSource: 'trade', audit: false } as const;
    const encoded = new Stopwatch(() => {
      this.#encodedMs = performance.now();
    });
    const written = new Stopwatch(() => {
      const start = this.#startMs;
      this.onPublished?.({
        ringMs: encoded.bookMs - start,
        encodedMs: this.#encodedMs - start,
        writtenMs: performance.now() - start,
        bytes: this.#bytes,
      });
    });
    const publishers = [this.#shm, encoded, this.#redis, written];
    this.#stopwatches = [encoded, written];
    this.pipeline = new Pipeline(binanceUsdm, instruments, options, clock, publishers, services, onLog);
    this.#redis.start();
    this.#ticking = setInterval(() => {
      for (const publisher of publishers) publisher.onTick();
    }, LIMITS.check_interval_ms);
  }

  /** Resolves once every symbol is live and Redis is connected. */
  async goLive(): Promise<void> {
    const isReady = () =>
      this.#redis.connected && this.pipeline.sessions.every(({ market }) => market.state === 'live');
    while (!isReady()) {
      this.feed(1);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  /** One batch, as one read of a socket brings it: in memory that is used again and again, and that the processor has just written. */
  feed(frames: number): void {
    const first = this.#position;
    this.#position += frames;
    this.#bytes = 0;
    for (let position = first; position < this.#position; position++) {
      const frame = this.#loop.frame(position);
      const view = this.#readBuffer.view(position - first, frame.length);
      view.set(frame);
      this.#batch[position - first] = view;
      this.#bytes += frame.length;
    }
    const isTimed = this.onPublished !== undefined;
    for (const stopwatch of this.#stopwatches) stopwatch.isOn = isTimed;
    if (isTimed) this.#startMs = performance.now();
    this.pipeline.beginBatch();
    for (let index = 0; index < frames; index++) this.pipeline.onFrame(this.#batch[index]!);
    this.pipeline.endBatch();
  }

  async close(): Promise<void> {
    clearInterval(this.#ticking);
    await this.#redis.close();
    await this.#shm.close();
  }

  async #snapshot(instrument: Instrument, onStart: () => void): Promise<DepthSnapshot> {
    onStart();
    const body = Buffer.from(this.#loop.snapshotBody(instrument.symbol, this.#position));
    return binanceUsdm.rest.snapshot(instrument, 1000, this.pipeline.onScale.bind(this.pipeline)).parse(body);
  }
}

function placesOf(step: string): number {
  return step.split('.')[1]?.length ?? 0;
}
