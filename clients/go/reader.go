package shm

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

const (
	// Spin makes Wait poll without a pause: the lowest latency, one core.
	Spin time.Duration = 0
	// Forever makes Wait wait without end.
	Forever time.Duration = -1

	checkInterval          = 100 * time.Millisecond
	spinsBetweenClockReads = 1000
	retriesBetweenPauses   = 64
)

// Kind of an [Event].
type Kind uint8

// The kinds.
const (
	KindNone     Kind = iota // nothing new (Next), or the time is over (Wait)
	KindBook                 // Event.Book
	KindTrade                // Event.Trade
	KindStatus               // Event.Status
	KindLost                 // Event.LostBytes were overwritten before they were read; Latest has the present
	KindWriter               // the writer's life changed to Event.Writer; from Wait only
	KindReopened             // a restarted writer's region is attached: resolve symbol indexes anew; from Wait only
)

// Event is what a reader gives. Only the field that Kind names is set; a book's levels are lent until the next call.
type Event struct {
	Kind      Kind
	Book      Book
	Trade     Trade
	Status    Status
	LostBytes int64
	Writer    WriterState
}

// Reader reads one region. It never writes to it and takes no lock.
type Reader struct {
	// VerifyChecksums makes it check each record's checksum where the region has them.
	VerifyChecksums bool
	// SlotTimeout is how long Latest retries a half-written slot; 100 ms at first.
	SlotTimeout time.Duration

	path      string
	mapping   mapping
	identity  fileIdentity
	header    Header
	symbols   []string
	indexes   map[string]uint32
	ring      rawRecord
	slot      rawRecord
	cursor    int64
	liveness  liveness
	reported  WriterState
	nextCheck time.Time
}

// Open attaches to /dev/shm/<name>, or to a path when it has a slash. The reader stands at the ring's end: Next gives what
// comes next. Errors: NotFound, Permission, NotARegion, WrongVersion, Truncated, Corrupt, Unavailable.
func Open(nameOrPath string) (*Reader, error) {
	if nameOrPath == "" {
		return nil, &Error{NotFound, "the name is empty"}
	}
	path := nameOrPath
	if !strings.Contains(path, "/") {
		path = "/dev/shm/" + path
	}
	return attach(path)
}

func attach(path string) (*Reader, error) {
	mapping, header, identity, err := mapFile(path)
	if err != nil {
		return nil, err
	}
	r := &Reader{SlotTimeout: 100 * time.Millisecond, path: path, mapping: mapping, identity: identity, header: header}
	r.ring.levels = make([]Level, 2*header.DepthMax)
	r.slot.levels = make([]Level, 2*header.DepthMax)
	r.symbols = readDirectory(mapping, &header)
	r.indexes = make(map[string]uint32, len(r.symbols))
	for i := len(r.symbols) - 1; i >= 0; i-- {
		r.indexes[r.symbols[i]] = uint32(i)
	}
	r.cursor = mapping.load(offsetTail)
	return r, nil
}

func readDirectory(m mapping, header *Header) []string {
	symbols := make([]string, header.SymbolCount)
	for i := range symbols {
		start := directoryOffset + i*symbolBytes
		name, _, _ := strings.Cut(string(m.bytes[start:start+symbolBytes]), "\x00")
		symbols[i] = name
	}
	return symbols
}

// Close unmaps the region. May be called twice. Calls after it return Unavailable.
func (r *Reader) Close() {
	if r.mapping.bytes != nil {
		unmapFile(r.mapping)
		r.mapping = mapping{}
	}
}

// Header of the attached region.
func (r *Reader) Header() Header { return r.header }

// Symbols in the order of their indexes; not to be changed.
func (r *Reader) Symbols() []string { return r.symbols }

// Symbol is the name of a symbol, or "" for an index that is out of range.
func (r *Reader) Symbol(index uint32) string {
	if int(index) < len(r.symbols) {
		return r.symbols[index]
	}
	return ""
}

