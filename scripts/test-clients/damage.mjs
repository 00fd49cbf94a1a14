import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { difference } from './difference.mjs';
import { dump } from './dump.mjs';

const REGIONS = 400;
const HEADER_BYTES = 512;
const ERRORS = ['CORRUPT', 'SLOT_UNFINISHED', 'NOT_A_REGION', 'WRONG_VERSION', 'TRUNCATED'];

/**
 * Randomly damaged copies of the golden region, the same for all languages: each must give data or documented errors, and all must agree
 * on which. Every language's own tests have thousands more.
 */
export function testDamage(languages, { root, scratch, report, seed }) {
  const golden = readFileSync(join(root, 'clients/golden/v1.bin'));
  const { reads } = JSON.parse(readFileSync(join(root, 'clients/golden/v1.json'), 'utf8'));
  const random = splitMix(BigInt(seed));
  const paths = Array.from({ length: REGIONS }, (_, index) => {
    const path = join(scratch, `damaged-${index}`);
    writeFileSync(path, damaged(golden, random));
    return path;
  });
  const args = ['--verify', '--slot-timeout-ms', '1', '--from', reads[0].start_position, ...paths];
  let first;
  for (const language of languages) {
    try {
      const regions = dump(language, args);
      report(language.name, 'damaged regions: documented errors only', undocumentedError(regions));
      if (first === undefined) first = { language, regions };
      else
        report(
          language.name,
          `damaged regions: as ${first.language.name} reads them`,
          difference(regions, first.regions),
        );
    } catch (error) {
      report(language.name, 'damaged regions', error.message);
    }
  }
}

function undocumentedError(regions) {
  if (regions.length !== REGIONS) return `${regions.length} of ${REGIONS} regions were read`;
  for (const { openError, nextError, slots } of regions) {
    for (const error of [openError, nextError, ...slots.map((slot) => slot.error)]) {
      if (error !== undefined && !ERRORS.includes(error)) return error;
    }
  }
  return undefined;
}

function damaged(golden, random) {
  const bytes = Buffer.from(golden);
  if (random(20) === 0) for (let index = 128; index < bytes.length; index++) bytes[index] = random(256);
  for (let count = 1 + random(8); count > 0; count--) {
    const limit = random(3) === 0 ? HEADER_BYTES : bytes.length;
    const offset = random(limit - 8) & (random(2) === 0 ? -1 : -8);
    const field = Buffer.alloc(8);
    if (random(2) === 0) for (let index = 0; index < 8; index++) field[index] = random(256);
    else field.writeBigUInt64LE([0n, 1n, 64n, 128n, 0xffffffffn, 1n << 53n, 1n << 63n, (1n << 63n) - 64n][random(8)]);
    field.copy(bytes, offset, 0, 1 << random(4));
  }
  return random(20) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
}

/** SplitMix64. @returns a function that gives integers below its argument. */
function splitMix(seed) {
  let state = BigInt.asUintN(64, seed);
  return (limit) => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return Number((z ^ (z >> 31n)) % BigInt(limit));
  };
}
