import { SystemClock } from '../../src/model/clock.ts';
import { Trade } from '../../src/model/events.ts';
import { HEARTBEAT_INTERVAL_MS } from '../../src/shm/layout.ts';
import { Region } from '../../src/shm/region.ts';
import { STRESS_DEPTH, StressBook, setStressTrade, stressInstruments } from './stress-content.ts';

/**
 * A live writer for the readers in other languages (scripts/test-clients.mjs). Arguments: name, symbols, ring bytes or so, records, and
 * how many records it writes every millisecond, 0 for as fast as it can. It says "ready", starts to write when a line arrives on stdin,
 * says "written <records> <tail>", and lives on until SIGTERM (a clean end) or SIGKILL (none). Every number of a record follows from its
 * sequence number, as in stress-content.ts.
 */
const [name, symbols, sizeBytes, records, recordsPerTurn] = process.argv.slice(2);
const RECORDS = Number(records);
const BURST_RECORDS = Number(recordsPerTurn) || 5000;

const clock = new SystemClock();
const instruments = stressInstruments(Number(symbols));
const region = Region.create({
  name: name!,
  sizeBytes: Number(sizeBytes),
  depthMax: STRESS_DEPTH,
  instruments,
  clock,
  checksums: true,
});
const writer = region.writer;
const book = new StressBook();
const trade = new Trade();

function write(sequence: number): void {
  const now = clock.nowNs();
  const instrument = instruments[sequence % instruments.length]!;
  if (sequence % 3 === 1) {
    setStressTrade(trade, instrument, sequence);
    trade.receiveTimeNs = now;
    writer.writeTrade(trade, now);
  } else if (sequence % 11 === 0) {
    writer.writeStatus(
      { instrument, state: 'stale', reason: 'silent_stream', lastUpdateId: sequence, timeNs: now },
      now,
    );
  } else {
    book.set(instrument, sequence);
    book.receiveTimeNs = now;
    writer.writeBook(book, now);
  }
}

function burst(): void {
  const end = Math.min(writer.records + BURST_RECORDS, RECORDS);
  while (writer.records < end) write(writer.records + 1);
  if (writer.records === RECORDS) console.log(`written ${RECORDS} ${writer.ring.position}`);
  else if (recordsPerTurn === '0') setImmediate(burst);
  else setTimeout(burst, 1);
}

setInterval(() => region.beat(), HEARTBEAT_INTERVAL_MS);
process.stdin.once('data', burst);
process.once('SIGTERM', () => {
  region.close();
  process.exit(0);
});
console.log('ready');
