package shm

// Code says what went wrong, spelled as docs/SHM_LAYOUT.md section 9 lists it. It is an error itself, so that
// errors.Is(err, shm.NotFound) works.
type Code string

// The codes.
const (
	NotFound       Code = "NOT_FOUND"       // no file under the name: no writer has run yet
	Permission     Code = "PERMISSION"      // the file may not be opened
	NotARegion     Code = "NOT_A_REGION"    // not a regular file, a symbolic link, shorter than a header, or wrong magic
	WrongVersion   Code = "WRONG_VERSION"   // another layout version; the message names it
	Truncated      Code = "TRUNCATED"       // the file is shorter than its header says
	Corrupt        Code = "CORRUPT"         // the header contradicts itself, a stable record is impossible, or a checksum is wrong
	UnknownSymbol  Code = "UNKNOWN_SYMBOL"  // not in the directory; the message lists some that are
	SlotUnfinished Code = "SLOT_UNFINISHED" // a slot stayed half-written: its writer was stopped or killed in the middle
	Unavailable    Code = "UNAVAILABLE"     // this platform cannot map the region, or the reader is closed
)

func (code Code) Error() string { return string(code) }

// Error is a documented code with a message for people.
type Error struct {
	Code    Code
	Message string
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Unwrap makes errors.Is(err, shm.Corrupt) work.
func (e *Error) Unwrap() error { return e.Code }

func corrupt(message string) error { return &Error{Corrupt, message} }
