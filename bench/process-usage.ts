import { readdirSync, readFileSync } from 'node:fs';

/** What a process has used, from /proc (Linux). */
export interface Usage {
  /** On a CPU, all threads that are alive, µs. */
  readonly cpuUs: number;
  /** In user and kernel mode, µs, in steps of a clock tick (10 ms). */
  readonly userUs: number;
  readonly systemUs: number;
  /** Resident, MB (10^6 bytes). */
  readonly residentMb: number;
  readonly wallMs: number;
}

const TICK_US = 10_000;

export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything; user and system time are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    cpuUs: onCpuNs(pid) / 1000,
    userUs: Number(fields[11]) * TICK_US,
    systemUs: Number(fields[12]) * TICK_US,
    residentMb: residentMb(pid),
    wallMs: performance.now(),
  };
}

export interface UsageBetween {
  readonly cpuUs: number;
  readonly userShare: number;
  readonly seconds: number;
  /** Of one core. */
  readonly cpuPercent: number;
}

export function between(before: Usage, after: Usage): UsageBetween {
  const cpuUs = after.cpuUs - before.cpuUs;
  const seconds = (after.wallMs - before.wallMs) / 1000;
  const user = after.userUs - before.userUs;
  const system = after.systemUs - before.systemUs;
  return { cpuUs, seconds, userShare: user / (user + system), cpuPercent: cpuUs / seconds / 1e4 };
}

export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/VmRSS:\s+(\d+)/.exec(status)![1]) * 1024) / 1e6;
}

/** Nanoseconds on a CPU, summed over threads: the scheduler's own count, not sampled by ticks. */
function onCpuNs(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]);
    } catch {
      // The thread ended meanwhile.
    }
  }
  return sum;
}
