import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './difference.mjs';
import { checkedRecord, dump } from './dump.mjs';

/** Fields of the header that change while the writer runs: not part of what a reader shows. */
const RUNNING_FIELDS = ['writer_state', 'heartbeat_time_ns', 'tail_intent', 'tail'];

/**
 * The golden region, its variants and its corruptions (docs/SHM_LAYOUT.md section 11), value by value, in every language.
 * A reading is a call of `dump` on one file, and what must come of it; a language does all of them in one process.
 */
export function testGolden(languages, { root, scratch, report }) {
  const bytes = readFileSync(join(root, 'clients/golden/v1.bin'));
  const golden = JSON.parse(readFileSync(join(root, 'clients/golden/v1.json'), 'utf8'));
  let count = 0;
  const write = ({ patches = [], truncate_to = bytes.length }) => {
    const changed = Buffer.from(bytes.subarray(0, truncate_to));
    for (const { offset, hex } of patches) changed.write(hex, offset, 'hex');
    const path = join(scratch, `golden-${count++}`);
    writeFileSync(path, changed);
    return path;
  };
  const readings = [
    ...wholeReadings(golden, write({})),
    ...golden.variants.flatMap((variant) => variantReadings(golden, variant, write(variant))),
    ...golden.corruptions.map((corruption) => corruptionReading(golden, corruption, write(corruption))),
  ];
  // An option of `dump` holds for all files after it.
  const ordered = [...readings.filter(({ verify }) => !verify), ...readings.filter(({ verify }) => verify)];
  const args = ordered.flatMap(({ path, start, verify }) => {
    return [...(verify ? ['--verify'] : []), '--from', start ?? golden.header.first_position, path];
  });
  for (const language of languages) {
    try {
      const regions = dump(language, args);
      for (const [index, { what, check }] of ordered.entries()) report(language.name, what, check(regions[index]));
    } catch (error) {
      report(language.name, 'golden bytes', error.message);
    }
  }
}

function wholeReadings(golden, path) {
  const header = Object.fromEntries(Object.entries(golden.header).filter(([name]) => !RUNNING_FIELDS.includes(name)));
  const records = (slots) => slots.map(({ record }) => record);
  const checks = {
    'golden header': (region) => difference(region.header, header),
    'golden symbols': (region) => difference(region.symbols, golden.symbols),
    'golden slots': (region) => recordsProblem(records(region.slots), golden.slots, golden),
    'golden liveness': (region) => difference(region.end?.liveness, golden.liveness),
  };
  const whole = Object.entries(checks).map(([what, check]) => ({ what, path, verify: true, check }));
  return [...whole, ...golden.reads.map((read) => ringReading(golden, 'golden reads', read, path))];
}

function variantReadings(golden, { name, liveness, reads = [] }, path) {
  const what = `golden variant: ${name}`;
  const inReads = reads.map((read) => ringReading(golden, what, read, path));
  if (liveness === undefined) return inReads;
  return [{ what, path, check: (region) => difference(region.end?.liveness, liveness) }, ...inReads];
}

function ringReading(golden, what, { start_position, events }, path) {
  const check = (region) => region.nextError ?? recordsProblem(region.events, events, golden);
  return { what: `${what}, from ${start_position}`, path, start: start_position, verify: true, check };
}

function corruptionReading(golden, { name, at, symbol, start_position, verify, error }, path) {
  const errorAt = {
    open: ({ openError }) => openError,
    latest: ({ slots }) => slots[golden.symbols.indexOf(symbol)]?.error,
    next: ({ nextError }) => nextError,
  }[at];
  const check = (region) => difference(errorAt(region), error);
  return { what: `golden corruption: ${name}`, path, start: start_position, verify, check };
}

function recordsProblem(dumped, expected, golden) {
  const records = [];
  for (const line of dumped) {
    if (line?.lost !== undefined) records.push({ type: 'lost', bytes: line.lost });
    else {
      const { record, problem } = checkedRecord(line ?? {}, golden.symbols);
      if (problem !== undefined) return problem;
      records.push(record);
    }
  }
  return difference(records, expected);
}
