// Tests the shared-memory readers in other languages: each one's own tests, then all of them against the golden bytes, against the same
// damaged regions, and against live writers. Languages whose toolchain is not here are skipped and named.
//
//     node scripts/test-clients.mjs [c] [rust] [go] [python]
//
// Needs nothing but Node and the build in dist/ (MARKET_DATA_DIST names another). MARKET_DATA_SEED repeats the random part.
// Ends with one line, "N passed, N failed"; the exit code is 1 when a test failed.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { testDamage } from './test-clients/damage.mjs';
import { testGolden } from './test-clients/golden.mjs';
import { LANGUAGES, missingTool, runQuietly } from './test-clients/languages.mjs';
import { testLive } from './test-clients/live.mjs';

const ROOT = join(import.meta.dirname, '..');
const counts = { passed: 0, failed: 0 };

/** Counts one test. @param {string} language @param {string} what @param {string | undefined} problem undefined when all is well. */
function report(language, what, problem) {
  if (problem === undefined) counts.passed++;
  else {
    counts.failed++;
    console.log(`FAILED ${language}: ${what}\n  ${problem.replaceAll('\n', '\n  ')}`);
  }
}

/** Builds a language and runs its own tests; false when there is nothing to go on with. */
function prepare(language) {
  for (const step of language.build) {
    const problem = runQuietly(step);
    report(language.name, `build: ${step.command.join(' ')}`, problem);
    if (problem !== undefined) return false;
  }
  for (const step of language.tests) report(language.name, `own tests: ${step.command.join(' ')}`, runQuietly(step));
  return true;
}

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !LANGUAGES.some((language) => language.name === name));
if (unknown.length > 0) {
  console.error(`unknown: ${unknown.join(', ')}; there are ${LANGUAGES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const seed = process.env.MARKET_DATA_SEED ?? String(Date.now());
const scratch = mkdtempSync('/dev/shm/market-data-clients-');
const skipped = [];
const ready = [];
try {
  for (const language of LANGUAGES) {
    if (asked.length > 0 && !asked.includes(language.name)) continue;
    const missing = missingTool(language);
    if (missing !== undefined) {
      skipped.push(language.name);
      console.log(`${language.name}: skipped, ${missing}`);
      continue;
    }
    const startMs = performance.now();
    if (prepare(language)) ready.push(language);
    console.log(
      `${language.name}: built and its own tests run in ${((performance.now() - startMs) / 1000).toFixed(1)} s`,
    );
  }
  const context = { root: ROOT, scratch, report, seed };
  for (const [name, test] of Object.entries({ golden: testGolden, damage: testDamage, live: testLive })) {
    const startMs = performance.now();
    const before = { ...counts };
    await test(ready, context);
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    console.log(
      `${name}: ${counts.passed - before.passed} passed, ${counts.failed - before.failed} failed in ${seconds} s`,
    );
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (skipped.length > 0) console.log(`skipped: ${skipped.join(', ')}`);
if (counts.failed > 0) console.log(`seed ${seed}`);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 ? 0 : 1;
