package storetest

// This file checks one counter with windows: how many events pass, for how long
// they count, and what is found of them.

import (
	"math"
	"time"

	"github.com/cyber-eternal/customauth"
)

var windowChecks = []check{
	{name: "Max", run: checkMax},
	{name: "RefusalCountsNothing", run: checkRefusalCountsNothing},
	{name: "Expiry", run: checkExpiry},
	{name: "NotEarly", run: checkNotEarly},
	{name: "SlidingWindow", run: checkSlidingWindow},
	{name: "SeveralWindows", run: checkSeveralWindows},
	{name: "AllWindowsOrNone", run: checkAllWindowsOrNone},
	{name: "Wait", run: checkWait},
	{name: "Age", run: checkAge},
	{name: "Look", run: checkLook},
	{name: "ManyAtOnce", run: checkManyAtOnce},
	{name: "Return", run: checkReturn},
	{name: "ReturnNewest", run: checkReturnNewest},
	{name: "ReturnFloor", run: checkReturnFloor},
	{name: "Reset", run: checkReset},
	{name: "ChangedMax", run: checkChangedMax},
	{name: "ChangedWindow", run: checkChangedWindow},
	{name: "RemembersLongest", run: checkRemembersLongest},
}

// At most Max events pass.
func checkMax(e *env) {
	for _, max := range []int{1, 3, 10} {
		e.room("a fresh key", e.key(), max, atMost(max, far))
	}
}

// A refused event leaves no trace: it neither fills the window nor extends it.
func checkRefusalCountsNothing(e *env) {
	key, window := e.key(), atMost(2, e.Unit)
	e.room("a fresh key", key, 2, window)
	for range 5 {
		e.refused("a full window", key, 1, window)
	}
	e.pass(e.Unit)
	e.room("after the window, refusals forgotten", key, 2, window)
}

// An event that is older than Per does not count, and one that is younger does.
func checkExpiry(e *env) {
	key, window := e.key(), atMost(1, e.Unit)
	for range 3 {
		e.counted("an empty window", key, 1, window)
		e.Sleep(e.Unit / 2)
		e.refused("half a window later", key, 1, window)
		e.Sleep(e.longest(e.Unit) - e.Unit/2)
	}
	e.counted("a window later", key, 1, window)
}

// An event counts until the very end of its window, at whatever moment it began.
// A counter of coarse intervals may forget some events earlier than others.
func checkNotEarly(e *env) {
	const ticks = 50
	var keys [ticks]string
	var began [ticks]time.Time
	window := atMost(1, e.Unit)
	for tick := range 2*ticks - 1 {
		if tick < ticks {
			keys[tick], began[tick] = e.key(), e.Now()
			e.counted("a fresh key", keys[tick], 1, window)
		}
		if i := tick - ticks + 1; i >= 0 {
			found := e.update(keys[i], op(customauth.Look, 0, window))[0]
			age := e.Now().Sub(began[i]) // in real time it may have become too old
			if found.Wait == 0 && age < e.Unit-coarse {
				e.failf("an event of %v ago does not count in a window of %v", age, e.Unit)
			}
			if found.Age < 0 && age < e.Unit-coarse {
				e.failf("an event of %v ago is not found in a window of %v", age, e.Unit)
			}
		}
		e.Sleep(e.Unit / ticks)
	}
}

// The window slides: no interval of length Per holds more than Max events,
// wherever it begins. A counter that starts anew every Per lets twice as many
// through around the turn.
func checkSlidingWindow(e *env) {
	// Eight keys are filled an eighth of a window apart: wherever a window that
	// does not slide begins, some of them are filled just before.
	var keys []string
	window := atMost(2, e.Unit)
	for i := range 14 {
		if i < 8 {
			keys = append(keys, e.key())
			e.counted("a fresh key", keys[i], 2, window)
		}
		e.Sleep(e.Unit / 8)
		for _, key := range keys[max(0, i-5):] { // not older than 3/4 of a window
			e.refused("less than a window after it was filled", key, 1, window)
		}
	}

	// A window that begins with its first event does not slide either.
	key := e.key()
	e.counted("an empty window", key, 1, window)
	e.Sleep(e.Unit * 3 / 4)
	e.counted("one more, late in the window", key, 1, window)
	e.Sleep(e.longest(e.Unit) - e.Unit*3/4)
	e.room("the first event has left, the second has not", key, 1, window)
}

