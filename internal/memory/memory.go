// Package memory counts events in the memory of one process: the store that
// handlers use when they are given none. Its ops mean what they mean for a
// customauth.Store, and N is never left out.
package memory

import (
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Verb says what an Op does.
type Verb int

// The verbs, in the order of customauth's.
const (
	Look Verb = iota
	Ask
	Count
	Mark
	Return
	Reset
)

// A Window allows Max events in any interval of length Per.
type Window struct {
	Max int
	Per time.Duration
}

// An Op is something to do with one counter.
type Op struct {
	Verb    Verb
	Counter string
	N       int
	Windows []Window
	InARow  int
	Tag     string
}

// Found is what was known of a counter before an Op.
type Found struct{ Wait, Age time.Duration }

const (
	// Forever is the wait for what time does not bring.
	Forever = math.MaxInt64

	// maxKeys bounds the keys of one kind.
	maxKeys = 1 << 16

	// What customauth's contract allows.
	maxOps     = 8
	maxWindows = 8
	maxWindow  = 366 * 24 * time.Hour
	maxCounter = 40
	maxTag     = 64
)

var errOp = errors.New("an op that no counter can carry out")

// A Store is safe for concurrent use.
type Store struct {
	began time.Time

	mu    sync.Mutex
	now   time.Duration               // since began, at the last call
	kinds map[string]map[string]*item // by the text before the colon: no kind pushes out another
	calls int
}

// New returns an empty Store.
func New() *Store {
	return &Store{began: time.Now(), kinds: make(map[string]map[string]*item)}
}

// An item has the counters of one key. There are few of them.
type item struct {
	counters []counter
	until    time.Duration // when all events are out of all windows
}

type counter struct {
	name   string
	events []moment      // oldest first, for ops with Windows
	row    int           // events since the last Reset, for ops with InARow
	until  time.Duration // when the last event is out of all windows
}

type moment struct {
	at, until time.Duration
	tag       string
}

// Update carries out all ops or none.
func (s *Store) Update(key string, ops []Op) ([]Found, error) {
	if err := check(ops); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.sweep(now)
	kind, _, _ := strings.Cut(key, ":")
	it := s.kinds[kind][key]
	if it == nil {
		it = new(item)
	}
	found, room := make([]Found, len(ops)), true
	for i, op := range ops {
		found[i] = it.find(op, now)
		room = room && (found[i].Wait == 0 || op.Verb != Ask && op.Verb != Count)
	}
	if !room {
		return found, nil
	}
	for i, op := range ops {
		it.apply(op, found[i], now)
	}
	s.keep(kind, key, it, now)
	return found, nil
}

func check(ops []Op) error {
	if len(ops) < 1 || len(ops) > maxOps {
		return errOp
	}
	for i := range ops {
		if !ops[i].possible() {
			return errOp
		}
		for j := range i {
			if ops[j].Counter == ops[i].Counter {
				return errOp
			}
		}
	}
	return nil
}

func (op *Op) possible() bool {
	switch {
	case op.Verb < Look || op.Verb > Reset || op.N < 1 || op.InARow < 0 || !isCounter(op.Counter):
		return false
	case len(op.Tag) > maxTag || op.Tag != "" && (op.InARow > 0 || op.Verb == Return || op.Verb == Reset):
		return false
	case op.InARow > 0:
		return len(op.Windows) == 0 && op.Verb != Mark
	case len(op.Windows) > maxWindows || len(op.Windows) == 0 && op.Verb != Return && op.Verb != Reset:
		return false
	}
	return !slices.ContainsFunc(op.Windows, func(w Window) bool {
		return w.Max < 1 || w.Per < time.Millisecond || w.Per > maxWindow
	})
}

func isCounter(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '-' && c != '_' && c != ':' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= maxCounter
}

// Forget removes all counters of a key.
func (s *Store) Forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind, _, _ := strings.Cut(key, ":")
	delete(s.kinds[kind], key)
}

// clock is the time since the store began. It never goes back. It follows the
// monotonic clock, which stands still while Lambda freezes the function, and the
// wall clock, which can be set: a jump forward ends waits early.
func (s *Store) clock() time.Duration {
	now := time.Now()
	s.now = max(s.now, now.Sub(s.began), now.Round(0).Sub(s.began.Round(0)))
	return s.now
}

func (it *item) counter(name string) *counter {
	for i := range it.counters {
		if it.counters[i].name == name {
			return &it.counters[i]
		}
	}
	return nil
}

