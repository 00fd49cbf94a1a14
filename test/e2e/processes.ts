import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

/** The parts of the system as the processes that a user starts. Each is ended by its own id; ports are free ones. */

/** The folder with the package.json: the same from source and from the build. */
export const ROOT = rootAbove(import.meta.dirname);
const READY_MS_MAX = 20_000;

export interface Running {
  readonly process: ChildProcess;
  /** Everything printed so far, both streams. */
  readonly output: string[];
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  /** Sends a signal to this process alone and waits for its end. */
  end(signal?: NodeJS.Signals): Promise<number | string>;
}

export function start(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Running {
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => output.push(line));
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  return {
    process: child,
    output,
    exited,
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      return await exited;
    },
  };
}

/** Waits until `probe` returns something else than undefined; failures of the probe count as not yet. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  msMax = READY_MS_MAX,
): Promise<T> {
  const deadline = performance.now() + msMax;
  let failure: unknown;
  while (performance.now() < deadline) {
    try {
      const found = await probe();
      if (found !== undefined) return found;
    } catch (error) {
      failure = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what}: not within ${msMax} ms`, { cause: failure });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export interface RunningRedis extends Running {
  readonly port: number;
  readonly url: string;
}

export async function startRedis(args: readonly string[] = [], port?: number): Promise<RunningRedis> {
  const chosen = port ?? (await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'market-data-redis-'));
  const base = ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  const redis = start('redis-server', [...base, ...args]);
  await until('redis-server', () => redis.output.find((line) => line.includes('Ready to accept connections')));
  void redis.exited.then(() => rmSync(folder, { recursive: true, force: true }));
  return { ...redis, port: chosen, url: `redis://127.0.0.1:${chosen}` };
}

export interface RunningSimulator extends Running {
  readonly wsUrl: string;
  readonly restUrl: string;
  readonly controlUrl: string;
  readonly symbols: readonly string[];
}

export async function startSimulator(args: readonly string[]): Promise<RunningSimulator> {
  const simulator = start(process.execPath, ['bin/market-data.js', 'simulate', '--quiet', ...args]);
  const line = await until('simulator', () => {
    if (simulator.process.exitCode !== null) throw new Error(simulator.output.join('\n'));
    return simulator.output.find((text) => text.includes('"ready"'));
  });
  const ready = JSON.parse(line) as { ws_url: string; rest_url: string; control_url: string; symbols: string[] };
  return {
    ...simulator,
    wsUrl: ready.ws_url,
    restUrl: ready.rest_url,
    controlUrl: ready.control_url,
    symbols: ready.symbols,
  };
}

export interface RunningService extends Running {
  readonly healthUrl: string;
}

/** `market-data run` with flags, as a user would start it. */
export async function startService(
  flags: Readonly<Record<string, string | number>>,
  nodeFlags: readonly string[] = [],
): Promise<RunningService> {
  const port = await freePort();
  const given: Record<string, string | number> = { 'health-port': port, 'shm-name': '', ...flags };
  const args = Object.entries(given).map(([name, value]) => `--${name}=${value}`);
  const service = start(process.execPath, [...nodeFlags, 'bin/market-data.js', 'run', ...args]);
  const healthUrl = `http://127.0.0.1:${given['health-port']}`;
  await until('service', async () => {
    if (service.process.exitCode !== null) throw new Error(service.output.join('\n'));
    return (await fetch(`${healthUrl}/health`)).ok || undefined;
  });
  return { ...service, healthUrl };
}

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}
