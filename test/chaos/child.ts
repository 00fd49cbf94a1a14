import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Called with every line of standard output. */
  readonly onLine?: (line: string) => void;
  /** Called with every line of standard error. */
  readonly onErrorLine?: (line: string) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process that is signalled by its pid, and its output line by line. */
export class Child {
  readonly #process: ChildProcess;
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;
  /** After SIGSTOP and before SIGCONT. */
  isStopped = false;
  /** When it was last continued. */
  continuedAtMs = 0;

  constructor(options: ChildOptions) {
    const child = spawn(options.command, options.args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    this.#process = child;
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        running.delete(this);
        resolve(this.#exit);
      });
    });
    // Whoever waits hears of it; nobody has to.
    this.exited.catch(() => {});
    running.add(this);
    readLines(child.stdout!, options.onLine);
    readLines(child.stderr!, options.onErrorLine);
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#exit !== undefined) return;
    this.#process.kill(signal);
    if (signal === 'SIGSTOP') this.isStopped = true;
    if (signal !== 'SIGCONT') return;
    this.isStopped = false;
    this.continuedAtMs = performance.now();
  }

  /** Sends a signal and waits for the end; SIGKILL follows when it takes longer than `withinMs`. */
  async end(signal: NodeJS.Signals, withinMs: number): Promise<Exit & { readonly isForced: boolean }> {
    this.signal('SIGCONT');
    this.signal(signal);
    let isForced = false;
    const timer = setTimeout(() => {
      isForced = true;
      this.signal('SIGKILL');
    }, withinMs);
    const exit = await this.exited;
    clearTimeout(timer);
    return { ...exit, isForced };
  }
}

const running = new Set<Child>();

/** Nothing that was started outlives this process. */
export function killAllChildren(): void {
  for (const child of running) child.signal('SIGKILL');
}

function readLines(stream: NodeJS.ReadableStream, onLine: ((line: string) => void) | undefined): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    if (onLine === undefined) return;
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) onLine(line);
  });
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Polls until the condition holds. @throws Error naming `what` after `withinMs` */
export async function until(what: string, withinMs: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`);
    await sleep(20);
  }
}
