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
type event struct {
	after, before time.Time
	tag           string
}

// model is what a store should know of one counter, newest event first.
type model struct {
	events []event
	row    int
}

// checkWalk compares 150 calls with the model.
func checkWalk(e *env) {
	random := rand.New(rand.NewPCG(5, 31)) // the same walk every time
	w := &walk{e: e, key: e.key(), models: map[string]*model{"a": {}, "b": {}, "row": {}}}
	windows := map[string][]customauth.Window{
		"a": {atMost(3, e.Unit/2), atMost(4, e.Unit), atMost(6, 2*e.Unit)},
		"b": {atMost(5, 2*e.Unit)},
	}
	draw := []customauth.Verb{count, count, count, count, ask, look, mark, back, reset}
	tags := []string{"", "", "", "", "x", "y"}
	for range 150 {
		if random.IntN(3) == 0 {
			e.Sleep(e.Unit / time.Duration(4<<random.IntN(3)))
		}
		var ops []customauth.Op
		for _, i := range random.Perm(3)[:1+random.IntN(3)] {
			name := []string{"a", "b", "row"}[i]
			op := customauth.Op{Verb: draw[random.IntN(len(draw))], Counter: name, N: random.IntN(3), Windows: windows[name]}
			if name == "row" {
				op.InARow = 7
				if op.Verb == mark {
					op.Verb = count
				}
			}
			if name == "b" && op.Verb != back && op.Verb != reset {
				op.Tag = tags[random.IntN(len(tags))]
			}
			if op.Verb == mark && len(w.models[name].events)+max(op.N, 1) > 5 {
				op.Verb = ask // what a Mark beyond Max leaves is not told
			}
			ops = append(ops, op)
		}
		w.step(ops)
	}
}

type walk struct {
	e      *env
	key    string
	models map[string]*model
}

func (w *walk) step(ops []customauth.Op) {
	from := w.e.Now()
	found := w.e.update(w.key, ops...)
	to := w.e.Now()

	repeated := make([]bool, len(ops))
	for i, op := range ops {
		m, f := w.models[op.Counter], found[i]
		n := max(op.N, 1)
		least, most := m.bounds(w.e, op, n, from, to)
		if f.Wait < least || f.Wait > most {
			w.e.failf("walk: op %d of Update(%s) found the wait %v after %s, want %v to %v", i, text(ops), f.Wait, m.ages(to), least, most)
		}
		low, high := m.age(w.e, op, from, to)
		if f.Age < low-coarse && low >= 0 || f.Age > high+coarse || low >= 0 && f.Age < 0 {
			w.e.failf("walk: op %d of Update(%s) found the age %v after %s, want %v to %v", i, text(ops), f.Age, m.ages(to), low, high)
		}
		repeated[i] = op.Tag != "" && f.Age >= 0
	}
	if refuses(ops, found) {
		return
	}
	for i, op := range ops {
		if !repeated[i] {
			w.models[op.Counter].apply(op, max(op.N, 1), from, to)
		}
	}
}

func (m *model) apply(op customauth.Op, n int, from, to time.Time) {
	switch op.Verb {
	case count, mark:
		if op.InARow > 0 {
			m.row += n
			return
		}
		for range n {
			m.events = append([]event{{from, to, op.Tag}}, m.events...)
		}
	case back:
		m.row = max(0, m.row-n)
		m.events = m.events[min(n, len(m.events)):]
	case reset:
		*m = model{}
	}
}

// bounds returns the least and the most wait that a right store may find for n
// events in a call between from and to.
func (m *model) bounds(e *env, op customauth.Op, n int, from, to time.Time) (least, most time.Duration) {
	if op.InARow > 0 && m.row > op.InARow-n {
		return forever, forever
	}
	if low, high := m.age(e, op, from, to); op.Tag != "" && high >= 0 {
		if low >= 0 {
			return 0, 0
		}
		return 0, forever // it may have left just now
	}
	for _, w := range op.Windows {
		switch i := w.Max - n; {
		case i < 0:
			return forever, forever
		case i < len(m.events):
			// The event at place i must be old before n more fit in.
			least = max(least, m.events[i].after.Add(w.Per).Sub(to)-coarse)
			most = max(most, m.events[i].before.Add(e.longest(w.Per)).Sub(from))
		}
	}
	return least, most
}

// age returns how old the event that an op finds may be; -1 is none.
func (m *model) age(e *env, op customauth.Op, from, to time.Time) (low, high time.Duration) {
	longest := time.Duration(0)
	for _, w := range op.Windows {
		longest = max(longest, w.Per)
	}
	for _, ev := range m.events {
		if op.Tag != "" && op.Tag != ev.tag {
			continue
		}
		if from.Sub(ev.before) >= e.longest(longest) {
			return -1, -1
		}
		low, high = from.Sub(ev.before), to.Sub(ev.after)
		if high >= longest-coarse {
			return -1, high // it may have left just now
		}
		return max(low, 0), high
	}
	return -1, -1
}

// ages shows how long ago the events were counted.
func (m *model) ages(now time.Time) []time.Duration {
	var ages []time.Duration
	for _, e := range m.events[:min(8, len(m.events))] {
		ages = append(ages, now.Sub(e.before))
	}
	return ages
}
