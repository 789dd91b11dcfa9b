package storetest_test

import (
	"context"
	"errors"
	"fmt"
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
	if units := total.Seconds(); units < 30 || units > 40 {
		t.Errorf("the suite takes %.1f units, and says about 35", units)
	}
}

// A right store passes, with and without a second instance.
func TestRightStore(t *testing.T) {
	storetest.Run(t, config(""))
}

// Every bug makes at least one check fail: the suite can fail.
func TestBrokenStores(t *testing.T) {
	bugs := []string{
		"not atomic", "give-back not atomic",
		"forgets the first limit", "forgets the last limit", "forgets limits without Per",
		"counts on refusal", "counts where there is room", "counts one for n", "overflows",
		"never expires", "expires early", "expires a little early", "expires by the bucket", "expires late", "window turns", "window begins with its first event",
		"gives back the oldest", "gives back all", "gives back nothing", "gives back one for n", "gives back below zero", "give-back waits",
		"streak outlives a give-back", "streak expires", "streak goes back by n", "streak opens by a wait",
		"look counts", "look is always free", "look is never free",
		"no wait", "whole window as wait", "shortest wait", "endless wait", "wait for one event",
		"ignores the context", "counts when cancelled", "gives back when cancelled",
		"trims keys", "cuts keys at NUL", "cuts keys at #", "lower-cases keys", "repairs keys", "cuts long keys", "one counter for all keys",
		"first limits stay", "forgets when limits change", "refuses without limits",
		"nothing shared", "give-back not shared", "clock an hour off", "fails now and then",
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
	var shared *counters
	return storetest.Config{
		New: func(*testing.T) customauth.Store {
			shared = newCounters()
			return &store{bug: bug, counters: shared}
		},
		Peer: func(_ *testing.T, skew time.Duration) customauth.Store {
			s := &store{bug: bug, counters: shared, skew: skew}
			switch bug {
			case "nothing shared":
				s.counters = newCounters()
			case "clock an hour off":
				s.skew += time.Hour
			case "give-back not shared":
				s.bug = "gives back nothing"
			}
			return s
		},
		Bubble: synctest.Test,
	}
}

// counters are what the instances of a store share.
type counters struct {
	mu      sync.Mutex
	times   map[string][]time.Time // newest first
	streaks map[string]int
	credit  map[string]int                // what was given back beyond zero, by a bug
	limits  map[string][]customauth.Limit // the first ones seen
	calls   int
}

func newCounters() *counters {
	return &counters{times: map[string][]time.Time{}, streaks: map[string]int{}, credit: map[string]int{}, limits: map[string][]customauth.Limit{}}
}

// store is the simplest right store, with a place for every bug.
type store struct {
	*counters
	bug  string
	skew time.Duration
}

const forever = time.Duration(math.MaxInt64)

func (s *store) Count(ctx context.Context, key string, n int, limits []customauth.Limit) (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, limits = s.key(key), s.seen(key, limits)
	if s.calls++; s.bug == "fails now and then" && s.calls%50 == 0 {
		return 0, errors.New("a bad day")
	}
	if err := ctx.Err(); err != nil && s.bug != "ignores the context" {
		switch {
		case n > 0 && s.bug == "counts when cancelled":
			s.add(key, n, time.Now())
		case n < 0 && s.bug == "gives back when cancelled":
			s.giveBack(key, n)
		}
		return 0, err
	}
	if n < 0 {
		s.giveBack(key, n)
		if s.bug == "give-back waits" {
			return time.Second, nil
		}
		return 0, nil
	}

	now := time.Now().Add(s.skew)
	wait := s.wait(key, max(n, 1), limits, now)
	if s.bug == "not atomic" {
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	switch {
	case n == 0 && s.bug == "look counts":
		s.add(key, 1, now)
	case n == 0 && s.bug == "look is always free":
		return 0, nil
	case n == 0 && s.bug == "look is never free":
		return time.Second, nil
	case len(limits) == 0 && s.bug == "refuses without limits":
		return time.Second, nil
	}
	if n == 0 {
		return wait, nil
	}
	if wait == 0 || s.bug == "counts on refusal" {
		s.add(key, n, now)
	}
	if wait > 0 && s.bug == "no wait" {
		return time.Nanosecond, nil
	}
	return wait, nil
}

func (s *store) key(key string) string {
	switch s.bug {
	case "trims keys":
		return strings.TrimSpace(key)
	case "cuts keys at NUL":
		key, _, _ = strings.Cut(key, "\x00")
	case "cuts keys at #":
		key, _, _ = strings.Cut(key, "#")
	case "lower-cases keys":
		return strings.ToLower(key)
	case "repairs keys":
		return strings.ToValidUTF8(key, "\ufffd")
	case "cuts long keys":
		return key[:min(len(key), 2048)]
	case "one counter for all keys":
		return ""
	}
	return key
}

// seen returns the limits that hold, as far as the bug lets them.
func (s *store) seen(key string, limits []customauth.Limit) []customauth.Limit {
	first, ok := s.limits[key]
	if !ok {
		s.limits[key], first = limits, limits
	}
	switch {
	case s.bug == "first limits stay":
		return first
	case s.bug == "forgets when limits change" && fmt.Sprint(first) != fmt.Sprint(limits):
		delete(s.times, key)
		s.limits[key] = limits
	case s.bug == "forgets the first limit" && len(limits) > 1:
		return limits[1:]
	case s.bug == "forgets the last limit" && len(limits) > 1:
		return limits[:len(limits)-1]
	case s.bug == "forgets limits without Per":
		return slices.DeleteFunc(slices.Clone(limits), func(l customauth.Limit) bool { return l.Per == 0 })
	}
	return limits
}

func (s *store) wait(key string, n int, limits []customauth.Limit, now time.Time) time.Duration {
	var waits []time.Duration
	for _, l := range limits {
		w := s.waitOne(key, n, l, now)
		if w > 0 && s.bug == "whole window as wait" && w < forever {
			w = l.Per
		}
		if w > 0 && s.bug == "endless wait" {
			w = forever
		}
		waits = append(waits, w)
	}
	if len(waits) == 0 || slices.Max(waits) <= 0 {
		return 0
	}
	if s.bug == "shortest wait" {
		return slices.Min(slices.DeleteFunc(waits, func(w time.Duration) bool { return w <= 0 }))
	}
	if s.bug == "counts where there is room" && slices.Min(waits) <= 0 {
		s.add(key, n, now)
	}
	return slices.Max(waits)
}

func (s *store) waitOne(key string, n int, l customauth.Limit, now time.Time) time.Duration {
	times, per := s.times[key], l.Per
	switch s.bug {
	case "expires early":
		per = per * 4 / 5
	case "expires a little early":
		per = per * 99 / 100
	case "expires late":
		per = per * 6 / 5
	}
	switch {
	case l.Per == 0 && s.bug == "streak expires":
		per = 2 * time.Second
	case l.Per == 0 && s.streaks[key] > l.Max-n && s.bug == "streak opens by a wait":
		return time.Hour
	case l.Per == 0 && s.streaks[key] > l.Max-n:
		return forever
	case l.Per == 0:
		return 0
	}
	i := l.Max - n
	switch {
	case n > l.Max && s.bug == "overflows" && n+1 < 0:
		return 0
	case n > l.Max:
		return forever
	case s.bug == "wait for one event" && len(times) >= l.Max && times[i].Add(per).After(now):
		return max(times[l.Max-1].Add(per).Sub(now), 1)
	case len(times) <= i:
		return 0
	case s.bug == "expires by the bucket":
		return times[i].Truncate(per / 24).Add(per).Sub(now)
	case s.bug == "never expires":
		return time.Second
	case s.bug == "window turns":
		turn := now.Truncate(per)
		if times[i].Before(turn) {
			return 0
		}
		return turn.Add(per).Sub(now)
	case s.bug == "window begins with its first event":
		// Events older than the window that the oldest event began are gone.
		begin := times[len(times)-1]
		for j := len(times) - 1; j >= 0; j-- {
			if !times[j].Before(begin.Add(per)) {
				begin = times[j]
			}
		}
		if !now.Before(begin.Add(per)) || times[i].Before(begin) {
			return 0
		}
		return begin.Add(per).Sub(now)
	}
	return times[i].Add(per).Sub(now)
}

func (s *store) add(key string, n int, now time.Time) {
	s.streaks[key] += n
	if s.bug == "counts one for n" {
		n = 1
	}
	used := min(s.credit[key], n)
	s.credit[key] -= used
	n -= used
	events := slices.Repeat([]time.Time{now}, min(n, 1000)) // more is a bug anyway
	s.times[key] = append(events, s.times[key]...)
}

func (s *store) giveBack(key string, n int) {
	times := s.times[key]
	if s.bug == "give-back not atomic" {
		s.mu.Unlock()
		runtime.Gosched()
		s.mu.Lock()
	}
	switch s.bug {
	case "streak outlives a give-back":
	case "streak goes back by n":
		s.streaks[key] = max(0, s.streaks[key]+n)
	default:
		s.streaks[key] = 0
	}
	give := len(times)
	if -n > 0 && -n < give {
		give = -n
	}
	switch s.bug {
	case "gives back the oldest":
		s.times[key] = times[:len(times)-give]
		return
	case "gives back all":
		give = len(times)
	case "gives back nothing":
		return
	case "gives back one for n":
		give = min(give, 1)
	case "gives back below zero":
		s.credit[key] += min(-(n + give), 1000)
	}
	s.times[key] = slices.Clone(times[give:])
}
