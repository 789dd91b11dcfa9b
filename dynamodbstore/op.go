package dynamodbstore

// This file reads what a caller wants done, and refuses what cannot be done.

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cyber-eternal/customauth"
)

// An op is one of customauth's, in milliseconds.
type op struct {
	verb    customauth.Verb
	counter string
	n       int
	windows []window // one for each Per
	row     int      // InARow
	tag     string   // as it is stored; "" is none
}

// A window allows max events in per milliseconds.
type window struct {
	max int
	per int64
}

// What customauth's contract allows.
const (
	maxKey     = 64
	maxOps     = 8
	maxCounter = 40
	maxTag     = 64
	maxWindows = 8
	maxPer     = 366 * 24 * time.Hour
)

// read checks ops, and reports whether the one op there is counts in buckets.
func (s *Store) read(ops []customauth.Op) (todo []op, inBuckets bool, err error) {
	if len(ops) < 1 || len(ops) > maxOps {
		return nil, false, fmt.Errorf("%d ops, and 1 to %d are possible", len(ops), maxOps)
	}
	for _, from := range ops {
		o, err := readOp(from)
		if err != nil {
			return nil, false, fmt.Errorf("counter %q: %w", from.Counter, err)
		}
		if slices.ContainsFunc(todo, func(other op) bool { return other.counter == o.counter }) {
			return nil, false, fmt.Errorf("two ops on the counter %q", o.counter)
		}
		todo = append(todo, o)
		inBuckets = inBuckets || o.most() > s.exactMax
	}
	if inBuckets && len(ops) > 1 {
		return nil, false, fmt.Errorf("a Max above %d beside other ops", s.exactMax)
	}
	if o := todo[0]; inBuckets && (o.verb == customauth.Mark || o.tag != "") {
		return nil, false, fmt.Errorf("a Mark or a Tag with a Max above %d", s.exactMax)
	}
	return todo, inBuckets, nil
}

func readOp(from customauth.Op) (op, error) {
	o := op{verb: from.Verb, counter: from.Counter, n: cmp.Or(from.N, 1), row: from.InARow}
	takes := from.Verb == customauth.Return || from.Verb == customauth.Reset
	switch {
	case from.Verb < customauth.Look || from.Verb > customauth.Reset:
		return op{}, fmt.Errorf("no such Verb: %d", from.Verb)
	case len(o.counter) < 1 || len(o.counter) > maxCounter || !isName(o.counter):
		return op{}, errors.New("it needs 1 to 40 letters, digits, -, _ and : alone")
	case o.n < 0 || o.row < 0:
		return op{}, errors.New("a negative N or InARow")
	case len(from.Tag) > maxTag || from.Tag != "" && (takes || o.row > 0):
		return op{}, errors.New("a Tag is too long, or where none can be")
	case o.row > 0 && (len(from.Windows) > 0 || from.Verb == customauth.Mark):
		return op{}, errors.New("InARow with Windows or Mark")
	case o.row == 0 && len(from.Windows) == 0 && !takes:
		return op{}, errors.New("neither Windows nor InARow")
	case len(from.Windows) > maxWindows:
		return op{}, fmt.Errorf("more than %d Windows", maxWindows)
	}
	for _, w := range from.Windows {
		if w.Max < 1 || w.Per < time.Millisecond || w.Per > maxPer {
			return op{}, fmt.Errorf("a Window of %d per %v", w.Max, w.Per)
		}
		per := int64((w.Per-1)/time.Millisecond) + 1
		if i := slices.IndexFunc(o.windows, func(o window) bool { return o.per == per }); i >= 0 {
			o.windows[i].max = min(o.windows[i].max, w.Max)
			continue
		}
		o.windows = append(o.windows, window{w.Max, per})
	}
	if from.Tag != "" {
		o.tag = tagID(from.Tag)
	}
	return o, nil
}

func checkKey(key string) error {
	if len(key) < 1 || len(key) > maxKey || !isName(key) {
		return errors.New("a key needs 1 to 64 letters, digits, -, _ and : alone")
	}
	return nil
}

func isName(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && c != '-' && c != '_' && c != ':' {
			return false
		}
	}
	return true
}

// waits reports whether an op waits for room.
func (o op) waits() bool { return o.verb == customauth.Ask || o.verb == customauth.Count }

// adds reports whether an op adds events.
func (o op) adds() bool { return o.verb == customauth.Count || o.verb == customauth.Mark }

// takes reports whether an op takes events away.
func (o op) takes() bool { return o.verb == customauth.Return || o.verb == customauth.Reset }

// impossible reports whether an op waits for ever, whatever was counted.
func (o op) impossible() bool { return o.waits() && (o.row > 0 && o.n > o.row || o.least() < o.n) }

// least is the smallest Max.
func (o op) least() int {
	least := int(^uint(0) >> 1)
	for _, w := range o.windows {
		least = min(least, w.max)
	}
	return least
}

// most is the largest Max.
func (o op) most() (most int) {
	for _, w := range o.windows {
		most = max(most, w.max)
	}
	return most
}

// longest is the longest Per.
func (o op) longest() (longest int64) {
	for _, w := range o.windows {
		longest = max(longest, w.per)
	}
	return longest
}
