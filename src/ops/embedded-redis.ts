import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { UsageError } from '../model/errors.ts';

/** A private Redis on loopback that keeps nothing and ends with this process. For the demo and for tests. */
export interface EmbeddedRedis {
  readonly url: string;
  readonly port: number;
  /** Of the server process itself. */
  readonly pid: number;
  /** The program that was started. */
  readonly program: string;
  /** Ends the server; resolves once it is gone. May be called again. */
  close(): Promise<void>;
}

export interface EmbeddedRedisOptions {
  /** A port that must be used; without it, a free one is found. */
  readonly port?: number;
  /** More of redis-server's own options, e.g. `['--maxmemory', '2mb']`. */
  readonly options?: readonly string[];
  /** Where the search path is read from. */
  readonly environment?: NodeJS.ProcessEnv;
}

const PROGRAMS = ['redis-server', 'valkey-server'];
const START_TIMEOUT_MS = 5_000;
const STOP_TIMEOUT_MS = 2_000;
const PORT_ATTEMPTS = 5;
const LOG_BYTES_MAX = 4096;

/** The first of redis-server and valkey-server on the search path, or undefined. */
export function findRedisServer(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  for (const program of PROGRAMS) {
    for (const directory of (environment.PATH ?? '').split(delimiter)) {
      const path = join(directory, program);
      if (directory !== '' && isExecutable(path)) return path;
    }
  }
  return undefined;
}

/** The command that installs a Redis here, to be shown to a user. */
export function redisInstallCommand(environment: NodeJS.ProcessEnv = process.env): string {
  const directories = (environment.PATH ?? '').split(delimiter);
  const has = (program: string) => directories.some((directory) => isExecutable(join(directory, program)));
  if (process.platform === 'darwin') return 'brew install redis';
  if (has('apt-get')) return 'sudo apt-get install -y redis-server';
  if (has('dnf')) return 'sudo dnf install -y redis';
  if (has('apk')) return 'sudo apk add redis';
  if (has('pacman')) return 'sudo pacman -S --noconfirm valkey';
  return 'sudo apt-get install -y redis-server';
}

/**
 * Starts a Redis and waits until it answers.
 * @throws UsageError when none is installed; Error with the server's own last words when it does not start
 */
export async function startEmbeddedRedis(options: EmbeddedRedisOptions = {}): Promise<EmbeddedRedis> {
  const environment = options.environment ?? process.env;
  const program = findRedisServer(environment);
  if (program === undefined) {
    throw new UsageError(
      `no redis-server or valkey-server was found on the search path; install one with: ${redisInstallCommand(environment)}`,
    );
  }
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const server = launch(program, port, options.options ?? []);
    const failure = await started(server, port);
    if (failure === undefined) return embedded(server, program, port);
    await stop(server.child);
    // Someone else may take a port between its being found free and the server's start.
    const isPortTaken = options.port === undefined && failure.includes('Address already in use');
    if (!isPortTaken || attempt === PORT_ATTEMPTS)
      throw new Error(`${program} did not start on port ${port}: ${failure}`);
  }
}

interface Server {
  readonly child: ChildProcess;
  /** The end of what it printed. */
  log: string;
}

function launch(program: string, port: number, options: readonly string[]): Server {
  const own = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--daemonize', 'no'];
  // Its own process group: a Ctrl-C in the terminal reaches the service, which ends Redis last.
  const child = spawn(program, [...own, ...options], { stdio: ['ignore', 'pipe', 'pipe'], detached: true, cwd: '/' });
  const server: Server = { child, log: '' };
  const collect = (chunk: Buffer) => {
    server.log = (server.log + chunk.toString('utf8')).slice(-LOG_BYTES_MAX);
  };
  child.stdout!.on('data', collect);
  child.stderr!.on('data', collect);
  child.on('error', (error) => {
    server.log += error.message;
  });
  return server;
}

/** Resolves with undefined once the server answers, or with the reason why it does not. */
async function started(server: Server, port: number): Promise<string | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (server.child.pid === undefined || server.child.exitCode !== null) {
      return lastWords(server.log) || `it ended with code ${server.child.exitCode}`;
    }
    if (await answers(port)) return undefined;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return `no answer within ${START_TIMEOUT_MS} ms`;
}

/** True when something on that port answers a PING, be it with an error. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('data', () => finish(true));
    socket.write('*1\r\n$4\r\nPING\r\n');
  });
}

function embedded(server: Server, program: string, port: number): EmbeddedRedis {
  const { child } = server;
  const guard = guardAgainstOrphan(child.pid!);
  child.once('exit', () => guard.kill('SIGKILL'));
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid!,
    program,
    close: () => stop(child),
  };
}

/**
 * A shell that waits for the end of its input, which comes when this process ends, however it ends (also by SIGKILL), and then
 * ends Redis. It is killed itself as soon as Redis is gone, so that it never acts on a process id that has been given away.
 */
function guardAgainstOrphan(pid: number): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', 'cat >/dev/null; kill "$1"', 'sh', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => {
    // Without a shell, a service that is killed hard leaves its Redis behind.
  });
  guard.stdin!.on('error', () => {});
  return guard;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  // A stopped process (SIGSTOP) does not see SIGTERM.
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}

function lastWords(log: string): string {
  return log.trim().split('\n').slice(-3).join(' | ');
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
