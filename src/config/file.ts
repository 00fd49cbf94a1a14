import { readFileSync, statSync } from 'node:fs';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { LIMITS } from '../limits.ts';
import { UsageError } from '../model/errors.ts';
import type { YamlValue } from './values.ts';

export interface FileEntry {
  readonly key: string;
  readonly value: YamlValue;
  /** 1-based. */
  readonly line: number;
}

/**
 * Reads a configuration file into its entries, in order, without judging keys or values. Nothing is ever turned into an
 * object by key, and aliases are refused, so neither `__proto__` nor an alias bomb has anything to act on.
 * @throws UsageError naming file and line
 */
export function readConfigFile(path: string): FileEntry[] {
  return parseConfigText(readText(path), path);
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > LIMITS.config_file_bytes_max) {
      throw new UsageError(`${path}: ${size} bytes, allowed: at most ${LIMITS.config_file_bytes_max}`);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`${path}: cannot be read: ${REASONS[code ?? ''] ?? code}`);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of the path is not a directory',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'it is not UTF-8 text',
};

/** @param path for messages */
export function parseConfigText(source: string, path: string): FileEntry[] {
  const lines = new LineCounter();
  const lineAt = (offset: number | undefined): number => lines.linePos(offset ?? 0).line;
  const refuse = (offset: number | undefined, message: string): never => {
    throw new UsageError(`${path}:${lineAt(offset)}: ${message}`);
  };

  const document = parse(source, lines, path);
  // Messages of the parser are used without its excerpt of the text, which may hold a password.
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem !== undefined) refuse(problem.pos[0], `not valid YAML: ${problem.message}`);

  const root = document.contents as Node | null;
  if (root === null || (isScalar(root) && root.value === null)) return [];
  if (!isMap(root)) {
    return refuse(root.range?.[0], `found ${kindOf(root)}, allowed: a map of "key: value" lines`);
  }

  const entries: FileEntry[] = [];
  const lineOfKey = new Map<string, number>();
  for (const pair of root.items as Pair<Node, Node | null>[]) {
    const offset = pair.key.range?.[0];
    if (!isScalar(pair.key))
      return refuse(offset, `found ${kindOf(pair.key)} as a key, allowed: the name of a setting`);
    const key = String(pair.key.value);
    const earlier = lineOfKey.get(key);
    if (earlier !== undefined) return refuse(offset, `${key}: found a second time, first on line ${earlier}`);
    const line = lineAt(offset);
    lineOfKey.set(key, line);
    const toValue = (node: Node | null): YamlValue => {
      if (node === null) return { type: 'scalar', value: null, source: '' };
      if (isAlias(node))
        return refuse(node.range?.[0], `${key}: found the alias *${node.source}, allowed: the value itself`);
      if (isSeq(node)) return { type: 'list', items: (node.items as Node[]).map(toScalar) };
      return toScalar(node);
    };
    const toScalar = (node: Node): YamlValue => {
      if (isAlias(node)) return toValue(node);
      if (isSeq(node)) return { type: 'list', items: [] };
      if (!isScalar(node)) return { type: 'map' };
      return { type: 'scalar', value: node.value as string | number | boolean | null, source: node.source ?? '' };
    };
    entries.push({ key, value: toValue(pair.value), line });
  }
  return entries;
}

function parse(source: string, lineCounter: LineCounter, path: string) {
  try {
    // Duplicate keys are found above, where both lines can be named.
    return parseDocument(source, { lineCounter, prettyErrors: false, uniqueKeys: false, merge: false });
  } catch (error) {
    // A million brackets end the parser's recursion.
    throw new UsageError(`${path}: not valid YAML: ${(error as Error).name}, nested too deeply`);
  }
}

function kindOf(node: Node): string {
  if (isSeq(node)) return 'a list';
  if (isMap(node)) return 'a map';
  if (isAlias(node)) return 'an alias';
  return 'a single value';
}
