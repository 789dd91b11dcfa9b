package latency_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth/internal/latency"
)

func TestDraw(t *testing.T) {
	median := func(s *latency.Samples) time.Duration {
		var all []time.Duration
		for range 4001 {
			all = append(all, s.Draw().Took)
		}
		slices.Sort(all)
		return all[2000]
	}
	s := new(latency.Samples)
	if got := median(s); got < 120*time.Millisecond || got > 180*time.Millisecond {
		t.Errorf("nothing learned: median %v", got)
	}
	for range 1000 {
		s.Learn(latency.Sample{Took: time.Second})
	}
	for range 1000 {
		s.Learn(latency.Sample{Took: 20 * time.Millisecond, End: 2})
	}
	if got := median(s); got < 18*time.Millisecond || got > 22*time.Millisecond {
		t.Errorf("the old is not forgotten: median %v", got)
	}
	if got := s.Draw().End; got != 2 {
		t.Errorf("end %d", got)
	}
	seen := map[time.Duration]bool{}
	for range 100 {
		seen[s.Draw().Took] = true
	}
	if len(seen) < 95 {
		t.Errorf("%d durations in 100 draws", len(seen))
	}
}
