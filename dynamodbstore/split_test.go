package dynamodbstore_test

// Counters with a Max above 100.

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/google/go-cmp/cmp"
)

func TestStoredItemSplit(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now, Shards: 1})
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
		"pk": pk, "v": "3", "expires": fmt.Sprint(began.Add(48*time.Hour + time.Hour/24).Unix()),
		"w3600000.c":  map[string]any{"b": "11886049", "t": "5", "c": bucketsOf("2", "3")},
		"w86400000.c": map[string]any{"b": "495252", "t": "5", "c": bucketsOf("5")},
	}
	if diff := cmp.Diff(want, get(t, table, pk)); diff != "" {
		t.Errorf("the item (-want +got):\n%s", diff)
	}
}

// A count of a split key is one write, except for the first in a bucket.
func TestCostOfSplitKey(t *testing.T) {
	c, costs := newClock(), new(meter)
	s := open(t, dynamodbstore.Options{Client: costs.client(t), Now: c.Now, Shards: 1})
	budget := []customauth.Window{atMost(1000, time.Hour), atMost(10000, 24*time.Hour)}
	count(t, s, "budget", 1, budget...)
	first := costs.total()
	for range 50 {
		count(t, s, "budget", 1, budget...)
	}
	rest := costs.total()
	if want := (bill{writes: 2, units: 2}); first != want {
		t.Errorf("the first count costs %+v, want %+v", first, want)
	}
	if want := (bill{writes: 52, units: 52}); rest != want {
		t.Errorf("51 counts cost %+v, want %+v", rest, want)
	}
}

// A hot key spreads over its shards, and lets exactly Max events pass.
func TestSplitKey(t *testing.T) {
	c, table := newClock(), dynamotest.Table(t)
	s := open(t, dynamodbstore.Options{Table: table, Now: c.Now})
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
	large := atMost(104, time.Hour)
	for name, ops := range map[string][]customauth.Op{
		"beside another op":       {op(1, large), {Verb: customauth.Look, Counter: "d", Windows: []customauth.Window{atMost(1, time.Hour)}}},
		"more than a shard holds": {op(14, large)},
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
		count(t, s, "limit:a", 1, atMost(1000, time.Hour))
	}
	if err := s.Forget(t.Context(), "limit:a"); err != nil {
		t.Fatal(err)
	}
	if got := scan(t, table); len(got) > 0 {
		t.Errorf("%d items are left", len(got))
	}
}
