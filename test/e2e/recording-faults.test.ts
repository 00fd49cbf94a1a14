import { afterEach, expect, test } from 'vitest';
import { type PlainDiff, PlainOrderBook } from '../reference/plain-order-book.ts';
import { missingCapture, readBtcusdt } from '../reference/read-captures.ts';
import { until } from './processes.ts';
import { Rig } from './rig.ts';

let rig: Rig | undefined;

afterEach(() => rig?.close());

test('the BTCUSDT recording with cuts and repeats ends in the same book, without a wrong one or a lost trade on the way', async ({
  skip,
}) => {
  const missing = missingCapture('btcusdt');
  if (missing !== undefined) return skip(missing);
  const reference = new PlainOrderBook();
  const tradeIds: number[] = [];
  let lastId = 0;
  for (const { kind, json } of readBtcusdt()) {
    if (kind === 'snapshot') reference.onSnapshot(JSON.parse(json));
    else {
      const { stream, data } = JSON.parse(json);
      if (stream.includes('@depth')) {
        reference.onDiff(data as PlainDiff);
        lastId = data.u;
      } else if (stream.endsWith('@trade') && data.X === 'MARKET') tradeIds.push(data.t);
    }
  }

  rig = await Rig.start({ capture: 'btcusdt', symbols: ['BTCUSDT'], speed: 25, startWhen: 'subscribed' });
  await rig.live();
  const { faults } = rig.exchange;
  // Of the recording's 14 s at this speed, the last ones are left alone: a lost last update would be missing for good.
  faults.add({ kind: 'drop', probability: 0.01, durationMs: 8000 });
  faults.add({ kind: 'duplicate', probability: 0.2, durationMs: 8000 });
  faults.add({ kind: 'reorder', probability: 0.005, durationMs: 8000 });
  await until('the last book', () => (rig!.books.at(-1)?.last_update_id === lastId ? true : undefined), 90_000);
  expect(faults.hits).toBeGreaterThan(100);
  expect(rig.wrong).toEqual([]);
  const last = rig.books.at(-1)!;
  expect({ bids: last.bids, asks: last.asks }).toEqual(reference.top(20));
  expect(rig.statusesOf('BTCUSDT').filter((status) => status === 'resyncing:gap').length).toBeGreaterThan(0);

  const published = rig.tradeIdsOf('BTCUSDT');
  const reportedLost = rig.logLines
    .filter(({ msg }) => msg === 'trades lost')
    .reduce((sum, { count }) => sum + Number(count), 0);
  expect(new Set(published).size).toBe(published.length);
  expect(published.length + reportedLost).toBe(tradeIds.length);
});
