package storetest_test

import (
	"context"
	"errors"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/storetest"
)

func TestMemoryStore(t *testing.T) {
	storetest.Run(t, storetest.Config{
		New:    func(*testing.T) customauth.Store { return customauth.NewMemoryStore() },
		Bubble: synctest.Test,
	})
}

// How long the suite takes in real time is what its documentation says.
func TestDuration(t *testing.T) {
	var total time.Duration
	c := config("")
	c.Unit = time.Second
	c.Sleep = func(d time.Duration) {
		total += d
		time.Sleep(d)
	}
	storetest.Run(t, c)
	if units := total.Seconds(); units < 45 || units > 55 {
		t.Errorf("the suite takes %.1f units, and says about 50", units)
	}
}

// A right store passes, with and without a second instance.
func TestRightStore(t *testing.T) {
	storetest.Run(t, config(""))
}

// Every bug makes at least one check fail: the suite can fail.
func TestBrokenStores(t *testing.T) {
	bugs := []string{
		"not atomic", "return not atomic", "tags not atomic",
		"forgets the first window", "forgets the last window", "forgets InARow",
		"counts on refusal", "marks on refusal", "returns on refusal", "resets on refusal", "only the first op refuses", "only the last op refuses", "stops at the first refusal",
		"look refuses", "mark refuses", "return refuses", "ask never refuses",
		"counts one for n", "asks one for n", "overflows", "no default for n",
		"never expires", "expires early", "expires a little early", "expires by the bucket", "expires late", "window turns", "window begins with its first event",
		"returns the oldest", "returns all", "returns nothing", "returns one for n", "returns below zero", "return wants windows",
		"reset keeps one", "reset keeps tags", "reset keeps the row", "reset takes all counters",
		"row outlives a return", "row is reset by a return", "row expires", "row opens by a wait", "row has an age",
		"look counts", "ask counts", "look is always free", "look is never free",
		"no wait", "whole window as wait", "shortest wait", "endless wait", "wait for one event", "one wait for all ops",
		"no age", "age of the oldest", "age after the change", "age outlives the windows", "wait after the change",
		"tags count again", "a tag has no room", "tags go by the start", "tags of all counters", "a known tag stops the others", "tags make young", "tags outlive the windows", "tags are lost on return", "look ignores the tag", "a tag counts one",
		"mark checks room", "mark keeps one", "mark keeps the oldest", "mark replaces",
		"ignores the context", "counts when cancelled", "forgets when cancelled", "forget ignores the context",
		"lower-cases keys", "cuts keys", "one counter for all keys", "no kinds", "lower-cases counters", "one counter for a key", "cuts counters", "reserves counters", "- is _",
		"forgets one counter", "forgets nothing", "forgets everything", "forgets no row", "forget wants a key",
		"first windows stay", "forgets when windows change", "forgets by the shortest window",
		"no errors", "errors change", "panics never, counts negative", "takes any counter", "takes two ops on a counter", "takes nine ops", "takes no windows", "takes any window", "takes any tag",
		"finds too few", "warm fails", "warm forgets",
		"nothing shared", "return not shared", "reset not shared", "clock an hour off", "fails now and then",
	}
	for _, bug := range bugs {
		t.Run(bug, func(t *testing.T) {
			found := storetest.Failures(t, config(bug))
			if len(found) == 0 {
				t.Fatalf("a store with the bug %q passes", bug)
			}
			for _, name := range slices.Sorted(maps.Keys(found)) {
				t.Logf("%s: %v", name, found[name])
			}
		})
	}
}

// A store may count longer than Per if it says so, and only then.
func TestLonger(t *testing.T) {
	c := config("expires late")
	c.Longer = 0.25
	if found := storetest.Failures(t, c); len(found) > 0 {
		t.Errorf("a store that counts a fifth too long, and says so, fails: %v", found)
	}
	c.Longer = 0.1
	if found := storetest.Failures(t, c); len(found) == 0 {
		t.Error("a store that counts a fifth too long, and says a tenth, passes")
	}
}

