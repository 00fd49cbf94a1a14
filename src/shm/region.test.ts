import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../model/clock.ts';
import { UsageError } from '../model/errors.ts';
import type { Instrument } from '../model/instrument.ts';
import * as layout from './layout.ts';
import { openRegion } from './open-region.ts';
import { Region, type RegionOptions } from './region.ts';
import { WriterWatch } from './writer-watch.ts';

let directory: string;
const opened: Region[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'market-data-region-'));
});
afterEach(() => {
  for (const region of opened.splice(0)) region.close();
  fs.rmSync(directory, { recursive: true });
});

function create(changes: Partial<RegionOptions> = {}): Region {
  const region = Region.create({
    name: 'region',
    directory,
    sizeBytes: 1 << 16,
    depthMax: 5,
    instruments: [instrument(0, 'BTCUSDT')],
    clock: new SystemClock(),
    ...changes,
  });
  opened.push(region);
  return region;
}

function instrument(index: number, symbol: string): Instrument {
  return { index, symbol, priceScale: 1, quantityScale: 3 };
}

const path = () => join(directory, 'region');

describe('creating a region', () => {
  test('the file is whole, private to user and group, and nothing else is left', () => {
    create();
    const status = fs.statSync(path());
    expect(status.size).toBe(1 << 16);
    expect(status.mode & 0o777).toBe(0o640);
    expect(fs.readdirSync(directory)).toEqual(['region']);
  });

  test('permissions are those that were asked for, whatever the umask', () => {
    create({ mode: 0o666 });
    expect(fs.statSync(path()).mode & 0o777).toBe(0o666);
  });

  test('a live writer is not disturbed, and named by its pid', () => {
    const first = create();
    expect(() => create()).toThrow(new RegExp(`in use: the service with pid ${process.pid} `));
    expect(() => create()).toThrow(UsageError);
    expect(openRegion(first.path).header.generation).toBe(1);
    expect(new WriterWatch(first.buffer).state()).toBe('live');
  });

  test('a region that was closed is taken over, and its readers are told', () => {
    const first = create();
    const reader = openRegion(first.path);
    const watch = new WriterWatch(reader.buffer);
    expect(watch.state()).toBe('live');
    first.close();
    expect(watch.state()).toBe('closed');
    const second = create({ depthMax: 7 });
    expect(watch.state()).toBe('replaced');
    expect(openRegion(second.path).header).toMatchObject({ generation: 2, depthMax: 7 });
    expect(reader.header.depthMax).toBe(5);
  });

  test('a region of another layout version is taken over without a word in it', () => {
    create().close();
    fs.writeFileSync(path(), patched(layout.HEADER_LAYOUT_VERSION, 99));
    create();
    expect(openRegion(path()).header.generation).toBe(1);
  });

  test.each([
    ['a file of something else', () => fs.writeFileSync(path(), 'hello'), /not a market-data region/],
    ['an empty file', () => fs.writeFileSync(path(), ''), /not a market-data region/],
    ['a directory', () => fs.mkdirSync(path()), /is a directory/],
    ['a symbolic link', () => fs.symlinkSync('/etc/passwd', path()), /is a symbolic link/],
    ['a dangling symbolic link', () => fs.symlinkSync('/nowhere', path()), /is a symbolic link/],
  ])('%s in its place is refused and left alone', (_, make, message) => {
    make();
    const before = fs.lstatSync(path()).ino;
    expect(() => create()).toThrow(message);
    expect(() => create()).toThrow(UsageError);
    expect(fs.lstatSync(path()).ino).toBe(before);
    expect(fs.readdirSync(directory)).toEqual(['region']);
  });

  test.each([
    ['a directory that takes no files', { directory: '/proc' }],
    ['a missing directory', { directory: '/no/such/directory' }],
    ['a size that is too small', { sizeBytes: 2048 }],
    ['a negative size', { sizeBytes: -1 }],
    ['no symbols', { instruments: [] }],
    ['a symbol that does not fit the directory', { instruments: [instrument(0, 'X'.repeat(32))] }],
    ['a name with a slash', { name: '../region' }],
    ['a hidden name', { name: '.region' }],
    ['a name that is too long', { name: 'x'.repeat(201) }],
  ])('%s is a usage error', (_, changes) => {
    expect(() => create(changes)).toThrow(UsageError);
    expect(fs.readdirSync(directory)).toEqual([]);
  });

  test('leftovers of services killed while starting are removed, recent ones are not', () => {
    const old = join(directory, '.region.1-00000000.new');
    const recent = join(directory, '.region.2-00000000.new');
    for (const file of [old, recent]) fs.writeFileSync(file, '');
    fs.utimesSync(old, 0, 0);
    create();
    expect(fs.readdirSync(directory).sort()).toEqual(['.region.2-00000000.new', 'region']);
  });
});

function patched(offset: number, value: number): Uint8Array {
  const bytes = fs.readFileSync(path());
  bytes.writeUInt32LE(value, offset);
  return bytes;
}
