import { UsageError } from '../model/errors.ts';
import { nearestNames } from '../model/nearest.ts';

export interface FlagSpec {
  /** Snake case, without dashes. */
  readonly name: string;
  /** May stand alone, or be negated with `--no-`. */
  readonly isSwitch: boolean;
}

export interface ParsedFlags {
  /** By snake-case name; a switch has "true" or "false". */
  readonly values: ReadonlyMap<string, string>;
  readonly positionals: readonly string[];
}

/**
 * Reads `--redis-url X`, `--redis_url=X`, `--audit`, `--no-audit`; after `--` everything is positional.
 * @throws UsageError for unknown, repeated or incomplete flags; values are not repeated in messages, they may be secret
 */
export function parseFlags(argv: readonly string[], specs: readonly FlagSpec[]): ParsedFlags {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const values = new Map<string, string>();
  const positionals: string[] = [];

  for (let index = 0; index < argv.length; index++) {
    const argument = argv[index]!;
    if (argument === '--') {
      positionals.push(...argv.slice(index + 1));
      break;
    }
    if (!argument.startsWith('-') || argument === '-') {
      positionals.push(argument);
      continue;
    }
    const [shown, inlineValue] = splitOnce(argument);
    const { spec, isNegated } = findSpec(shown, byName);
    if (values.has(spec.name)) throw new UsageError(`${shown}: given twice`);

    let value = inlineValue;
    if (isNegated) {
      if (value !== undefined) throw new UsageError(`${shown}: takes no value`);
      value = 'false';
    } else if (value === undefined && spec.isSwitch) {
      const next = argv[index + 1];
      value = next === 'true' || next === 'false' ? argv[++index]! : 'true';
    } else if (value === undefined) {
      value = argv[++index];
      if (value === undefined || value.startsWith('--')) throw new UsageError(`${shown}: found no value after it`);
    }
    values.set(spec.name, value);
  }
  return { values, positionals };
}

function splitOnce(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return at === -1 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}

function findSpec(shown: string, byName: ReadonlyMap<string, FlagSpec>): { spec: FlagSpec; isNegated: boolean } {
  const name = shown.replace(/^-+/, '').replaceAll('-', '_');
  const spec = shown.startsWith('--') ? byName.get(name) : undefined;
  if (spec !== undefined) return { spec, isNegated: false };
  const negated = shown.startsWith('--no-') || shown.startsWith('--no_') ? byName.get(name.slice(3)) : undefined;
  if (negated?.isSwitch) return { spec: negated, isNegated: true };

  const nearest = nearestNames(name, byName.keys())[0];
  const hint = nearest === undefined ? 'see --help' : `did you mean ${toFlag(nearest)}?`;
  throw new UsageError(`${shown}: unknown flag, ${hint}`);
}

/** "redis_url" → "--redis-url" */
export function toFlag(name: string): string {
  return `--${name.replaceAll('_', '-')}`;
}
