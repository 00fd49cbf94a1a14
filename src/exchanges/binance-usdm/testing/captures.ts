import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** Recordings lie beside the checkout, or where MARKET_DATA_CAPTURES says. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const FOLDER = process.env.MARKET_DATA_CAPTURES ?? join(ROOT, '../shared/captures');

/** Why the tests that need recordings are skipped; undefined when they are there. */
export const capturesAbsent = existsSync(FOLDER) ? undefined : ` (skipped: no recordings in ${FOLDER})`;

/** The frames of a recording in order, without the receive times before them. Line formats: the recordings' own README. */
export function captureFrames(file: string): Buffer[] {
  const content = readFileSync(join(FOLDER, file));
  const text = file.endsWith('.gz') ? gunzipSync(content).toString() : content.toString();
  return text
    .split('\n')
    .filter((line) => line.includes('{'))
    .map((line) => Buffer.from(line.slice(line.indexOf('{'))));
}
