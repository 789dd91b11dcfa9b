package customauth

// This file has the Store that counts for the limits, and the one in memory.

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/cyber-eternal/customauth/internal/memory"
)

// A Store counts events across sign-ins, and across all instances that share it.
// Each key has any number of counters, each counter the times of its events. It is
// called concurrently, with a context that ends after 700 milliseconds. After an
// error nothing is known, and the caller refuses. Package storetest has the tests
// that a Store must pass.
//
// A key is a kind, a colon, and letters, digits, "-" and "_" that no one can trace
// back; 64 bytes at most. What is kept of kind "nobody" comes from made-up names,
// of which there is no end: it must not push out anything else, and must go when
// its windows are over.
type Store interface {
	// Update carries out the ops on the counters of one key in one atomic step, or
	// none of them: if an Ask or a Count has no room, nothing changes. It returns
	// one Found for each op, as things were before. There are 1 to 8 ops, of
	// different counters. An op that the Store cannot carry out is an error, and
	// then nothing changes either.
	Update(ctx context.Context, key string, ops ...Op) ([]Found, error)

	// Forget removes all counters of a key.
	Forget(ctx context.Context, key string) error

	// Warm opens connections, where there are some, in Lambda's init phase: all
	// constructors but NewDefine call it. An error that wraps [ErrOptions] says that a
	// field is wrong, and they return it. Any other is logged, and changes nothing.
	Warm(ctx context.Context) error
}

// An Op is something to do with one counter. All ops on a counter have Windows, or
// all have InARow; only Return of a counter with Windows, and Reset, may leave both
// out.
type Op struct {
	Verb    Verb
	Counter string // 1 to 40 letters, digits, "-", "_" and ":"

	// N is how many events Count and Mark add, Return takes away, and the others
	// want room for, all at once. Default 1; not negative.
	N int

	// Windows are 1 to 8. For Ask and Count, all must have room for N events more.
	// They may change from call to call. An event that is older than all Windows
	// it was counted with may be forgotten. A Store may refuse a Max above 100
	// beside other ops, and there Return and Reset need the Windows too.
	Windows []Window

	// InARow, if not 0, is how many events there may be since the counter was last
	// reset, however long ago that is. Such a counter has no Windows, no Tags, no
	// Age, and no Mark.
	InARow int

	// Tag, if not empty, names the event of Count and Mark: a second one with the
	// same Tag within the Windows changes nothing, and has room. Look and Ask find
	// the event with this Tag. Return and Reset have none. At most 64 bytes.
	Tag string
}

// A Verb says what an [Op] does.
type Verb int

// What an [Op] does.
const (
	Look   Verb = iota // finds, and changes nothing
	Ask                // the same, but without room for N none of the ops is carried out
	Count              // adds N events; without room for them none of the ops is carried out
	Mark               // adds N events, whether there is room or not; all but the newest Max may be forgotten
	Return             // takes away the newest N events, or as many as there are
	Reset              // takes away all events
)

// Found is what a [Store] knew about a counter before it changed it.
type Found struct {
	// Wait is how long it will be until there is room for N events; 0 if there is,
	// and math.MaxInt64 if time alone will not make any.
	Wait time.Duration

	// Age is how long ago the newest event was, or the one with Op.Tag. Negative:
	// there is none within the Windows.
	Age time.Duration
}

// NewMemoryStore returns a [Store] in the memory of this process. It counts
// exactly, keeps 65,536 keys of each kind at most (then it forgets some that were
// not used for long), and is gone when the process is. On Lambda that is one
// instance of one function: it slows an attacker down, and does not stop one.
// Without Options.Store, all constructors of a process share one.
func NewMemoryStore() Store { return &memoryStore{memory.New()} }

// processStore is what handlers without a Store share.
var processStore = &memoryStore{memory.New()}

type memoryStore struct{ m *memory.Store }

func (s *memoryStore) Update(ctx context.Context, key string, ops ...Op) ([]Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	list := make([]memory.Op, len(ops))
	for i, op := range ops {
		list[i] = memory.Op{Verb: memory.Verb(op.Verb), Counter: op.Counter, N: cmp.Or(op.N, 1), InARow: op.InARow, Tag: op.Tag}
		for _, w := range op.Windows {
			list[i].Windows = append(list[i].Windows, memory.Window(w))
		}
	}
	got, err := s.m.Update(key, list)
	if err != nil {
		return nil, fmt.Errorf("customauth: memory store: %w", err)
	}
	found := make([]Found, len(got))
	for i, f := range got {
		found[i] = Found(f)
	}
	return found, nil
}

func (s *memoryStore) Forget(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.m.Forget(key)
	return nil
}

func (s *memoryStore) Warm(context.Context) error { return nil }
