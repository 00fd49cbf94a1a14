package shm

// Offsets of layout version 1, no logic. docs/SHM_LAYOUT.md is the specification.
const (
	magic         = "MKTDSHM\x00"
	layoutVersion = 1

	headerBytes       = 512
	flagChecksums     = 1
	offsetWriterState = 128
	offsetHeartbeat   = 136
	offsetTailIntent  = 256
	offsetTail        = 384

	directoryOffset = 512
	symbolBytes     = 32
	countMax        = 100_000
	// Sizes and offsets above it are refused before they are added or multiplied.
	sizeMax = 1 << 53

	slotRecord = 64

	typePadding = 1
	typeBook    = 2
	typeTrade   = 3
	typeStatus  = 4

	fixedBytes  = 128 // of a book, and a whole trade
	statusBytes = 64
	levelBytes  = 16
	// The checksum's place among a record's 32-bit words.
	checksumWord = 11

	scaleMax = 12

	writerClosed   = 2
	writerReplaced = 3
)
