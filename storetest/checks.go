package storetest

// This file holds the checks, from the plainest promise of a Store to the ones
// that only a careless or a hostile caller, or a second process, would notice.

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
)

var checks = []check{
	{name: "Max", run: checkMax},
	{name: "RefusalCountsNothing", run: checkRefusalCountsNothing},
	{name: "Expiry", run: checkExpiry},
	{name: "NotEarly", run: checkNotEarly},
	{name: "SlidingWindow", run: checkSlidingWindow},
	{name: "SeveralWindows", run: checkSeveralWindows},
	{name: "AllOrNothing", run: checkAllOrNothing},
	{name: "Wait", run: checkWait},
	{name: "Look", run: checkLook},
	{name: "ManyAtOnce", run: checkManyAtOnce},
	{name: "GiveBack", run: checkGiveBack},
	{name: "GiveBackNewest", run: checkGiveBackNewest},
	{name: "GiveBackFloor", run: checkGiveBackFloor},
	{name: "Consecutive", run: checkConsecutive},
	{name: "ConsecutiveAndWindow", run: checkConsecutiveAndWindow},
	{name: "ChangedLimits", run: checkChangedLimits},
	{name: "ChangedWindow", run: checkChangedWindow},
	{name: "NoLimits", run: checkNoLimits},
	{name: "Keys", run: checkKeys},
	{name: "Parallel", run: checkParallel},
	{name: "ParallelGiveBack", run: checkParallelGiveBack},
	{name: "Cancelled", run: checkCancelled},
	{name: "Walk", run: checkWalk},
	{name: "Shared", shared: true, run: checkShared},
	{name: "SharedParallel", shared: true, run: checkSharedParallel},
	{name: "ClockSkew", shared: true, run: checkClockSkew},
}

// At most Max events pass.
func checkMax(e *env) {
	for _, max := range []int{1, 3, 10} {
		e.room("a fresh key", e.key(), max, atMost(max, far))
	}
}

// A refused event leaves no trace: it neither fills the window nor extends it.
func checkRefusalCountsNothing(e *env) {
	key, limit := e.key(), atMost(2, e.Unit)
	e.room("a fresh key", key, 2, limit)
	for range 5 {
		e.refused("a full window", key, 1, limit)
	}
	e.pass(e.Unit)
	e.room("after the window, refusals forgotten", key, 2, limit)
}

// An event that is older than Per does not count, and one that is younger does.
func checkExpiry(e *env) {
	key, limit := e.key(), atMost(1, e.Unit)
	for range 3 {
		e.counted("an empty window", key, 1, limit)
		e.Sleep(e.Unit / 2)
		e.refused("half a window later", key, 1, limit)
		e.Sleep(e.longest(e.Unit) - e.Unit/2)
	}
	e.counted("a window later", key, 1, limit)
}

