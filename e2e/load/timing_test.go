package load_test

import (
	"fmt"
	"math/bits"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A timing counts durations in buckets, so that it needs the same memory for ten
// and for ten million. A bucket is an eighth of its power of two wide: what it
// tells is at most 13 % too much.
type timing struct {
	name    string
	buckets [64 * 8]atomic.Int64
	longest atomic.Int64
}

func (t *timing) add(d time.Duration) {
	n := max(uint64(d), 8)
	top := bits.Len64(n) - 1
	t.buckets[top*8+int(n>>(top-3)&7)].Add(1)
	for {
		longest := t.longest.Load()
		if int64(d) <= longest || t.longest.CompareAndSwap(longest, int64(d)) {
			return
		}
	}
}

func (t *timing) count() (n int64) {
	for i := range t.buckets {
		n += t.buckets[i].Load()
	}
	return n
}

// quantile is a duration that this share of all did not exceed.
func (t *timing) quantile(q float64) time.Duration {
	want := int64(q * float64(t.count()))
	var seen int64
	for i := range t.buckets {
		if seen += t.buckets[i].Load(); seen > want {
			end := time.Duration(uint64(8+i%8+1) << (i / 8) >> 3)
			return min(end, time.Duration(t.longest.Load()))
		}
	}
	return time.Duration(t.longest.Load())
}

// timings are timings by name.
type timings struct {
	mu  sync.Mutex
	all map[string]*timing
}

func (t *timings) of(name string) *timing {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = make(map[string]*timing)
	}
	if t.all[name] == nil {
		t.all[name] = &timing{name: name}
	}
	return t.all[name]
}

// String is a table in Markdown.
func (t *timings) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var rows []string
	for _, x := range t.all {
		rows = append(rows, fmt.Sprintf("| %s | %d | %s | %s | %s | %s | %s |\n", x.name, x.count(),
			short(x.quantile(.5)), short(x.quantile(.9)), short(x.quantile(.99)), short(x.quantile(.999)), short(time.Duration(x.longest.Load()))))
	}
	sort.Strings(rows)
	return "|  | calls | 50 % | 90 % | 99 % | 99.9 % | longest |\n|---|---|---|---|---|---|---|\n" + strings.Join(rows, "")
}

// short has two significant digits or so.
func short(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.1f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	default:
		return fmt.Sprintf("%.0f ms", float64(d)/1e6)
	}
}

func TestTiming(t *testing.T) {
	var x timing
	for i := range 1000 {
		x.add(time.Duration(i+1) * time.Microsecond)
	}
	for q, want := range map[float64]time.Duration{0: time.Microsecond, .5: 500 * time.Microsecond, .9: 900 * time.Microsecond, .99: 990 * time.Microsecond, 1: time.Millisecond} {
		if got := x.quantile(q); got < want || got > want+want/7 {
			t.Errorf("quantile %v: %v, want %v to %v", q, got, want, want+want/7)
		}
	}
	if x.count() != 1000 {
		t.Errorf("%d counted, want 1000", x.count())
	}
	x.add(0)
	x.add(time.Hour)
	if got := x.quantile(1); got != time.Hour {
		t.Errorf("the longest: %v, want 1h", got)
	}
}
