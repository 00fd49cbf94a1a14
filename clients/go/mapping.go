package shm

import (
	"sync/atomic"
	"unsafe"
)

// mapping is a read-only shared mapping of a file's first bytes, which another process may be writing.
//
// Every word is loaded with sync/atomic. Go's atomics are sequentially consistent, so loads stay in the order of the source
// on every processor and no fence is needed; on x86-64 such a load is a plain MOV.
type mapping struct {
	bytes []byte
}

// word does one aligned 8-byte load. The slice expression checks the bounds.
func (m mapping) word(offset int) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&m.bytes[offset : offset+8][0])))
}

func (m mapping) load(offset int) int64 { return int64(m.word(offset)) }

func (m mapping) copyWords(offset int, words []uint64) {
	source := m.bytes[offset : offset+8*len(words)]
	for i := range words {
		words[i] = atomic.LoadUint64((*uint64)(unsafe.Pointer(&source[8*i])))
	}
}
