// The reader on the golden region and on damaged copies of it. Whatever the bytes are, each call must come back with data or
// a documented error. MARKET_DATA_SEED and MARKET_DATA_ROUNDS repeat or extend the random part. Every value is compared with
// the golden JSON, and a live writer is read, by scripts/test-clients.mjs.
package shm

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Where the golden ring's oldest whole record stands: start_position of the first of its JSON's reads.
const goldenStart = 4294962624

func golden(t *testing.T) []byte {
	t.Helper()
	bytes, err := os.ReadFile(filepath.Join("..", "golden", "v1.bin"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}

func scratchDirectory(t *testing.T) string {
	t.Helper()
	directory, err := os.MkdirTemp("/dev/shm", "market-data-go-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	return directory
}

func write(t *testing.T, path string, bytes []byte) string {
	t.Helper()
	if err := os.WriteFile(path, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openGolden(t *testing.T) (*Reader, string) {
	t.Helper()
	path := write(t, filepath.Join(scratchDirectory(t), "region"), golden(t))
	reader, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reader.Close)
	return reader, path
}

func expectCode(t *testing.T, what string, err error, code Code) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: got %v, want %v", what, err, code)
	}
}

func codeOfOpeningBytes(t *testing.T, path string, bytes []byte) error {
	reader, err := Open(write(t, path, bytes))
	if err == nil {
		reader.Close()
	}
	return err
}

func TestGoldenRegionReadsWithoutAnError(t *testing.T) {
	reader, _ := openGolden(t)
	reader.VerifyChecksums = true
	var event Event
	if err := reader.Next(&event); err != nil || event.Kind != KindNone {
		t.Errorf("a fresh reader stands at the end: %v %v", event.Kind, err)
	}
	for i, symbol := range reader.Symbols() {
		var book Book
		if err := reader.Latest(symbol, &book); err != nil || book.SymbolIndex != uint32(i) {
			t.Errorf("slot of %s: %v, index %d", symbol, err, book.SymbolIndex)
		}
		if clone := book.Clone(); len(clone.Bids) != len(book.Bids) || len(clone.Asks) != len(book.Asks) {
			t.Errorf("a clone of %s has other levels", symbol)
		}
	}
	if err := reader.SeekTo(goldenStart); err != nil {
		t.Fatal(err)
	}
	for sequence := int64(6); sequence <= 36; sequence++ {
		if sequence == 28 { // of an unknown type
			continue
		}
		if err := reader.Next(&event); err != nil {
			t.Fatal(err)
		}
		got := map[Kind]int64{KindBook: event.Book.Sequence, KindTrade: event.Trade.Sequence, KindStatus: event.Status.Sequence}[event.Kind]
		if got != sequence {
			t.Fatalf("sequence %d, want %d", got, sequence)
		}
	}
	if reader.Position() != reader.Tail() {
		t.Errorf("reading ends at %d, the tail is %d", reader.Position(), reader.Tail())
	}
	first := reader.Header().FirstPosition
	_ = reader.SeekTo(first)
	if err := reader.Next(&event); err != nil || event.Kind != KindLost || event.LostBytes != reader.Tail()-first {
		t.Errorf("the first record is long gone: %v %d %v", event.Kind, event.LostBytes, err)
	}
}

func TestWrongArgumentsAreDocumentedErrors(t *testing.T) {
	reader, _ := openGolden(t)
	var book Book
	var event Event
	expectCode(t, "unknown symbol", reader.Latest("NO_SUCH", &book), UnknownSymbol)
	expectCode(t, "index out of range", reader.LatestAt(math.MaxUint32, &book), UnknownSymbol)
	expectCode(t, "unaligned position", reader.SeekTo(7), Corrupt)
	expectCode(t, "negative position", reader.SeekTo(-64), Corrupt)
	reader.Close()
	reader.Close()
	expectCode(t, "next after close", reader.Next(&event), Unavailable)
	expectCode(t, "wait after close", reader.Wait(&event, Spin, Forever), Unavailable)
	expectCode(t, "latest after close", reader.LatestAt(0, &book), Unavailable)
	_, err := reader.Reopen()
	expectCode(t, "reopen after close", err, Unavailable)
	if reader.Tail() != 0 || reader.WriterState() != WriterSilent {
		t.Error("a closed reader has a tail or a live writer")
	}
}

func TestFilesThatAreNoRegionsAreRefused(t *testing.T) {
	bytes, directory := golden(t), scratchDirectory(t)
	region := filepath.Join(directory, "region")
	open := func(path string) error { _, err := Open(path); return err }
	expectCode(t, "missing", open(filepath.Join(directory, "missing")), NotFound)
	expectCode(t, "below a file", open(write(t, region, bytes)+"/x"), NotFound)
	expectCode(t, "empty name", open(""), NotFound)
	expectCode(t, "directory", open(directory), NotARegion)
	link := filepath.Join(directory, "link")
	if err := os.Symlink(region, link); err != nil {
		t.Fatal(err)
	}
	expectCode(t, "symbolic link", open(link), NotARegion)
	if os.Geteuid() != 0 {
		locked := write(t, filepath.Join(directory, "locked"), bytes)
		_ = os.Chmod(locked, 0)
		expectCode(t, "no permission", open(locked), Permission)
	}
	for length, code := range map[int]Code{0: NotARegion, 511: NotARegion, 512: Truncated, len(bytes) - 1: Truncated} {
		expectCode(t, "cut to "+strconv.Itoa(length), codeOfOpeningBytes(t, region, bytes[:length]), code)
	}
}

func TestImpossibleHeadersAreRefused(t *testing.T) {
	clean, path := golden(t), filepath.Join(scratchDirectory(t), "region")
	with := func(offset int, value uint64, width int) error {
		bytes := append([]byte(nil), clean...)
		var field [8]byte
		binary.LittleEndian.PutUint64(field[:], value)
		copy(bytes[offset:], field[:width])
		return codeOfOpeningBytes(t, path, bytes)
	}
	expectCode(t, "magic", with(0, '!', 1), NotARegion)
	expectCode(t, "version", with(8, 2, 4), WrongVersion)
	expectCode(t, "total above the file's size", with(16, 1<<60, 8), Truncated)
	expectCode(t, "negative total", with(16, math.MaxUint64, 8), Corrupt)
	for _, offset := range []int{44, 48, 52} {
		for _, value := range []uint64{0, math.MaxUint32} {
			expectCode(t, "u32 at "+strconv.Itoa(offset), with(offset, value, 4), Corrupt)
		}
	}
	for _, offset := range []int{56, 64, 72, 80, 88} {
		for _, value := range []uint64{1, 1 << 63, math.MaxInt64 - 63, math.MaxUint64 - 63} {
			expectCode(t, "i64 at "+strconv.Itoa(offset), with(offset, value, 8), Corrupt)
		}
	}
}

// readEverything reads all that a reader can.
func readEverything(t *testing.T, reader *Reader, eventsMax int) {
	t.Helper()
	var book Book
	var event Event
	depthMax := int(reader.Header().DepthMax)
	for index := uint32(0); index < min(reader.Header().SymbolCount, 64); index++ {
		if err := reader.LatestAt(index, &book); err != nil {
			if !errors.Is(err, Corrupt) && !errors.Is(err, SlotUnfinished) {
				t.Fatal(err)
			}
		} else if len(book.Bids) > depthMax || len(book.Asks) > depthMax {
			t.Fatalf("%d bids, %d asks", len(book.Bids), len(book.Asks))
		}
	}
	_ = reader.SeekTo(goldenStart)
	for i := 0; i < eventsMax; i++ {
		if err := reader.Next(&event); err != nil {
			if !errors.Is(err, Corrupt) {
				t.Fatal(err)
			}
			break
		}
		if event.Kind == KindNone {
			break
		}
	}
	reader.WriterState()
}

func environment(name string, otherwise int64) int64 {
	if value, err := strconv.ParseInt(os.Getenv(name), 10, 64); err == nil {
		return value
	}
	return otherwise
}

func damage(bytes []byte, random *rand.Rand) {
	values := []uint64{0, 1, 64, 128, 512, math.MaxUint32, 1 << 53, math.MaxInt64, 1 << 63, math.MaxUint64}
	limit := len(bytes) - 8
	if random.Intn(3) == 0 {
		limit = headerBytes - 8
	}
	offset := random.Intn(limit)
	if random.Intn(2) == 0 {
		offset &^= 7
	}
	value := random.Uint64()
	if random.Intn(2) == 0 {
		value = values[random.Intn(len(values))]
	}
	var field [8]byte
	binary.LittleEndian.PutUint64(field[:], value)
	copy(bytes[offset:], field[:1<<random.Intn(4)])
}

func TestRandomDamageGivesDataOrDocumentedErrors(t *testing.T) {
	seed := environment("MARKET_DATA_SEED", time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random, clean := rand.New(rand.NewSource(seed)), golden(t)
	path, opened := filepath.Join(scratchDirectory(t), "region"), 0
	for round := int64(0); round < environment("MARKET_DATA_ROUNDS", 5000); round++ {
		bytes := append([]byte(nil), clean...)
		if random.Intn(20) == 0 {
			random.Read(bytes[128:])
		}
		for count := random.Intn(8); count >= 0; count-- {
			damage(bytes, random)
		}
		if random.Intn(20) == 0 {
			bytes = bytes[:random.Intn(len(bytes))]
		}
		reader, err := Open(write(t, path, bytes))
		if err != nil {
			var documented *Error
			if !errors.As(err, &documented) {
				t.Fatalf("seed %d round %d: %v", seed, round, err)
			}
			continue
		}
		opened++
		reader.SlotTimeout, reader.VerifyChecksums = 0, round%2 == 0
		readEverything(t, reader, 100_000)
		reader.Close()
	}
	if opened == 0 {
		t.Error("no damaged region opened")
	}
}

func TestReadingGoesOnWhileAnotherScribblesOverTheRegion(t *testing.T) {
	reader, path := openGolden(t)
	reader.SlotTimeout = 100 * time.Microsecond
	size := len(golden(t))
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer file.Close()
		random := rand.New(rand.NewSource(1))
		for {
			select {
			case <-done:
				return
			default:
			}
			value := random.Uint64()
			if random.Intn(4) == 0 {
				value = uint64(random.Intn(8) * 64)
			}
			var field [8]byte
			binary.LittleEndian.PutUint64(field[:], value)
			_, _ = file.WriteAt(field[:], int64(128+random.Intn(size-136)/8*8))
		}
	}()
	defer func() { close(done); <-ended }()
	for deadline := time.Now().Add(500 * time.Millisecond); time.Now().Before(deadline); {
		readEverything(t, reader, 1000)
	}
}

func TestRegionThatReplacesAnotherIsAttached(t *testing.T) {
	reader, path := openGolden(t)
	replaceWith := func(bytes []byte) {
		if err := os.Rename(write(t, path+".new", bytes), path); err != nil {
			t.Fatal(err)
		}
	}
	if reopened, err := reader.Reopen(); reopened || err != nil {
		t.Fatalf("nothing changed: %v %v", reopened, err)
	}
	successor := golden(t)
	binary.LittleEndian.PutUint64(successor[24:], 77)
	replaceWith(successor)
	// The golden writer's heartbeat stands still, so the first thing to hear is that it is silent.
	var event Event
	for event.Kind != KindReopened {
		if err := reader.Wait(&event, time.Millisecond, 5*time.Second); err != nil || event.Kind == KindNone {
			t.Fatalf("%v %v", event.Kind, err)
		}
	}
	if header := reader.Header(); header.Generation != 77 || reader.Position() != header.FirstPosition {
		t.Errorf("generation %d, position %d", header.Generation, reader.Position())
	}
	replaceWith([]byte("not a region"))
	_, err := reader.Reopen()
	expectCode(t, "replaced by garbage", err, NotARegion)
	if reader.Header().Generation != 77 {
		t.Error("the old region does not stay attached")
	}
	os.Remove(path)
	if reopened, err := reader.Reopen(); reopened || err != nil {
		t.Errorf("a missing file is no error: %v %v", reopened, err)
	}
}
