package dynamodbstore_test

// Counters with a Max above 100: in buckets of one item, and split into several.

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/google/go-cmp/cmp"
)

func TestStoredItemInBuckets(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
	limits := []customauth.Window{atMost(5000, time.Hour), atMost(9000, 24*time.Hour)}
	count(t, s, "country:DE", 3, limits...)
	c.Sleep(time.Hour / 24)
	count(t, s, "country:DE", 1, limits...)
	count(t, s, "country:DE", 1, limits...)

	const pk = "country:DE#0"
	bucketsOf := func(first ...string) (list []any) {
		for i := range 25 {
			n := "0"
			if i < len(first) {
				n = first[i]
			}
			list = append(list, n)
		}
		return list
	}
	want := map[string]any{
		"pk": pk, "expires": fmt.Sprint(began.Add(49*time.Hour + time.Hour/24).Unix()),
		"w3600000.c":  map[string]any{"b": "11886049", "t": "5", "c": bucketsOf("2", "3")},
		"w86400000.c": map[string]any{"b": "495252", "t": "5", "c": bucketsOf("5")},
	}
	got := get(t, table, pk)
	if v, err := strconv.ParseInt(fmt.Sprint(got["v"]), 10, 64); err != nil || v < 1 {
		t.Errorf("the version is %v, want a number", got["v"])
	}
	delete(got, "v") // begins at random
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the item (-want +got):\n%s", diff)
	}
}

// However many counters there are, a process remembers some of them.
func TestRemembersSome(t *testing.T) {
	s := open(t, dynamodbstore.Options{})
	for i := range dynamodbstore.MaxSeen + 20 {
		count(t, s, fmt.Sprint("budget:", i), 1, budget...)
	}
	if got := s.Seen(); got != dynamodbstore.MaxSeen {
		t.Errorf("%d counters are remembered, want %d", got, dynamodbstore.MaxSeen)
	}
}

