package shm

import "strconv"

// Level is a price level: whole numbers (mantissas) at the book's scales.
type Level struct {
	Price    float64
	Quantity float64
}

var powers = [scaleMax + 1]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

// Value is mantissa / 10^scale: the double nearest to the decimal, equal to what parsing the exchange's text gives.
func Value(mantissa float64, scale uint8) float64 {
	if scale > scaleMax {
		scale = scaleMax
	}
	return mantissa / powers[scale]
}

// State of a symbol's book. Codes beyond these may come in the future: treat them as not live.
type State uint8

// The states.
const (
	Syncing   State = 0 // no book yet; a snapshot is awaited
	Live      State = 1 // built from a snapshot and an unbroken chain of updates
	Stale     State = 2 // its stream is silent or its connection is down
	Resyncing State = 3 // the chain broke; a new snapshot is awaited
)

var stateNames = []string{"syncing", "live", "stale", "resyncing"}

func (s State) String() string { return nameOf(stateNames, uint8(s)) }

// Reason tells why a symbol's state changed.
type Reason uint8

var reasonNames = []string{
	"start", "snapshot_bridged", "chain_continued", "partial_depth", "depth_mode", "gap", "crossed_book", "empty_book",
	"audit_mismatch", "horizon", "scale_change", "buffer_overflow", "disconnected", "silent_stream", "not_trading",
	"update_ids_reset", "shutdown",
}

func (r Reason) String() string { return nameOf(reasonNames, uint8(r)) }

func nameOf(names []string, code uint8) string {
	if int(code) < len(names) {
		return names[code]
	}
	return "unknown(" + strconv.Itoa(int(code)) + ")"
}

// Common is what all records have. Times are ns since the Unix epoch, 0 when absent.
type Common struct {
	Sequence       int64 // 1 for the region's first record, one more with each
	PublishTimeNs  int64 // when the writer wrote it
	ReceiveTimeNs  int64 // when the frame behind it was read from the exchange's socket; of a status: when it happened
	ExchangeTimeNs int64 // the exchange's event time
	SymbolIndex    uint32
}

// Book is the whole top of a book after one update. Prices, quantities and statistics are mantissas; statistics are NaN
// while unknown.
type Book struct {
	Common
	State          State // always Live in the ring; a slot that is not live has no levels
	Reason         Reason
	Source         uint8 // 0: diffs on a snapshot; 1: the exchange's own partial-depth frames
	PriceScale     uint8 // of level prices, High24h and Low24h
	QuantityScale  uint8 // of level quantities and Volume24h
	LastPriceScale uint8
	LastUpdateID   int64 // -1 when there was none yet
	LastPrice      float64
	Volume24h      float64
	High24h        float64
	Low24h         float64
	Bids           []Level // best (highest) first
	Asks           []Level // best (lowest) first
}

// Price is the value of a level's price, of High24h or of Low24h.
func (b *Book) Price(mantissa float64) float64 { return Value(mantissa, b.PriceScale) }

// Quantity is the value of a level's quantity or of Volume24h.
func (b *Book) Quantity(mantissa float64) float64 { return Value(mantissa, b.QuantityScale) }

// LastPriceValue is the value of LastPrice.
func (b *Book) LastPriceValue() float64 { return Value(b.LastPrice, b.LastPriceScale) }

// Clone copies a book with its levels, to keep it beyond the next call of the reader.
func (b *Book) Clone() Book {
	clone := *b
	clone.Bids = append([]Level(nil), b.Bids...)
	clone.Asks = append([]Level(nil), b.Asks...)
	return clone
}

// Trade is a trade; Price and Quantity are mantissas.
type Trade struct {
	Common
	IsBuyerMaker  bool // true: a sell order hit a bid
	IsRefill      bool // true: it came late, to fill a gap
	PriceScale    uint8
	QuantityScale uint8
	TradeID       int64
	Price         float64
	Quantity      float64
	TradeTimeNs   int64
}

// PriceValue is the price as a number.
func (t *Trade) PriceValue() float64 { return Value(t.Price, t.PriceScale) }

// QuantityValue is the quantity as a number.
func (t *Trade) QuantityValue() float64 { return Value(t.Quantity, t.QuantityScale) }

// Status is a change of a symbol's state.
type Status struct {
	Common
	State        State
	Reason       Reason
	LastUpdateID int64 // of the last applied update; -1 when there was none
}
