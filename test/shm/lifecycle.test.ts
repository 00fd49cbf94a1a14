import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { open, type ShmReader, stream, type WriterState } from '../../clients/typescript/index.ts';
import { builtDirectory } from './built.ts';

/** What readers experience when real services start, stop, die and come back. */

const SIZE_BYTES = 1 << 18;
const WAIT_MS_MAX = 20_000;

let directory: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), 'market-data-lifecycle-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) await end(child, 'SIGKILL');
  fs.rmSync(directory, { recursive: true });
});

/** Starts a service; its first line is "ready", or says why not. */
async function service(command: readonly string[] = []): Promise<{ child: ChildProcess; line: string }> {
  const script = join(builtDirectory(), 'service-process.js');
  const line = [...command, process.execPath, script, 'region', directory, String(SIZE_BYTES)];
  const child = spawn(line[0]!, line.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [first] = await once(createInterface({ input: child.stdout! }), 'line');
  return { child, line: first as string };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exited = once(child, 'exit');
  child.kill(signal);
  const [code] = await exited;
  return code;
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  while (!holds()) {
    if (performance.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const untilState = (reader: ShmReader, state: WriterState) =>
  until(`the writer is ${state}`, () => reader.writerState() === state);

/** Waits for an event of a live service and checks it against the latest slot of its symbol. */
async function expectEvents(reader: ShmReader): Promise<void> {
  await until('there is an event', () => reader.waitSpin(0));
  const event = reader.next();
  expect(event).toMatchObject({ kind: 'book', state: 'live' });
  // Read once: between two readings the service may have published.
  const latest = reader.latest('STRESS1');
  expect(latest.isLive).toBe(true);
  expect(latest.lastUpdateId).toBe(latest.sequence);
}

describe('readers and the life of services', () => {
  test('a clean end is told, and what was published last stays readable', async () => {
    const { child } = await service();
    const reader = open('region', { directory });
    expect(reader.symbols).toEqual(['STRESS0', 'STRESS1']);
    await expectEvents(reader);
    expect(reader.writerState()).toBe('live');
    expect(await end(child, 'SIGTERM')).toBe(0);
    expect(reader.writerState()).toBe('closed');
    while (reader.next() !== undefined);
    expect(reader.latest('STRESS0').isLive).toBe(true);
    expect(open('region', { directory }).writerState()).toBe('closed');
  });

  test('a killed writer falls silent; a new one takes over at once; attached readers follow it', async () => {
    const first = await service();
    const reader = open('region', { directory });
    await expectEvents(reader);
    await end(first.child, 'SIGKILL');
    await untilState(reader, 'silent');
    expect(reader.reopenIfReplaced()).toBe(false);
    const generation = reader.header.generation;

    expect((await service()).line).toBe('ready');
    expect(reader.writerState()).toBe('replaced');
    expect(reader.latest('STRESS0').isLive).toBe(true);
    expect(reader.reopenIfReplaced()).toBe(true);
    expect(reader.header.generation).toBe(generation + 1);
    expect(reader.writerState()).toBe('live');
    await expectEvents(reader);
  });

  test('a stopped writer falls silent and is live again when it goes on', async () => {
    const { child } = await service();
    const reader = open('region', { directory });
    await untilState(reader, 'live');
    child.kill('SIGSTOP');
    await untilState(reader, 'silent');
    expect((await service()).line).toContain(`in use: the service with pid ${child.pid}`);
    child.kill('SIGCONT');
    await untilState(reader, 'live');
    while (reader.next() !== undefined);
    await expectEvents(reader);
  });

  test('of several services that start at once, exactly one gets the name', async () => {
    await end((await service()).child, 'SIGKILL');
    for (const round of ['after a dead one', 'with nothing there']) {
      if (round === 'with nothing there') fs.rmSync(join(directory, 'region'));
      const started = await Promise.all([service(), service(), service(), service()]);
      const ready = started.filter(({ line }) => line === 'ready');
      expect(ready.length).toBe(1);
      for (const { line } of started) if (line !== 'ready') expect(line).toMatch(/in use: the service with pid \d+/);
      const reader = open('region', { directory });
      expect(reader.header.writerPid).toBe(ready[0]!.child.pid);
      await end(ready[0]!.child, 'SIGKILL');
      expect(fs.readdirSync(directory)).toEqual(['region']);
    }
  });

  test('a stream follows a service over its end and restart', async () => {
    const first = await service();
    const seen: string[] = [];
    const abort = new AbortController();
    const reader = open('region', { directory });
    const reading = (async () => {
      for await (const event of stream(reader, { signal: abort.signal })) {
        const what = event.kind === 'writer' ? event.state : event.kind;
        if (seen.at(-1) !== what) seen.push(what);
      }
    })();
    await until('there are books', () => seen.length > 0);
    await end(first.child, 'SIGTERM');
    await until('it is closed', () => seen.at(-1) === 'closed');
    await service();
    await until('there are books again', () => seen.length >= 4);
    abort.abort();
    await reading;
    expect(seen.slice(0, 4)).toEqual(['book', 'closed', 'reopened', 'book']);
  });

  test('a full /dev/shm is an error with advice, never a crash, and leaves nothing behind', async (context) => {
    // A file system of 64 KiB in a mount namespace of its own, so that nothing outside is touched.
    const mount = `mount -t tmpfs -o size=64k none "$0" && "$@"; code=$?; ls -A "$0"; exit $code`;
    const probe = spawn('unshare', ['-rm', 'sh', '-c', mount, directory, 'true'], { stdio: 'ignore' });
    const [code] = await once(probe, 'close').catch(() => [1]);
    if (code !== 0) return context.skip('mount namespaces are not allowed here');
    const { child, line } = await service(['unshare', '-rm', 'sh', '-c', mount, directory]);
    expect(line).toContain(`${directory} is full: ${SIZE_BYTES} bytes are needed`);
    expect(await end(child, 'SIGTERM')).not.toBe(139);
  });
});

test('a name that no service has used is NOT_FOUND', () => {
  expect(() => open('region', { directory })).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
});

test('garbage of any length is an error with a code', () => {
  for (const length of [1, 511, 512, 4096, 100_000]) {
    const garbage = Uint8Array.from({ length }, (_, index) => (index * 2654435761) >>> 13);
    fs.writeFileSync(join(directory, 'region'), garbage);
    expect(() => open('region', { directory })).toThrow(expect.objectContaining({ code: 'NOT_A_REGION' }));
  }
});
