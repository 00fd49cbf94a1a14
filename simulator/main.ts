import { CommandLineError, parseCommandLine, USAGE } from './command-line.ts';
import { SimulatedExchange } from './exchange-server.ts';
import { startStatusLines } from './status-lines.ts';

/**
 * The exchange as a process. Standard output carries JSON lines for programs: the first when it is ready, one when a recording
 * has ended. Standard error is for people. Exit codes: 0 ended by a signal, 1 failed, 2 wrong usage.
 */
async function main(): Promise<void> {
  const { isHelp, isQuiet, options } = parseCommandLine(process.argv.slice(2));
  if (isHelp) {
    process.stdout.write(USAGE);
    return;
  }
  const exchange = await SimulatedExchange.start({
    ...options,
    onCaptureEnd: () => console.log(JSON.stringify({ event: 'capture_end' })),
  });
  console.log(
    JSON.stringify({
      event: 'ready',
      ws_url: exchange.wsUrl,
      rest_url: exchange.restUrl,
      control_url: exchange.controlUrl,
      pid: process.pid,
      symbols: [...exchange.market.symbols.keys()],
    }),
  );
  const stopStatusLines = isQuiet ? () => {} : startStatusLines(exchange, console.error);
  const end = () => {
    stopStatusLines();
    void exchange.close().then(() => process.exit(0));
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
}

main().catch((error: Error) => {
  console.error(`simulate: ${error.message}`);
  if (error instanceof CommandLineError) console.error("try 'market-data simulate --help'");
  process.exit(error instanceof CommandLineError ? 2 : 1);
});
