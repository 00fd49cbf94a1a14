import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

interface Profile {
  readonly nodes: readonly { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const LINES = 25;

/** Prints where the time of a V8 CPU profile went, by function, without what they call; then removes the folder. */
export function printProfile(folder: string, title: string): void {
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) return;
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profile;
  rmSync(folder, { recursive: true });
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const selfUs = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const name = names.get(id)!;
    selfUs.set(name, (selfUs.get(name) ?? 0) + profile.timeDeltas[index]!);
  });
  selfUs.delete('(idle)');
  const total = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
  console.log(`profile of ${title}, share of the time on the CPU`);
  const rows = [...selfUs].sort(([, one], [, other]) => other - one).slice(0, LINES);
  for (const [name, us] of rows) console.log(`${((us / total) * 100).toFixed(1).padStart(6)} %  ${name}`);
}

function nameOf({ functionName, url, lineNumber }: Profile['nodes'][number]['callFrame']): string {
  const file = url.replace(/^.*\/(dist|node_modules)\//, '').replace(/^node:/, 'node:');
  return url === '' ? functionName || '(anonymous)' : `${functionName || '(anonymous)'}  ${file}:${lineNumber + 1}`;
}
