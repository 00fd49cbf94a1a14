import { describeConfig, loadConfig, maskConfig } from '../config.ts';
import { EXCHANGES } from '../exchanges/registry.ts';
import { openLog } from '../ops/logging.ts';
import { Service } from '../service.ts';
import { runUntilEnded } from './lifetime.ts';
import { packageVersion } from './package.ts';

export function help(): string {
  return `market-data run: listens to the exchange and publishes books and trades until it is stopped

Settings come from flags, the environment (MARKET_DATA_REDIS_URL), the file (redis_url) and defaults, in this order.

  --config FILE             default ./config.yaml, which may be missing
${describeConfig()}

Examples
  market-data run
  market-data run --symbols BTCUSDT,ETHUSDT --order-book-depth 50 --redis-url redis://:password@redis.internal:6379
`;
}

export async function execute(argv: readonly string[]): Promise<number> {
  const exchanges = EXCHANGES.map(({ name }) => name);
  const { config, warnings } = loadConfig({ argv, env: process.env, cwd: process.cwd(), exchanges });
  const output = await openLog({ level: config.log_level, isPretty: process.stdout.isTTY });
  const { logger } = output;
  const version = packageVersion();

  return runUntilEnded(output, (onFatal) => {
    logger.info({ version, node: process.versions.node, pid: process.pid, config: maskConfig(config) }, 'starting');
    for (const warning of warnings) logger.warn(warning);
    return Service.start({ config, logger, version, onFatal });
  });
}