// config tests a store with one bug, or a right one.
func config(bug string) storetest.Config {
	var all *shared
	return storetest.Config{
		New: func(*testing.T) customauth.Store {
			all = newShared()
			return &store{bug: bug, shared: all}
		},
		Peer: func(_ *testing.T, skew time.Duration) customauth.Store {
			s := &store{bug: bug, shared: all, skew: skew}
			switch bug {
			case "nothing shared":
				s.shared = newShared()
			case "clock an hour off":
				s.skew += time.Hour
			case "return not shared":
				s.bug = "returns nothing"
			case "reset not shared":
				s.bug = "reset keeps one"
			}
			return s
		},
		Bubble: synctest.Test,
	}
}

// shared is what the instances of a store share.
type shared struct {
	mu    sync.Mutex
	keys  map[string]map[string]*counter
	calls int
}

type counter struct {
	events []event // newest first
	row    int
	rowAt  time.Time
	credit int                 // what was returned beyond zero, by a bug
	first  []customauth.Window // the first ones seen
}

type event struct {
	at  time.Time
	tag string
}

func newShared() *shared { return &shared{keys: map[string]map[string]*counter{}} }

// store is the simplest right store, with a place for every bug.
type store struct {
	*shared
	bug  string
	skew time.Duration
}

const forever = time.Duration(math.MaxInt64)

func (s *store) is(bugs ...string) bool { return slices.Contains(bugs, s.bug) }

func (s *store) Update(ctx context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops = slices.Clone(ops)
	if s.calls++; s.is("fails now and then") && s.calls%50 == 0 {
		return nil, errors.New("a bad day")
	}
	counters := s.counters(key)
	if err := ctx.Err(); err != nil && !s.is("ignores the context") {
		if s.is("counts when cancelled") && len(ops) > 0 {
			s.apply(counters, ops[0], customauth.Found{Age: -1}, time.Now())
		}
		return nil, err
	}
	if err := s.check(ops); err != nil {
		if s.is("errors change") && len(ops) > 0 {
			s.counter(counters, "c").events = []event{{at: time.Now()}}
		}
		return nil, err
	}
	now := time.Now().Add(s.skew)
	found, room := make([]customauth.Found, len(ops)), true
	for i := range ops {
		if ops[i].N == 0 && !s.is("no default for n") {
			ops[i].N = 1
		}
		found[i] = s.find(counters, ops[i], now)
		if s.refuses(i, ops, found[i]) {
			room = false
			if s.is("stops at the first refusal") {
				for j := i + 1; j < len(ops); j++ {
					found[j] = customauth.Found{Age: -1}
				}
				return found, nil
			}
		}
	}
	if s.is("not atomic") || s.is("tags not atomic") && len(ops) > 0 && ops[0].Tag != "" || s.is("return not atomic") && ops[0].Verb == customauth.Return {
		left := len(s.counter(counters, ops[0].Counter).events)
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
		if c := s.counter(counters, ops[0].Counter); s.is("return not atomic") && len(c.events) > left {
			c.events = c.events[len(c.events)-left:] // what came in between is lost
		}
	}
	if !room {
		for i, op := range ops {
			done := s.is("counts on refusal") && op.Verb == customauth.Count || s.is("marks on refusal") && op.Verb == customauth.Mark ||
				s.is("returns on refusal") && op.Verb == customauth.Return || s.is("resets on refusal") && op.Verb == customauth.Reset
			if done {
				s.apply(counters, op, found[i], now)
			}
		}
		if s.is("one wait for all ops") {
			longest := time.Duration(0)
			for _, f := range found {
				longest = max(longest, f.Wait)
			}
			for i := range found {
				found[i].Wait = longest
			}
		}
		return found, nil
	}
	for i, op := range ops {
		if s.is("a known tag stops the others") && op.Tag != "" && found[i].Age >= 0 {
			return found, nil
		}
	}
	for i, op := range ops {
		s.apply(counters, op, found[i], now)
	}
	for i, op := range ops {
		switch after := s.find(counters, op, now); {
		case s.is("age after the change"):
			found[i].Age = after.Age
		case s.is("wait after the change") && (op.Verb == customauth.Return || op.Verb == customauth.Reset):
			found[i].Wait = after.Wait
		}
	}
	if s.is("finds too few") && len(found) > 1 {
		return found[1:], nil
	}
	return found, nil
}