// Every window holds, whatever its place in the list.
func checkSeveralWindows(e *env) {
	minor, major := atMost(2, e.Unit), atMost(3, far)
	for _, windows := range [][]customauth.Window{{minor, major}, {major, minor}} {
		key := e.key()
		e.room("the short window", key, 2, windows...)
		e.pass(e.Unit)
		e.room("what the long window leaves", key, 1, windows...)
		e.pass(e.Unit)
		e.refused("the long window is full", key, 1, windows...)
	}

	// Of eight windows, one is full.
	for i := range 8 {
		var windows []customauth.Window
		for j := range 8 {
			windows = append(windows, atMost(9, far+time.Duration(j)*time.Hour))
		}
		windows[i].Max = 2
		e.room("one of eight windows has room for two", e.key(), 2, windows...)
	}
}

// A window that refuses keeps the event out of the other windows too.
func checkAllWindowsOrNone(e *env) {
	for _, windows := range [][]customauth.Window{
		{atMost(1, e.Unit), atMost(3, far)},
		{atMost(3, far), atMost(1, e.Unit)},
	} {
		key := e.key()
		for range 2 {
			e.counted("an empty short window", key, 1, windows...)
			for range 4 {
				e.refused("a full short window", key, 1, windows...)
			}
			e.pass(e.Unit)
		}
		e.counted("the long window has counted two events", key, 1, windows...)
		e.pass(e.Unit)
		e.refused("the long window has counted three events", key, 1, windows...)
	}
}

// The wait is the time until there is room: in the window that opens last,
// shrinking as time passes, and neither too short nor too long.
func checkWait(e *env) {
	key, window := e.key(), atMost(1, e.Unit)
	before := e.Now()
	e.counted("an empty window", key, 1, window)
	after := e.Now()
	for range 3 {
		e.Sleep(e.Unit / 5)
		for _, verb := range []customauth.Verb{customauth.Count, customauth.Ask, customauth.Look} {
			asked := e.Now()
			wait := e.update(key, op(verb, 1, window))[0].Wait
			answered := e.Now()
			e.between("a full window", wait, e.Unit-answered.Sub(before), e.longest(e.Unit)-asked.Sub(after))
		}
	}
	wait := e.refused("a full window", key, 1, window)
	e.Sleep(wait)
	e.counted("after the wait that was told", key, 1, window)

	key = e.key()
	windows := []customauth.Window{atMost(1, e.Unit), atMost(1, far), atMost(1, e.Unit/2)}
	e.counted("empty windows", key, 1, windows...)
	e.between("the window that opens last", e.refused("full windows", key, 1, windows...), far-time.Hour, e.longest(far))
}

// The age is that of the newest event within the windows, as it was before.
func checkAge(e *env) {
	key, window := e.key(), atMost(9, e.Unit)
	e.never("a fresh key", e.update(key, op(customauth.Look, 0, window))[0])
	e.never("a fresh key, before the event is counted", e.done("a fresh key", key, op(customauth.Count, 1, window))[0])
	before := e.Now()
	e.counted("a second event", key, 1, window)
	after := e.Now()
	for range 3 {
		e.Sleep(e.Unit / 5)
		for _, verb := range []customauth.Verb{customauth.Look, customauth.Ask} {
			asked := e.Now()
			found := e.update(key, op(verb, 1, window))[0]
			e.aged("two events", found, asked.Sub(after), e.Now().Sub(before)+e.longest(e.Unit)-e.Unit)
		}
	}
	asked := e.Now()
	found := e.done("a third event", key, op(customauth.Count, 1, window))[0]
	e.aged("before the third event", found, asked.Sub(after), e.Now().Sub(before)+e.longest(e.Unit)-e.Unit)
	asked = e.Now()
	found = e.update(key, op(customauth.Return, 1, window))[0]
	e.aged("before the third event is returned", found, 0, e.Now().Sub(asked)+e.longest(e.Unit)-e.Unit)
	e.pass(e.Unit)
	e.never("all events are older than the window", e.update(key, op(customauth.Look, 0, window))[0])

	key = e.key()
	e.counted("a full window", key, 1, atMost(1, far))
	found = e.denied("a full window", key, op(customauth.Count, 1, atMost(1, far)))[0]
	e.aged("a refused event is none", found, 0, time.Hour+e.longest(far)-far)
}

