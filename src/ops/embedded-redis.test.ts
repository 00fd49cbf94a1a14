import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, describe, expect, it } from 'vitest';
import { UsageError } from '../model/errors.ts';
import { findRedisServer, redisInstallCommand, startEmbeddedRedis } from './embedded-redis.ts';

/** Node runs this module as a program only once it is compiled. */
const BUILT = resolve(import.meta.dirname, '../../dist/src/ops/embedded-redis.js');
const hasRedis = findRedisServer() !== undefined;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  for (let waited = 0; isAlive(pid) && waited < 10_000; waited += 10) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe.skipIf(!hasRedis)('an embedded Redis', () => {
  it('answers on loopback, keeps nothing, and is gone after close', async () => {
    const redis = await startEmbeddedRedis();
    const client = new Redis(redis.url);
    expect(await client.set('key', 'value')).toBe('OK');
    expect(await client.config('GET', 'save')).toEqual(['save', '']);
    expect(await client.config('GET', 'appendonly')).toEqual(['appendonly', 'no']);
    expect(await client.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    expect(String(await client.info('server'))).toContain(`process_id:${redis.pid}`);
    client.disconnect();
    await redis.close();
    expect(isAlive(redis.pid)).toBe(false);
    await redis.close();
  });

  it('that is stopped is ended all the same', async () => {
    const redis = await startEmbeddedRedis();
    process.kill(redis.pid, 'SIGSTOP');
    await redis.close();
    expect(isAlive(redis.pid)).toBe(false);
  });

  it.skipIf(!existsSync(BUILT))('does not outlive a parent that is killed hard', async () => {
    // The parent has to be another process than this one. It prints the server's process id and waits.
    const program = `const { startEmbeddedRedis } = await import(${JSON.stringify(pathToFileURL(BUILT).href)});
      console.log((await startEmbeddedRedis()).pid);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString().trim());
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await untilGone(pid);
    expect(isAlive(pid)).toBe(false);
  });

  it('says in its own words why it does not start', async () => {
    await expect(startEmbeddedRedis({ options: ['--no-such-option', '1'] })).rejects.toThrow(
      /did not start.*no-such-option/s,
    );
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await expect(startEmbeddedRedis({ port })).rejects.toThrow(/did not start on port/);
    server.close();
  });
});

describe('where no Redis is installed', () => {
  const empty = mkdtempSync(join(tmpdir(), 'no-redis-'));
  const program = (name: string) => {
    const path = join(empty, name);
    writeFileSync(path, '#!/bin/sh\n');
    chmodSync(path, 0o755);
    return path;
  };
  afterAll(() => rmSync(empty, { recursive: true }));

  it('the error names the command that installs it', async () => {
    const environment = { PATH: empty };
    expect(findRedisServer(environment)).toBeUndefined();
    const starting = startEmbeddedRedis({ environment });
    await expect(starting).rejects.toThrow(UsageError);
    await expect(startEmbeddedRedis({ environment })).rejects.toThrow(redisInstallCommand(environment));
  });

  it('the command is one of a package manager that is there', () => {
    program('apk');
    const command = redisInstallCommand({ PATH: empty });
    expect(command).toBe(process.platform === 'darwin' ? 'brew install redis' : 'sudo apk add redis');
  });

  it('a Valkey serves as well', () => {
    const valkey = program('valkey-server');
    expect(findRedisServer({ PATH: `/nowhere:${empty}` })).toBe(valkey);
    const redis = program('redis-server');
    expect(findRedisServer({ PATH: empty })).toBe(redis);
  });
});
