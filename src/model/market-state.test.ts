import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MARKET_STATES, STATE_REASONS } from './market-state.ts';

/** Readers in other languages know the codes from the page alone. */
const PAGE = readFileSync(join(import.meta.dirname, '../../docs/SHM_LAYOUT.md'), 'utf8');

test('the order of the states is the wire code of the layout', () => {
  expect(MARKET_STATES).toEqual(['syncing', 'live', 'stale', 'resyncing']);
});

test.each(STATE_REASONS.map((reason, code) => [reason, code] as const))(
  '%s has code %i in the specification',
  (reason, code) => {
    expect(PAGE.includes(`${code} ${reason}`)).toBe(true);
  },
);
