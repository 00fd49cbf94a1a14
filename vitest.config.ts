import { defineConfig } from 'vitest/config';

const MINUTE_MS = 60_000;

export default defineConfig({
  test: {
    // Real sockets, files and processes: nothing is shared between files.
    pool: 'forks',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'src/**/*.test.ts',
            'simulator/**/*.test.ts',
            'clients/typescript/**/*.test.ts',
            'bench/**/*.test.ts',
          ],
          exclude: ['**/node_modules/**'],
          testTimeout: MINUTE_MS,
          hookTimeout: MINUTE_MS,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Each file starts several processes: one file at a time, after the others, so that two cores suffice.
        extends: true,
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts'],
          testTimeout: 3 * MINUTE_MS,
          hookTimeout: MINUTE_MS,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    coverage: {
      provider: 'v8',
      // What is covered is of interest also when a test fails.
      reportOnFailure: true,
      include: ['src/**/*.ts'],
      exclude: [
        // Tests and what only they use.
        '**/*.test.ts',
        'src/**/testing/**',
        // Run in processes of their own only, where the coverage of this one does not reach: test/command-line.test.ts drives them.
        'src/main.ts',
        'src/cli/**',
        // Types only.
        'src/exchanges/exchange.ts',
        'src/publish/publisher.ts',
        'src/ops/service-view.ts',
      ],
      reporter: ['text-summary', 'json-summary'],
      reportsDirectory: 'coverage',
      thresholds: { lines: 85 },
    },
  },
});
