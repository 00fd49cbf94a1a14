import type { Route } from './stream-hub.ts';

/** Streams on one connection; one more is answered with an error and close code 1008. */
export const STREAMS_PER_CONNECTION_MAX = 1024;

export interface WebSocketTarget {
  readonly route: Route;
  /** `/stream` wraps frames in {"stream":…,"data":…}, `/ws` does not. */
  readonly isCombined: boolean;
  readonly streams: readonly string[];
}

/**
 * What a WebSocket URL asks for: `/public` and `/market`, or neither (legacy), then `/ws/<stream>` or `/stream?streams=a/b/c`,
 * or either without streams. Undefined for anything else, which is refused with 404.
 */
export function parseWebSocketUrl(url: string): WebSocketTarget | undefined {
  const queryAt = url.indexOf('?');
  const path = queryAt < 0 ? url : url.slice(0, queryAt);
  const match = /^(?:\/(public|market))?\/(ws|stream)(?:\/(.*))?$/.exec(path);
  if (match === null) return undefined;
  const route = (match[1] as Route | undefined) ?? 'legacy';
  if (match[2] === 'ws') return { route, isCombined: false, streams: streamNames(match[3] ?? '') };
  if (match[3] !== undefined && match[3] !== '') return undefined;
  const query = new URLSearchParams(queryAt < 0 ? '' : url.slice(queryAt + 1));
  return { route, isCombined: true, streams: streamNames(query.get('streams') ?? '') };
}

function streamNames(text: string): string[] {
  let decoded = text;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    // Not percent-encoded after all: the names are taken as they are and will match nothing.
  }
  return decoded.split('/').filter((name) => name !== '');
}
