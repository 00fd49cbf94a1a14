/*
 * The other process of the shared-memory benches. Arguments: a role, and what it needs.
 *   echo FILE FROM TO BLOCKS      in turn: answers bare hand-overs, those with bytes, and books of one region with books of another
 *   listen NAME COUNT             takes the time from publish to decoded of each book of a region
 *   drain NAME POLL_MS            reads for as long as it lives; sleeps between looks unless POLL_MS is 0
 *   write NAME                    rate of writing (million records a second of processor time), and garbage of a record (bytes)
 *   publish NAME                  the same through ShmPublisher
 *   redis URL CHANNEL COUNT       as listen, over Redis pub/sub
 */
import { Redis } from 'ioredis';
import { open } from '../clients/typescript/index.ts';
import { SystemClock } from '../src/model/clock.ts';
import { ShmPublisher } from '../src/publish/shm.ts';
import {
  BENCH_DEPTH,
  BENCH_INSTRUMENT,
  BENCH_RECORD_BYTES,
  createBenchRegion,
  ECHO_BLOCK_ROUNDS,
  fullBook,
  SharedClock,
} from './shm-book.ts';
import { Bounce } from './shm-bounce.ts';

const clock = new SharedClock();

function ready(): void {
  process.send!('ready');
}

function finish(samples: Float64Array): void {
  process.send!(samples, () => process.exit(0));
}

const SPINS_PER_LOOK = 1 << 20;
const parent = process.ppid;
let spins = 0;

/** Once in a while of spinning: a peer whose parent was killed would keep its core busy for ever. */
function endWithParent(): void {
  if (++spins % SPINS_PER_LOOK === 0 && process.ppid !== parent) process.exit(1);
}

function echo(file: string, from: string, to: string, blocks: number): void {
  const bounce = new Bounce(file, BENCH_RECORD_BYTES);
  const reader = open(from);
  const region = createBenchRegion(to);
  const book = fullBook();
  const echoBook = () => {
    let event = reader.next();
    while (event === undefined) {
      endWithParent();
      event = reader.next();
    }
    if (event.kind !== 'book') throw new Error(`a ${event.kind} instead of a book`);
    book.lastUpdateId = event.lastUpdateId;
    region.writer.writeBook(book, book.lastUpdateId);
  };
  ready();
  let handOver = 0;
  for (let block = 0; block < blocks; block++) {
    for (let round = 0; round < ECHO_BLOCK_ROUNDS; round++) {
      bounce.receive('ping', ++handOver, endWithParent);
      bounce.send('pong', handOver);
    }
    for (let round = 0; round < ECHO_BLOCK_ROUNDS; round++) {
      bounce.receiveBytes('ping', ++handOver, endWithParent);
      bounce.sendBytes('pong', handOver);
    }
    for (let round = 0; round < ECHO_BLOCK_ROUNDS; round++) echoBook();
  }
  region.close();
  process.exit(0);
}

/** A reader that is kept from its core for a whole ring loses books; these give no sample. */
function listen(name: string, count: number): void {
  const reader = open(name);
  const samples = new Float64Array(count);
  let taken = 0;
  const last = reader.latest(BENCH_INSTRUMENT.symbol).sequence + count;
  ready();
  for (let sequence = 0; sequence < last; ) {
    const event = reader.next();
    if (event?.kind !== 'book') {
      endWithParent();
      continue;
    }
    samples[taken++] = clock.nowNs() - (event.words[5]! * 2 ** 32 + event.words[4]!);
    sequence = event.sequence;
  }
  finish(samples.slice(0, taken));
}

function drain(name: string, pollMs: number): void {
  const reader = open(name);
  ready();
  for (;;) {
    while (reader.next() !== undefined);
    if (reader.writerState() === 'closed' || process.ppid !== parent) process.exit(0);
    if (pollMs === 0) reader.waitSpin(100);
    else reader.waitSleep(100, pollMs);
  }
}

const WRITE_RECORDS = 3_000_000;
const GARBAGE_RECORDS = 10_000;
const RUNS = 5;

function measureWriting(write: () => void): void {
  ready();
  let rate = 0;
  let garbage = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const start = process.cpuUsage();
    for (let record = 0; record < WRITE_RECORDS; record++) write();
    const { user, system } = process.cpuUsage(start);
    rate = Math.max(rate, WRITE_RECORDS / (user + system));
    const before = process.memoryUsage().heapUsed;
    for (let record = 0; record < GARBAGE_RECORDS; record++) write();
    const grown = process.memoryUsage().heapUsed - before;
    // Less than nothing: there was a collection in between.
    if (grown >= 0) garbage = Math.min(garbage, grown / GARBAGE_RECORDS);
  }
  finish(Float64Array.of(rate, garbage));
}

function write(name: string): void {
  const { writer } = createBenchRegion(name);
  const book = fullBook();
  const now = clock.nowNs();
  measureWriting(() => {
    book.lastUpdateId++;
    writer.writeBook(book, now);
  });
}

function publish(name: string): void {
  const instruments = [BENCH_INSTRUMENT];
  const options = { name, sizeBytes: 1 << 20, depth: BENCH_DEPTH, instruments, clock: new SystemClock() };
  const publisher = new ShmPublisher(options);
  const book = fullBook();
  measureWriting(() => {
    book.lastUpdateId++;
    publisher.onBook(book);
  });
}

async function listenRedis(url: string, channel: string, count: number): Promise<void> {
  const redis = new Redis(url);
  const samples = new Float64Array(count);
  let index = 0;
  redis.on('message', (_channel: string, text: string) => {
    const now = clock.nowNs();
    // The publish time is the last field of the document, so that it can be read without decoding the rest.
    samples[index++] = now - Number(text.slice(text.lastIndexOf(':') + 1, -1));
    if (index === count) finish(samples);
  });
  await redis.subscribe(channel);
  ready();
}

const [role, ...args] = process.argv.slice(2);
switch (role) {
  case 'echo':
    echo(args[0]!, args[1]!, args[2]!, Number(args[3]));
    break;
  case 'listen':
    listen(args[0]!, Number(args[1]));
    break;
  case 'drain':
    drain(args[0]!, Number(args[1]));
    break;
  case 'write':
    write(args[0]!);
    break;
  case 'publish':
    publish(args[0]!);
    break;
  case 'redis':
    await listenRedis(args[0]!, args[1]!, Number(args[2]));
    break;
  default:
    throw new Error(`no role ${role}`);
}
