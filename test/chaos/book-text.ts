/**
 * A book as text that can be compared: `[[61800.2,2.909],[61800.1,0.696]]|[[61800.3,1.104]]`, bids best first, then asks, every number in its
 * shortest form. The same text is cut out of a published document, out of a line of the truth file, and formed from a
 * shared-memory record; none of the three goes through a parser of the service.
 */
export function bookTextOfJson(json: string): string | undefined {
  const bids = json.indexOf('"bids":');
  const asks = json.indexOf(',"asks":', bids);
  if (bids < 0 || asks < 0) return undefined;
  const end = endOfList(json, asks + 8);
  const text = `${json.slice(bids + 7, asks)}|${json.slice(asks + 8, end)}`;
  return text.includes('"') ? text.replaceAll('"', '') : text;
}

function endOfList(json: string, from: number): number {
  if (json.startsWith('[]', from)) return from + 2;
  return json.indexOf(']]', from) + 2;
}

/** Decimal text of a mantissa without trailing zeros: (6180020, 2) is "61800.2". */
export function shortestDecimal(mantissa: number, scale: number): string {
  if (scale === 0) return String(mantissa);
  const digits = String(mantissa).padStart(scale + 1, '0');
  const point = digits.length - scale;
  let end = digits.length;
  while (end > point && digits.charCodeAt(end - 1) === 48) end--;
  return end === point ? digits.slice(0, point) : `${digits.slice(0, point)}.${digits.slice(point, end)}`;
}

/** @param levels price and quantity mantissas in turn: all bids, then all asks */
export function bookTextOfLevels(
  levels: Float64Array,
  bidCount: number,
  askCount: number,
  priceScale: number,
  quantityScale: number,
): string {
  const side = (from: number, count: number): string => {
    let text = '[';
    for (let level = from; level < from + count; level++) {
      const price = shortestDecimal(levels[2 * level]!, priceScale);
      const quantity = shortestDecimal(levels[2 * level + 1]!, quantityScale);
      text += `${level === from ? '' : ','}[${price},${quantity}]`;
    }
    return `${text}]`;
  };
  return `${side(0, bidCount)}|${side(bidCount, askCount)}`;
}

export type BookVerdict = 'equal' | 'shorter' | 'wrong';

/** `shorter`: the same levels from the best on, but fewer of them: what lies beyond a snapshot's horizon is not published. */
export function compareBooks(published: string, truth: string): BookVerdict {
  if (published === truth) return 'equal';
  const mine = published.split('|');
  const theirs = truth.split('|');
  return mine.length === 2 && isPrefix(mine[0]!, theirs[0]!) && isPrefix(mine[1]!, theirs[1]!) ? 'shorter' : 'wrong';
}

function isPrefix(side: string, whole: string): boolean {
  if (side === whole) return true;
  return side.length > 2 && whole.startsWith(`${side.slice(0, -1)},`);
}

/** Best bid not below best ask, or a side without levels. */
export function isCrossedOrEmpty(text: string): boolean {
  const [bids, asks] = text.split('|') as [string, string];
  if (bids === '[]' || asks === '[]') return true;
  const bestBid = Number(bids.slice(2, bids.indexOf(',')));
  const bestAsk = Number(asks.slice(2, asks.indexOf(',')));
  return !(bestBid < bestAsk);
}