// An event counts until the very end of its window, at whatever moment it began.
// A counter of coarse intervals may forget some events earlier than others.
func checkNotEarly(e *env) {
	const ticks = 50
	var keys [ticks]string
	var began [ticks]time.Time
	limit := atMost(1, e.Unit)
	for tick := range 2*ticks - 1 {
		if tick < ticks {
			keys[tick], began[tick] = e.key(), e.Now()
			e.counted("a fresh key", keys[tick], 1, limit)
		}
		if i := tick - ticks + 1; i >= 0 {
			wait := e.ask(keys[i], 0, limit)
			age := e.Now().Sub(began[i]) // in real time it may have become too old
			if wait == 0 && age < e.Unit-coarse {
				e.failf("an event of %v ago does not count in a window of %v", age, e.Unit)
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
	limit := atMost(2, e.Unit)
	for i := range 14 {
		if i < 8 {
			keys = append(keys, e.key())
			e.counted("a fresh key", keys[i], 2, limit)
		}
		e.Sleep(e.Unit / 8)
		for _, key := range keys[max(0, i-5):] { // not older than 3/4 of a window
			e.refused("less than a window after it was filled", key, 1, limit)
		}
	}

	// A window that begins with its first event does not slide either.
	key := e.key()
	e.counted("an empty window", key, 1, limit)
	e.Sleep(e.Unit * 3 / 4)
	e.counted("one more, late in the window", key, 1, limit)
	e.Sleep(e.longest(e.Unit) - e.Unit*3/4)
	e.room("the first event has left, the second has not", key, 1, limit)
}

// Every limit holds, whatever its place in the list.
func checkSeveralWindows(e *env) {
	minor, major, row := atMost(2, e.Unit), atMost(3, far), atMost(3, 0)
	for _, limits := range [][]customauth.Limit{{minor, major}, {major, minor}} {
		key := e.key()
		e.room("the short window", key, 2, limits...)
		e.pass(e.Unit)
		e.room("what the long window leaves", key, 1, limits...)
		e.pass(e.Unit)
		e.refused("the long window is full", key, 1, limits...)
	}
	if !e.NoConsecutive {
		key := e.key()
		e.room("three in a row", key, 3, row, atMost(5, far))
		key = e.key()
		e.room("three in a row", key, 3, atMost(5, far), row)
	}
}

// A limit that refuses keeps the event out of the other windows too.
func checkAllOrNothing(e *env) {
	for _, limits := range [][]customauth.Limit{
		{atMost(1, e.Unit), atMost(3, far)},
		{atMost(3, far), atMost(1, e.Unit)},
	} {
		key := e.key()
		for range 2 {
			e.counted("an empty short window", key, 1, limits...)
			for range 4 {
				e.refused("a full short window", key, 1, limits...)
			}
			e.pass(e.Unit)
		}
		e.counted("the long window has counted two events", key, 1, limits...)
		e.pass(e.Unit)
		e.refused("the long window has counted three events", key, 1, limits...)
	}
}

// The wait is the time until the event would be allowed: of the limit that
// opens last, shrinking as time passes, and neither too short nor too long.
func checkWait(e *env) {
	key, limit := e.key(), atMost(1, e.Unit)
	before := e.Now()
	e.counted("an empty window", key, 1, limit)
	after := e.Now()
	for range 3 {
		e.Sleep(e.Unit / 5)
		asked := e.Now()
		wait := e.refused("a full window", key, 1, limit)
		answered := e.Now()
		e.between("a full window", wait, e.Unit-answered.Sub(before), e.longest(e.Unit)-asked.Sub(after))
	}
	wait := e.refused("a full window", key, 1, limit)
	e.Sleep(wait)
	e.counted("after the wait that was told", key, 1, limit)

	key = e.key()
	limits := []customauth.Limit{atMost(1, e.Unit), atMost(1, far), atMost(1, e.Unit/2)}
	e.counted("empty windows", key, 1, limits...)
	e.between("the limit that opens last", e.refused("full windows", key, 1, limits...), far-time.Hour, e.longest(far))
}

// n == 0 looks and changes nothing.
func checkLook(e *env) {
	key, limits := e.key(), []customauth.Limit{atMost(3, far), atMost(5, 2*far)}
	for range 7 {
		e.counted("looking at an empty window", key, 0, limits...)
	}
	e.counted("an empty window", key, 2, limits...)
	for range 7 {
		e.counted("looking at a window with room for one", key, 0, limits...)
	}
	e.room("looking counted nothing", key, 1, limits...)
	for range 3 {
		wait := e.refused("looking at a full window", key, 0, limits...)
		e.between("looking at a full window", wait, far-time.Hour, e.longest(far))
	}

	key = e.key()
	limit := atMost(1, e.Unit)
	e.counted("an empty window", key, 1, limit)
	e.Sleep(e.refused("looking at a full window", key, 0, limit))
	e.counted("looking after the wait", key, 0, limit)
	e.room("looking after the wait counted nothing", key, 1, limit)
}

// n > 1 counts all n or none, and no n is too big to be refused.
func checkManyAtOnce(e *env) {
	limit := atMost(5, far)
	key := e.key()
	e.counted("five of five", key, 5, limit)
	e.refused("a full window", key, 1, limit)

	key = e.key()
	for _, n := range []int{6, 1000, math.MaxInt32, math.MaxInt} {
		e.refused("more than the window ever holds", key, n, limit)
	}
	e.room("the refusals counted nothing", key, 5, limit)

	key = e.key()
	e.counted("three of five", key, 3, limit)
	e.refused("three more", key, 3, limit)
	e.counted("two more", key, 2, limit)
	e.refused("a full window", key, 1, limit)

	key = e.key()
	limits := []customauth.Limit{atMost(5, far), atMost(3, 2*far)}
	e.refused("more than the smaller window holds", key, 4, limits...)
	e.counted("three of three", key, 3, limits...)

	// Two more need two to leave: the wait is until the second event is old.
	key, limit = e.key(), atMost(3, e.Unit)
	e.counted("an empty window", key, 1, limit)
	e.Sleep(e.Unit / 4)
	e.counted("one more", key, 1, limit)
	e.Sleep(e.Unit / 4)
	e.counted("one more", key, 1, limit)
	one, two := e.refused("a full window", key, 1, limit), e.refused("a full window", key, 2, limit)
	if two < one+e.Unit/8 {
		e.failf("a full window: the wait for two events is %v, for one %v, want about %v more", two, one, e.Unit/4)
	}
	e.Sleep(two)
	e.counted("after the wait that was told", key, 2, limit)
}

// n < 0 takes events back, and as many become free.
func checkGiveBack(e *env) {
	key, limits := e.key(), []customauth.Limit{atMost(5, far), atMost(6, 2*far)}
	e.room("a fresh key", key, 5, limits...)
	e.giveBack(key, -1, limits...)
	e.room("one given back", key, 1, limits...)
	e.giveBack(key, -3, limits...)
	e.room("three given back", key, 3, limits...)
	e.giveBack(key, -2, limits...)
	e.counted("two given back", key, 2, limits...)
	e.refused("a full window", key, 1, limits...)

	// What a sign-in does a thousand times: count a guess, give it back.
	key = e.key()
	for range 60 {
		e.counted("every guess was given back", key, 1, limits...)
		e.giveBack(key, -1, limits...)
	}
	e.room("every guess was given back", key, 5, limits...)
}

// The newest events go first. Giving back the oldest would make the window
// open later than it should.
func checkGiveBackNewest(e *env) {
	key, limit := e.key(), atMost(2, 2*e.Unit)
	e.counted("an empty window", key, 1, limit)
	e.Sleep(e.Unit)
	e.counted("one more, half a window later", key, 1, limit)
	e.giveBack(key, -1, limit)
	e.Sleep(e.longest(2*e.Unit) - e.Unit)
	e.room("the older event has left, the newer was given back", key, 2, limit)
}

// More cannot be given back than was counted.
func checkGiveBackFloor(e *env) {
	limits := []customauth.Limit{atMost(3, far)}
	if !e.NoConsecutive {
		limits = append(limits, atMost(4, 0))
	}
	for _, n := range []int{-1, -2, -1000, math.MinInt32, math.MinInt} {
		key := e.key()
		e.giveBack(key, n, limits...)
		e.room(fmt.Sprintf("Count(%d) before anything was counted", n), key, 3, limits...)

		key = e.key()
		e.counted("a fresh key", key, 1, limits...)
		e.giveBack(key, n, limits...)
		e.giveBack(key, n, limits...)
		e.room("more given back than was counted", key, 3, limits...)
	}
}

// A limit with Per == 0 counts since the last give-back, and time does not open it.
func checkConsecutive(e *env) {
	if e.NoConsecutive {
		return
	}
	key, limit := e.key(), atMost(3, 0)
	e.room("a fresh key", key, 3, limit)
	for _, n := range []int{0, 1, 2} {
		if wait := e.refused("full", key, n, limit); wait != forever {
			e.failf("a full limit with Per 0: Count(%d) = wait %v, want %v", n, wait, forever)
		}
	}
	e.Sleep(3 * e.Unit)
	e.refused("time does not open a limit with Per 0", key, 1, limit)
	e.giveBack(key, -1, limit)
	e.room("a give-back sets the count to zero", key, 3, limit)

	key = e.key()
	e.counted("two of three", key, 2, limit)
	e.refused("two more", key, 2, limit)
	e.counted("one more", key, 1, limit)
	e.refused("full", key, 1, limit)
}

// Windows and a limit with Per == 0 hold together, and are given back apart.
func checkConsecutiveAndWindow(e *env) {
	if e.NoConsecutive {
		return
	}
	row, window := atMost(2, 0), atMost(5, far)
	for _, limits := range [][]customauth.Limit{{row, window}, {window, row}} {
		key := e.key()
		e.room("two in a row", key, 2, limits...)
		for range 6 {
			e.refused("two in a row", key, 1, limits...)
		}
		e.giveBack(key, -1, limits...) // the row is at zero, the window at one
		e.room("two in a row", key, 2, limits...)
		e.giveBack(key, -1, limits...) // the window is at two
		e.room("two in a row", key, 2, limits...)
		e.giveBack(key, -1, limits...) // the window is at three
		e.counted("two in a row", key, 2, limits...)
		e.giveBack(key, -1, limits...) // the window is at four
		e.counted("the window has room for one", key, 1, limits...)
		if wait := e.refused("the window is full, the row is not", key, 1, limits...); wait == forever {
			e.failf("the window is full, the row is not: the wait is for ever, want at most %v", far)
		}
	}

	// The window goes on as time passes, the row does not.
	key := e.key()
	limits := []customauth.Limit{atMost(1, e.Unit), atMost(2, 0)}
	e.counted("a fresh key", key, 1, limits...)
	e.pass(e.Unit)
	e.counted("the window is empty again", key, 1, limits...)
	e.pass(e.Unit)
	e.refused("two in a row", key, 1, limits...)
}

// Limits may change from call to call, as a deployment changes them.
func checkChangedLimits(e *env) {
	key := e.key()
	e.counted("three of five", key, 3, atMost(5, far))
	e.refused("the limit was lowered to what is counted", key, 1, atMost(3, far))
	e.refused("the limit was lowered below what is counted", key, 1, atMost(1, far))
	e.room("the limit was raised by one", key, 1, atMost(4, far))
	e.room("the limit was raised by two", key, 2, atMost(6, far))
	e.giveBack(key, -1, atMost(2, far))
	e.room("one was given back", key, 1, atMost(6, far))
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

// Without limits everything is allowed, and nothing breaks.
func checkNoLimits(e *env) {
	key := e.key()
	for _, n := range []int{1, 0, -1, 7} {
		if wait := e.ask(key, n); wait != 0 {
			e.failf("Count(%d) without limits = wait %v, want 0", n, wait)
		}
	}
}

// Any string is a key, and no two of them share a counter.
func checkKeys(e *env) {
	limit := atMost(1, far)
	e.giveBack("", math.MinInt32, limit) // the one key that earlier runs have used
	keys := []string{""}
	long := strings.Repeat("k", 10_000)
	for _, k := range []string{
		"", "a", "A", "a ", " a", "a\t", "a\n", "b", "ab", "a#", "a#0", "a#1", "#", "a/", "a/../a", "a.b", "a:b", "a|b",
		"a\x00", "\x00a", "a\x00b", "a\x00c", "\x00", "ä", "a\u0308", "é", "e\u0301", "ß", "ss", "🔑", "🔒", "\u202e", "\ufeff",
		"\xff", "\xfe", "\ufffd", "\xc3", "*", "%", "a%00", "$", "'", `"`, `\`, "a' OR '1'='1", "{\"S\":\"a\"}", "+491701234567", "491701234567",
		long, long + "1", long + "2", "1" + long,
	} {
		keys = append(keys, e.id+k)
	}
	for _, k := range keys {
		e.counted("a key of its own", k, 1, limit)
	}
	for _, k := range keys {
		e.refused("the same key again", k, 1, limit)
	}
	for i, k := range keys {
		e.giveBack(k, -1, limit)
		e.counted("the only key that was given back", k, 1, limit)
		e.refused("a neighbour of a key that was given back", keys[(i+1)%len(keys)], 1, limit)
	}
}

// crowd is how many calls are made at once.
const crowd = 100

// atOnce makes crowd calls at the same moment and returns how many were
// allowed. It fails on any error.
func (e *env) atOnce(call func(i int) (time.Duration, error)) int {
	var (
		mu      sync.Mutex
		wg      sync.WaitGroup
		allowed int
		failed  []error
		start   = make(chan struct{})
	)
	for i := range crowd {
		wg.Go(func() {
			<-start
			wait, err := call(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = append(failed, err)
			case wait == 0:
				allowed++
			}
		})
	}
	close(start)
	wg.Wait()
	if len(failed) > 0 {
		e.failf("%d calls at once: %d failed, the first: %v", crowd, len(failed), failed[0])
	}
	return allowed
}

// Counting is one atomic step: of many calls at once exactly Max pass.
func checkParallel(e *env) {
	for _, limits := range [][]customauth.Limit{
		{atMost(10, far)},
		{atMost(40, far), atMost(10, 2*far)},
		{atMost(10, far), atMost(40, 2*far)},
		{atMost(1, far)},
	} {
		key, want := e.key(), min(limits[0].Max, limits[len(limits)-1].Max)
		got := e.atOnce(func(int) (time.Duration, error) {
			return e.store.Count(context.Background(), key, 1, limits)
		})
		if got != want {
			e.failf("%d calls at once under %s: %d were allowed, want %d", crowd, text(limits), got, want)
		}
		e.refused("full", key, 1, limits...)
	}

	if !e.NoConsecutive {
		key, limit := e.key(), atMost(10, 0)
		got := e.atOnce(func(int) (time.Duration, error) {
			return e.store.Count(context.Background(), key, 1, []customauth.Limit{limit})
		})
		if got != limit.Max {
			e.failf("%d calls at once under %s: %d were allowed, want %d", crowd, text([]customauth.Limit{limit}), got, limit.Max)
		}
	}

	// Keys do not stand in each other's way.
	var keys [crowd]string
	for i := range keys {
		keys[i] = e.key()
	}
	got := e.atOnce(func(i int) (time.Duration, error) {
		return e.store.Count(context.Background(), keys[i], 1, []customauth.Limit{atMost(1, far)})
	})
	if got != crowd {
		e.failf("%d calls at once, each with a key of its own: %d were allowed", crowd, got)
	}
}

// Giving back is atomic too: nothing is lost between counts and give-backs.
func checkParallelGiveBack(e *env) {
	key, limits := e.key(), []customauth.Limit{atMost(crowd, far)}
	got := e.atOnce(func(i int) (time.Duration, error) {
		wait, err := e.store.Count(context.Background(), key, 1, limits)
		if err != nil || wait > 0 || i%2 == 0 {
			return wait, err
		}
		return e.store.Count(context.Background(), key, -1, limits)
	})
	if got != crowd {
		e.failf("%d calls at once under %s: %d were allowed, want all", crowd, text(limits), got)
	}
	// Half of them were given back.
	e.counted("half of the events were given back", key, crowd/2-1, limits...)
	e.room("half of the events were given back", key, 1, limits...)
}

// A context that is done is an error, and nothing is counted.
func checkCancelled(e *env) {
	limit := atMost(2, far)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancelLate()
	for name, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": late} {
		key := e.key()
		for _, n := range []int{1, 1, 0, 2} {
			if wait, err := e.store.Count(ctx, key, n, []customauth.Limit{limit}); err == nil {
				e.failf("Count(%d) with a context that is %s = wait %v and no error", n, name, wait)
			}
		}
		e.room("a context that is "+name+" counts nothing", key, 2, limit)
		if _, err := e.store.Count(ctx, key, -1, []customauth.Limit{limit}); err == nil {
			e.failf("Count(-1) with a context that is %s: no error", name)
		}
		e.refused("a context that is "+name+" gives nothing back", key, 1, limit)
	}
}

// Two instances see each other's events and give-backs.
func checkShared(e *env) {
	peer := &env{Config: e.Config, t: e.t, store: e.Peer(e.t, 0)}
	key, limit := e.key(), atMost(3, far)
	e.counted("a fresh key", key, 1, limit)
	peer.counted("one of three, on the peer", key, 1, limit)
	e.counted("two of three", key, 1, limit)
	peer.refused("three of three, on the peer", key, 0, limit)
	peer.refused("three of three, on the peer", key, 1, limit)
	e.refused("three of three", key, 1, limit)
	peer.giveBack(key, -1, limit)
	e.room("one was given back on the peer", key, 1, limit)
	if !e.NoConsecutive {
		key, limit := e.key(), atMost(1, 0)
		e.counted("a fresh key", key, 1, limit)
		peer.refused("one of one, on the peer", key, 1, limit)
		peer.giveBack(key, -1, limit)
		e.room("a give-back on the peer sets the count to zero", key, 1, limit)
	}
}

// Atomic across instances.
func checkSharedParallel(e *env) {
	stores := []customauth.Store{e.store, e.Peer(e.t, 0), e.Peer(e.t, 0)}
	key, limits := e.key(), []customauth.Limit{atMost(10, far), atMost(20, 2*far)}
	got := e.atOnce(func(i int) (time.Duration, error) {
		return stores[i%len(stores)].Count(context.Background(), key, 1, limits)
	})
	if got != 10 {
		e.failf("%d calls at once on %d instances under %s: %d were allowed, want 10", crowd, len(stores), text(limits), got)
	}
}

// Clocks that disagree by d make a window longer or shorter by d at most.
func checkClockSkew(e *env) {
	skew := e.Unit / 4
	ahead := &env{Config: e.Config, t: e.t, store: e.Peer(e.t, skew)}
	for _, order := range [][]*env{{e, ahead}, {ahead, e}} {
		key, limit := e.key(), atMost(2, e.Unit)
		order[0].counted("a fresh key, clocks apart", key, 1, limit)
		order[1].counted("one of two, clocks apart", key, 1, limit)
		for _, on := range order {
			wait := on.refused("two of two, clocks apart", key, 1, limit)
			on.between("two of two, clocks apart", wait, 0, e.longest(e.Unit)+skew)
		}
		e.Sleep(e.Unit / 2)
		for _, on := range order {
			on.refused("half a window later, clocks apart", key, 1, limit)
		}
		e.Sleep(e.longest(e.Unit) + skew - e.Unit/2)
		order[0].counted("the window has passed on every clock", key, 1, limit)
		order[1].counted("the window has passed on every clock", key, 1, limit)
		order[0].refused("full again", key, 1, limit)
	}
}
