// What test/shm/live-writer.ts writes, derived anew from a record's sequence number.

const DEPTH = 20;

/** Fields of a record that follow from its sequence number; times do not. */
export const STABLE_FIELDS = new Set(
  (
    'type sequence symbol_index symbol state reason source price_scale quantity_scale last_price_scale last_update_id ' +
    'last_price volume_24h high_24h low_24h bids asks is_buyer_maker is_refill trade_id price quantity'
  ).split(' '),
);

const isTrade = (sequence) => sequence % 3 === 1;
const isStatus = (sequence) => !isTrade(sequence) && sequence % 11 === 0;

export function expectedRecord(sequence, symbolCount) {
  const symbolIndex = sequence % symbolCount;
  const common = { sequence: String(sequence), symbol_index: symbolIndex, symbol: `STRESS${symbolIndex}` };
  const scales = { price_scale: 2, quantity_scale: 3 };
  if (isTrade(sequence)) {
    const trade = { trade_id: String(sequence), price: 5 * sequence, quantity: 7 * sequence };
    return { type: 'trade', ...common, ...scales, ...trade, is_buyer_maker: sequence % 2 === 1, is_refill: false };
  }
  if (isStatus(sequence)) {
    return { type: 'status', ...common, state: 'stale', reason: 'silent_stream', last_update_id: String(sequence) };
  }
  const levels = (count, direction, factor) =>
    Array.from({ length: count }, (_, level) => [sequence + direction * level, sequence * factor + level]);
  return {
    type: 'book',
    ...common,
    ...scales,
    state: 'live',
    reason: 'snapshot_bridged',
    source: 'diff',
    last_price_scale: 2,
    last_update_id: String(sequence),
    last_price: sequence,
    volume_24h: sequence + 1,
    high_24h: sequence + 2,
    low_24h: sequence + 3,
    bids: levels((sequence * 7) % (DEPTH + 1), -1, 2),
    asks: levels(DEPTH - (sequence % 5), 1, 3),
  };
}

/** Of each symbol's slot after so many records: index, sequence, state, number of bids. */
export function expectedSlots(records, symbolCount) {
  return Array.from({ length: symbolCount }, (_, index) => {
    let sequence = records;
    while (sequence % symbolCount !== index || isTrade(sequence)) sequence--;
    const isStale = isStatus(sequence);
    return [index, String(sequence), isStale ? 'stale' : 'live', isStale ? 0 : (sequence * 7) % (DEPTH + 1)];
  });
}
