// Package storetest checks that a [customauth.Store] keeps its contract: it carries
// out all ops of an Update or none, counts atomically under concurrency, in several
// windows and counters at once, lets old events go and new ones not, takes back what
// it should, recognizes an event by its Tag, and tells the right Wait and Age. The
// limits across sign-ins are only as good as that.
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
// real time, where one run takes about 50 times Config.Unit.
package storetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
)

// Config says how to reach the store under test, and how exact it claims to be.
// Only New is required.
type Config struct {
	// New opens the store. It is called once for each check, inside Bubble. The
	// stores may share what they keep: every check makes keys of its own.
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

	// Longer is how much longer than a window's Per an event may count, and how
	// much older an event may seem, as a share of Per: 0.05 says that an event of
	// an hour's window may count for 63 minutes. Counting for a shorter time is
	// never allowed. Default 0: exact.
	Longer float64

	// FreshWindows says that the store keeps its counts by length of window, so
	// that a Per that is new to a counter starts without the counter's earlier
	// events.
	FreshWindows bool

	// Plain leaves out the checks that need several ops in one Update, Mark, Tag,
	// InARow or a Return of an unknown counter, for a way of counting that a store
	// uses for single ops with a large Max only. A store that passes only so is no
	// Store for the handlers.
	Plain bool
}

// Run runs every check as a subtest of t.
func Run(t *testing.T, c Config) {
	t.Helper()
	if c.New == nil {
		t.Fatal("storetest: Config.New is nil")
	}
	c = c.withDefaults()
	for _, k := range checks {
		if c.skips(k) {
			continue
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
	full   bool // needs more than Config.Plain
	run    func(e *env)
}

func (c Config) skips(k check) bool { return k.shared && c.Peer == nil || k.full && c.Plain }

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
	return fmt.Sprintf("storetest:%s-%d", e.id, e.keys)
}

// peer is the same check on another instance.
func (e *env) peer(skew time.Duration) *env {
	return &env{Config: e.Config, t: e.t, store: e.Peer(e.t, skew), id: e.id}
}

const (
	// forever is the wait for what time does not bring.
	forever = time.Duration(math.MaxInt64)

	// coarse is how coarse the clock of a store may be, and how much a wait may
	// be rounded up.
	coarse = 2 * time.Millisecond

	// far is the length of a window that no check outlives.
	far = 24 * time.Hour
)

func atMost(max int, per time.Duration) customauth.Window {
	return customauth.Window{Max: max, Per: per}
}

// op is an op on the counter that most checks use.
func op(verb customauth.Verb, n int, windows ...customauth.Window) customauth.Op {
	return customauth.Op{Verb: verb, Counter: "c", N: n, Windows: windows}
}

// row is an op on a counter in a row.
func row(verb customauth.Verb, n, most int) customauth.Op {
	return customauth.Op{Verb: verb, Counter: "row", N: n, InARow: most}
}

// on moves an op to another counter.
func on(counter string, op customauth.Op) customauth.Op {
	op.Counter = counter
	return op
}

// tagged gives an op a tag.
func tagged(tag string, op customauth.Op) customauth.Op {
	op.Tag = tag
	return op
}

// update carries out ops, with a context that is not done, and demands what holds
// of every answer.
func (e *env) update(key string, ops ...customauth.Op) []customauth.Found {
	found, err := e.store.Update(context.Background(), key, ops...)
	if err != nil {
		e.failf("Update(%s): unexpected error: %v", text(ops), err)
	}
	if len(found) != len(ops) {
		e.failf("Update(%s) found %d counters, want one for each op", text(ops), len(found))
	}
	for _, f := range found {
		if f.Wait < 0 {
			e.failf("Update(%s) found the wait %v: a wait is never negative", text(ops), f.Wait)
		}
	}
	return found
}

// refuses reports whether an Update with ops that found this changed nothing.
func refuses(ops []customauth.Op, found []customauth.Found) bool {
	for i, f := range found {
		if f.Wait > 0 && (ops[i].Verb == customauth.Ask || ops[i].Verb == customauth.Count) {
			return true
		}
	}
	return false
}

// done demands that ops are carried out.
func (e *env) done(why, key string, ops ...customauth.Op) []customauth.Found {
	found := e.update(key, ops...)
	if refuses(ops, found) {
		e.failf("%s: Update(%s) found %v, want it done", why, text(ops), found)
	}
	return found
}

// denied demands that ops are not carried out.
func (e *env) denied(why, key string, ops ...customauth.Op) []customauth.Found {
	found := e.update(key, ops...)
	if !refuses(ops, found) {
		e.failf("%s: Update(%s) found %v and was done, want it refused", why, text(ops), found)
	}
	return found
}

// counted demands that n events are counted at once.
func (e *env) counted(why, key string, n int, windows ...customauth.Window) {
	e.done(why, key, op(customauth.Count, n, windows...))
}

// refused demands that n events are not counted, and returns the wait.
func (e *env) refused(why, key string, n int, windows ...customauth.Window) time.Duration {
	return e.denied(why, key, op(customauth.Count, n, windows...))[0].Wait
}

// room demands that exactly n more events pass, one by one.
func (e *env) room(why, key string, n int, windows ...customauth.Window) {
	e.roomFor(why, key, n, op(customauth.Count, 1, windows...))
}

// roomFor demands that exactly n more events of an op pass.
func (e *env) roomFor(why, key string, n int, op customauth.Op) {
	for i := range n {
		e.done(fmt.Sprintf("%s (event %d of %d)", why, i+1, n), key, op)
	}
	e.denied(fmt.Sprintf("%s (beyond %d events)", why, n), key, op)
}

// takeBack returns n events.
func (e *env) takeBack(key string, n int, windows ...customauth.Window) {
	e.update(key, op(customauth.Return, n, windows...))
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

// never demands that there is no event.
func (e *env) never(why string, f customauth.Found) {
	if f.Age >= 0 {
		e.failf("%s: age is %v, want it negative", why, f.Age)
	}
}

// aged demands an event that is between low and high old.
func (e *env) aged(why string, f customauth.Found, low, high time.Duration) {
	if f.Age < 0 || f.Age < low-coarse || f.Age > high+coarse {
		e.failf("%s: age is %v, want %v to %v", why, f.Age, low, high)
	}
}

var verbs = [...]string{"Look", "Ask", "Count", "Mark", "Return", "Reset"}

func text(ops []customauth.Op) string {
	var list []string
	for _, op := range ops {
		s := fmt.Sprintf("%d", op.Verb)
		if op.Verb >= 0 && int(op.Verb) < len(verbs) {
			s = verbs[op.Verb]
		}
		s += " " + op.Counter
		if op.N != 0 {
			s += fmt.Sprintf(" N=%d", op.N)
		}
		for _, w := range op.Windows {
			s += fmt.Sprintf(" %d/%v", w.Max, w.Per)
		}
		if op.InARow != 0 {
			s += fmt.Sprintf(" %d in a row", op.InARow)
		}
		if op.Tag != "" {
			s += " tag " + op.Tag
		}
		list = append(list, s)
	}
	return strings.Join(list, "; ")
}
