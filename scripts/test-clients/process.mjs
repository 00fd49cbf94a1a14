import { spawn } from 'node:child_process';
import { spawnOptions } from './languages.mjs';

/** A child process whose stdout is read line by line. */
export class LineProcess {
  /** @type {string[]} */
  lines = [];
  #rest = '';
  #errors = '';
  #waiting = [];
  #ended = false;

  constructor(step, args) {
    const [program, ...first] = step.command;
    this.child = spawn(program, [...first, ...args], { ...spawnOptions(step), stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout.setEncoding('utf8');
    this.child.stdout.on('data', (chunk) => this.#take(chunk));
    this.child.stderr.on('data', (chunk) => {
      this.#errors = (this.#errors + chunk).slice(-2000);
    });
    // A process that ends may do so while it is being written to.
    this.child.stdin.on('error', () => {});
    /** Its exit code, or the name of the signal that ended it. */
    this.exit = new Promise((resolve) => {
      this.child.on('error', (error) => resolve(error.message));
      this.child.on('close', (code, signal) => resolve(code ?? signal));
    });
    void this.exit.then(() => {
      this.#ended = true;
      this.#notify();
    });
  }

  get errors() {
    return this.#errors;
  }

  /** Resolves when a line fulfils the condition, to that line. @throws when the time is up or the process has ended without it. */
  async line(condition, what, timeoutMs) {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find(condition);
      if (found !== undefined) return found;
      const leftMs = deadline - performance.now();
      if (this.#ended) throw new Error(`ended without ${what}: ${this.lines.at(-1) ?? ''} ${this.#errors}`);
      if (leftMs <= 0) throw new Error(`no ${what} within ${timeoutMs} ms; last: ${this.lines.at(-1)}`);
      await this.#change(leftMs);
    }
  }

  /** Its exit code or signal. @throws when it does not end in time. */
  async end(timeoutMs) {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs);
    const result = await this.exit;
    clearTimeout(timer);
    if (result === 'SIGKILL')
      throw new Error(`did not end within ${timeoutMs} ms; last: ${this.lines.at(-1)} ${this.#errors}`);
    return result;
  }

  async kill() {
    this.child.kill('SIGKILL');
    await this.exit;
  }

  #take(chunk) {
    const pieces = (this.#rest + chunk).split('\n');
    this.#rest = pieces.pop();
    this.lines.push(...pieces);
    this.#notify();
  }

  #notify() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #change(timeoutMs) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
