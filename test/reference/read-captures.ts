import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';

/**
 * Reads the recordings of real traffic that tests and benches use where they are present: in the folder named by
 * MARKET_DATA_CAPTURES, else in `../shared/captures` beside the repository. They are not part of the project.
 */
export const CAPTURES = {
  btcusdt: ['usdm-btcusdt-20240808.gz'],
  fourSymbols: ['usdm-4symbols-20210722.ws.txt', 'usdm-4symbols-20210722.http.txt'],
  frames2026: ['usdm-frames-2026.jsonl'],
} as const;

export type CaptureName = keyof typeof CAPTURES;

/** One frame or REST answer as it was recorded. `receiveTime` is the recorder's clock, kept as text: ns or s by recording. */
export interface CapturedLine {
  readonly kind: 'frame' | 'snapshot';
  readonly receiveTime: string;
  readonly json: string;
}

export interface CapturedAnswer {
  readonly url: string;
  readonly receiveTime: string;
  readonly json: string;
}

/** The folder that recordings are looked for in, whether it exists or not. */
export function capturesFolder(): string {
  return process.env.MARKET_DATA_CAPTURES ?? join(repositoryRoot(), '..', 'shared', 'captures');
}

/** Why a recording cannot be used, to be printed by the test that is skipped for it; undefined when it is there. */
export function missingCapture(name: CaptureName): string | undefined {
  const missing = CAPTURES[name].map((file) => join(capturesFolder(), file)).filter((path) => !existsSync(path));
  if (missing.length === 0) return undefined;
  return `recording absent: ${missing.join(', ')} (set MARKET_DATA_CAPTURES to the folder that has it)`;
}

/** BTCUSDT of 2024-08-08: frames in order of receipt, the REST snapshot among them where it arrived. Receive times in ns. */
export function* readBtcusdt(): Generator<CapturedLine> {
  const text = gunzipSync(read('btcusdt', 0)).toString('utf8');
  for (const line of linesOf(text)) {
    const space = line.indexOf(' ');
    const json = line.slice(space + 1);
    const kind = json.startsWith('{"lastUpdateId"') ? 'snapshot' : 'frame';
    yield { kind, receiveTime: line.slice(0, space), json };
  }
}

/** SUSHI, AKRO, KEEP and CTK of 2021-07-22: the frames. Receive times in s. The first line, the socket's URL, is left out. */
export function* readFourSymbolFrames(): Generator<CapturedLine> {
  let isFirst = true;
  for (const line of linesOf(read('fourSymbols', 0).toString('utf8'))) {
    const colon = line.indexOf(': ');
    if (!isFirst) yield { kind: 'frame', receiveTime: line.slice(0, colon), json: line.slice(colon + 2) };
    isFirst = false;
  }
}

/** The REST answers of the four-symbol recording. Receive times in s. */
export function* readFourSymbolAnswers(): Generator<CapturedAnswer> {
  for (const line of linesOf(read('fourSymbols', 1).toString('utf8'))) {
    const arrow = line.indexOf(' -> ');
    const colon = line.indexOf(': ', arrow);
    yield { url: line.slice(0, arrow), receiveTime: line.slice(arrow + 4, colon), json: line.slice(colon + 2) };
  }
}

/** Single frames in the shape of 2026. */
export function readFrames2026(): string[] {
  return [...linesOf(read('frames2026', 0).toString('utf8'))];
}

function read(name: CaptureName, file: number): Buffer {
  const missing = missingCapture(name);
  if (missing !== undefined) throw new Error(missing);
  return readFileSync(join(capturesFolder(), CAPTURES[name][file]!));
}

function* linesOf(text: string): Generator<string> {
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end === -1 ? text.length : end);
    if (line.trim() !== '') yield line;
    start = end === -1 ? text.length : end + 1;
  }
}

/** The nearest folder above this file with a package.json: the same from source and from the build. */
function repositoryRoot(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) return resolve('.');
    folder = parent;
  }
  return folder;
}
