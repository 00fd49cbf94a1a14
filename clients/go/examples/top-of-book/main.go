// Follows the best bid and ask of one symbol.
//
//	go run ./examples/top-of-book [--spin] SYMBOL [NAME]
package main

import (
	"fmt"
	"os"
	"time"

	shm "market-data/shm"
)

func printTop(symbol string, book *shm.Book) {
	if len(book.Bids) == 0 || len(book.Asks) == 0 {
		fmt.Printf("%s %v (%v)\n", symbol, book.State, book.Reason)
		return
	}
	bid, ask := book.Bids[0], book.Asks[0]
	p, q := int(book.PriceScale), int(book.QuantityScale)
	fmt.Printf("%s %.*f x %.*f | %.*f x %.*f  update %d\n", symbol, p, book.Price(bid.Price), q, book.Quantity(bid.Quantity),
		p, book.Price(ask.Price), q, book.Quantity(ask.Quantity), book.LastUpdateID)
}

// printPresent prints the slot; what the ring has of this symbol up to the book's sequence is then older.
func printPresent(reader *shm.Reader, symbol string, present *shm.Book) error {
	if err := reader.Latest(symbol, present); err != nil {
		return err
	}
	printTop(symbol, present)
	return nil
}

func follow(name, symbol string, pause time.Duration) error {
	reader, err := shm.Open(name)
	if err != nil {
		return err
	}
	defer reader.Close()
	var present shm.Book
	if err := printPresent(reader, symbol, &present); err != nil {
		return err
	}
	var event shm.Event
	for {
		if err := reader.Wait(&event, pause, shm.Forever); err != nil {
			return err
		}
		switch event.Kind {
		case shm.KindBook:
			if event.Book.SymbolIndex == present.SymbolIndex && event.Book.Sequence > present.Sequence {
				printTop(symbol, &event.Book)
			}
		case shm.KindStatus:
			if event.Status.SymbolIndex == present.SymbolIndex && event.Status.Sequence > present.Sequence {
				fmt.Printf("%s %v (%v)\n", symbol, event.Status.State, event.Status.Reason)
			}
		case shm.KindLost:
			fmt.Fprintf(os.Stderr, "lost %d bytes\n", event.LostBytes)
			if err := printPresent(reader, symbol, &present); err != nil {
				return err
			}
		case shm.KindWriter:
			fmt.Fprintf(os.Stderr, "writer %v\n", event.Writer)
		case shm.KindReopened:
			fmt.Fprintf(os.Stderr, "writer restarted, generation %d\n", reader.Header().Generation)
			if err := printPresent(reader, symbol, &present); err != nil {
				return err
			}
		}
	}
}

func main() {
	arguments, pause := os.Args[1:], 500*time.Microsecond
	if len(arguments) > 0 && arguments[0] == "--spin" {
		arguments, pause = arguments[1:], shm.Spin
	}
	if len(arguments) == 0 {
		fmt.Fprintln(os.Stderr, "usage: top-of-book [--spin] SYMBOL [NAME]\nexample: top-of-book BTCUSDT market_data_shm")
		os.Exit(2)
	}
	name := "market_data_shm"
	if len(arguments) > 1 {
		name = arguments[1]
	}
	if err := follow(name, arguments[0], pause); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
