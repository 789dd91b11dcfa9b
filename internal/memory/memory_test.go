package memory_test

// What a customauth.Store promises is tested with storetest, in that package. Here
// is what only this store promises: how much it keeps.

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth/internal/memory"
)

const most = 1 << 16

func hour(n int) []memory.Window { return []memory.Window{{Max: n, Per: time.Hour}} }

func count(t *testing.T, s *memory.Store, key string, op memory.Op) memory.Found {
	t.Helper()
	op.Verb, op.Counter, op.N = memory.Count, "c", max(op.N, 1)
	found, err := s.Update(key, []memory.Op{op})
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

// Made-up names push out no account, however many there are.
func TestKindsDoNotPushOut(t *testing.T) {
	s := memory.New()
	count(t, s, "account:victim", memory.Op{Windows: hour(1)})
	for i := range 2 * most {
		count(t, s, fmt.Sprint("nobody:", i), memory.Op{Windows: hour(1)})
	}
	if got := count(t, s, "account:victim", memory.Op{Windows: hour(1)}); got.Wait == 0 {
		t.Error("the account was forgotten")
	}
	if got := s.Len("nobody"); got != most {
		t.Errorf("%d made-up names are kept, want %d", got, most)
	}
}

// Where there is no room, what ends first goes; failures in a row never end.
func TestPushesOutWhatEndsFirst(t *testing.T) {
	s := memory.New()
	for i := range 100 {
		count(t, s, fmt.Sprint("account:locked", i), memory.Op{InARow: 1})
	}
	for i := range 2 * most {
		count(t, s, fmt.Sprint("account:", i), memory.Op{Windows: hour(1)})
	}
	kept := 0
	for i := range 100 {
		if count(t, s, fmt.Sprint("account:locked", i), memory.Op{InARow: 1}).Wait == math.MaxInt64 {
			kept++
		}
	}
	if kept != 100 {
		t.Errorf("%d of 100 locked accounts are still locked", kept)
	}
}

// Keys whose events are over are forgotten without being asked for again.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		for i := range 5000 {
			count(t, s, fmt.Sprint("to:", i), memory.Op{Windows: hour(1)})
		}
		time.Sleep(time.Hour)
		for range 5000 {
			count(t, s, "to:a", memory.Op{Windows: hour(5000)})
		}
		if got := s.Len("to"); got != 1 {
			t.Errorf("%d keys are kept, want the one that is used", got)
		}
	})
}

// Keys with nothing counted take no place.
func TestKeepsNothing(t *testing.T) {
	for name, ops := range map[string][]memory.Op{
		"look":             {{Verb: memory.Look, Windows: hour(1)}},
		"ask":              {{Verb: memory.Ask, Windows: hour(1)}},
		"return":           {{Verb: memory.Return}},
		"reset":            {{Verb: memory.Reset}},
		"count and return": {{Verb: memory.Count, Windows: hour(1)}, {Verb: memory.Return}},
		"count and reset":  {{Verb: memory.Count, Windows: hour(1)}, {Verb: memory.Reset}},
		"row and return":   {{Verb: memory.Count, InARow: 3}, {Verb: memory.Return, InARow: 3}},
		"row and reset":    {{Verb: memory.Count, InARow: 3}, {Verb: memory.Reset}},
	} {
		t.Run(name, func(t *testing.T) {
			s := memory.New()
			for _, op := range ops {
				op.Counter, op.N = "c", 1
				if _, err := s.Update("account:a", []memory.Op{op}); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.Len("account"); got != 0 {
				t.Errorf("%d keys are kept", got)
			}
		})
	}
}

// A counter that is used for years keeps no more than it needs.
func TestEventsStayFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := memory.New()
		for _, verb := range []memory.Verb{memory.Count, memory.Mark} {
			for range 1000 {
				op := memory.Op{Verb: verb, Counter: fmt.Sprint("c", verb), N: 1, Windows: hour(4)}
				if _, err := s.Update("account:a", []memory.Op{op}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(20 * time.Minute)
			}
			if got := s.Events("account:a"); got > 4 {
				t.Errorf("verb %v: %d events are kept, want 4 at most", verb, got)
			}
		}
	})
}
