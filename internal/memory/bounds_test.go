package memory_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/memory"
	"github.com/cyber-eternal/customauth/storetest"
)

// The promises of a customauth.Store, on this one.
func TestContract(t *testing.T) {
	storetest.Run(t, storetest.Config{
		New:    func(*testing.T) customauth.Store { return customauth.NewMemoryStore() },
		Bubble: synctest.Test,
	})
}

// What is an op at all, at each bound of the contract.
func TestOps(t *testing.T) {
	const year = 366 * 24 * time.Hour
	window := func(max int, per time.Duration) memory.Op {
		return memory.Op{Verb: memory.Count, Windows: []memory.Window{{Max: max, Per: per}}}
	}
	in := func(op memory.Op) memory.Op { op.Windows = hour(1); return op }
	counter := func(name string) memory.Op {
		return memory.Op{Verb: memory.Count, Counter: name, Windows: hour(1)}
	}
	tests := map[string]struct {
		op   memory.Op
		want bool
	}{
		"look":                       {in(memory.Op{Verb: memory.Look}), true},
		"before look":                {in(memory.Op{Verb: memory.Look - 1}), false},
		"reset":                      {memory.Op{Verb: memory.Reset}, true},
		"after reset":                {in(memory.Op{Verb: memory.Reset + 1}), false},
		"none":                       {in(memory.Op{Verb: memory.Count, N: -1}), false},
		"a row":                      {memory.Op{Verb: memory.Count, InARow: 1}, true},
		"a row backwards":            {memory.Op{Verb: memory.Count, InARow: -1}, false},
		"a row with windows":         {in(memory.Op{Verb: memory.Count, InARow: 1}), false},
		"a mark in a row":            {memory.Op{Verb: memory.Mark, InARow: 1}, false},
		"a tag in a row":             {memory.Op{Verb: memory.Count, InARow: 1, Tag: "t"}, false},
		"a return in a row":          {memory.Op{Verb: memory.Return, InARow: 1}, true},
		"a tag":                      {in(memory.Op{Verb: memory.Look, Tag: "t"}), true},
		"the longest tag":            {in(memory.Op{Verb: memory.Mark, Tag: strings.Repeat("t", 64)}), true},
		"a longer tag":               {in(memory.Op{Verb: memory.Mark, Tag: strings.Repeat("t", 65)}), false},
		"a return with a tag":        {in(memory.Op{Verb: memory.Return, Tag: "t"}), false},
		"a reset with a tag":         {in(memory.Op{Verb: memory.Reset, Tag: "t"}), false},
		"look without windows":       {memory.Op{Verb: memory.Look}, false},
		"ask without windows":        {memory.Op{Verb: memory.Ask}, false},
		"count without windows":      {memory.Op{Verb: memory.Count}, false},
		"mark without windows":       {memory.Op{Verb: memory.Mark}, false},
		"return without windows":     {memory.Op{Verb: memory.Return}, true},
		"eight windows":              {memory.Op{Verb: memory.Ask, Windows: slices.Repeat(hour(1), 8)}, true},
		"nine windows":               {memory.Op{Verb: memory.Ask, Windows: slices.Repeat(hour(1), 9)}, false},
		"one of them wrong":          {memory.Op{Verb: memory.Ask, Windows: append(hour(1), memory.Window{Max: 1})}, false},
		"a window for none":          {window(0, time.Hour), false},
		"the shortest window":        {window(1, time.Millisecond), true},
		"a shorter one":              {window(1, time.Millisecond-1), false},
		"the longest window":         {window(1, year), true},
		"a longer one":               {window(1, year+1), false},
		"the longest name":           {counter(strings.Repeat("n", 40)), true},
		"a longer name":              {counter(strings.Repeat("n", 41)), false},
		"no name":                    {counter(""), false},
		"a name of all that may be":  {counter("azAZ09-_:"), true},
		"a name with a letter of no": {counter("é"), false},
	}
	for _, c := range "`{@[/;! " { // the neighbours of what may be
		tests["a name with "+string(c)] = struct {
			op   memory.Op
			want bool
		}{counter("a" + string(c)), false}
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if tt.op.N == 0 {
				tt.op.N = 1
			}
			if tt.op.Counter == "" && name != "no name" {
				tt.op.Counter = "c"
			}
			if _, err := memory.New().Update("account:a", []memory.Op{tt.op}); (err == nil) != tt.want {
				t.Errorf("got %v, want it possible: %t", err, tt.want)
			}
		})
	}
	for n, want := range map[int]bool{0: false, 1: true, 8: true, 9: false} {
		var ops []memory.Op
		for i := range n {
			ops = append(ops, memory.Op{Verb: memory.Count, Counter: fmt.Sprint("c", i), N: 1, Windows: hour(1)})
		}
		if _, err := memory.New().Update("account:a", ops); (err == nil) != want {
			t.Errorf("%d ops: %v", n, err)
		}
	}
	twice := []memory.Op{counter("c"), counter("c")}
	twice[0].N, twice[1].N = 1, 1
	if _, err := memory.New().Update("account:a", twice); err == nil {
		t.Error("two ops on one counter are possible")
	}
	if _, err := memory.New().Update("account:a", []memory.Op{{Verb: memory.Count, Counter: "c", Windows: hour(1)}}); err == nil {
		t.Error("an op for nothing is possible")
	}
}

// Events go at the very end of their window, and the wait says when.
func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		op := memory.Op{Windows: []memory.Window{{Max: 3, Per: time.Hour}, {Max: 2, Per: time.Minute}}}
		var waits, ages []time.Duration
		step := func(d time.Duration, n int, tag string) {
			time.Sleep(d)
			op.N, op.Tag = n, tag
			f := count(t, s, "account:a", op)
			waits, ages = append(waits, f.Wait), append(ages, f.Age)
		}
		step(0, 1, "")                // there
		step(10*time.Second, 1, "x")  // there
		step(0, 1, "x")               // there already
		step(0, 1, "")                // two a minute
		step(50*time.Second-1, 1, "") // still
		step(1, 1, "")                // the first is out
		step(time.Minute, 1, "")      // three an hour
		step(0, 4, "")                // never
		step(time.Hour-2*time.Minute-1, 1, "")
		step(1, 1, "") // there
		want := []time.Duration{0, 0, 0, 50 * time.Second, 1, 0, 58 * time.Minute, math.MaxInt64, 1, 0}
		if diff := cmp.Diff(want, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
		want = []time.Duration{-1, -1, 0, 0, 50*time.Second - 1, 50 * time.Second, time.Minute, time.Minute, 59*time.Minute - 1, 59 * time.Minute}
		if diff := cmp.Diff(want, ages); diff != "" {
			t.Errorf("ages (-want +got):\n%s", diff)
		}
	})
}

// One of 16 goes, the one whose events are over first.
func TestRoom(t *testing.T) {
	s := memory.New()
	for i := range most {
		count(t, s, fmt.Sprint("to:", i), memory.Op{Windows: hour(1)})
	}
	if got := s.Len("to"); got != most {
		t.Errorf("%d keys are kept, want %d", got, most)
	}
	count(t, s, "to:0", memory.Op{Windows: hour(2)}) // one that is there
	if got := s.Len("to"); got != most {
		t.Errorf("%d keys are kept after a key was used again, want %d", got, most)
	}
	s.Forget("to:0")
	if got := s.Len("to"); got != most-1 {
		t.Errorf("%d keys are kept after one was forgotten, want %d", got, most-1)
	}
}