// An item stays as long as its events count, also those at the end of a bucket.
func TestExpiryOfBuckets(t *testing.T) {
	for _, per := range []time.Duration{time.Hour, 30 * 24 * time.Hour, 366 * 24 * time.Hour} {
		c, table, w := newClock(), dynamotest.Table(t), atMost(1000, per)
		s := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
		width := per / 24
		c.Sleep(width - c.Now().Sub(time.Unix(0, 0))%width) // to the beginning of a bucket
		count(t, s, "budget", 1, w)
		c.Sleep(width - time.Millisecond)
		count(t, s, "budget", 999, w)
		counts := c.Now().Add(per)
		expires, err := strconv.ParseInt(fmt.Sprint(get(t, table, "budget#0")["expires"]), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if at := time.Unix(expires, 0); at.Before(counts) {
			t.Errorf("per %v: the item expires %v before its events end", per, counts.Sub(at))
		}
	}
}

// budget is what a guard may allow everybody: buckets of an hour have 150 seconds, and
// those of a day an hour.
var budget = []customauth.Window{atMost(300, time.Hour), atMost(1000, 24*time.Hour)}

// What a count and a return cost, by who has written before. A refused event costs one
// write, and no read.
func TestCostOfBuckets(t *testing.T) {
	const bucket = time.Hour / 24
	one := bill{writes: 1, units: 1}
	two := bill{writes: 2, units: 2}
	for name, test := range map[string]struct {
		before func(t *testing.T, c *clock, own, other customauth.Store)
		ops    []customauth.Op // of the own store
		want   bill
		left   int
	}{
		"the first of all": {
			func(*testing.T, *clock, customauth.Store, customauth.Store) {},
			[]customauth.Op{op(1, budget...)}, two, 1,
		},
		"one more": {
			func(t *testing.T, _ *clock, own, _ customauth.Store) { count(t, own, "budget", 1, budget...) },
			[]customauth.Op{op(1, budget...)}, one, 2,
		},
		"many more": {
			func(t *testing.T, _ *clock, own, _ customauth.Store) { count(t, own, "budget", 1, budget...) },
			[]customauth.Op{op(1, budget...), op(2, budget...), op(3, budget...)}, bill{writes: 3, units: 3}, 7,
		},
		"one more, after another": {
			func(t *testing.T, _ *clock, own, other customauth.Store) {
				count(t, own, "budget", 1, budget...)
				count(t, other, "budget", 1, budget...)
			},
			[]customauth.Op{op(1, budget...)}, one, 3,
		},
		"one in a process that knows nothing": {
			func(t *testing.T, _ *clock, _, other customauth.Store) { count(t, other, "budget", 1, budget...) },
			[]customauth.Op{op(1, budget...)}, one, 2,
		},
		"the first in a bucket": {
			func(t *testing.T, c *clock, own, _ customauth.Store) {
				count(t, own, "budget", 1, budget...)
				c.Sleep(bucket)
			},
			[]customauth.Op{op(1, budget...)}, one, 2,
		},
		"the first in a bucket, in a process that knows nothing": {
			func(t *testing.T, c *clock, _, other customauth.Store) {
				count(t, other, "budget", 1, budget...)
				c.Sleep(bucket)
			},
			[]customauth.Op{op(1, budget...)}, two, 2,
		},
		"the first in a bucket, after another": {
			func(t *testing.T, c *clock, own, other customauth.Store) {
				count(t, own, "budget", 1, budget...)
				count(t, other, "budget", 1, budget...)
				c.Sleep(bucket)
			},
			[]customauth.Op{op(1, budget...)}, two, 3,
		},
		"refused": {
			func(t *testing.T, c *clock, own, other customauth.Store) { count(t, other, "budget", 300, budget...) },
			[]customauth.Op{op(1, budget...)}, one, 300,
		},
		"a return": {
			func(t *testing.T, _ *clock, own, _ customauth.Store) { count(t, own, "budget", 3, budget...) },
			[]customauth.Op{op(-2, budget...)}, one, 1,
		},
		"a return of more than there are": {
			func(t *testing.T, _ *clock, own, _ customauth.Store) { count(t, own, "budget", 1, budget...) },
			[]customauth.Op{op(-2, budget...)}, one, 0,
		},
		"two, one after the other": {
			func(t *testing.T, _ *clock, own, _ customauth.Store) { count(t, own, "budget", 3, budget...) },
			[]customauth.Op{op(-1, budget...), op(-7, budget...)}, two, 0,
		},
		"a return from two buckets": {
			func(t *testing.T, c *clock, own, _ customauth.Store) {
				count(t, own, "budget", 1, budget...)
				c.Sleep(bucket)
				count(t, own, "budget", 1, budget...)
				c.Sleep(bucket)
			},
			[]customauth.Op{op(-2, budget...)}, one, 0,
		},
		"a return after others, of what the newest bucket has": {
			func(t *testing.T, _ *clock, own, other customauth.Store) {
				count(t, own, "budget", 2, budget...)
				count(t, other, "budget", 5, budget...)
			},
			[]customauth.Op{op(-2, budget...)}, one, 5,
		},
		"a return after others, of more than the newest bucket has": {
			func(t *testing.T, c *clock, own, other customauth.Store) {
				count(t, own, "budget", 2, budget...)
				c.Sleep(bucket)
				count(t, other, "budget", 1, budget...)
			},
			[]customauth.Op{op(-2, budget...)}, two, 1,
		},
		"a return after others, of more than there are": {
			func(t *testing.T, _ *clock, own, other customauth.Store) {
				count(t, own, "budget", 1, budget...)
				count(t, other, "budget", 1, budget...)
			},
			[]customauth.Op{op(-7, budget...)}, two, 0,
		},
		"a return after another has taken all": {
			func(t *testing.T, _ *clock, own, other customauth.Store) {
				count(t, own, "budget", 2, budget...)
				count(t, other, "budget", -2, budget...)
			},
			[]customauth.Op{op(-2, budget...)}, one, 0,
		},
		"a return in a process that knows nothing": {
			func(t *testing.T, _ *clock, _, other customauth.Store) { count(t, other, "budget", 3, budget...) },
			[]customauth.Op{op(-2, budget...)}, one, 1,
		},
		"a return of more than there are, in a process that knows nothing": {
			func(t *testing.T, _ *clock, _, other customauth.Store) { count(t, other, "budget", 1, budget...) },
			[]customauth.Op{op(-2, budget...)}, two, 0,
		},
		"a return of what another has counted after this one took all": {
			func(t *testing.T, _ *clock, own, other customauth.Store) {
				count(t, own, "budget", 2, budget...)
				count(t, own, "budget", -2, budget...)
				count(t, other, "budget", 2, budget...)
			},
			[]customauth.Op{op(-1, budget...)}, one, 1,
		},
		"a return of nothing": {
			func(*testing.T, *clock, customauth.Store, customauth.Store) {},
			[]customauth.Op{op(-2, budget...)}, one, 0,
		},
		"a reset": {
			func(t *testing.T, _ *clock, own, _ customauth.Store) { count(t, own, "budget", 3, budget...) },
			[]customauth.Op{on(customauth.Reset, "c", budget...)}, one, 0,
		},
		"a reset in a process that knows nothing": {
			func(t *testing.T, _ *clock, _, other customauth.Store) { count(t, other, "budget", 3, budget...) },
			[]customauth.Op{on(customauth.Reset, "c", budget...)}, two, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c, costs, table := newClock(), new(meter), dynamotest.Table(t)
			own := open(t, dynamodbstore.Options{Table: table, Client: costs.client(t), Now: c.Now})
			other := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
			test.before(t, c, own, other)
			costs.reset()
			for _, o := range test.ops {
				update(t, own, "budget", o)
			}
			if got := costs.total(); got != test.want {
				t.Errorf("it costs %+v, want %+v", got, test.want)
			}
			if got := counted(t, other, "budget", budget[0]); got != test.left {
				t.Errorf("then %d are counted, want %d", got, test.left)
			}
		})
	}
}