// SymbolIndex resolves a name. Error: UnknownSymbol.
func (r *Reader) SymbolIndex(symbol string) (uint32, error) {
	if index, ok := r.indexes[symbol]; ok {
		return index, nil
	}
	some := r.symbols[:min(4, len(r.symbols))]
	return 0, &Error{UnknownSymbol, fmt.Sprintf("no symbol %q; there are %s", symbol, strings.Join(some, ", "))}
}

// Latest fills book with the present of a symbol. Look at its State: only a live one has levels, which are lent until the
// next Latest. Errors: UnknownSymbol, SlotUnfinished, Corrupt, Unavailable.
func (r *Reader) Latest(symbol string, book *Book) error {
	index, err := r.SymbolIndex(symbol)
	if err != nil {
		return err
	}
	return r.LatestAt(index, book)
}

// LatestAt is Latest by symbol index.
func (r *Reader) LatestAt(index uint32, book *Book) error {
	if r.mapping.bytes == nil {
		return errClosed
	}
	if index >= r.header.SymbolCount {
		return &Error{UnknownSymbol, fmt.Sprintf("index %d is not in the directory", index)}
	}
	slot := int(r.header.SlotsOffset) + int(index)*int(r.header.SlotStride)
	room := int64(r.header.SlotStride) - slotRecord
	var deadline time.Time
	for attempt := 1; ; attempt++ {
		before := r.mapping.load(slot)
		if before%2 == 0 {
			r.slot.copyFrom(r.mapping, slot+slotRecord, room, &r.header, r.VerifyChecksums)
			if r.mapping.load(slot) == before {
				break
			}
		}
		if attempt%retriesBetweenPauses != 0 {
			continue
		}
		now := time.Now()
		if deadline.IsZero() {
			deadline = now.Add(r.SlotTimeout)
		} else if !now.Before(deadline) {
			return &Error{SlotUnfinished, "the writer stopped in the middle of a slot"}
		}
		runtime.Gosched()
	}
	if err := r.slot.check(&r.header); err != nil {
		return err
	}
	if r.slot.kind != typeBook || r.slot.symbolIndex() != index {
		return corrupt("a slot does not hold its symbol's book")
	}
	r.slot.book(book)
	return nil
}

var errClosed = &Error{Unavailable, "the reader is closed"}

// Next gives the next event of the ring, KindNone when there is nothing new; it never waits. After Corrupt the reader stays
// where it is: SeekTo moves on. Errors: Corrupt, Unavailable.
func (r *Reader) Next(event *Event) error {
	event.Kind = KindNone
	if r.mapping.bytes == nil {
		return errClosed
	}
	capacity := r.header.RingCapacity
	for {
		cursor, tail := r.cursor, r.mapping.load(offsetTail)
		if cursor == tail {
			return nil
		}
		if cursor > tail || tail%64 != 0 {
			return errTail
		}
		if tail-cursor > capacity {
			return r.takeLoss(event)
		}
		offset := cursor % capacity
		room := min(tail-cursor, capacity-offset)
		r.ring.copyFrom(r.mapping, int(r.header.RingOffset+offset), room, &r.header, r.VerifyChecksums)
		intent := r.mapping.load(offsetTailIntent)
		if intent > cursor && intent-cursor > capacity {
			return r.takeLoss(event)
		}
		if err := r.ring.check(&r.header); err != nil {
			return err
		}
		r.cursor = cursor + int64(r.ring.length)
		switch r.ring.kind {
		case typeBook:
			event.Kind = KindBook
			r.ring.book(&event.Book)
			return nil
		case typeTrade:
			event.Kind = KindTrade
			r.ring.trade(&event.Trade)
			return nil
		case typeStatus:
			event.Kind = KindStatus
			r.ring.status(&event.Status)
			return nil
		} // padding, or a type from the future: go on
	}
}

var errTail = corrupt("the ring's tail is impossible")

