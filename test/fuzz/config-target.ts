import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfigText } from '../../src/config/file.ts';
import { loadConfig, maskConfig } from '../../src/config.ts';
import { UsageError } from '../../src/model/errors.ts';
import { parseRedisUrl } from '../../src/publish/redis/redis-address.ts';
import { assertThat, type FuzzTarget } from './target.ts';

const SECRET = 'hunter2-hunter2-hunter2';

const SAMPLES = [
  'symbols: [BTCUSDT, ethusdt]\norder_book_depth: 20\nredis_url: redis://u:p@localhost:6379/1\nlog_level: info\n',
  'exchange_ws_url: wss://fstream.binance.com\nexchange_rest_url: "https://fapi.binance.com"\naudit: true\nredundancy: 2\n',
  'symbols:\n  - BTCUSDT\n  - SOLUSDT\nredis_sentinels: [a:1, b:2]\nredis_sentinel_name: master\nshm_mode: "0640"\n',
  'health_host: 0.0.0.0\nauth_token: 0123456789abcdef\ncors_origin: "*"\ncpu_affinity: [0, 1]\nshm_name: ""\n',
  '--- !!map\n? symbols\n: &a [BTCUSDT]\nlast_price_source: mid # comment\nreconnect_delay_ms: 0x10\n',
].map((text) => Buffer.from(text));

/** The same bytes as a file, as an environment variable, as a flag and as a Redis URL: a result, or a UsageError that names the place. */
export function configTarget(): FuzzTarget {
  const directory = mkdtempSync(join(tmpdir(), 'market-data-fuzz-'));
  const path = join(directory, 'config.yaml');
  const base = { argv: [], env: {}, cwd: directory, exchanges: ['binance-usdm'] };
  let count = 0;
  return {
    name: 'config',
    samples: SAMPLES,
    share: 0.004,
    run(input) {
      const text = input.toString('utf8');
      refusesOrReturns(() => parseConfigText(text, 'config.yaml'));
      refusesOrReturns(() => parseRedisUrl(text));
      refusesOrReturns(() => maskConfig(loadConfig({ ...base, argv: text.split(/\s+/) }).config));
      const [name = '', value = ''] = text.split(/[:=]/, 2);
      refusesOrReturns(() => loadConfig({ ...base, env: { [`MARKET_DATA_${name.toUpperCase()}`]: value } }));
      // A file for each would measure the disk.
      if (count++ % 16 === 0) {
        writeFileSync(path, input);
        refusesOrReturns(() => loadConfig({ ...base, argv: ['--config', path] }));
      }
      refusesOrReturns(() => parseRedisUrl(`redis://user:${SECRET}@${text}`));
      assertThat(({} as Record<string, unknown>).polluted === undefined, 'Object.prototype was changed');
    },
    finish: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function refusesOrReturns(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    assertThat(!error.message.includes(SECRET), `a secret in an error: ${error.message}`);
  }
}