// Look and Ask change nothing, and Look asks for nothing.
func checkLook(e *env) {
	for _, verb := range []customauth.Verb{customauth.Look, customauth.Ask} {
		key, windows := e.key(), []customauth.Window{atMost(3, far), atMost(5, 2*far)}
		look := func(why string, n int) time.Duration { return e.update(key, op(verb, n, windows...))[0].Wait }
		for range 7 {
			if wait := look("an empty window", 0); wait != 0 {
				e.failf("%s at an empty window: wait %v", verbs[verb], wait)
			}
		}
		e.counted("an empty window", key, 2, windows...)
		for range 7 {
			if wait := look("room for one", 0); wait != 0 {
				e.failf("%s at a window with room for one: wait %v", verbs[verb], wait)
			}
		}
		e.between("room for one, asked about two", look("two", 2), far-time.Hour, e.longest(far))
		if wait := look("more than the window ever holds", 4); wait != forever {
			e.failf("%s for more than the window ever holds: wait %v, want %v", verbs[verb], wait, forever)
		}
		e.room("looking counted nothing", key, 1, windows...)
		for range 3 {
			e.between("a full window", look("a full window", 0), far-time.Hour, e.longest(far))
		}

		key = e.key()
		window := atMost(1, e.Unit)
		windows = []customauth.Window{window}
		e.counted("an empty window", key, 1, window)
		e.Sleep(look("a full window", 0))
		if wait := look("after the wait", 0); wait != 0 {
			e.failf("%s after the wait that was told: wait %v", verbs[verb], wait)
		}
		e.room("looking after the wait counted nothing", key, 1, window)
	}
}

// N counts all N or none, and no N is too big to be refused.
func checkManyAtOnce(e *env) {
	window := atMost(5, far)
	key := e.key()
	e.counted("five of five", key, 5, window)
	e.refused("a full window", key, 1, window)

	key = e.key()
	for _, n := range []int{6, 1000, math.MaxInt32, math.MaxInt} {
		if wait := e.refused("more than the window ever holds", key, n, window); wait != forever {
			e.failf("%d events, more than the window ever holds: wait %v, want %v", n, wait, forever)
		}
	}
	e.room("the refusals counted nothing", key, 5, window)

	key = e.key()
	e.counted("three of five", key, 3, window)
	e.refused("three more", key, 3, window)
	e.counted("two more", key, 2, window)
	e.refused("a full window", key, 1, window)

	key = e.key()
	e.counted("N left out is one", key, 0, window)
	e.room("N left out is one", key, 4, window)

	key = e.key()
	windows := []customauth.Window{atMost(5, far), atMost(3, 2*far)}
	e.refused("more than the smaller window holds", key, 4, windows...)
	e.counted("three of three", key, 3, windows...)

	// Two more need two to leave: the wait is until the second event is old.
	key, window = e.key(), atMost(3, e.Unit)
	e.counted("an empty window", key, 1, window)
	e.Sleep(e.Unit / 4)
	e.counted("one more", key, 1, window)
	e.Sleep(e.Unit / 4)
	e.counted("one more", key, 1, window)
	one, two := e.refused("a full window", key, 1, window), e.refused("a full window", key, 2, window)
	if two < one+e.Unit/8 {
		e.failf("a full window: the wait for two events is %v, for one %v, want about %v more", two, one, e.Unit/4)
	}
	e.Sleep(two)
	e.counted("after the wait that was told", key, 2, window)
}

