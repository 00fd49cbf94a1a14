import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test } from 'vitest';
import { getJson } from './test-client.ts';

const MAIN = 'dist/simulator/main.js';
let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

/** The process as other teams start it: from what was built. */
function start(...argv: string[]) {
  const started = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  child = started;
  return { started, lines: createInterface({ input: started.stdout }) };
}

describe.skipIf(!existsSync(MAIN))('the process', () => {
  test('says where it is on its first line, serves, and ends with 0 on SIGTERM', async () => {
    const { started, lines } = start('--symbols', 'SOLUSDT', '--quiet');
    const [line] = (await once(lines, 'line')) as [string];
    const ready = JSON.parse(line);
    expect(ready).toMatchObject({ event: 'ready', symbols: ['SOLUSDT'], pid: started.pid });
    expect(ready.ws_url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
    expect((await getJson(`${ready.rest_url}/fapi/v1/ping`)).body).toEqual({});
    expect((await getJson(`${ready.control_url}/stats`)).body.market).toBe('synthetic');
    started.kill('SIGTERM');
    expect(await once(started, 'exit')).toEqual([0, null]);
  });

  test('wrong usage is exit code 2, a port in use 1', async () => {
    expect(await once(start('--rate', 'fast').started, 'exit')).toEqual([2, null]);
    const { started, lines } = start('--quiet');
    const [line] = (await once(lines, 'line')) as [string];
    const { port } = new URL(JSON.parse(line).rest_url);
    expect(await once(start('--port', port).started, 'exit')).toEqual([1, null]);
    started.kill('SIGTERM');
    await once(started, 'exit');
  });
});