func (s *store) refuses(i int, ops []customauth.Op, f customauth.Found) bool {
	verb := ops[i].Verb
	switch {
	case f.Wait == 0, s.is("only the first op refuses") && i > 0, s.is("only the last op refuses") && i < len(ops)-1:
		return false
	case s.is("look refuses") && verb == customauth.Look, s.is("mark refuses") && verb == customauth.Mark, s.is("return refuses") && verb == customauth.Return:
		return true
	case s.is("ask never refuses") && verb == customauth.Ask:
		return false
	}
	return verb == customauth.Ask || verb == customauth.Count
}

func (s *store) counters(key string) map[string]*counter {
	switch s.bug {
	case "lower-cases keys":
		key = strings.ToLower(key)
	case "cuts keys":
		key = key[:min(len(key), 60)]
	case "one counter for all keys":
		key = ""
	case "no kinds":
		_, key, _ = strings.Cut(key, ":")
	case "- is _":
		key = strings.ReplaceAll(key, "-", "_")
	}
	if s.keys[key] == nil {
		s.keys[key] = make(map[string]*counter)
	}
	return s.keys[key]
}

func (s *store) counter(counters map[string]*counter, name string) *counter {
	switch s.bug {
	case "lower-cases counters":
		name = strings.ToLower(name)
	case "one counter for a key":
		name = ""
	case "cuts counters":
		name = name[:min(len(name), 39)]
	case "reserves counters":
		if name == "pk" {
			name = "id"
		}
	}
	if counters[name] == nil {
		counters[name] = new(counter)
	}
	return counters[name]
}

