import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bookTextOfJson, bookTextOfLevels, compareBooks, isCrossedOrEmpty, shortestDecimal } from './book-text.ts';
import { MetricsPage } from './metrics.ts';
import { planFaults } from './schedule.ts';
import { unreportedTrades } from './trade-account.ts';
import { Truth } from './truth.ts';
import { Violations } from './violations.ts';
import { Witness } from './witness.ts';

/** A checker that finds nothing proves nothing: each kind of wrong is shown to it once. */
describe('books as text', () => {
  test('the same from a document, from the truth file and from shared memory', () => {
    const text = '[[61800.2,2.909],[61800,0.7]]|[[61800.3,1]]';
    const published =
      '{"symbol":"X","last_update_id":1,"bids":[[61800.2,2.909],[61800,0.7]],"asks":[[61800.3,1]],"timestamp":"t"}';
    const truth = '{"kind":"book","bids":[["61800.2","2.909"],["61800","0.7"]],"asks":[["61800.3","1"]]}';
    const levels = Float64Array.of(6180020, 2909, 6180000, 700, 6180030, 1000);
    expect(bookTextOfJson(published)).toBe(text);
    expect(bookTextOfJson(truth)).toBe(text);
    expect(bookTextOfLevels(levels, 2, 1, 2, 3)).toBe(text);
  });

  test.each([
    [6180020, 2, '61800.2'],
    [1, 8, '0.00000001'],
    [0, 3, '0'],
    [500, 0, '500'],
    [1000, 3, '1'],
  ])('%i at scale %i is %s', (mantissa, scale, text) => expect(shortestDecimal(mantissa, scale)).toBe(text));

  test.each([
    ['[[5,1]]|[[6,1]]', '[[5,1]]|[[6,1]]', 'equal'],
    ['[[5,1]]|[[6,1]]', '[[5,1],[4,1]]|[[6,1]]', 'shorter'],
    ['[[5,1],[4,1]]|[[6,1]]', '[[5,1]]|[[6,1]]', 'wrong'],
    ['[[5,2]]|[[6,1]]', '[[5,1]]|[[6,1]]', 'wrong'],
    ['[[5,1]]|[[6,1]]', '[[5,10]]|[[6,1]]', 'wrong'],
    ['[]|[[6,1]]', '[[5,10]]|[[6,1]]', 'wrong'],
  ] as const)('%s against %s is %s', (published, truth, verdict) =>
    expect(compareBooks(published, truth)).toBe(verdict),
  );

  test.each([
    ['[[5,1]]|[[6,1]]', false],
    ['[[6,1]]|[[6,1]]', true],
    ['[[7,1]]|[[6,1]]', true],
    ['[]|[[6,1]]', true],
    ['[[7,1]]|[]', true],
  ] as const)('%s is crossed or empty: %s', (text, expected) => expect(isCrossedOrEmpty(text)).toBe(expected));
});

describe('a witness', () => {
  let directory: string;
  let violations: Violations;
  let witness: Witness;

  const book = (id: number, bid: number) =>
    `{"kind":"book","symbol":"X","last_update_id":${id},"bids":[["${bid}","1"]],"asks":[["9","1"]]}\n`;
  const trade = (id: number) =>
    `{"kind":"trade","symbol":"X","trade_id":${id},"price":"5","quantity":"1","time_ms":1,"is_buyer_maker":true}\n`;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'market-data-checker-'));
    const truth = new Truth(join(directory, 'truth'));
    await writeFile(truth.path, book(10, 5) + book(20, 6) + book(30, 7) + trade(1) + trade(2) + trade(3) + trade(4));
    await truth.ended;
    violations = new Violations();
    witness = new Witness('test', truth, violations);
    witness.onStatus('X', 'live', 'snapshot_bridged');
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  const found = () => Object.fromEntries(violations.counts);
  const publish = (id: number, bid: number) => witness.onBook('X', id, `[[${bid},1]]|[[9,1]]`);
  const trades = (...ids: number[]) => {
    for (const id of ids) witness.onTrade('X', id, '5:1:1:maker');
  };

  test('finds nothing where nothing is wrong', () => {
    publish(10, 5);
    publish(30, 7);
    trades(1, 2, 3, 4);
    witness.finish();
    expect(found()).toEqual({});
    expect(witness.missing).toEqual([]);
  });

  test.each([
    ['another level at this id', () => publish(20, 5), { wrong_book: 1 }],
    ['an id that never was', () => publish(21, 6), { unknown_update_id: 1 }],
    ['a crossed book', () => publish(20, 9), { crossed_book: 1, wrong_book: 1 }],
    ['a book twice', () => [publish(20, 6), publish(30, 7), publish(30, 7)], { book_order: 1 }],
    ['a book that goes back', () => [publish(30, 7), publish(20, 6)], { book_order: 1 }],
    ['a book while stale', () => [witness.onStatus('X', 'stale', 'gap'), publish(20, 6)], { book_while_not_live: 1 }],
    ['a trade twice', () => trades(1, 2, 2), { doubled_trade: 1 }],
    ['a trade out of order', () => trades(1, 3, 2), { trade_order: 1 }],
    ['a trade that never was', () => trades(99), { wrong_trade: 1 }],
    ['a trade with another price', () => witness.onTrade('X', 1, '6:1:1:maker'), { wrong_trade: 1 }],
  ])('finds %s', (_name, act, expected) => {
    act();
    witness.finish();
    expect(found()).toEqual(expected);
  });

  test('notes which trades are missing, in the middle and at the end', () => {
    trades(1, 3);
    witness.finish();
    expect(witness.missing.map(({ fromId, toId }) => [fromId, toId])).toEqual([
      [2, 2],
      [4, 4],
    ]);
    const reported = [{ symbol: 'X', fromId: 4, toId: 4 }];
    expect(unreportedTrades(witness.missing, [], reported, new MetricsPage('')).unreported).toEqual([
      'shm X 2–2: 1 of 1',
    ]);
  });

  test('on Redis, what the sink counted as dropped is not missing silently', () => {
    trades(1, 3, 4);
    const page = (count: number) =>
      new MetricsPage(`market_data_dropped_total{sink="redis",reason="trade_queue_full"} ${count}\n`);
    expect(unreportedTrades([], witness.missing, [], page(1)).unreported).toEqual([]);
    expect(unreportedTrades([], witness.missing, [], page(0)).unreported).toHaveLength(1);
  });
});

test('a seed plans the same faults every time, and all of them are over in time', () => {
  const options = { seed: 5, durationMs: 30_000, symbols: ['BTCUSDT', 'ETHUSDT'], intervalMs: 300 };
  const planned = planFaults(options);
  expect(planned).toEqual(planFaults(options));
  expect(planned).not.toEqual(planFaults({ ...options, seed: 6 }));
  expect(planned.length).toBeGreaterThan(40);
  expect(planned.every(({ atMs, durationMs }) => atMs + durationMs <= options.durationMs)).toBe(true);
});
