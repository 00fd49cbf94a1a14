// Everything that `npm test` checks, step by step. Ends with one line: "N passed, N failed".
// A step that runs tests reports their numbers; one that only succeeds or fails counts as one test.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const VITEST_REPORT = join(ROOT, '.cache', 'vitest.json');
const node = process.execPath;
const bin = (path) => join(ROOT, 'node_modules', path);

/** Runs after the others have run, whatever became of them: a failure early does not hide a failure late. */
const STEPS = [
  { name: 'type-check', command: [node, bin('typescript/bin/tsc'), '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'lint', command: [node, bin('@biomejs/biome/bin/biome'), 'check', '.'] },
  {
    name: 'tests',
    command: [
      node,
      bin('vitest/vitest.mjs'),
      'run',
      '--coverage',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${VITEST_REPORT}`,
      ...process.argv.slice(2),
    ],
    count: countVitest,
  },
  // Readers in other languages: those whose toolchain is here. Its last line is "N passed, N failed", as ours.
  { name: 'clients', script: 'scripts/test-clients.mjs', count: countLastLine },
];

/** @returns {{ passed: number, failed: number }} */
function countVitest(isOk) {
  if (!existsSync(VITEST_REPORT)) return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(VITEST_REPORT, 'utf8'));
  // A file that could not be loaded has no tests that could fail.
  const brokenFiles = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  ).length;
  const failed = numFailedTests + brokenFiles;
  // No test failed, but the run did: too little is covered.
  return { passed: numPassedTests, failed: !isOk && failed === 0 ? 1 : failed };
}

function countLastLine(isOk, output) {
  const match = /(\d+) passed, (\d+) failed\s*$/.exec(output);
  if (match === null) return { passed: 0, failed: isOk ? 0 : 1 };
  const failed = Number(match[2]);
  return { passed: Number(match[1]), failed: !isOk && failed === 0 ? 1 : failed };
}

function countStep(isOk) {
  return isOk ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

function run(command) {
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    let tail = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk).slice(-4096);
    });
    child.on('error', (error) => resolve({ isOk: false, output: error.message }));
    child.on('close', (code) => resolve({ isOk: code === 0, output: tail }));
  });
}

mkdirSync(join(ROOT, '.cache'), { recursive: true });
rmSync(VITEST_REPORT, { force: true });
const total = { passed: 0, failed: 0 };
for (const { name, command, script, count = countStep } of STEPS) {
  if (script !== undefined && !existsSync(join(ROOT, script))) continue;
  console.log(`\n--- ${name}`);
  const startMs = performance.now();
  const { isOk, output } = await run(command ?? [node, join(ROOT, script)]);
  const { passed, failed } = count(isOk, output);
  total.passed += passed;
  total.failed += failed;
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(`--- ${name}: ${failed === 0 ? 'ok' : 'FAILED'} in ${seconds} s`);
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
