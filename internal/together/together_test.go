package together_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/internal/together"
)

// TestTake: all or none.
func TestTake(t *testing.T) {
	broken := errors.New("broken")
	type answer struct {
		got bool
		err error
	}
	yes, no, fails, both := answer{true, nil}, answer{false, nil}, answer{false, broken}, answer{true, broken}
	for name, test := range map[string]struct {
		answers []answer
		all     bool
		err     error
		back    []int
	}{
		"nothing":          {nil, true, nil, nil},
		"all":              {[]answer{yes, yes, yes}, true, nil, nil},
		"not the first":    {[]answer{no, yes, yes}, false, nil, []int{1, 2}},
		"not the last":     {[]answer{yes, yes, no}, false, nil, []int{0, 1}},
		"none":             {[]answer{no, no}, false, nil, nil},
		"one fails":        {[]answer{yes, fails, yes}, false, broken, []int{0, 2}},
		"one fails as got": {[]answer{yes, both}, false, broken, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var back []int
			all, err := together.Take(len(test.answers),
				func(i int) (bool, error) { return test.answers[i].got, test.answers[i].err },
				func(i int) {
					mu.Lock()
					defer mu.Unlock()
					back = append(back, i)
				})
			slices.Sort(back)
			if all != test.all || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Errorf("all: %v, %v; want %v, %v", all, err, test.all, test.err)
			}
			if diff := cmp.Diff(test.back, back); diff != "" {
				t.Errorf("given back (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSideBySide: n things take as long as one.
func TestSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		together.Each(5, func(int) { time.Sleep(time.Second) })
		if took := time.Since(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
