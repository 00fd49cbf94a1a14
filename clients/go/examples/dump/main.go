// Prints a region as JSON lines: header, latest slots, then the ring's events. The readers of all languages have this
// program with the same output, so that they can be compared line by line.
//
//	dump [--verify] [--slot-timeout-ms N] [--from POSITION] FILE...   what is there now, of each file
//	dump [--verify] --follow NAME                                     everything from the first record until the writer closes
//	dump [--verify] --summary NAME                                    only counts, until the writer closes or 3 s pass without an event
//
// 64-bit integers are JSON strings; NaN is null. Exit code 0; 1 when following ended with an error.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	shm "market-data/shm"
)

var out = bufio.NewWriterSize(os.Stdout, 1<<16)

func text(text string) string {
	var quoted strings.Builder
	quoted.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case b == '"' || b == '\\':
			quoted.WriteByte('\\')
			quoted.WriteByte(b)
		case b < 0x20:
			fmt.Fprintf(&quoted, "\\u%04x", b)
		default:
			quoted.WriteByte(b)
		}
	}
	quoted.WriteByte('"')
	return quoted.String()
}

func number(value float64) string {
	switch {
	case math.IsNaN(value):
		return "null"
	case math.IsInf(value, 1):
		return `"inf"`
	case math.IsInf(value, -1):
		return `"-inf"`
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}

func levels(levels []shm.Level) string {
	pairs := make([]string, len(levels))
	for i, level := range levels {
		pairs[i] = "[" + number(level.Price) + "," + number(level.Quantity) + "]"
	}
	return "[" + strings.Join(pairs, ",") + "]"
}

// top gives values at the record's scales, as a consumer computes them.
func top(book *shm.Book, levels []shm.Level) string {
	if len(levels) == 0 {
		return "null"
	}
	return "[" + number(book.Price(levels[0].Price)) + "," + number(book.Quantity(levels[0].Quantity)) + "]"
}

func common(kind string, c *shm.Common) string {
	return fmt.Sprintf(`"type":"%s","sequence":"%d","publish_time_ns":"%d","receive_time_ns":"%d","exchange_time_ns":"%d","symbol_index":%d`,
		kind, c.Sequence, c.PublishTimeNs, c.ReceiveTimeNs, c.ExchangeTimeNs, c.SymbolIndex)
}

func source(code uint8) string {
	switch code {
	case 0:
		return "diff"
	case 1:
		return "partial"
	}
	return fmt.Sprintf("unknown(%d)", code)
}

func bookJSON(b *shm.Book) string {
	return fmt.Sprintf(`{%s,"state":"%v","reason":"%v","source":"%s","price_scale":%d,"quantity_scale":%d,"last_price_scale":%d,`+
		`"last_update_id":"%d","last_price":%s,"volume_24h":%s,"high_24h":%s,"low_24h":%s,"bids":%s,"asks":%s,`+
		`"last_price_value":%s,"best_bid":%s,"best_ask":%s}`,
		common("book", &b.Common), b.State, b.Reason, source(b.Source), b.PriceScale, b.QuantityScale, b.LastPriceScale,
		b.LastUpdateID, number(b.LastPrice), number(b.Volume24h), number(b.High24h), number(b.Low24h), levels(b.Bids), levels(b.Asks),
		number(b.LastPriceValue()), top(b, b.Bids), top(b, b.Asks))
}

func tradeJSON(t *shm.Trade) string {
	return fmt.Sprintf(`{%s,"is_buyer_maker":%t,"is_refill":%t,"price_scale":%d,"quantity_scale":%d,"trade_id":"%d","price":%s,`+
		`"quantity":%s,"trade_time_ns":"%d","price_value":%s,"quantity_value":%s}`,
		common("trade", &t.Common), t.IsBuyerMaker, t.IsRefill, t.PriceScale, t.QuantityScale, t.TradeID, number(t.Price),
		number(t.Quantity), t.TradeTimeNs, number(t.PriceValue()), number(t.QuantityValue()))
}

func statusJSON(s *shm.Status) string {
	return fmt.Sprintf(`{%s,"state":"%v","reason":"%v","last_update_id":"%d"}`, common("status", &s.Common), s.State, s.Reason, s.LastUpdateID)
}

func headerJSON(key string, reader *shm.Reader) string {
	h := reader.Header()
	symbols := make([]string, len(reader.Symbols()))
	for i, symbol := range reader.Symbols() {
		symbols[i] = text(symbol)
	}
	return fmt.Sprintf(`{"%s":{"layout_version":%d,"flags":%d,"total_bytes":"%d","generation":"%d","start_time_ns":"%d","writer_pid":%d,`+
		`"symbol_count":%d,"depth_max":%d,"slot_stride":%d,"first_position":"%d","directory_offset":"%d","slots_offset":"%d",`+
		`"ring_offset":"%d","ring_capacity":"%d"},"symbols":[%s]}`,
		key, h.LayoutVersion, h.Flags, h.TotalBytes, h.Generation, h.StartTimeNs, h.WriterPid, h.SymbolCount, h.DepthMax, h.SlotStride,
		h.FirstPosition, h.DirectoryOffset, h.SlotsOffset, h.RingOffset, h.RingCapacity, strings.Join(symbols, ","))
}

func errorJSON(err error, at string) string {
	var documented *shm.Error
	if errors.As(err, &documented) {
		return fmt.Sprintf(`{"error":"%s","at":"%s"}`, documented.Code, at)
	}
	return fmt.Sprintf(`{"error":%s,"at":"%s"}`, text(err.Error()), at)
}

func eventJSON(event *shm.Event, reader *shm.Reader) string {
	switch event.Kind {
	case shm.KindBook:
		return bookJSON(&event.Book)
	case shm.KindTrade:
		return tradeJSON(&event.Trade)
	case shm.KindStatus:
		return statusJSON(&event.Status)
	case shm.KindLost:
		return fmt.Sprintf(`{"lost":"%d"}`, event.LostBytes)
	case shm.KindWriter:
		return fmt.Sprintf(`{"writer":"%v"}`, event.Writer)
	default:
		return headerJSON("reopened", reader)
	}
}

func printSlots(reader *shm.Reader) {
	var book shm.Book
	for index := uint32(0); index < reader.Header().SymbolCount; index++ {
		if err := reader.LatestAt(index, &book); err != nil {
			fmt.Fprintln(out, errorJSON(err, "latest"))
		} else {
			fmt.Fprintf(out, "{\"slot\":%d,\"record\":%s}\n", index, bookJSON(&book))
		}
	}
}

func printRing(reader *shm.Reader) {
	var event shm.Event
	for {
		if err := reader.Next(&event); err != nil {
			fmt.Fprintln(out, errorJSON(err, "next"))
			return
		}
		if event.Kind == shm.KindNone {
			break
		}
		fmt.Fprintln(out, eventJSON(&event, reader))
	}
	fmt.Fprintf(out, "{\"end\":\"%d\",\"liveness\":\"%v\"}\n", reader.Position(), reader.WriterState())
}

func follow(reader *shm.Reader) bool {
	var event shm.Event
	for {
		err := reader.Wait(&event, 200*time.Microsecond, time.Minute)
		if err == nil && event.Kind == shm.KindNone {
			err = errors.New("nothing for a minute")
		}
		if err != nil {
			fmt.Fprintln(out, errorJSON(err, "wait"))
			return false
		}
		fmt.Fprintln(out, eventJSON(&event, reader))
		out.Flush()
		if event.Kind == shm.KindWriter && event.Writer == shm.WriterClosed {
			printSlots(reader)
			return true
		}
	}
}

// counts of a summary. unexplained: records that are missing without a loss before them.
type counts struct {
	records, lastSequence, lostRecords, lostBytes, unexplained, disordered, slots, unfinished int64

	hasLost bool
}

func (c *counts) count(sequence int64) {
	switch {
	case sequence <= c.lastSequence:
		c.disordered++
	case sequence != c.lastSequence+1 && !c.hasLost:
		c.unexplained++
	default:
		c.lostRecords += sequence - c.lastSequence - 1
	}
	c.lastSequence = sequence
	c.hasLost = false
	c.records++
}

func (c *counts) json(position int64, writer shm.WriterState) string {
	return fmt.Sprintf(`{"records":%d,"last_sequence":%d,"lost_records":%d,"lost_bytes":%d,"unexplained":%d,"disordered":%d,`+
		`"slots":%d,"unfinished":%d,"position":%d,"writer":"%v"}`,
		c.records, c.lastSequence, c.lostRecords, c.lostBytes, c.unexplained, c.disordered, c.slots, c.unfinished, position, writer)
}

// summarize reads everything, and a slot now and then and after each loss, and counts.
func summarize(reader *shm.Reader) (string, error) {
	var c counts
	var event shm.Event
	var slot shm.Book
	var writer shm.WriterState
	for {
		if err := reader.Wait(&event, 200*time.Microsecond, 3*time.Second); err != nil {
			return "", err
		}
		switch event.Kind {
		case shm.KindBook:
			c.count(event.Book.Sequence)
		case shm.KindTrade:
			c.count(event.Trade.Sequence)
		case shm.KindStatus:
			c.count(event.Status.Sequence)
		case shm.KindLost:
			c.lostBytes += event.LostBytes
			c.hasLost = true
		case shm.KindWriter:
			writer = event.Writer
		}
		if writer == shm.WriterClosed || event.Kind == shm.KindNone {
			return c.json(reader.Position(), writer), nil
		}
		if c.hasLost || c.records%64 == 0 {
			err := reader.LatestAt(uint32(c.slots%int64(reader.Header().SymbolCount)), &slot)
			if errors.Is(err, shm.SlotUnfinished) {
				c.unfinished++
			} else if err != nil {
				return "", err
			} else {
				c.slots++
			}
		}
	}
}

func printSummary(reader *shm.Reader) bool {
	line, err := summarize(reader)
	if err != nil {
		line = errorJSON(err, "wait")
	}
	fmt.Fprintln(out, line)
	return err == nil
}

func integer(text string) int64 {
	value, _ := strconv.ParseInt(text, 10, 64)
	return value
}

func main() {
	isSummary := false
	verify, isFollowing, from, slotTimeout := false, false, int64(-1), 100*time.Millisecond
	isFine := true
	for i := 1; i < len(os.Args); i++ {
		switch argument := os.Args[i]; {
		case argument == "--verify":
			verify = true
		case argument == "--follow":
			isFollowing = true
		case argument == "--summary":
			isFollowing, isSummary = true, true
		case argument == "--from" && i+1 < len(os.Args):
			i++
			from = integer(os.Args[i])
		case argument == "--slot-timeout-ms" && i+1 < len(os.Args):
			i++
			slotTimeout = time.Duration(integer(os.Args[i])) * time.Millisecond
		default:
			reader, err := shm.Open(argument)
			if err != nil {
				fmt.Fprintln(out, errorJSON(err, "open"))
				isFine = isFine && !isFollowing
				continue
			}
			reader.VerifyChecksums, reader.SlotTimeout = verify, slotTimeout
			if !isSummary {
				fmt.Fprintln(out, headerJSON("header", reader))
				out.Flush()
			}
			start := from
			if start < 0 {
				start = reader.Header().FirstPosition
			}
			if err := reader.SeekTo(start); err != nil {
				fmt.Fprintln(out, errorJSON(err, "next"))
			}
			if isSummary {
				isFine = printSummary(reader)
			} else if isFollowing {
				isFine = follow(reader)
			} else {
				printSlots(reader)
				printRing(reader)
			}
			reader.Close()
		}
	}
	out.Flush()
	if !isFine {
		os.Exit(1)
	}
}
