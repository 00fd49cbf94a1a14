import { beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../../limits.ts';
import { DepthUpdate } from '../../model/events.ts';
import { BinanceUsdmSequencer } from './sequencer.ts';

const START_MS = 1_790_000_000_000;

function diff(firstId: number, finalId: number, previousId: number, timeMs = START_MS): DepthUpdate {
  const update = new DepthUpdate();
  update.firstUpdateId = firstId;
  update.finalUpdateId = finalId;
  update.previousFinalUpdateId = previousId;
  update.exchangeTimeMs = timeMs;
  return update;
}

let sequencer: BinanceUsdmSequencer;

beforeEach(() => {
  sequencer = new BinanceUsdmSequencer();
});

describe('before a snapshot (steps 1 and 2)', () => {
  it('everything is buffered', () => {
    expect(sequencer.onDepth(diff(10, 20, 5))).toBe('buffer');
    expect(sequencer.onDepth(diff(900, 910, 899))).toBe('buffer');
    expect(sequencer.isChained).toBe(false);
    expect(sequencer.lastUpdateId).toBe(-1);
  });
});

describe('on top of a snapshot L = 100', () => {
  beforeEach(() => sequencer.onSnapshot(100));

  it('diffs with u < L are dropped (step 3)', () => {
    expect(sequencer.onDepth(diff(90, 99, 89))).toBe('drop');
    expect(sequencer.isChained).toBe(false);
    expect(sequencer.lastUpdateId).toBe(100);
  });

  it.each([
    ['U <= L <= u', 95, 105, 94],
    ['u == L, the bracketing diff ends exactly there', 95, 100, 94],
    ['U == L', 100, 105, 99],
    ['pu == L', 104, 110, 100],
    ['pu < L < U: ids jump, and what changed after pu is in the diff', 104, 110, 97],
    ['U <= L <= u without pu', 95, 105, -1],
  ])('%s bridges (step 4)', (_, firstId, finalId, previousId) => {
    expect(sequencer.onDepth(diff(firstId, finalId, previousId))).toBe('apply');
    expect(sequencer.isChained).toBe(true);
    expect(sequencer.lastUpdateId).toBe(finalId);
  });

  it.each([
    ['pu > L: diffs before it are missing', 110, 120, 105],
    ['U > L without pu: nothing proves that none is missing', 101, 120, -1],
  ])('%s (step 4)', (_, firstId, finalId, previousId) => {
    expect(sequencer.onDepth(diff(firstId, finalId, previousId))).toBe('gap');
    expect(sequencer.isChained).toBe(false);
  });

  it('buffered diffs of any age are judged by their ids alone', () => {
    const late = new BinanceUsdmSequencer();
    const buffered = [0, 1, 2].map((index) =>
      diff(10 + index * 10, 19 + index * 10, 9 + index * 10, START_MS + index * 60_000),
    );
    for (const update of buffered) expect(late.onDepth(update)).toBe('buffer');
    late.onSnapshot(35);
    expect(buffered.map((update) => late.onDepth(update))).toEqual(['drop', 'drop', 'apply']);
  });
});

describe('in a chain that ended with u = 110', () => {
  beforeEach(() => {
    sequencer.onSnapshot(100);
    sequencer.onDepth(diff(95, 110, 94));
  });

  it('pu == last u is applied, however the ids jump (step 5)', () => {
    expect(sequencer.onDepth(diff(5000, 5000, 110))).toBe('apply');
    expect(sequencer.onDepth(diff(5001, 5100, 5000))).toBe('apply');
    expect(sequencer.lastUpdateId).toBe(5100);
  });

  it.each([
    ['a later pu', 120, 130, 115],
    ['an earlier pu', 111, 130, 105],
    ['no pu', 111, 130, -1],
  ])('%s is a gap, again and again until the reset (step 5)', (_, firstId, finalId, previousId) => {
    const update = diff(firstId, finalId, previousId);
    expect(sequencer.onDepth(update)).toBe('gap');
    expect(sequencer.onDepth(update)).toBe('gap');
    expect(sequencer.lastUpdateId).toBe(110);
    sequencer.reset();
    expect(sequencer.onDepth(update)).toBe('buffer');
    expect(sequencer.lastUpdateId).toBe(-1);
  });

  it('repeats and late arrivals from another socket are dropped, in any order and number (rule 7)', () => {
    const chain = Array.from({ length: 200 }, (_, index) =>
      diff(111 + index, 111 + index, 110 + index, START_MS + index * 100),
    );
    for (const update of chain) expect(sequencer.onDepth(update)).toBe('apply');
    for (const update of [...chain].reverse()) expect(sequencer.onDepth(update)).toBe('drop');
    expect(sequencer.onDepth(diff(311, 320, 310, START_MS + 20_000))).toBe('apply');
  });

  it('two sockets of which one lags make one chain', () => {
    const chain = Array.from({ length: 50 }, (_, index) =>
      diff(111 + index, 111 + index, 110 + index, START_MS + index * 100),
    );
    const applied: number[] = [];
    for (let index = 0; index < chain.length + 20; index++) {
      for (const update of [chain[index], chain[index - 20]]) {
        if (update === undefined) continue;
        const decision = sequencer.onDepth(update);
        expect(['apply', 'drop']).toContain(decision);
        if (decision === 'apply') applied.push(update.finalUpdateId);
      }
    }
    expect(applied).toEqual(chain.map((update) => update.finalUpdateId));
  });

  it('lower ids with a later event time are a restart of the venue (rule 8)', () => {
    expect(sequencer.onDepth(diff(1, 5, 0, START_MS + 1000))).toBe('reset');
  });

  it('a repeat whose event time differs as little as host clocks do is none', () => {
    expect(sequencer.onDepth(diff(95, 110, 94, START_MS + 200))).toBe('drop');
  });

  it.each([
    ['went back with the ids', START_MS - 3_600_000],
    ['are missing', 0],
  ])('lower ids whose event times %s are a restart once they go on for longer than a socket lags', (_, timeMs) => {
    const decisions = Array.from({ length: 300 }, (_, index) => sequencer.onDepth(diff(1 + index, 1, index, timeMs)));
    expect(decisions.indexOf('reset')).toBe(256);
  });
});

describe('a snapshot from before a restart of the venue', () => {
  it('is given up once the live stream has stayed below it for seconds (rule 8)', () => {
    sequencer.onDepth(diff(1, 2, 0, START_MS));
    sequencer.onSnapshot(1_000_000);
    const decisions = Array.from({ length: 80 }, (_, index) =>
      sequencer.onDepth(diff(3 + index, 3, 2, START_MS + (index + 1) * 100)),
    );
    expect(decisions.indexOf('reset')).toBe(51);
  });

  it('is given up without event times too', () => {
    sequencer.onSnapshot(1_000_000);
    let count = 0;
    while (sequencer.onDepth(diff(3, 4, 2, 0)) === 'drop') count++;
    expect(count).toBeGreaterThanOrEqual(LIMITS.buffered_diffs_per_symbol_max);
  });

  it('is replaced by the next snapshot, from which a chain starts as usual', () => {
    sequencer.onSnapshot(1_000_000);
    sequencer.onSnapshot(100);
    expect(sequencer.onDepth(diff(95, 105, 94))).toBe('apply');
  });
});
