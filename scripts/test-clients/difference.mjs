import { isDeepStrictEqual } from 'node:util';

const SHOWN_CHARACTERS_MAX = 600;

/** Where two JSON values first differ, in words, or undefined when they are equal. The order of keys does not matter. */
export function difference(actual, expected, path = '$') {
  if (isDeepStrictEqual(actual, expected)) return undefined;
  if (isContainer(actual) && isContainer(expected) && Array.isArray(actual) === Array.isArray(expected)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
      const inner = difference(actual[key], expected[key], `${path}.${key}`);
      if (inner !== undefined) return inner;
    }
  }
  return `${path}: got ${shown(actual)}, expected ${shown(expected)}`;
}

function isContainer(value) {
  return typeof value === 'object' && value !== null;
}

function shown(value) {
  return String(JSON.stringify(value)).slice(0, SHOWN_CHARACTERS_MAX);
}
