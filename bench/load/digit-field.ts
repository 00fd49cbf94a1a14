/** A number in a frame that is rewritten in place, digit for digit. */
export class DigitField {
  readonly kind: 'update_id' | 'trade_id' | 'time';
  /** Position of the first digit, and how many there are. */
  readonly at: number;
  readonly width: number;
  readonly value: number;
  /** By how much it grows from one round to the next. */
  perRound = 0;

  /** @throws Error when the frame has no such field */
  static find(text: string, name: string, kind: DigitField['kind']): DigitField {
    const match = new RegExp(`"${name}":(\\d+)`).exec(text);
    if (match === null) throw new Error(`no field ${name} in ${text.slice(0, 120)}`);
    return new DigitField(kind, match.index + match[0].length - match[1]!.length, match[1]!);
  }

  private constructor(kind: DigitField['kind'], at: number, digits: string) {
    this.kind = kind;
    this.at = at;
    this.width = digits.length;
    this.value = Number(digits);
  }
}

const UPPER = 10_000_000;

/** In two halves, because remainders of small integers are cheap. */
export function writeDigits(target: Uint8Array, at: number, value: number, width: number): void {
  let upper = Math.floor(value / UPPER);
  let lower = value - upper * UPPER;
  let position = at + width - 1;
  const middle = Math.max(at, position - 6);
  for (; position >= middle; position--) {
    const next = (lower / 10) | 0;
    target[position] = 48 + lower - next * 10;
    lower = next;
  }
  for (; position >= at; position--) {
    const next = (upper / 10) | 0;
    target[position] = 48 + upper - next * 10;
    upper = next;
  }
}
