package shm

import "math"

// rawRecord is a record's fixed part and its levels, copied while they may change, and what was noticed on the way. Not to
// be believed before the caller's check that the copy is whole.
type rawRecord struct {
	words              [fixedBytes / 8]uint64
	levels             []Level // of depth_max a side
	length             uint32
	kind               uint32
	bidCount, askCount uint32
	isImpossible       bool
	isChecksumWrong    bool
}

// copyFrom copies the record at offset, which reaches at most room bytes. Whatever the bytes are, nothing outside of the
// room is touched and no more than depth_max levels a side are taken.
func (r *rawRecord) copyFrom(m mapping, offset int, room int64, header *Header, verify bool) {
	first := m.word(offset)
	r.length, r.kind = uint32(first), uint32(first>>32)
	r.bidCount, r.askCount, r.isChecksumWrong = 0, 0, false
	r.isImpossible = r.length == 0 || r.length%64 != 0 || int64(r.length) > room
	if r.isImpossible || r.kind == typePadding {
		return
	}
	needed := uint32(statusBytes)
	if r.kind == typeBook || r.kind == typeTrade {
		needed = fixedBytes
	}
	if r.length < needed {
		r.isImpossible = true
		return
	}
	if verify && header.Flags&flagChecksums != 0 {
		r.isChecksumWrong = isChecksumWrong(m, offset, int(r.length))
	}
	m.copyWords(offset, r.words[:needed/8])
	if r.kind == typeBook {
		r.copyLevels(m, offset+fixedBytes, header.DepthMax)
	}
}

func (r *rawRecord) copyLevels(m mapping, offset int, depthMax uint32) {
	bids, asks := r.u32(64), r.u32(68)
	if bids > depthMax || asks > depthMax || bids+asks > (r.length-fixedBytes)/levelBytes {
		r.isImpossible = true
		return
	}
	r.bidCount, r.askCount = bids, asks
	levels := r.levels[:bids+asks]
	for i := range levels {
		levels[i].Price = math.Float64frombits(m.word(offset + i*levelBytes))
		levels[i].Quantity = math.Float64frombits(m.word(offset + i*levelBytes + 8))
	}
}

// check finds what a stable record cannot be.
func (r *rawRecord) check(header *Header) error {
	switch {
	case r.isImpossible:
		return corrupt("a record's length or counts are impossible")
	case r.isChecksumWrong:
		return corrupt("a record's checksum is wrong")
	case r.kind < typeBook || r.kind > typeStatus:
		return nil
	case r.symbolIndex() >= header.SymbolCount:
		return corrupt("a record's symbol_index is not in the directory")
	case r.kind != typeStatus && (r.u8(52) > scaleMax || r.u8(53) > scaleMax),
		r.kind == typeBook && r.u8(54) > scaleMax:
		return corrupt("a record's scale is above 12")
	}
	return nil
}

func (r *rawRecord) symbolIndex() uint32    { return r.u32(40) }
func (r *rawRecord) i64(offset int) int64   { return int64(r.words[offset/8]) }
func (r *rawRecord) f64(offset int) float64 { return math.Float64frombits(r.words[offset/8]) }
func (r *rawRecord) u32(offset int) uint32  { return uint32(r.words[offset/8] >> (offset % 8 * 8)) }
func (r *rawRecord) u8(offset int) uint8    { return uint8(r.words[offset/8] >> (offset % 8 * 8)) }
func (r *rawRecord) common() Common {
	return Common{r.i64(8), r.i64(16), r.i64(24), r.i64(32), r.symbolIndex()}
}

// book lends the levels: they change with the next record.
func (r *rawRecord) book(book *Book) {
	*book = Book{
		Common: r.common(), State: State(r.u8(48)), Reason: Reason(r.u8(49)), Source: r.u8(50),
		PriceScale: r.u8(52), QuantityScale: r.u8(53), LastPriceScale: r.u8(54), LastUpdateID: r.i64(56),
		LastPrice: r.f64(72), Volume24h: r.f64(80), High24h: r.f64(88), Low24h: r.f64(96),
		Bids: r.levels[:r.bidCount:r.bidCount],
		Asks: r.levels[r.bidCount : r.bidCount+r.askCount : r.bidCount+r.askCount],
	}
}

func (r *rawRecord) trade(trade *Trade) {
	*trade = Trade{
		Common: r.common(), IsBuyerMaker: r.u8(48) != 0, IsRefill: r.u8(49) != 0,
		PriceScale: r.u8(52), QuantityScale: r.u8(53), TradeID: r.i64(56),
		Price: r.f64(64), Quantity: r.f64(72), TradeTimeNs: r.i64(80),
	}
}

func (r *rawRecord) status(status *Status) {
	*status = Status{r.common(), State(r.u8(48)), Reason(r.u8(49)), r.i64(56)}
}

// isChecksumWrong is FNV-1a over the record's 32-bit words, the checksum's own left out.
func isChecksumWrong(m mapping, offset, length int) bool {
	hash, stored := uint32(0x811C9DC5), uint32(0)
	for index := 0; index < length/4; index++ {
		word := uint32(m.word(offset+index/2*8) >> (index % 2 * 32))
		if index == checksumWord {
			stored = word
		} else {
			hash = (hash ^ word) * 0x01000193
		}
	}
	return hash != stored
}
