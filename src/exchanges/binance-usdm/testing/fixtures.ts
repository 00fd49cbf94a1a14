import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

function read(file: string): Buffer {
  return readFileSync(fileURLToPath(new URL(`../fixtures/${file}`, import.meta.url)));
}

/** A REST body: "depth.json". */
export const fixtureBody = read;

const FRAMES = new Map(
  read('frames.txt')
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, Buffer] => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), Buffer.from(line.slice(at + 2))];
    }),
);

/** A frame by its name in fixtures/frames.txt. */
export function fixtureFrame(name: string): Buffer {
  const frame = FRAMES.get(name);
  if (frame === undefined) throw new Error(`fixtures/frames.txt has no frame "${name}"`);
  return frame;
}

export const fixtureFrameNames = [...FRAMES.keys()];