// counted is how many events a window has: there is room for the rest, and no more.
func counted(t *testing.T, s customauth.Store, key string, w customauth.Window) int {
	t.Helper()
	n := sort.Search(w.Max, func(n int) bool {
		return update(t, s, key, customauth.Op{Verb: customauth.Look, Counter: "c", N: n + 1, Windows: []customauth.Window{w}})[0].Wait > 0
	})
	return w.Max - n
}

// What a process remembers of a counter changes no result: two that remember, with
// clocks that differ, and the windows in any order and choice, find and leave the same
// as one that never does.
func TestWhatIsRemembered(t *testing.T) {
	const seeds, steps = 8, 150
	choices := [][]customauth.Window{
		{atMost(120, time.Hour), atMost(150, 24*time.Hour)},
		{atMost(150, 24*time.Hour), atMost(120, time.Hour)},
		{atMost(120, time.Hour)},
		{atMost(130, 24*time.Hour)},
		{atMost(110, time.Minute), atMost(120, time.Hour), atMost(150, 24*time.Hour)},
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			c, draw := newClock(), rand.New(rand.NewPCG(seed, 0))
			remembers, forgets := dynamotest.Table(t), dynamotest.Table(t)
			clocks := []func() time.Time{c.Now, func() time.Time { return c.Now().Add(-4 * time.Minute) }}
			var own []*dynamodbstore.Store
			for _, now := range clocks {
				own = append(own, open(t, dynamodbstore.Options{Table: remembers, Now: now}))
			}
			for step := range steps {
				who := draw.IntN(2)
				o := customauth.Op{
					Verb:    []customauth.Verb{customauth.Count, customauth.Count, customauth.Count, customauth.Return, customauth.Return, customauth.Look, customauth.Reset}[draw.IntN(7)],
					N:       1 + draw.IntN(4),
					Counter: []string{"c", "c", "c", "d"}[draw.IntN(4)],
					Windows: choices[max(0, draw.IntN(10)-5)],
				}
				if o.Verb == customauth.Reset && draw.IntN(5) > 0 {
					o.Verb, o.N = customauth.Return, 40
				}
				fresh := open(t, dynamodbstore.Options{Table: forgets, Now: clocks[who]})
				want := update(t, fresh, "budget", o)
				if diff := cmp.Diff(want, update(t, own[who], "budget", o)); diff != "" {
					t.Fatalf("step %d, %+v: what is found (-want +got):\n%s", step, o, diff)
				}
				if draw.IntN(4) == 0 {
					c.Sleep(time.Duration(draw.ExpFloat64() * float64(10*time.Minute)))
				}
			}
			want, got := open(t, dynamodbstore.Options{Table: forgets, Now: c.Now}), open(t, dynamodbstore.Options{Table: remembers, Now: c.Now})
			for _, w := range choices[4] {
				if want, got := counted(t, want, "budget", w), counted(t, got, "budget", w); got != want {
					t.Errorf("in the end %d are counted in %v, want %d", got, w.Per, want)
				}
			}
		})
	}
}

