import type { RestStatus } from '../exchange.ts';

/** A 429 without `Retry-After`: weights are counted per clock minute. */
const LIMITED_RETRY_MS = 60_000;
/** A 418 without it: bans begin at two minutes and last three days at most. */
const BANNED_RETRY_MS = 120_000;
const RETRY_MS_MAX = 3 * 24 * 3600 * 1000;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What an answer's status code and headers mean on this venue (REST documentation, "LIMITS" and "HTTP return codes"). */
export function readRestStatus(statusCode: number, headers: Headers): RestStatus {
  const usedWeight = usedWeightOf(headers);
  const retryAfterMs = retryAfterMsOf(headers);
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'ok', retryAfterMs: 0, usedWeight };
  switch (statusCode) {
    case 429:
      return { outcome: 'limited', retryAfterMs: retryAfterMs ?? LIMITED_RETRY_MS, usedWeight };
    case 418:
      return { outcome: 'limited', retryAfterMs: retryAfterMs ?? BANNED_RETRY_MS, usedWeight };
    case 403:
    case 451:
      return { outcome: 'refused', retryAfterMs: retryAfterMs ?? 0, usedWeight };
    default:
      return { outcome: 'failed', retryAfterMs: retryAfterMs ?? 0, usedWeight };
  }
}

function usedWeightOf(headers: Headers): number {
  const text = header(headers, 'x-mbx-used-weight-1m');
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : -1;
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3). */
function retryAfterMsOf(headers: Headers): number | undefined {
  const text = header(headers, 'retry-after');
  if (text === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Math.ceil(Number(text) * 1000) : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), RETRY_MS_MAX);
}

function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value)?.trim();
}
