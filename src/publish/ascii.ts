/**
 * Constant ASCII texts, kept as 32-bit words: a text of 20 bytes is five stores. The last word may store up to three bytes
 * more than the text has; whatever is written next overwrites them. Targets need {@link TEXT_SURPLUS_BYTES} free bytes.
 */
export interface Text {
  readonly words: Int32Array;
  readonly length: number;
}

export const TEXT_SURPLUS_BYTES = 3;

export function textOf(value: string): Text {
  const bytes = Buffer.from(value, 'utf8');
  const view = new DataView(new ArrayBuffer(Math.ceil(bytes.length / 4) * 4));
  for (let index = 0; index < bytes.length; index++) view.setUint8(index, bytes[index]!);
  const words = Int32Array.from({ length: view.byteLength / 4 }, (_, index) => view.getInt32(index * 4, true));
  return { words, length: bytes.length };
}

/** Returns the position behind the text. */
export function writeText(target: DataView, at: number, text: Text): number {
  const { words } = text;
  for (let index = 0; index < words.length; index++) target.setInt32(at + index * 4, words[index]!, true);
  return at + text.length;
}
