import { once } from 'node:events';
import { spawnSimulator } from './simulator-process.ts';

/** Everything after the command's name belongs to the simulator, --help included. */
export async function execute(argv: readonly string[]): Promise<number> {
  const child = spawnSimulator({ argv, stdout: 'inherit', stderr: 'inherit', isDetached: true });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
