#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read, so that they can be told what is missing.
import { existsSync } from 'node:fs';

const [major, minor] = process.versions.node.split('.').map(Number);
const main = new URL('../dist/src/main.js', import.meta.url);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`market-data: found Node.js ${process.versions.node}, allowed: 20.19 or newer\n`);
  process.exitCode = 2;
} else if (!existsSync(main)) {
  process.stderr.write(
    'market-data: it is not built yet; "npm start", "npm run demo" and "npm run build" in its folder do that\n',
  );
  process.exitCode = 2;
} else {
  await import(main.href);
}
