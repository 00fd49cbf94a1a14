import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ROOT } from '../test/e2e/processes.ts';

const FOLDER = join(ROOT, 'bench/peers');

/** A library that a bench compares with, from bench/peers and its own lock file; installed there when it is missing. */
export function requirePeer<T>(name: string): T {
  if (!existsSync(join(FOLDER, 'node_modules', name))) {
    console.log(`installing the benches' peers (npm ci in ${FOLDER})`);
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], {
      cwd: FOLDER,
      stdio: 'inherit',
    });
    if (status !== 0) throw new Error(`npm ci in ${FOLDER} failed: see above`);
  }
  return createRequire(join(FOLDER, 'package.json'))(name) as T;
}
