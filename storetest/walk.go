package storetest

// This file walks a store through calls and pauses drawn at random, and compares
// each answer with a model. It finds what no hand-made case thinks of.

import (
	"math/rand/v2"
	"time"

	"github.com/cyber-eternal/customauth"
)

// An event is known to have been counted between two moments: before and after
// the call. In simulated time they are one.
type event struct{ after, before time.Time }

// model is what a store should know of one key, newest event first.
type model struct {
	e      *env
	limits []customauth.Limit
	events []event
	row    int
}

// checkWalk compares 80 calls with the model.
func checkWalk(e *env) {
	m := &model{e: e, limits: []customauth.Limit{atMost(3, e.Unit/2), atMost(4, e.Unit), atMost(6, 2*e.Unit)}}
	if !e.NoConsecutive {
		m.limits = append(m.limits, atMost(7, 0))
	}
	random := rand.New(rand.NewPCG(5, 31)) // the same walk every time
	key := e.key()
	pauses := []time.Duration{0, 0, 0, e.Unit / 16, e.Unit / 8, e.Unit / 4}
	steps := []int{1, 1, 1, 1, 0, 2, 3, -1, -2}
	for range 80 {
		e.Sleep(pauses[random.IntN(len(pauses))])
		m.step(key, steps[random.IntN(len(steps))])
	}
}

func (m *model) step(key string, n int) {
	from := m.e.Now()
	wait := m.e.ask(key, n, m.limits...)
	to := m.e.Now()

	if n < 0 {
		if wait != 0 {
			m.e.failf("walk: Count(%d) = wait %v, want 0", n, wait)
		}
		m.events = m.events[min(-n, len(m.events)):]
		m.row = 0
		return
	}
	least, most := m.bounds(max(n, 1), from, to)
	if wait == 0 && least > 0 {
		m.e.failf("walk: Count(%d) was allowed after %s, want a wait of %v or more", n, m.ages(to), least)
	}
	if wait > most {
		m.e.failf("walk: Count(%d) = wait %v after %s, want at most %v", n, wait, m.ages(to), most)
	}
	if wait > 0 && wait < least {
		m.e.failf("walk: Count(%d) = wait %v after %s, want at least %v", n, wait, m.ages(to), least)
	}
	if wait > 0 {
		return
	}
	for range n {
		m.events = append([]event{{from, to}}, m.events...)
	}
	m.row += n
}

// bounds returns the least and the most that a right store may answer to a call
// for n events made between from and to.
func (m *model) bounds(n int, from, to time.Time) (least, most time.Duration) {
	for _, l := range m.limits {
		switch i := l.Max - n; {
		case i < 0, l.Per == 0 && m.row > i:
			return forever, forever
		case l.Per == 0 || i >= len(m.events):
		default:
			// The event at place i must be old before n more fit in.
			least = max(least, m.events[i].after.Add(l.Per).Sub(to)-coarse)
			most = max(most, m.events[i].before.Add(m.e.longest(l.Per)).Sub(from))
		}
	}
	return least, most
}

// ages shows how long ago the events were counted.
func (m *model) ages(now time.Time) []time.Duration {
	var ages []time.Duration
	for _, e := range m.events[:min(8, len(m.events))] {
		ages = append(ages, now.Sub(e.before))
	}
	return ages
}
