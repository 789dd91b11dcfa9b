package session_test

import (
	"errors"
	"testing"

	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/session"
)

// TestSteps: what a step begins with, and what may follow, count by count.
func TestSteps(t *testing.T) {
	type counts struct{ step, wrong, sends, rounds byte }
	rec := func(passed bool, c counts) event.Entry {
		return entry(passed, func(r *seal.Record) { r.Step, r.Wrong, r.Sends, r.Rounds = c.step, c.wrong, c.sends, c.rounds })
	}
	tests := map[string]struct {
		first  counts
		passed bool
		second counts
		want   bool
	}{
		"the same again":                 {counts{0, 0, 1, 0}, false, counts{0, 0, 1, 1}, true},
		"wrong":                          {counts{0, 0, 1, 0}, false, counts{0, 1, 1, 1}, true},
		"sent again":                     {counts{0, 0, 1, 0}, false, counts{0, 0, 2, 1}, true},
		"sent at last":                   {counts{0, 0, 0, 0}, false, counts{0, 0, 1, 1}, true},
		"the next step":                  {counts{0, 0, 1, 0}, true, counts{1, 0, 1, 1}, true},
		"the next step, nothing sent":    {counts{0, 0, 1, 0}, true, counts{1, 0, 0, 1}, true},
		"the next step, sent twice":      {counts{0, 0, 1, 0}, true, counts{1, 0, 2, 1}, false},
		"the next step, already wrong":   {counts{0, 0, 1, 0}, true, counts{1, 1, 1, 1}, false},
		"the passed step again":          {counts{0, 0, 1, 0}, true, counts{0, 0, 1, 1}, false},
		"the next step, without passing": {counts{0, 0, 1, 0}, false, counts{1, 0, 1, 1}, false},
		"two wrong":                      {counts{0, 0, 1, 0}, false, counts{0, 2, 1, 1}, false},
		"wrong and sent":                 {counts{0, 0, 1, 0}, false, counts{0, 1, 2, 1}, false},
		"one send less":                  {counts{0, 0, 1, 0}, false, counts{0, 0, 0, 1}, false},
		"one send less, one wrong":       {counts{0, 0, 1, 0}, false, counts{0, 1, 0, 1}, false},
		"a round left out":               {counts{0, 0, 1, 0}, false, counts{0, 0, 1, 2}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := session.Plan{Steps: 3, Sealer: sealer, Who: who}.Walk([]event.Entry{rec(tt.passed, tt.first), rec(false, tt.second)})
			var foreign *session.Foreign
			if (err == nil) != tt.want || err != nil && !errors.As(err, &foreign) {
				t.Errorf("got %v, want it accepted: %t", err, tt.want)
			}
		})
	}
	// What was wrong is not taken back.
	_, err := session.Plan{Steps: 3, Sealer: sealer, Who: who}.Walk([]event.Entry{
		rec(false, counts{0, 0, 1, 0}), rec(false, counts{0, 1, 1, 1}), rec(false, counts{0, 0, 1, 2}),
	})
	if err == nil {
		t.Error("a wrong answer was taken back")
	}
}

// TestProvedStays: a step that proves nothing does not take back what one before it proved.
func TestProvedStays(t *testing.T) {
	st, err := session.Plan{Steps: 3, Sealer: sealer, Who: who}.Walk([]event.Entry{
		entry(true, nil), entry(true, func(r *seal.Record) { r.Step, r.Rounds, r.Flags = 1, 1, seal.Anyone }),
	})
	if err != nil || !st.Proved || st.Step != 2 {
		t.Errorf("%+v, %v", st, err)
	}
}
