import { setUpYoungGeneration } from './cli/young-generation.ts';
import { UsageError } from './model/errors.ts';
import { nearestNames } from './model/nearest.ts';

/** One file below cli/, loaded only when its command is used. */
interface Command {
  /** For --help; without it, the command answers --help itself. */
  readonly help?: () => string;
  /** @returns the exit code */
  readonly execute: (argv: readonly string[]) => Promise<number>;
}

/** One line a command. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>> = {
  run: { summary: 'the service, against the live exchange', load: () => import('./cli/run.ts') },
  demo: { summary: 'the service with a simulated exchange and its own Redis', load: () => import('./cli/demo.ts') },
  simulate: { summary: 'the simulated exchange alone, for tests', load: () => import('./cli/simulate.ts') },
  watch: { summary: 'one symbol in the terminal, from shared memory', load: () => import('./cli/watch.ts') },
};

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

function usage(): string {
  const lines = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return `market-data: order books and trades from an exchange to Redis, shared memory and HTTP

Usage: market-data COMMAND [FLAGS]

${lines.join('\n')}

  market-data COMMAND --help   what a command does, its flags and an example
  market-data --version

Example
  market-data run --symbols BTCUSDT,ETHUSDT --redis-url redis://localhost:6379
`;
}

async function main(argv: readonly string[]): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) {
    process.stderr.write(usage());
    return EXIT_USAGE;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage());
    return 0;
  }
  if (name === '--version' || name === '-v') {
    const { packageVersion } = await import('./cli/package.ts');
    process.stdout.write(`${packageVersion()}\n`);
    return 0;
  }

  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
  if (entry === undefined) throw new UsageError(unknownCommand(name));
  const command = await entry.load();
  if (command.help !== undefined && isHelpAsked(rest)) {
    process.stdout.write(command.help());
    return 0;
  }
  return command.execute(rest);
}

function isHelpAsked(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const flags = end === -1 ? argv : argv.slice(0, end);
  return flags.includes('--help') || flags.includes('-h');
}

function unknownCommand(name: string): string {
  const nearest = nearestNames(name, Object.keys(COMMANDS))[0];
  const hint = nearest === undefined ? `there are ${Object.keys(COMMANDS).join(', ')}` : `did you mean ${nearest}?`;
  return `${name}: unknown command, ${hint}`;
}

function complain(error: unknown): number {
  const message = error instanceof Error ? error.message : String(error);
  for (const line of message.split('\n')) process.stderr.write(`market-data: ${line}\n`);
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}

setUpYoungGeneration();
process.exit(await main(process.argv.slice(2)).catch(complain));
