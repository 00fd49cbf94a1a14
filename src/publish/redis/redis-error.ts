/** A label for `redis_errors_total`: Redis's own error code ("OOM", "READONLY"), or the system's ("ECONNREFUSED"). */
export function errorKind(text: string): string {
  // Error codes are the first word, in capitals. Whatever else comes first is not made a label: labels must stay few.
  return /^[A-Z][A-Z]{1,24}(?= |$)/.exec(text)?.[0] ?? 'ERR';
}

export function connectionErrorKind(error: Error): string {
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)) return code;
  if (error.message.startsWith('Command timed out')) return 'timeout';
  return error.name === 'ReplyError' ? errorKind(error.message) : 'connection';
}

/** One line; a failure to reach a name with several addresses says so for each of them. */
export function errorText(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.map((each) => (each instanceof Error ? each.message : String(each))).join('; ');
  }
  return error.message === '' ? error.name : error.message;
}

/** The server knows us and says no: trying again at once would not help. */
export function isRefusal(kind: string): boolean {
  return kind === 'WRONGPASS' || kind === 'NOAUTH' || kind === 'NOPERM';
}
