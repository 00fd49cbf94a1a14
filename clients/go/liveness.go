package shm

import "time"

// WriterState tells how the writer of the attached region is doing.
type WriterState uint8

// The writer's states.
const (
	WriterLive     WriterState = iota // its heartbeat moves
	WriterSilent                      // no heartbeat for a second: killed, stopped, or its machine was asleep
	WriterClosed                      // it ended cleanly; everything it published can still be read
	WriterReplaced                    // a new writer took the name over; this region will not change any more
)

var writerNames = []string{"live", "silent", "closed", "replaced"}

func (s WriterState) String() string { return nameOf(writerNames, uint8(s)) }

const heartbeatTimeout = time.Second

// liveness times the heartbeat with the reader's own monotonic clock, so that steps of the wall clock do not matter.
type liveness struct {
	hasBeat    bool
	lastBeat   int64
	lastChange time.Time
}

func (l *liveness) judge(writerState uint32, heartbeatTimeNs int64) WriterState {
	switch writerState {
	case writerClosed:
		return WriterClosed
	case writerReplaced:
		return WriterReplaced
	}
	now := time.Now()
	if !l.hasBeat {
		l.lastChange = now.Add(-ageOf(heartbeatTimeNs, now.UnixNano()))
	} else if heartbeatTimeNs != l.lastBeat {
		l.lastChange = now
	}
	l.hasBeat, l.lastBeat = true, heartbeatTimeNs
	if now.Sub(l.lastChange) < heartbeatTimeout {
		return WriterLive
	}
	return WriterSilent
}

// ageOf is how old a heartbeat is by the wall clock, within 0 … 1 s; needed once, when there is no earlier look at it.
func ageOf(heartbeatTimeNs, wallNs int64) time.Duration {
	switch {
	case heartbeatTimeNs >= wallNs:
		return 0
	case heartbeatTimeNs <= wallNs-int64(heartbeatTimeout):
		return heartbeatTimeout
	}
	return time.Duration(wallNs - heartbeatTimeNs)
}