func (r *Reader) takeLoss(event *Event) error {
	tail := r.mapping.load(offsetTail)
	if tail < r.cursor || tail%64 != 0 {
		return errTail
	}
	event.Kind = KindLost
	event.LostBytes = tail - r.cursor
	r.cursor = tail
	return nil
}

// Wait gives the next event, polling with the given pause (Spin: none) for at most timeout (Forever: without end), after
// which Kind is KindNone. It also reports changes of the writer's life, and attaches to a restarted writer's region, whose
// records it then reads from the first. Errors: Corrupt, Unavailable, and those of Open when a new region cannot be
// attached: the reader then stays with the old one and tries again at the next call.
func (r *Reader) Wait(event *Event, pause, timeout time.Duration) error {
	var begin time.Time
	for {
		if err := r.Next(event); err != nil || event.Kind != KindNone {
			return err
		}
		now := time.Now()
		if begin.IsZero() {
			begin = now
		}
		if !now.Before(r.nextCheck) {
			if err := r.checkWriter(event); err != nil || event.Kind != KindNone {
				return err
			}
		}
		left := timeout - now.Sub(begin)
		if timeout >= 0 && left <= 0 {
			return nil
		}
		if pause <= 0 {
			r.spin()
		} else if timeout >= 0 {
			time.Sleep(min(pause, left))
		} else {
			time.Sleep(pause)
		}
	}
}

func (r *Reader) spin() {
	for i := 0; i < spinsBetweenClockReads && r.mapping.load(offsetTail) == r.cursor; i++ {
	}
}

// checkWriter looks at the writer once; fills the event when there is something to say.
func (r *Reader) checkWriter(event *Event) error {
	state := r.WriterState()
	if state != WriterLive {
		// What was written before the state changed comes first.
		if err := r.Next(event); err != nil || event.Kind != KindNone {
			return err
		}
	}
	if state != r.reported {
		r.reported = state
		event.Kind, event.Writer = KindWriter, state
		return nil
	}
	r.nextCheck = time.Now().Add(checkInterval)
	if state == WriterLive {
		return nil
	}
	reopened, err := r.Reopen()
	if reopened {
		event.Kind = KindReopened
	}
	return err
}

// WriterState tells whether the writer lives; a few loads. Wait looks every 100 ms when nothing comes.
func (r *Reader) WriterState() WriterState {
	if r.mapping.bytes == nil {
		return WriterSilent
	}
	state := uint32(r.mapping.word(offsetWriterState))
	return r.liveness.judge(state, r.mapping.load(offsetHeartbeat))
}

// Reopen attaches to the file that now stands under the name, if it is another one, and tells whether it did. A missing file
// is not an error. Errors are those of Open; the reader then stays with the old region.
func (r *Reader) Reopen() (bool, error) {
	if r.mapping.bytes == nil {
		return false, errClosed
	}
	info, err := os.Lstat(r.path)
	if err != nil || identityOf(info) == r.identity {
		return false, nil
	}
	fresh, err := attach(r.path)
	if documented, ok := err.(*Error); ok && documented.Code == NotFound {
		return false, nil // gone since the look at it
	}
	if err != nil {
		return false, err
	}
	fresh.VerifyChecksums, fresh.SlotTimeout = r.VerifyChecksums, r.SlotTimeout
	fresh.cursor = fresh.header.FirstPosition
	r.Close()
	*r = *fresh
	return true, nil
}

// Tail is up to where the writer has written, a position: a byte count that only grows.
func (r *Reader) Tail() int64 {
	if r.mapping.bytes == nil {
		return 0
	}
	return r.mapping.load(offsetTail)
}

// Position is where this reader stands.
func (r *Reader) Position() int64 { return r.cursor }

// SeekTo moves to a position: Tail() to go on with what comes next, Header().FirstPosition to read everything that is still
// there (what was overwritten is reported as lost). Error: Corrupt when it is negative or not a multiple of 64.
func (r *Reader) SeekTo(position int64) error {
	if position < 0 || position%64 != 0 {
		return corrupt("a position is a multiple of 64")
	}
	r.cursor = position
	return nil
}
