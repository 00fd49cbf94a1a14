package shm

import (
	"encoding/binary"
	"fmt"
)

// Header is the constant part of a region's header. Sizes, offsets and positions are bytes.
type Header struct {
	LayoutVersion   uint32
	Flags           uint32 // bit 0: records carry checksums
	TotalBytes      int64
	Generation      int64 // 1 for a new name, one more with every restart of the writer
	StartTimeNs     int64 // ns since the Unix epoch
	WriterPid       uint32
	SymbolCount     uint32
	DepthMax        uint32 // most levels a side
	SlotStride      uint32
	FirstPosition   int64 // of the region's first record
	DirectoryOffset int64
	SlotsOffset     int64
	RingOffset      int64
	RingCapacity    int64
}

func decodeHeader(bytes []byte) Header {
	u32 := func(offset int) uint32 { return binary.LittleEndian.Uint32(bytes[offset:]) }
	i64 := func(offset int) int64 { return int64(binary.LittleEndian.Uint64(bytes[offset:])) }
	return Header{
		LayoutVersion: u32(8), Flags: u32(12), TotalBytes: i64(16), Generation: i64(24), StartTimeNs: i64(32),
		WriterPid: u32(40), SymbolCount: u32(44), DepthMax: u32(48), SlotStride: u32(52), FirstPosition: i64(56),
		DirectoryOffset: i64(64), SlotsOffset: i64(72), RingOffset: i64(80), RingCapacity: i64(88),
	}
}

// parseHeader does steps 2 to 4 of "Checks before use".
func parseHeader(bytes []byte, fileBytes int64) (Header, error) {
	if len(bytes) < headerBytes {
		return Header{}, &Error{NotARegion, "shorter than a header"}
	}
	if string(bytes[:len(magic)]) != magic {
		return Header{}, &Error{NotARegion, "not a market-data region: wrong magic"}
	}
	header := decodeHeader(bytes)
	if header.LayoutVersion != layoutVersion {
		return Header{}, &Error{WrongVersion, fmt.Sprintf("layout version %d, this package knows %d", header.LayoutVersion, layoutVersion)}
	}
	if header.TotalBytes > fileBytes {
		return Header{}, &Error{Truncated, fmt.Sprintf("the header says %d bytes, the file has %d", header.TotalBytes, fileBytes)}
	}
	if contradiction := header.contradiction(); contradiction != "" {
		return Header{}, corrupt(contradiction)
	}
	return header, nil
}

// contradiction is step 4. Every operand lies in 0 … 2^53 before it enters a sum or a product, so nothing overflows.
func (h *Header) contradiction() string {
	symbols, depth, stride := int64(h.SymbolCount), int64(h.DepthMax), int64(h.SlotStride)
	switch {
	case h.TotalBytes < 0 || h.TotalBytes > sizeMax:
		return "total_bytes is out of range"
	case h.DirectoryOffset != directoryOffset:
		return "directory_offset is not 512"
	case symbols < 1 || symbols > countMax:
		return "symbol_count is out of range"
	case depth < 1 || depth > countMax:
		return "depth_max is out of range"
	case stride%64 != 0 || stride < 192+32*depth:
		return "slot_stride does not fit depth_max"
	case !isAlignedSize(h.SlotsOffset) || h.SlotsOffset < directoryOffset+symbolBytes*symbols:
		return "slots_offset does not fit the directory"
	case !isAlignedSize(h.RingOffset) || h.RingOffset < h.SlotsOffset+stride*symbols:
		return "ring_offset does not fit the slots"
	case !isAlignedSize(h.RingCapacity) || h.RingCapacity < 512:
		return "ring_capacity is out of range"
	case h.RingOffset+h.RingCapacity > h.TotalBytes:
		return "the ring ends after total_bytes"
	case !isAlignedSize(h.FirstPosition):
		return "first_position is out of range"
	}
	return ""
}

func isAlignedSize(value int64) bool { return value >= 0 && value <= sizeMax && value%64 == 0 }
