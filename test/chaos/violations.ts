/** What must never happen. Each kind is counted, the first of each are kept with their details. */
export type ViolationKind =
  | 'wrong_book'
  | 'unknown_update_id'
  | 'crossed_book'
  | 'book_while_not_live'
  | 'book_order'
  | 'wrong_trade'
  | 'doubled_trade'
  | 'trade_order'
  | 'lost_trade_unreported'
  | 'status_not_published'
  | 'live_while_silent'
  | 'slow_recovery'
  | 'not_ready'
  | 'stale_key'
  | 'resync_in_rotation'
  | 'service_ended'
  | 'unclean_exit'
  | 'witness_overrun';

const DETAILS_PER_KIND = 5;

export class Violations {
  readonly counts = new Map<ViolationKind, number>();
  readonly details: string[] = [];

  add(kind: ViolationKind, detail: string): void {
    const count = (this.counts.get(kind) ?? 0) + 1;
    this.counts.set(kind, count);
    if (count <= DETAILS_PER_KIND) this.details.push(`${kind}: ${detail}`);
  }

  get total(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }
}