func (s *store) check(ops []customauth.Op) error {
	wrong := errors.New("an op that cannot be carried out")
	if s.is("no errors") {
		return nil
	}
	if len(ops) == 0 || len(ops) > 8 && !s.is("takes nine ops") {
		return wrong
	}
	for i, op := range ops {
		takes := op.Verb == customauth.Return || op.Verb == customauth.Reset
		same := slices.ContainsFunc(ops[:i], func(o customauth.Op) bool { return o.Counter == op.Counter })
		name := op.Counter != "" && len(op.Counter) <= 40 && strings.Trim(op.Counter, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_:") == ""
		switch {
		case op.Verb < customauth.Look || op.Verb > customauth.Reset,
			op.N < 0 && !s.is("panics never, counts negative"), op.InARow < 0,
			same && !s.is("takes two ops on a counter"),
			!name && !s.is("takes any counter"),
			(len(op.Tag) > 64 || op.Tag != "" && (takes || op.InARow > 0)) && !s.is("takes any tag"),
			op.InARow > 0 && (len(op.Windows) > 0 || op.Verb == customauth.Mark),
			op.InARow == 0 && len(op.Windows) == 0 && !takes && !s.is("takes no windows"),
			s.is("return wants windows") && op.Verb == customauth.Return && op.InARow == 0 && len(op.Windows) == 0,
			len(op.Windows) > 8:
			return wrong
		}
		for _, w := range op.Windows {
			if (w.Max < 1 || w.Per < time.Millisecond || w.Per > 366*24*time.Hour) && !s.is("takes any window") {
				return wrong
			}
		}
	}
	return nil
}

// windows returns the windows that hold, as far as the bug lets them.
func (s *store) windows(c *counter, op customauth.Op) []customauth.Window {
	if c.first == nil {
		c.first = op.Windows
	}
	switch n := len(op.Windows); {
	case s.is("first windows stay"):
		return c.first
	case s.is("forgets when windows change") && n > 0 && !slices.Equal(c.first, op.Windows):
		c.events, c.first = nil, op.Windows
	case s.is("forgets the first window") && n > 1:
		return op.Windows[1:]
	case s.is("forgets the last window") && n > 1:
		return op.Windows[:n-1]
	}
	return op.Windows
}

func (s *store) find(counters map[string]*counter, op customauth.Op, now time.Time) customauth.Found {
	c := s.counter(counters, op.Counter)
	windows := s.windows(c, op)
	f := customauth.Found{Age: s.age(counters, c, op, windows, now)}
	if op.Tag != "" && f.Age >= 0 && !s.is("a tag has no room", "look ignores the tag") {
		return f
	}
	f.Wait = s.wait(c, op, windows, now)
	switch {
	case op.Verb == customauth.Look && s.is("look is always free"):
		f.Wait = 0
	case op.Verb == customauth.Look && s.is("look is never free"):
		f.Wait = max(f.Wait, time.Second)
	}
	return f
}

func (s *store) age(counters map[string]*counter, c *counter, op customauth.Op, windows []customauth.Window, now time.Time) time.Duration {
	if s.is("no age") {
		return -1
	}
	if s.is("row has an age") && op.InARow > 0 && c.row > 0 {
		return now.Sub(c.rowAt)
	}
	longest := time.Duration(0)
	for _, w := range windows {
		longest = max(longest, w.Per)
	}
	events := c.events
	if s.is("tags of all counters") && op.Tag != "" {
		for _, other := range counters {
			events = append(slices.Clone(events), other.events...)
		}
	}
	age := time.Duration(-1)
	for _, e := range events {
		same := op.Tag == "" || op.Tag == e.tag || s.is("look ignores the tag") && op.Verb == customauth.Look ||
			s.is("tags go by the start") && e.tag != "" && op.Tag[:min(63, len(op.Tag))] == e.tag[:min(63, len(e.tag))]
		in := len(windows) == 0 || now.Sub(e.at) < longest || s.is("expires late") && now.Sub(e.at) < longest*6/5 ||
			s.is("age outlives the windows") && op.Tag == "" || s.is("tags outlive the windows") && op.Tag != ""
		if same && in && (age < 0 || s.is("age of the oldest")) {
			age = max(now.Sub(e.at), 0)
		}
	}
	return age
}

func (s *store) wait(c *counter, op customauth.Op, windows []customauth.Window, now time.Time) time.Duration {
	if s.is("asks one for n") && op.Verb != customauth.Count || s.is("no default for n") {
		op.N = 1
	}
	if op.InARow > 0 {
		full := op.N > op.InARow-c.row
		switch {
		case s.is("overflows"):
			full = op.N+c.row > op.InARow
		case s.is("forgets InARow"):
			return 0
		case s.is("row expires") && now.Sub(c.rowAt) > 2*time.Second:
			return 0
		case full && s.is("row opens by a wait"):
			return time.Hour
		}
		if full {
			return forever
		}
		return 0
	}
	var waits []time.Duration
	for _, w := range windows {
		wait := s.waitOne(c.events, op.N, w, now)
		if wait > 0 && wait < forever && s.is("whole window as wait") {
			wait = w.Per
		}
		if wait > 0 && s.is("endless wait") {
			wait = forever
		}
		waits = append(waits, wait)
	}
	if len(waits) == 0 || slices.Max(waits) <= 0 {
		return 0
	}
	switch {
	case s.is("shortest wait"):
		return slices.Min(slices.DeleteFunc(waits, func(w time.Duration) bool { return w <= 0 }))
	case s.is("no wait"):
		return time.Nanosecond
	}
	return slices.Max(waits)
}

func (s *store) waitOne(events []event, n int, w customauth.Window, now time.Time) time.Duration {
	per := w.Per
	switch s.bug {
	case "expires early":
		per = per * 4 / 5
	case "expires a little early":
		per = per * 99 / 100
	case "expires late":
		per = per * 6 / 5
	}
	i := w.Max - n
	switch {
	case n > w.Max:
		return forever
	case s.is("wait for one event") && len(events) >= w.Max && events[i].at.Add(per).After(now):
		return max(events[w.Max-1].at.Add(per).Sub(now), 1)
	case i < 0 || len(events) <= i:
		return 0
	case s.is("expires by the bucket"):
		return events[i].at.Truncate(per / 24).Add(per).Sub(now)
	case s.is("never expires"):
		return time.Second
	case s.is("window turns"):
		turn := now.Truncate(per)
		if events[i].at.Before(turn) {
			return 0
		}
		return turn.Add(per).Sub(now)
	case s.is("window begins with its first event"):
		// Events older than the window that the oldest event began are gone.
		begin := events[len(events)-1].at
		for _, e := range slices.Backward(events) {
			if !e.at.Before(begin.Add(per)) {
				begin = e.at
			}
		}
		if !now.Before(begin.Add(per)) || events[i].at.Before(begin) {
			return 0
		}
		return begin.Add(per).Sub(now)
	}
	return events[i].at.Add(per).Sub(now)
}

func (s *store) apply(counters map[string]*counter, op customauth.Op, f customauth.Found, now time.Time) {
	c := s.counter(counters, op.Counter)
	switch op.Verb {
	case customauth.Look:
		if s.is("look counts") {
			s.add(c, op, now)
		}
	case customauth.Ask:
		if s.is("ask counts") {
			s.add(c, op, now)
		}
	case customauth.Count, customauth.Mark:
		if op.Tag != "" && f.Age >= 0 && !s.is("tags count again") {
			if i := slices.IndexFunc(c.events, func(e event) bool { return e.tag == op.Tag }); i >= 0 && s.is("tags make young") {
				c.events[i].at = now
			}
			return
		}
		s.add(c, op, now)
	case customauth.Return:
		s.takeBack(c, op)
	case customauth.Reset:
		switch s.bug {
		case "reset keeps one":
			c.events = c.events[:min(1, len(c.events))]
			c.row = min(1, c.row)
			return
		case "reset keeps tags":
			c.events = slices.DeleteFunc(c.events, func(e event) bool { return e.tag == "" })
			c.row = 0
			return
		case "reset keeps the row":
			c.events = nil
			return
		case "reset takes all counters":
			clear(counters)
			return
		}
		*c = counter{}
	}
}

func (s *store) add(c *counter, op customauth.Op, now time.Time) {
	n := min(op.N, 1000) // more is a bug anyway
	if s.is("counts one for n") || s.is("a tag counts one") && op.Tag != "" {
		n = 1
	}
	if op.InARow > 0 {
		c.row += n
		c.rowAt = now
		return
	}
	if op.Verb == customauth.Mark {
		most := 0
		for _, w := range op.Windows {
			most = max(most, w.Max)
		}
		switch s.bug {
		case "mark checks room":
			n = min(n, max(0, most-len(c.events)))
		case "mark keeps one":
			most = 1
		case "mark replaces":
			c.events = nil
		}
		n = min(n, most)
		keep := min(len(c.events), most-n)
		if s.is("mark keeps the oldest") {
			c.events = c.events[len(c.events)-keep:]
		}
		c.events = c.events[:keep]
	}
	if s.is("forgets by the shortest window") && len(op.Windows) > 0 {
		shortest := op.Windows[0].Per
		c.events = slices.DeleteFunc(c.events, func(e event) bool { return now.Sub(e.at) >= shortest })
	}
	used := min(c.credit, n)
	c.credit -= used
	c.events = append(slices.Repeat([]event{{now, op.Tag}}, max(0, n-used)), c.events...)
}

func (s *store) takeBack(c *counter, op customauth.Op) {
	n := max(0, op.N)
	switch s.bug {
	case "returns nothing":
		return
	case "returns all":
		n = math.MaxInt
	case "returns one for n":
		n = min(1, n)
	}
	if op.InARow > 0 {
		switch s.bug {
		case "row outlives a return":
			return
		case "row is reset by a return":
			c.row = 0
		}
		c.row = max(0, c.row-n)
		return
	}
	give := min(n, len(c.events))
	switch s.bug {
	case "returns the oldest":
		c.events = c.events[:len(c.events)-give]
		return
	case "returns below zero":
		c.credit += min(n-give, 1000)
	}
	c.events = slices.Clone(c.events[give:])
	if s.is("tags are lost on return") {
		for i := range c.events {
			c.events[i].tag = ""
		}
	}
}

func (s *store) Forget(ctx context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	counters := s.counters(key)
	if err := ctx.Err(); err != nil && !s.is("forget ignores the context") {
		if s.is("forgets when cancelled") {
			clear(counters)
		}
		return err
	}
	switch s.bug {
	case "forgets one counter":
		delete(counters, "c")
		return nil
	case "forgets nothing":
		return nil
	case "forgets everything":
		clear(s.keys)
	case "forgets no row":
		maps.DeleteFunc(counters, func(_ string, c *counter) bool { return c.row == 0 })
		return nil
	case "forget wants a key":
		if len(counters) == 0 {
			return errors.New("no such key")
		}
	}
	clear(counters)
	return nil
}

func (s *store) Warm(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.bug {
	case "warm fails":
		return errors.New("cold")
	case "warm forgets":
		clear(s.keys)
	}
	return nil
}