// An item that was forgotten and made anew is not taken for the one that a process
// remembers.
func TestForgottenInBetween(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	own, other := open(t, dynamodbstore.Options{Table: table, Now: c.Now}), open(t, dynamodbstore.Options{Table: table, Now: c.Now})
	count(t, own, "budget", 1, budget...)
	if err := other.Forget(t.Context(), "budget"); err != nil {
		t.Fatal(err)
	}
	count(t, other, "budget", 5, budget...)
	count(t, own, "budget", -2, budget...)
	if got := counted(t, other, "budget", budget[0]); got != 3 {
		t.Errorf("2 of 5 were returned, and %d are counted", got)
	}
}

// Any number of counters can be used: those that are not remembered too.
func TestManyCounters(t *testing.T) {
	s := open(t, dynamodbstore.Options{})
	key := func(i int) string { return fmt.Sprint("budget:", i) }
	for i := range 250 {
		count(t, s, key(i), 3, budget...)
	}
	for i := range 250 {
		count(t, s, key(i), -2, budget...)
		if got := counted(t, s, key(i), budget[0]); got != 1 {
			t.Fatalf("counter %d: 2 of 3 were returned, and %d are counted", i, got)
		}
	}
}

// A hot key spreads over its shards, and lets exactly Max events pass.
func TestSplitKey(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
	s.SplitAll()
	limit := atMost(150, time.Hour)
	var (
		mu      sync.Mutex
		allowed int
		wg      sync.WaitGroup
	)
	for range 8 {
		wg.Go(func() {
			for range 30 {
				found, err := s.Update(t.Context(), "budget", op(1, limit))
				if err != nil {
					t.Error(err)
					return
				}
				if found[0].Wait == 0 {
					mu.Lock()
					allowed++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if allowed != limit.Max {
		t.Errorf("240 events at once under a Max of 150: %d passed", allowed)
	}
	if shards := len(scan(t, table)); shards != 8 {
		t.Errorf("the key is spread over %d items, want 8", shards)
	}
	if wait := count(t, s, "budget", 0, limit); wait < time.Hour || wait > time.Hour+time.Hour/24 {
		t.Errorf("a full key: the wait is %v, want an hour, or a 24th more", wait)
	}

	// Given back, as many pass again.
	count(t, s, "budget", -20, limit)
	for i := range 21 {
		if wait := count(t, s, "budget", 1, limit); (wait == 0) != (i < 20) {
			t.Fatalf("event %d after 20 were returned: wait %v", i+1, wait)
		}
	}
	c.Sleep(count(t, s, "budget", 0, limit))
	if wait := count(t, s, "budget", 1, limit); wait != 0 {
		t.Errorf("after the wait that was told: wait %v", wait)
	}
	count(t, s, "budget", -math.MaxInt, limit)
	for i := range limit.Max {
		if wait := count(t, s, "budget", 1, limit); wait != 0 {
			t.Fatalf("event %d after all were returned: wait %v", i+1, wait)
		}
	}
}

// What a list cannot do and shards cannot either is an error.
func TestImpossibleSplit(t *testing.T) {
	s := open(t, dynamodbstore.Options{Client: client("http://127.0.0.1:1"), Table: "limits"})
	large := atMost(10_400, time.Hour)
	for name, ops := range map[string][]customauth.Op{
		"beside another op":       {op(1, large), {Verb: customauth.Look, Counter: "d", Windows: []customauth.Window{atMost(1, time.Hour)}}},
		"more than a shard holds": {op(1301, large)},
		"a tag":                   {{Verb: customauth.Count, Counter: "c", Tag: "a", Windows: []customauth.Window{large}}},
		"a mark":                  {{Verb: customauth.Mark, Counter: "c", Windows: []customauth.Window{large}}},
	} {
		t.Run(name, func(t *testing.T) {
			if found, err := s.Update(t.Context(), "limit:a", ops...); err == nil {
				t.Errorf("Update found %v, want an error", found)
			}
		})
	}
}

// Forget removes the shards of a key that has no item of its own.
func TestForgetSplit(t *testing.T) {
	table := dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table})
	for range 50 {
		count(t, s, "limit:a", 1, atMost(100_000, time.Hour))
	}
	if err := s.Forget(t.Context(), "limit:a"); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, table); len(got) > 0 {
		t.Errorf("%d items are left", len(got))
	}
}
