import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Where the built files of this directory are; child processes cannot run TypeScript. `npm test` builds them first. */
export function builtDirectory(): string {
  const root = process.env.MARKET_DATA_DIST ?? resolve(import.meta.dirname, '../../dist');
  const directory = join(root, 'test/shm');
  if (!existsSync(join(directory, 'stress-writer.js'))) throw new Error(`${directory} is not built: npm run build`);
  return directory;
}
