import { open, type ShmReader } from '../../clients/typescript/index.ts';
import type { BookEvent, ShmEvent } from '../../src/shm/events.ts';
import { isWholeBook, isWholeTrade } from './stress-content.ts';

/** One process of the stress test: reads until the writer has closed, checks every record, and reports. */
export interface ReaderTask {
  readonly name: string;
  /** `ring`: as fast as it can. `slow`: sleeps now and then. `latest`: the slots instead of the ring. */
  readonly mode: 'ring' | 'slow' | 'latest';
}

export interface ReaderReport {
  /** Accepted, and of these: content that does not belong together; wrong order. */
  records: number;
  torn: number;
  disordered: number;
  /** Of the ring: where reading began and ended, and what was read and lost in between. */
  startPosition: number;
  endPosition: number;
  bytesRead: number;
  bytesLost: number;
  /** How often bytes were lost, and how many records by their sequence numbers. */
  losses: number;
  recordsLost: number;
  firstSequence: number;
  lastSequence: number;
  error: string;
}

const SLOW_EVERY_RECORDS = 2000;
const SLOW_MS = 8;
const SLOTS_PER_TURN = 20_000;

process.once('message', (task: ReaderTask) => {
  const reader = open(task.name, { verify: true });
  const report: ReaderReport = {
    records: 0,
    torn: 0,
    disordered: 0,
    startPosition: reader.cursor,
    endPosition: 0,
    bytesRead: 0,
    bytesLost: 0,
    losses: 0,
    recordsLost: 0,
    firstSequence: 0,
    lastSequence: 0,
    error: '',
  };
  process.send!('ready');
  try {
    if (task.mode === 'latest') readSlots(reader, report);
    else readRing(reader, report, task.mode === 'slow');
  } catch (error) {
    report.error = String(error);
  }
  report.endPosition = reader.cursor;
  report.bytesRead = reader.bytesRead;
  report.bytesLost = reader.bytesLost;
  process.send!(report, () => process.disconnect());
});

function readRing(reader: ShmReader, report: ReaderReport, isSlow: boolean): void {
  let isAfterLoss = false;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const event = reader.next();
    if (event === undefined) {
      // Whatever was written before "closed" is visible once "closed" is: look once more, then end.
      if (reader.writerState() === 'closed' && !reader.waitSpin(0)) return;
      reader.waitSpin(10);
    } else if (event.kind === 'lost') {
      report.losses++;
      isAfterLoss = true;
    } else {
      countRecord(report, event, isAfterLoss);
      isAfterLoss = false;
      if (isSlow && report.records % SLOW_EVERY_RECORDS === 0) Atomics.wait(pause, 0, 0, SLOW_MS);
    }
  }
}

function countRecord(report: ReaderReport, event: Exclude<ShmEvent, { kind: 'lost' }>, isAfterLoss: boolean): void {
  const { sequence } = event;
  report.records++;
  if (event.kind === 'book' && (!isWholeBook(event) || event.lastUpdateId !== sequence)) report.torn++;
  if (event.kind === 'trade' && (!isWholeTrade(event) || event.tradeId !== sequence)) report.torn++;
  if (event.kind === 'status' && (event.lastUpdateId !== sequence || event.state !== 'resyncing')) report.torn++;
  if (report.lastSequence === 0) report.firstSequence = sequence;
  else if (isAfterLoss) {
    if (sequence <= report.lastSequence) report.disordered++;
    report.recordsLost += sequence - report.lastSequence - 1;
  } else if (sequence !== report.lastSequence + 1) report.disordered++;
  report.lastSequence = sequence;
}

function readSlots(reader: ShmReader, report: ReaderReport): void {
  const lastSequences = new Float64Array(reader.symbols.length);
  while (reader.writerState() !== 'closed') {
    for (let turn = 0; turn < SLOTS_PER_TURN; turn++) {
      const index = turn % reader.symbols.length;
      const book = reader.latest(reader.symbols[index]!);
      report.records++;
      if (!isWholeSlot(book)) report.torn++;
      if (book.sequence < lastSequences[index]!) report.disordered++;
      lastSequences[index] = book.sequence;
      report.lastSequence = book.sequence;
    }
  }
}

function isWholeSlot(book: BookEvent): boolean {
  if (book.isLive) return isWholeBook(book) && book.lastUpdateId === book.sequence;
  if (book.bidCount !== 0 || book.askCount !== 0) return false;
  return book.sequence === 0 ? book.lastUpdateId === -1 : book.lastUpdateId === book.sequence;
}
