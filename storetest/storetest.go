// Package storetest checks that a [customauth.Store] keeps its contract: it
// counts atomically under concurrency, in several windows at once, lets old
// events go and new ones not, gives back what it should, and tells the right
// time to wait. The limits across sign-ins are only as good as that.
//
// A store inside the process is tested in simulated time:
//
//	func TestStore(t *testing.T) {
//		storetest.Run(t, storetest.Config{
//			New:    func(*testing.T) customauth.Store { return mystore.New() },
//			Bubble: synctest.Test,
//		})
//	}
//
// A store outside the process cannot live in a bubble of testing/synctest. It is
// tested with a clock that the test moves (Config.Now and Config.Sleep), or in
// real time, where one run takes about 35 times Config.Unit.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
)

// Config says how to reach the store under test, and how exact it claims to be.
// Only New is required.
type Config struct {
	// New opens the store. It is called once for each check, inside Bubble. The
	// stores may share what they keep: every check makes keys of its own. The one
	// exception is the empty key, which the suite resets before use.
	New func(t *testing.T) customauth.Store

	// Peer opens another instance that shares its counters with the store that
	// New opened last, as a second process would. The clock of the peer runs
	// ahead by skew; a store that goes by the clock of a service ignores it.
	// Nil skips the checks that need a second instance, which is right only for
	// a store that counts for its own process alone.
	Peer func(t *testing.T, skew time.Duration) customauth.Store

	// Now and Sleep are the clock that the store goes by. Default: time.Now and
	// time.Sleep, which testing/synctest simulates inside a bubble.
	Now   func() time.Time
	Sleep func(d time.Duration)

	// Bubble runs one check; synctest.Test fits. Default: it is just called.
	Bubble func(t *testing.T, check func(t *testing.T))

	// Unit is the length of the windows that the suite waits for. In real time
	// it must be many times longer than a call of the store. Default 2 seconds.
	Unit time.Duration

	// Longer is how much longer than a limit's Per an event may count, as a
	// share of Per: 0.05 says that an event of an hour's window may count for 63
	// minutes. Counting for a shorter time is never allowed. Default 0: exact.
	Longer float64

	// FreshWindows says that the store keeps its counts by length of window, so
	// that a Per that is new to a key starts without the key's earlier events.
	FreshWindows bool

	// NoConsecutive says that the store refuses limits with Per == 0, by an error.
	NoConsecutive bool
}

// Run runs every check as a subtest of t.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.New == nil {
		t.Fatal("storetest: Config.New is nil")
	}
	c = c.withDefaults()
	for _, k := range checks {
		if k.shared && c.Peer == nil {
			continue // this store counts for one process alone
		}
		t.Run(k.name, func(t *testing.T) {
			c.Bubble(t, func(t *testing.T) {
				if err := c.run(t, k); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = time.Sleep
	}
	if c.Bubble == nil {
		c.Bubble = func(t *testing.T, check func(*testing.T)) { check(t) }
	}
	if c.Unit <= 0 {
		c.Unit = 2 * time.Second
	}
	return c
}

// A check is one promise of the contract. It ends early, by e.failf, at the
// first thing that is wrong.
type check struct {
	name   string
	shared bool // needs Config.Peer
	run    func(e *env)
}

// run returns what was wrong first, or nil.
func (c Config) run(t *testing.T, k check) (err error) {
	e := &env{Config: c, t: t, id: rand.Text()}
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failure:
			err = r
		default:
			panic(r)
		}
	}()
	e.store = c.New(t)
	k.run(e)
	return nil
}

// env is what a check works with.
type env struct {
	Config
	t     *testing.T
	store customauth.Store
	id    string // tells the keys of one run from those of all others
	keys  int
}

type failure struct{ error }

// failf ends the check. It must be called on the goroutine of the check.
func (e *env) failf(format string, args ...any) {
	panic(failure{fmt.Errorf(format, args...)})
}

// key returns a key that was never used before.
func (e *env) key() string {
	e.keys++
	return fmt.Sprintf("storetest-%s-%d", e.id, e.keys)
}

const (
	// forever is the wait of a limit that only a give-back opens.
	forever = time.Duration(math.MaxInt64)

	// coarse is how coarse the clock of a store may be, and how much a wait may
	// be rounded up.
	coarse = 2 * time.Millisecond

	// far is the length of a window that no check outlives.
	far = 24 * time.Hour
)

func atMost(max int, per time.Duration) customauth.Limit {
	return customauth.Limit{Max: max, Per: per}
}

// ask counts on the store, with a context that is not done.
func (e *env) ask(key string, n int, limits ...customauth.Limit) time.Duration {
	wait, err := e.store.Count(context.Background(), key, n, limits)
	if err != nil {
		e.failf("Count(%s, %d, %s): unexpected error: %v", short(key), n, text(limits), err)
	}
	if wait < 0 {
		e.failf("Count(%s, %d, %s) = %v: a wait is never negative", short(key), n, text(limits), wait)
	}
	return wait
}

// counted demands that Count(key, n) is allowed.
func (e *env) counted(why, key string, n int, limits ...customauth.Limit) {
	if wait := e.ask(key, n, limits...); wait != 0 {
		e.failf("%s: Count(%s, %d, %s) = wait %v, want it allowed", why, short(key), n, text(limits), wait)
	}
}

// refused demands that Count(key, n) is refused, and returns the wait.
func (e *env) refused(why, key string, n int, limits ...customauth.Limit) time.Duration {
	wait := e.ask(key, n, limits...)
	if wait == 0 {
		e.failf("%s: Count(%s, %d, %s) was allowed, want it refused", why, short(key), n, text(limits))
	}
	return wait
}

// room demands that exactly n more single events pass.
func (e *env) room(why, key string, n int, limits ...customauth.Limit) {
	for i := range n {
		e.counted(fmt.Sprintf("%s (event %d of %d)", why, i+1, n), key, 1, limits...)
	}
	e.refused(fmt.Sprintf("%s (beyond %d events)", why, n), key, 1, limits...)
}

// giveBack gives n events back.
func (e *env) giveBack(key string, n int, limits ...customauth.Limit) {
	if wait := e.ask(key, n, limits...); wait != 0 {
		e.failf("Count(%s, %d, %s) = wait %v, want 0: giving back never waits", short(key), n, text(limits), wait)
	}
}

// longest is how long an event may count in a window of length per.
func (e *env) longest(per time.Duration) time.Duration {
	return per + time.Duration(e.Longer*float64(per)) + coarse
}

// pass lets an event that was just counted leave a window of length per.
func (e *env) pass(per time.Duration) { e.Sleep(e.longest(per)) }

// between demands a wait within bounds that leave room for a coarse clock.
func (e *env) between(why string, wait, low, high time.Duration) {
	if wait < low-coarse || wait > high+coarse {
		e.failf("%s: wait is %v, want %v to %v", why, wait, max(low, 0), high)
	}
}

// short shows a key without filling the screen.
func short(key string) string {
	if len(key) > 60 {
		return fmt.Sprintf("%q… (%d bytes)", key[:40], len(key))
	}
	return fmt.Sprintf("%q", key)
}

func text(limits []customauth.Limit) string {
	s := "["
	for i, l := range limits {
		if i > 0 {
			s += ", "
		}
		if l.Per == 0 {
			s += fmt.Sprintf("%d in a row", l.Max)
		} else {
			s += fmt.Sprintf("%d per %v", l.Max, l.Per)
		}
	}
	return s + "]"
}
