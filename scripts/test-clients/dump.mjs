import { spawnSync } from 'node:child_process';
import { spawnOptions } from './languages.mjs';

/**
 * What a language's `dump` says of one region.
 * @typedef {object} Dumped
 * @property {string} [openError]
 * @property {object} [header] @property {string[]} [symbols]
 * @property {({ slot: number, record: object } | { error: string, at: 'latest' })[]} slots by symbol index
 * @property {object[]} events records and `{ lost }`
 * @property {string} [nextError]
 * @property {{ end: string, liveness: string }} [end]
 */

/**
 * Runs `dump` on several regions.
 * @param {string[]} args files, with options between them @returns {Dumped[]} one for each file
 * @throws when it crashes or takes longer than a minute
 */
export function dump(language, args) {
  const { command } = language.dump;
  const options = { ...spawnOptions(language.dump), encoding: 'utf8', timeout: 60_000, maxBuffer: 1 << 30 };
  const { status, signal, error, stdout, stderr } = spawnSync(command[0], [...command.slice(1), ...args], options);
  if (status !== 0)
    throw new Error(`dump: ${error?.message ?? signal ?? `exit code ${status}`} ${stderr.slice(-2000)}`);
  const regions = [];
  for (const line of parseLines(stdout)) {
    if (line.header !== undefined || line.at === 'open') regions.push({ slots: [], events: [] });
    const region = regions.at(-1);
    if (line.at === 'open') region.openError = line.error;
    else if (line.header !== undefined) Object.assign(region, line);
    else if (line.slot !== undefined || line.at === 'latest') region.slots.push(line);
    else if (line.at === 'next') region.nextError = line.error;
    else if (line.end !== undefined) region.end = line;
    else region.events.push(line);
  }
  return regions;
}

export function parseLines(text) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** The double nearest to mantissa / 10^scale, by way of decimal text: not the division that readers use. */
function decimalValue(mantissa, scale) {
  return mantissa === null ? null : Number(`${BigInt(mantissa)}e-${scale}`);
}

/**
 * Takes the values that a reader computed off a record, and checks them against its mantissas.
 * @returns {{ record: object, problem: string | undefined }} the record as the golden JSON spells it
 */
export function checkedRecord(dumped, symbols) {
  const { last_price_value, best_bid, best_ask, price_value, quantity_value, ...record } = dumped;
  const { type, price_scale, quantity_scale, last_price_scale } = record;
  const top = ([level]) =>
    level ? [decimalValue(level[0], price_scale), decimalValue(level[1], quantity_scale)] : null;
  let computed = [];
  let expected = [];
  if (type === 'book') {
    computed = [last_price_value, best_bid, best_ask];
    expected = [decimalValue(record.last_price, last_price_scale), top(record.bids), top(record.asks)];
  } else if (type === 'trade') {
    computed = [price_value, quantity_value];
    expected = [decimalValue(record.price, price_scale), decimalValue(record.quantity, quantity_scale)];
  }
  const isRight = JSON.stringify(computed) === JSON.stringify(expected);
  const problem = isRight ? undefined : `values ${JSON.stringify(computed)}, expected ${JSON.stringify(expected)}`;
  return { record: { ...record, symbol: symbols[record.symbol_index] }, problem };
}