func (it *item) find(op Op, now time.Duration) Found {
	f := Found{Age: -1}
	c := it.counter(op.Counter)
	if c == nil {
		c = new(counter)
	}
	if i := c.last(op, now); i >= 0 {
		f.Age = now - c.events[i].at
		if op.Tag != "" {
			return f // it is counted already
		}
	}
	f.Wait = c.wait(op, now)
	return f
}

// last is the place of the newest event, or of the one with the op's tag; -1 if
// there is none within the windows.
func (c *counter) last(op Op, now time.Duration) int {
	longest := time.Duration(Forever)
	if len(op.Windows) > 0 {
		longest = longestOf(op.Windows)
	}
	for i, e := range slices.Backward(c.events) {
		if now-e.at < longest && (op.Tag == "" || op.Tag == e.tag) {
			return i
		}
	}
	return -1
}

func longestOf(windows []Window) (longest time.Duration) {
	for _, w := range windows {
		longest = max(longest, w.Per)
	}
	return longest
}

func (c *counter) wait(op Op, now time.Duration) (wait time.Duration) {
	if op.InARow > 0 && op.N > op.InARow-c.row {
		return Forever
	}
	for _, w := range op.Windows {
		if op.N > w.Max {
			return Forever
		}
		// The event that must be out of the interval for N more to fit.
		if i := len(c.events) - (w.Max - op.N) - 1; i >= 0 {
			wait = max(wait, c.events[i].at+w.Per-now)
		}
	}
	return wait
}

func (it *item) apply(op Op, f Found, now time.Duration) {
	switch op.Verb {
	case Count, Mark:
		if op.Tag == "" || f.Age < 0 {
			it.add(op, now)
		}
	case Return:
		c := it.counter(op.Counter)
		switch {
		case c == nil:
		case op.InARow > 0:
			c.row = max(0, c.row-op.N)
		default:
			c.events = c.events[:max(0, len(c.events)-op.N)]
		}
	case Reset:
		it.counters = slices.DeleteFunc(it.counters, func(c counter) bool { return c.name == op.Counter })
	}
}

func (it *item) add(op Op, now time.Duration) {
	c := it.counter(op.Counter)
	if c == nil {
		it.counters = append(it.counters, counter{name: op.Counter})
		c = &it.counters[len(it.counters)-1]
	}
	if op.InARow > 0 {
		c.row += op.N // there is room
		c.until = Forever
		return
	}
	longest, n := longestOf(op.Windows), op.N
	c.events = slices.DeleteFunc(c.events, func(e moment) bool { return e.until <= now })
	if op.Verb == Mark {
		most := 0
		for _, w := range op.Windows {
			most = max(most, w.Max)
		}
		n = min(n, most)
		c.events = slices.Delete(c.events, 0, max(0, len(c.events)+n-most))
	}
	for range n {
		c.events = append(c.events, moment{now, now + longest, op.Tag})
	}
	c.until = max(c.until, now+longest)
}

// keep stores an item, without the counters that nothing needs any more.
func (s *Store) keep(kind, key string, it *item, now time.Duration) {
	it.counters = slices.DeleteFunc(it.counters, func(c counter) bool {
		return len(c.events) == 0 && c.row == 0 || c.until <= now
	})
	it.until = 0
	for _, c := range it.counters {
		it.until = max(it.until, c.until)
	}
	keys := s.kinds[kind]
	if len(it.counters) == 0 {
		delete(keys, key)
		return
	}
	if keys == nil {
		keys = make(map[string]*item)
		s.kinds[kind] = keys
	}
	if keys[key] == nil {
		makeRoom(keys)
	}
	keys[key] = it
}

// makeRoom forgets the one of 16 keys whose events are over first.
func makeRoom(keys map[string]*item) {
	for len(keys) >= maxKeys {
		victim, looked := "", 0
		for key, it := range keys { // in random order
			if victim == "" || it.until < keys[victim].until {
				victim = key
			}
			if looked++; looked == 16 {
				break
			}
		}
		delete(keys, victim)
	}
}

// sweep forgets keys whose events are all too old, now and then.
func (s *Store) sweep(now time.Duration) {
	if s.calls++; s.calls%4096 != 0 {
		return
	}
	for _, keys := range s.kinds {
		for key, it := range keys {
			if it.until <= now {
				delete(keys, key)
			}
		}
	}
}
