import { SystemClock } from '../../src/model/clock.ts';
import { Trade } from '../../src/model/events.ts';
import { Region } from '../../src/shm/region.ts';
import { STRESS_DEPTH, StressBook, setStressTrade, stressInstruments } from './stress-content.ts';

/** One process of the stress test: writes as fast as it can, in bursts, then says how much that was. */
interface WriterTask {
  readonly name: string;
  readonly records: number;
  readonly sizeBytes: number;
  readonly symbols: number;
  readonly firstPosition: number;
}

const BURST_RECORDS = 20_000;
/** Every so many bursts the writer rests, so that readers also experience catching up. */
const REST_BURSTS = 4;
const REST_MS = 2;

process.once('message', (task: WriterTask) => {
  const clock = new SystemClock();
  const instruments = stressInstruments(task.symbols);
  const region = Region.create({
    name: task.name,
    sizeBytes: task.sizeBytes,
    depthMax: STRESS_DEPTH,
    instruments,
    clock,
    checksums: true,
    firstPosition: task.firstPosition,
  });
  const book = new StressBook();
  const trade = new Trade();
  const heartbeat = setInterval(() => region.beat(), 100);
  let id = 0;
  let bursts = 0;

  const burst = () => {
    const end = Math.min(id + BURST_RECORDS, task.records);
    const now = clock.nowNs();
    while (id < end) {
      id++;
      const instrument = instruments[id % instruments.length]!;
      if (id % 4 === 0) {
        setStressTrade(trade, instrument, id);
        region.writer.writeTrade(trade, now);
      } else if (id % 1001 === 0) {
        region.writer.writeStatus(
          { instrument, state: 'resyncing', reason: 'gap', lastUpdateId: id, timeNs: now },
          now,
        );
      } else {
        book.set(instrument, id);
        region.writer.writeBook(book, now);
      }
    }
    if (id === task.records) {
      clearInterval(heartbeat);
      const bytes = region.writer.ring.position - task.firstPosition;
      region.close();
      process.send!({ records: region.writer.records, bytes });
      process.disconnect();
    } else if (++bursts % REST_BURSTS === 0) setTimeout(burst, REST_MS);
    else setImmediate(burst);
  };

  process.send!('ready');
  process.once('message', burst);
});