// Return takes events back, and as many become free.
func checkReturn(e *env) {
	key, windows := e.key(), []customauth.Window{atMost(5, far), atMost(6, 2*far)}
	e.room("a fresh key", key, 5, windows...)
	e.takeBack(key, 1, windows...)
	e.room("one returned", key, 1, windows...)
	e.takeBack(key, 3, windows...)
	e.room("three returned", key, 3, windows...)
	e.takeBack(key, 2, windows...)
	e.counted("two returned", key, 2, windows...)
	e.refused("a full window", key, 1, windows...)
	e.takeBack(key, 0, windows...)
	e.room("N left out is one", key, 1, windows...)
	if !e.Plain {
		e.takeBack(key, 2)
		e.room("two returned without the windows", key, 2, windows...)
	}

	// What a sign-in does a thousand times: count a guess, take it back.
	key = e.key()
	for range 60 {
		e.counted("every guess was returned", key, 1, windows...)
		e.takeBack(key, 1, windows...)
	}
	e.room("every guess was returned", key, 5, windows...)
}

// The newest events go first. Returning the oldest would make the window open
// later than it should.
func checkReturnNewest(e *env) {
	key, window := e.key(), atMost(2, 2*e.Unit)
	e.counted("an empty window", key, 1, window)
	e.Sleep(e.Unit)
	e.counted("one more, half a window later", key, 1, window)
	e.takeBack(key, 1, window)
	e.Sleep(e.longest(2*e.Unit) - e.Unit)
	e.room("the older event has left, the newer was returned", key, 2, window)
}

// More cannot be returned than was counted.
func checkReturnFloor(e *env) {
	window := atMost(3, far)
	for _, n := range []int{1, 2, 1000, math.MaxInt32, math.MaxInt} {
		key := e.key()
		e.takeBack(key, n, window)
		e.room("returned before anything was counted", key, 3, window)

		key = e.key()
		e.counted("a fresh key", key, 1, window)
		e.takeBack(key, n, window)
		e.takeBack(key, n, window)
		e.room("more returned than was counted", key, 3, window)
	}
}

// Reset takes away everything.
func checkReset(e *env) {
	key, windows := e.key(), []customauth.Window{atMost(3, far), atMost(4, 2*far)}
	e.update(key, op(customauth.Reset, 0, windows...))
	for range 3 {
		e.room("after a reset", key, 3, windows...)
		found := e.update(key, op(customauth.Reset, 0, windows...))[0]
		e.aged("before the reset", found, 0, time.Hour+e.longest(far)-far)
		e.never("after the reset", e.update(key, op(customauth.Look, 0, windows...))[0])
	}
	if !e.Plain {
		e.room("after a reset", key, 3, windows...)
		e.update(key, op(customauth.Reset, 0))
		e.room("after a reset without the windows", key, 3, windows...)
	}
}

// Windows may change from call to call, as a deployment changes them.
func checkChangedMax(e *env) {
	key := e.key()
	e.counted("three of five", key, 3, atMost(5, far))
	e.refused("the Max was lowered to what is counted", key, 1, atMost(3, far))
	e.refused("the Max was lowered below what is counted", key, 1, atMost(1, far))
	e.room("the Max was raised by one", key, 1, atMost(4, far))
	e.room("the Max was raised by two", key, 2, atMost(6, far))
	e.takeBack(key, 1, atMost(2, far))
	e.room("one was returned", key, 1, atMost(6, far))
}

// A window of another length sees the events that were counted before it.
func checkChangedWindow(e *env) {
	if e.FreshWindows {
		return
	}
	key := e.key()
	e.counted("three of five", key, 3, atMost(5, far))
	e.refused("a shorter window", key, 1, atMost(3, far/2))
	e.refused("a longer window", key, 1, atMost(3, 2*far))
	e.room("one more window", key, 2, atMost(9, far), atMost(5, 2*far))
}

// An event is remembered for the longest window that it was counted with, though
// others were counted with shorter ones since.
func checkRemembersLongest(e *env) {
	if e.FreshWindows {
		return
	}
	key := e.key()
	e.counted("two in a long window", key, 2, atMost(5, far))
	e.pass(e.Unit / 4)
	for range 3 {
		e.counted("in a short window", key, 1, atMost(1, e.Unit/4))
		e.pass(e.Unit / 4)
	}
	e.refused("two and three in the long window", key, 1, atMost(2, far))
	key = e.key()
	e.counted("two in a long window", key, 2, atMost(2, far))
	e.pass(e.Unit / 4)
	e.counted("in a short window", key, 1, atMost(1, e.Unit/4))
	e.takeBack(key, 1, atMost(1, e.Unit/4))
	e.refused("two in the long window are left", key, 1, atMost(2, far))
}
