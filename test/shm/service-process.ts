import { SystemClock } from '../../src/model/clock.ts';
import { ShmPublisher } from '../../src/publish/shm.ts';
import { StressBook, stressInstruments } from './stress-content.ts';

/**
 * A service reduced to its shared memory: says "ready" once the region is there, then publishes a book of each symbol every few
 * milliseconds. Ends cleanly on SIGTERM. Arguments: name, directory, size in bytes.
 */
const [name, directory, sizeBytes] = process.argv.slice(2);
const BOOK_EVERY_MS = 5;
const clock = new SystemClock();
const instruments = stressInstruments(2);

try {
  const publisher = new ShmPublisher({
    name: name!,
    directory: directory!,
    sizeBytes: Number(sizeBytes),
    depth: 20,
    instruments,
    clock,
  });
  const book = new StressBook();
  const timer = setInterval(() => {
    publisher.onTick();
    for (const instrument of instruments) {
      book.set(instrument, publisher.records + 1);
      book.receiveTimeNs = clock.nowNs();
      publisher.onBook(book);
    }
  }, BOOK_EVERY_MS);
  process.once('SIGTERM', () => {
    clearInterval(timer);
    void publisher.close().then(() => process.exit(0));
  });
  console.log('ready');
} catch (error) {
  console.log((error as Error).message);
  process.exit(2);
}
