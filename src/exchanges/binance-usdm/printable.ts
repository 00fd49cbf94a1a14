const TEXT_MAX = 64;

/** At most 64 bytes of a frame as text that is safe to log: whatever is not printable ASCII becomes "?". */
export function printable(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  const stop = Math.min(end, start + TEXT_MAX);
  for (let at = start; at < stop; at++) {
    const byte = bytes[at]!;
    text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '?';
  }
  return stop < end ? `${text}...` : text;
}
