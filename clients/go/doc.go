// Package shm reads the shared-memory region of the market-data service: the whole current top-N book of every symbol at
// once, then every book update, trade and status change in order. Layout version 1; the format is docs/SHM_LAYOUT.md.
//
//	reader, err := shm.Open("market_data_shm")
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer reader.Close()
//	var event shm.Event
//	for {
//		if err := reader.Wait(&event, shm.Spin, shm.Forever); err != nil {
//			log.Fatal(err)
//		}
//		switch event.Kind {
//		case shm.KindBook:
//			fmt.Println(reader.Symbol(event.Book.SymbolIndex), event.Book.LastUpdateID)
//		case shm.KindLost:
//			fmt.Println("lost", event.LostBytes, "bytes: Latest has the present")
//		}
//	}
//
// Linux, 64-bit, little-endian; elsewhere Open returns [Unavailable]. The standard library only. A Reader belongs to one
// goroutine at a time; open one in each that reads.
package shm
