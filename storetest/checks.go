package storetest

// This file checks what goes beyond one counter with windows: several counters of a
// key, verbs and ops of other kinds, and what only a careless or a hostile caller,
// or a second process, would notice.

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
)

var checks = append(windowChecks, []check{
	{name: "InARow", full: true, run: checkInARow},
	{name: "Counters", full: true, run: checkCounters},
	{name: "AllOpsOrNone", full: true, run: checkAllOpsOrNone},
	{name: "FoundBefore", full: true, run: checkFoundBefore},
	{name: "SignIns", full: true, run: checkSignIns},
	{name: "Mark", full: true, run: checkMark},
	{name: "Tag", full: true, run: checkTag},
	{name: "TagAge", full: true, run: checkTagAge},
	{name: "TagsOnly", full: true, run: checkTagsOnly},
	{name: "Impossible", run: checkImpossible},
	{name: "ImpossibleInFull", full: true, run: checkImpossibleInFull},
	{name: "Keys", run: checkKeys},
	{name: "Names", full: true, run: checkNames},
	{name: "Forget", run: checkForget},
	{name: "Warm", run: checkWarm},
	{name: "Parallel", run: checkParallel},
	{name: "ParallelReturn", run: checkParallelReturn},
	{name: "ParallelCounters", full: true, run: checkParallelCounters},
	{name: "ParallelTags", full: true, run: checkParallelTags},
	{name: "Cancelled", run: checkCancelled},
	{name: "Walk", full: true, run: checkWalk},
	{name: "Shared", shared: true, run: checkShared},
	{name: "SharedCounters", shared: true, full: true, run: checkSharedCounters},
	{name: "SharedParallel", shared: true, run: checkSharedParallel},
	{name: "ClockSkew", shared: true, run: checkClockSkew},
}...)

const (
	look  = customauth.Look
	ask   = customauth.Ask
	count = customauth.Count
	mark  = customauth.Mark
	back  = customauth.Return
	reset = customauth.Reset
)

// InARow counts since the last Reset, and time does not open it.
func checkInARow(e *env) {
	key := e.key()
	e.roomFor("a fresh key", key, 3, row(count, 1, 3))
	for _, n := range []int{0, 1, 2, math.MaxInt} {
		for _, verb := range []customauth.Verb{count, ask, look} {
			if f := e.update(key, row(verb, n, 3))[0]; f.Wait != forever {
				e.failf("three in a row: %s of %d found the wait %v, want %v", verbs[verb], n, f.Wait, forever)
			}
		}
	}
	e.Sleep(3 * e.Unit)
	e.denied("time does not open it", key, row(count, 1, 3))
	e.update(key, row(back, 1, 3))
	e.roomFor("one was returned", key, 1, row(count, 1, 3))
	e.update(key, row(back, 2, 3))
	e.roomFor("two were returned", key, 2, row(count, 1, 3))
	e.update(key, on("row", op(reset, 0)))
	e.roomFor("after a reset", key, 3, row(count, 1, 3))
	e.update(key, row(reset, 0, 3))
	e.roomFor("after a reset that names the most", key, 3, row(count, 1, 3))
	e.update(key, row(back, math.MaxInt, 3))
	e.roomFor("more were returned than counted", key, 3, row(count, 1, 3))

	key = e.key()
	e.done("two of three", key, row(count, 2, 3))
	e.denied("two more", key, row(count, 2, 3))
	e.denied("very many more", key, row(count, math.MaxInt, 3))
	for range 4 {
		e.done("asking counts nothing", key, row(ask, 1, 3))
		e.update(key, row(look, 1, 3))
	}
	e.roomFor("one more", key, 1, row(count, 1, 3))
	e.roomFor("the most was raised", key, 1, row(count, 1, 4))
	e.denied("the most was lowered", key, row(count, 1, 2))
	for _, verb := range []customauth.Verb{look, back} {
		e.never("a counter in a row has no age", e.update(key, row(verb, 1, 9))[0])
	}
}

// Counters of a key count apart.
func checkCounters(e *env) {
	key := e.key()
	var ops []customauth.Op
	for i := range 8 {
		ops = append(ops, on(fmt.Sprintf("c%d", i), op(count, 1, atMost(i+1, far))))
	}
	e.done("eight counters", key, ops...)
	for i, one := range ops {
		e.roomFor("one event was counted", key, i, one)
	}
	for i := range ops {
		ops[i].Verb, ops[i].Windows = back, nil
	}
	e.update(key, ops[4], ops[2])
	for i := range ops {
		ops[i].Verb, ops[i].Windows = count, []customauth.Window{atMost(i+1, far)}
		if i == 2 || i == 4 {
			e.roomFor("one event was returned", key, 1, ops[i])
		} else {
			e.denied("nothing was returned", key, ops[i])
		}
	}
	e.update(key, on("c5", op(reset, 0)), on("c6", op(reset, 0)))
	for i := range ops {
		if i == 5 || i == 6 {
			e.roomFor("reset", key, i+1, ops[i])
		} else {
			e.denied("not reset", key, ops[i])
		}
	}
}

// If one Ask or Count has no room, nothing is done, and what was found is told of
// all: whatever the verbs beside it, and wherever it stands.
func checkAllOpsOrNone(e *env) {
	for _, refusing := range []customauth.Op{
		on("full", op(count, 1, atMost(2, far))),
		on("full", op(ask, 1, atMost(2, far))),
		on("full", op(ask, 5, atMost(4, far))),
		on("full", row(count, 1, 2)),
		on("full", row(ask, 1, 2)),
	} {
		for place := range 6 {
			key := e.key()
			two := refusing
			two.Verb, two.N = count, 2
			e.done("a fresh key", key, two)
			e.done("a fresh key", key, on("counted", op(count, 1, atMost(3, far))), on("marked", op(mark, 1, atMost(3, far))),
				on("returned", op(count, 2, atMost(3, far))), on("reset", row(count, 2, 3)))
			ops := []customauth.Op{on("counted", op(count, 2, atMost(3, far))), on("marked", op(mark, 1, atMost(3, far))),
				on("returned", op(back, 1, atMost(3, far))), on("reset", row(reset, 0, 3)), on("looked", op(look, 1, atMost(3, far)))}
			ops = append(ops[:place:place], append([]customauth.Op{refusing}, ops[place:]...)...)
			found := e.denied("one counter is full", key, ops...)
			for i, f := range found {
				switch {
				case (f.Wait > 0) != (ops[i].Counter == "full"):
					e.failf("Update(%s) found the waits %v, want one for the counter that is full alone", text(ops), found)
				case ops[i].Counter == "counted" || ops[i].Counter == "marked" || ops[i].Counter == "returned":
					e.aged("beside a counter that is full", f, 0, time.Hour)
				}
			}
			why := "a refused Update changed "
			e.roomFor(why+"counted", key, 2, on("counted", op(count, 1, atMost(3, far))))
			e.roomFor(why+"marked", key, 2, on("marked", op(count, 1, atMost(3, far))))
			e.roomFor(why+"returned", key, 1, on("returned", op(count, 1, atMost(3, far))))
			e.roomFor(why+"reset", key, 1, on("reset", row(count, 1, 3)))
		}
	}

	// Two have no room: each tells its own wait.
	key := e.key()
	e.done("a fresh key", key, on("a", op(count, 1, atMost(1, far))), on("b", op(count, 1, atMost(1, 2*far))), on("c", op(count, 1, atMost(2, far))))
	found := e.denied("two counters are full", key, on("a", op(count, 1, atMost(1, far))), on("b", op(count, 1, atMost(1, 2*far))), on("c", op(count, 1, atMost(2, far))))
	e.between("a", found[0].Wait, far-time.Hour, e.longest(far))
	e.between("b", found[1].Wait, 2*far-time.Hour, e.longest(2*far))
	e.between("c", found[2].Wait, 0, 0)

	// A Look, a Mark, a Return or a Reset without room keeps nothing from being done.
	for _, beside := range []customauth.Op{op(look, 1, atMost(1, far)), op(mark, 1, atMost(1, far)), op(back, 1, atMost(1, far)), op(reset, 1, atMost(1, far))} {
		key := e.key()
		e.counted("a fresh key", key, 1, atMost(1, far))
		found := e.done("beside a "+verbs[beside.Verb], key, beside, on("d", op(count, 1, atMost(1, far))))
		e.between("what "+verbs[beside.Verb]+" found", found[0].Wait, far-time.Hour, e.longest(far))
		e.denied("it was counted", key, on("d", op(count, 1, atMost(1, far))))
	}
}

// What is found is how things were before, for every verb.
func checkFoundBefore(e *env) {
	for _, verb := range []customauth.Verb{look, ask, count, mark, back, reset} {
		key := e.key()
		window := atMost(3, far)
		before := e.Now()
		e.counted("a fresh key", key, 2, window)
		e.Sleep(e.Unit / 4)
		asked := e.Now()
		found := e.done(verbs[verb], key, op(verb, 1, window), on("other", op(count, 1, window)))
		if found[0].Wait != 0 {
			e.failf("%s where there is room found the wait %v", verbs[verb], found[0].Wait)
		}
		e.aged(verbs[verb]+" found", found[0], e.Unit/4, e.Unit/4+asked.Sub(before)+time.Hour)
		e.never("beside "+verbs[verb], found[1])
	}
	key := e.key()
	e.done("a fresh key", key, row(count, 3, 3))
	if f := e.update(key, row(back, 1, 3))[0]; f.Wait != forever {
		e.failf("Return from three in a row found the wait %v, want that before, %v", f.Wait, forever)
	}
	if f := e.update(key, row(reset, 2, 3))[0]; f.Wait != forever {
		e.failf("Reset of two in a row, for two more, found the wait %v, want that before, %v", f.Wait, forever)
	}
	if f := e.update(key, row(look, 3, 3))[0]; f.Wait != 0 {
		e.failf("after a Reset: the wait is %v", f.Wait)
	}
}

// What the handlers do in a sign-in, many times, and all that they keep in mind.
func checkSignIns(e *env) {
	key := e.key()
	guesses := []customauth.Window{atMost(3, far), atMost(5, 2*far)}
	send := on("send", op(count, 1, atMost(1, e.Unit/4), atMost(30, far)))
	to := on("to-1", op(count, 1, atMost(30, far)))
	ok := on("ok-1", op(look, 0, atMost(1, 2*far)))
	guess, failures := on("guess", op(count, 1, guesses...)), row(count, 1, 4)
	for i := range 24 {
		askGuess, askFailures := guess, failures
		askGuess.Verb, askFailures.Verb = ask, ask
		found := e.done("create", key, askGuess, askFailures, send, to, ok)
		if known := found[4].Age >= 0; known != (i > 0) {
			e.failf("sign-in %d: the destination is known: %v", i+1, known)
		}
		if again := e.denied("create, again at once", key, askGuess, askFailures, send, to, ok); again[2].Wait == 0 {
			e.failf("sign-in %d: another message at once: no wait", i+1)
		}
		tag := fmt.Sprintf("%032x", i)
		used := on("used", op(look, 0, atMost(8, far)))
		if i%3 == 0 {
			e.done("a wrong guess", key, guess, failures, tagged(tag, used))
		}
		found = e.done("the right guess", key, guess, failures, tagged(tag, used))
		e.never("the code was not used", found[2])
		used.Verb, ok.Verb = mark, mark
		e.update(key, on("guess", op(back, 1)), on("row", op(reset, 0)), tagged(tag, used), ok)
		if i%3 == 0 {
			e.update(key, on("guess", op(back, 0)))
		}
		used.Verb, ok.Verb = look, look
		e.aged("the code was used", e.update(key, tagged(tag, used))[0], 0, time.Hour)
		e.pass(e.Unit / 4)
	}
	e.roomFor("every guess was returned", key, 3, guess)
	e.roomFor("failures were reset", key, 4, failures)
	e.roomFor("24 messages were sent", key, 6, to)
}

// Mark adds, whether there is room or not, and the newest Max stay.
func checkMark(e *env) {
	key := e.key()
	for range 5 {
		e.update(key, op(mark, 1, atMost(2, e.Unit)))
	}
	e.refused("marks fill the window", key, 1, atMost(2, e.Unit))
	e.Sleep(e.Unit / 2)
	e.update(key, op(mark, 1, atMost(2, e.Unit)))
	e.Sleep(e.longest(e.Unit) - e.Unit/2)
	e.room("the older marks have left, the last has not", key, 1, atMost(2, e.Unit))

	key = e.key()
	e.update(key, op(mark, 3, atMost(5, far)))
	e.room("three marks of five", key, 2, atMost(5, far))
	e.update(key, op(mark, 1000, atMost(5, far)))
	e.refused("far too many marks", key, 1, atMost(5, far))
	e.update(key, op(mark, 0, atMost(1, far)))
	e.aged("a mark over others", e.update(key, op(look, 1, atMost(1, far)))[0], 0, time.Hour)

	key = e.key()
	for _, tag := range []string{"a", "b", "c", "d", "e"} {
		e.update(key, tagged(tag, op(mark, 1, atMost(1, far), atMost(3, far/2))))
	}
	for _, tag := range []string{"c", "d", "e"} {
		e.aged("one of the newest three marks", e.update(key, tagged(tag, op(look, 1, atMost(3, far))))[0], 0, time.Hour)
	}
	e.update(key, op(reset, 0))
	e.never("after a reset", e.update(key, tagged("e", op(look, 1, atMost(3, far))))[0])
	e.room("after a reset", key, 3, atMost(3, far))
}

// An event with a Tag counts once, however often it comes, and has room then.
func checkTag(e *env) {
	window := atMost(2, far)
	for _, verb := range []customauth.Verb{count, mark} {
		key := e.key()
		first := e.done("a first event", key, tagged("a", op(verb, 1, window)))[0]
		e.never("a first event", first)
		for range 4 {
			found := e.done("the same event again", key, tagged("a", op(verb, 1, window)))[0]
			e.aged("the same event again", found, 0, time.Hour)
			if found.Wait != 0 {
				e.failf("the same event again: the wait is %v", found.Wait)
			}
		}
		e.done("another event", key, tagged("A", op(verb, 1, window)))
		e.refused("a full window", key, 1, window)
		for _, again := range []customauth.Verb{ask, count, mark} {
			found := e.done("an event that is there, in a full window", key, tagged("a", op(again, 1, window)))[0]
			if found.Wait != 0 {
				e.failf("%s of an event that is there, in a full window: wait %v", verbs[again], found.Wait)
			}
		}
		e.denied("a third event", key, tagged("b", op(count, 1, window)))
		e.denied("a third event", key, tagged("b", op(ask, 1, window)))
		e.never("a third event, refused", e.update(key, tagged("b", op(look, 1, window)))[0])
		e.takeBack(key, 1, window)
		e.never("the newest was returned", e.update(key, tagged("A", op(look, 1, window)))[0])
		e.aged("the other was not", e.update(key, tagged("a", op(look, 1, window)))[0], 0, time.Hour)
		e.room("one was returned", key, 1, window)
	}

	// The other ops are done all the same, once for each call.
	key := e.key()
	same, other := tagged("a", on("t", op(count, 1, window))), on("o", op(count, 1, atMost(5, far)))
	for range 3 {
		e.done("the same event beside another", key, same, other, row(count, 1, 5))
	}
	e.roomFor("the other was counted three times", key, 2, other)
	e.roomFor("the third was counted three times", key, 2, row(count, 1, 5))
	e.roomFor("the same was counted once", key, 1, on("t", op(count, 1, window)))
	e.denied("the other is full, the same is there", key, same, other)

	// N of them are one event.
	key = e.key()
	e.done("three at once", key, tagged("a", op(count, 3, atMost(4, far))))
	e.done("three at once, again", key, tagged("a", op(count, 3, atMost(4, far))))
	e.room("three at once", key, 1, atMost(4, far))

	// A tag is known as long as the windows are, and in its counter alone.
	key = e.key()
	long := strings.Repeat("t", 63)
	short := atMost(1, e.Unit)
	e.done("an event", key, tagged(long+"1", op(count, 1, short)))
	e.never("a tag that ends otherwise", e.update(key, tagged(long+"2", op(look, 1, short)))[0])
	e.never("a shorter tag", e.update(key, tagged(long, op(look, 1, short)))[0])
	e.never("another counter", e.update(key, tagged(long+"1", on("d", op(look, 1, short))))[0])
	e.pass(e.Unit)
	e.never("after the windows", e.update(key, tagged(long+"1", op(look, 1, short)))[0])
	e.never("after the windows", e.done("an event with a tag that was over", key, tagged(long+"1", op(count, 1, short)))[0])
	e.refused("it counts again", key, 1, short)
}

// Look by Tag tells the age of that event, and a repetition does not make it young.
func checkTagAge(e *env) {
	key, window := e.key(), atMost(8, far)
	before := e.Now()
	e.update(key, tagged("a", op(mark, 1, window)))
	after := e.Now()
	e.Sleep(e.Unit / 4)
	e.update(key, tagged("b", op(mark, 1, window)))
	e.Sleep(e.Unit / 4)
	for _, again := range []customauth.Op{tagged("a", op(mark, 1, window)), tagged("a", op(count, 1, window)), tagged("a", op(look, 1, window)), tagged("a", op(ask, 1, window))} {
		asked := e.Now()
		found := e.update(key, again)[0]
		e.aged("the older event", found, asked.Sub(after), e.Now().Sub(before))
		asked = e.Now()
		found = e.update(key, tagged("b", op(look, 1, window)))[0]
		e.aged("the newer event", found, asked.Sub(after)-e.Unit/4-time.Second, e.Now().Sub(after)-e.Unit/4+coarse)
		found = e.update(key, op(look, 1, window))[0]
		e.aged("the newest event", found, 0, e.Now().Sub(after)-e.Unit/4+coarse)
		e.Sleep(e.Unit / 8)
	}
}

// Events with and without Tags count together, and go together.
func checkTagsOnly(e *env) {
	key, window := e.key(), atMost(6, e.Unit)
	e.done("without a tag", key, op(count, 1, window))
	e.done("with a tag", key, tagged("a", op(count, 1, window)))
	e.done("without a tag", key, op(count, 2, window))
	e.done("with a tag", key, tagged("b", op(mark, 1, window)))
	found := e.update(key, tagged("a", op(look, 1, window)), on("x", op(look, 1, window)))
	e.aged("the tag in the middle", found[0], 0, e.Unit)
	e.takeBack(key, 2)
	e.never("the newest event is gone", e.update(key, tagged("b", op(look, 1, window)))[0])
	e.aged("the tag in the middle", e.update(key, tagged("a", op(look, 1, window)))[0], 0, e.Unit)
	e.takeBack(key, 2)
	e.never("all but one are gone", e.update(key, tagged("a", op(look, 1, window)))[0])
	e.room("one is left", key, 5, window)
	e.pass(e.Unit)
	e.room("after the window", key, 6, window)
}

// impossible demands an error, and that nothing was changed.
func (e *env) impossible(why string, ops ...customauth.Op) {
	key := e.key()
	if _, err := e.store.Update(context.Background(), key, ops...); err == nil {
		e.failf("%s: Update(%s): no error", why, text(ops))
	}
	e.never("after an error", e.update(key, op(look, 1, atMost(1, far)))[0])
}

// Ops that cannot be carried out are an error.
func checkImpossible(e *env) {
	right := op(count, 1, atMost(2, far))
	with := func(change func(op *customauth.Op)) customauth.Op {
		op := right
		change(&op)
		return op
	}
	e.impossible("no ops")
	e.impossible("no such verb", with(func(op *customauth.Op) { op.Verb = -1 }))
	e.impossible("no such verb", with(func(op *customauth.Op) { op.Verb = reset + 1 }))
	e.impossible("negative N", with(func(op *customauth.Op) { op.N = -1 }))
	e.impossible("negative N", op(back, math.MinInt, atMost(2, far)))
	e.impossible("no counter", with(func(op *customauth.Op) { op.Counter = "" }))
	e.impossible("a long counter", with(func(op *customauth.Op) { op.Counter = strings.Repeat("c", 41) }))
	for _, c := range []string{".", "c ", "c#", "c.d", "c/d", "ä", "\x00", "c\n", "#c"} {
		e.impossible("a counter with other characters", with(func(op *customauth.Op) { op.Counter = c }))
	}
	for _, verb := range []customauth.Verb{look, ask, count, mark} {
		e.impossible("neither Windows nor InARow", op(verb, 1))
	}
	e.impossible("nine windows", op(count, 1, make([]customauth.Window, 9)...))
	e.impossible("Max 0", op(count, 1, atMost(0, far)))
	e.impossible("negative Max", op(count, 1, atMost(5, far), atMost(-1, far)))
	e.impossible("no Per", op(count, 1, atMost(1, 0)))
	e.impossible("negative Per", op(count, 1, atMost(1, -far)))
	e.impossible("Per below a millisecond", op(count, 1, atMost(1, time.Millisecond-1)))
	e.impossible("Per above 366 days", op(count, 1, atMost(1, 366*24*time.Hour+1)))
	e.impossible("a long tag", tagged(strings.Repeat("t", 65), op(count, 1, atMost(1, far))))
	e.impossible("a tag to return", tagged("a", op(back, 1, atMost(1, far))))
	e.impossible("a tag to reset", tagged("a", op(reset, 1, atMost(1, far))))
	e.impossible("negative InARow", row(count, 1, -1))
	e.impossible("InARow with a tag", tagged("a", row(count, 1, 2)))
	e.impossible("InARow with windows", with(func(op *customauth.Op) { op.InARow = 2 }))
	e.impossible("InARow with Mark", row(mark, 1, 2))
}

// An op that is right is not done beside one that is not.
func checkImpossibleInFull(e *env) {
	right := op(count, 1, atMost(2, far))
	e.impossible("an op beside one that is impossible", right, on("d", op(count, 1)))
	e.impossible("an op beside one that is impossible", on("d", op(back, -1)), right)
	e.impossible("two ops on one counter", right, right)
	e.impossible("two ops on one counter", right, on("d", right), op(look, 1, atMost(2, far)))
	var nine []customauth.Op
	for i := range 9 {
		nine = append(nine, on(fmt.Sprintf("c%d", i), right))
	}
	nine[0].Counter = "c"
	e.impossible("nine ops", nine...)
}

// No two keys share a counter.
func checkKeys(e *env) {
	window := atMost(1, far)
	var keys []string
	for _, k := range []string{"", "a", "A", "b", "ab", "ba", "a-", "a_", "-a", "_a", "--", "__", "a-b", "a_b", "0", "1", "10", "a0", "a-0", "a-1"} {
		for _, kind := range []string{"account", "nobody", "to"} {
			keys = append(keys, kind+":"+e.id+k)
		}
	}
	for _, end := range []string{"1", "2", "-", "_"} {
		keys = append(keys, "limit:"+e.id+strings.Repeat("k", 63-len("limit:"+e.id))+end) // 64 bytes
	}
	for _, k := range keys {
		e.counted("a key of its own", k, 1, window)
	}
	for _, k := range keys {
		e.refused("the same key again", k, 1, window)
	}
	for i, k := range keys {
		e.takeBack(k, 1, window)
		e.counted("the only key of which something was returned", k, 1, window)
		e.refused("a neighbour of that key", keys[(i+1)%len(keys)], 1, window)
	}
}

// No two names share a counter, and none is the store's own.
func checkNames(e *env) {
	names := []string{
		"a", "A", "b", "ab", "a-", "a_", "a:", "-a", "_a", ":a", ":", "-", "_", "0", "1", "a0", "a1", "a:0", "a:1", "to-a", "ok-a",
		"pk", "id", "key", "expires", "ttl", "events", "times", "tags", "row", "version", "v", "SET", "set", "count", "list", "name",
		strings.Repeat("n", 40), strings.Repeat("n", 39) + "1", strings.Repeat("n", 39),
	}
	key := e.key()
	for _, name := range names {
		e.done("a counter of its own", key, on(name, op(count, 1, atMost(1, far))))
	}
	for i, name := range names {
		e.denied("the same counter again", key, on(name, op(count, 1, atMost(1, far))))
		e.update(key, on(name, op(back, 1)))
		e.done("the only counter of which something was returned", key, on(name, op(count, 1, atMost(1, far))))
		e.denied("a neighbour of that counter", key, on(names[(i+1)%len(names)], op(count, 1, atMost(1, far))))
	}
}

// Forget removes all counters of a key, and no others.
func checkForget(e *env) {
	key, other := e.key(), e.key()
	forget := func(key string) {
		if err := e.store.Forget(context.Background(), key); err != nil {
			e.failf("Forget: unexpected error: %v", err)
		}
	}
	forget(key) // nothing is there
	for range 3 {
		e.room("a key that was forgotten", key, 3, atMost(3, far))
		if !e.Plain {
			e.roomFor("a key that was forgotten", key, 3, row(count, 1, 3))
			e.update(key, tagged("a", on("used", op(mark, 1, atMost(3, far)))))
		}
		e.update(other, op(count, 1, atMost(3, far)))
		forget(key)
		e.never("a key that was forgotten", e.update(key, op(look, 1, atMost(3, far)))[0])
		if !e.Plain {
			e.never("a key that was forgotten", e.update(key, tagged("a", on("used", op(look, 1, atMost(3, far)))))[0])
		}
	}
	e.refused("another key", other, 1, atMost(3, far))
	forget(key)
	forget(key)
}

// Warm may be called at any time, and changes nothing.
func checkWarm(e *env) {
	key := e.key()
	e.counted("before", key, 1, atMost(2, far))
	for range 2 {
		if err := e.store.Warm(context.Background()); err != nil {
			e.failf("Warm: unexpected error: %v", err)
		}
	}
	e.room("after", key, 1, atMost(2, far))
}

// crowd is how many calls are made at once.
const crowd = 100

// atOnce makes crowd calls at the same moment and returns how many were done. It
// fails on any error.
func (e *env) atOnce(call func(i int) (done bool, err error)) int {
	var (
		mu     sync.Mutex
		wg     sync.WaitGroup
		all    int
		failed []error
		start  = make(chan struct{})
	)
	for i := range crowd {
		wg.Go(func() {
			<-start
			done, err := call(i)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				failed = append(failed, err)
			case done:
				all++
			}
		})
	}
	close(start)
	wg.Wait()
	if len(failed) > 0 {
		e.failf("%d calls at once: %d failed, the first: %v", crowd, len(failed), failed[0])
	}
	return all
}

// try carries out ops on any goroutine.
func (e *env) try(key string, ops ...customauth.Op) (done bool, err error) {
	found, err := e.store.Update(context.Background(), key, ops...)
	return err == nil && !refuses(ops, found), err
}

// Counting is one atomic step: of many calls at once exactly Max pass.
func checkParallel(e *env) {
	for _, windows := range [][]customauth.Window{
		{atMost(10, far)},
		{atMost(40, far), atMost(10, 2*far)},
		{atMost(10, far), atMost(40, 2*far)},
		{atMost(1, far)},
	} {
		key, want := e.key(), min(windows[0].Max, windows[len(windows)-1].Max)
		got := e.atOnce(func(int) (bool, error) { return e.try(key, op(count, 1, windows...)) })
		if got != want {
			e.failf("%d calls at once under %s: %d were counted, want %d", crowd, text([]customauth.Op{op(count, 1, windows...)}), got, want)
		}
		e.refused("full", key, 1, windows...)
	}

	// Keys do not stand in each other's way.
	var keys [crowd]string
	for i := range keys {
		keys[i] = e.key()
	}
	got := e.atOnce(func(i int) (bool, error) { return e.try(keys[i], op(count, 1, atMost(1, far))) })
	if got != crowd {
		e.failf("%d calls at once, each with a key of its own: %d were counted", crowd, got)
	}
}

// Returning is atomic too: nothing is lost between counts and returns.
func checkParallelReturn(e *env) {
	key, window := e.key(), atMost(crowd, far)
	got := e.atOnce(func(i int) (bool, error) {
		done, err := e.try(key, op(count, 1, window))
		if err != nil || !done || i%2 == 0 {
			return done, err
		}
		return e.try(key, op(back, 1, window))
	})
	if got != crowd {
		e.failf("%d calls at once under a Max of as many: %d were done, want all", crowd, got)
	}
	e.counted("half of the events were returned", key, crowd/2-1, window)
	e.room("half of the events were returned", key, 1, window)
}

// Several counters are one atomic step: no two calls take the last place of any of
// them, and none takes a place in one without the other.
func checkParallelCounters(e *env) {
	for _, ops := range [][]customauth.Op{
		{op(count, 1, atMost(10, far)), on("d", op(count, 1, atMost(50, far)))},
		{op(count, 1, atMost(50, far)), on("d", op(count, 1, atMost(10, far)))},
		{op(count, 1, atMost(50, far)), row(count, 1, 10)},
		{row(count, 1, 50), on("d", row(count, 1, 50)), op(count, 1, atMost(10, far))},
	} {
		key := e.key()
		got := e.atOnce(func(int) (bool, error) { return e.try(key, ops...) })
		if got != 10 {
			e.failf("%d calls of Update(%s) at once: %d were done, want 10", crowd, text(ops), got)
		}
		for _, one := range ops {
			most := one.InARow
			if most == 0 {
				most = one.Windows[0].Max
			}
			one.N = most - 10
			if most > 10 {
				e.done("ten were counted in each", key, one)
			}
			one.N = 1
			e.denied("ten were counted in each", key, one)
		}
	}

	// Half of them on one counter, half on another, all on a third.
	key := e.key()
	got := e.atOnce(func(i int) (bool, error) {
		return e.try(key, on(fmt.Sprintf("half%d", i%2), op(count, 1, atMost(crowd, far))), row(count, 1, crowd))
	})
	if got != crowd {
		e.failf("%d calls at once on counters with room for all: %d were done", crowd, got)
	}
	e.denied("all were counted", key, row(count, 1, crowd))
	for _, half := range []string{"half0", "half1"} {
		e.done("half were counted", key, on(half, op(count, crowd/2, atMost(crowd, far))))
		e.denied("half were counted", key, on(half, op(count, 1, atMost(crowd, far))))
	}
}

// The same event from all sides at once counts once.
func checkParallelTags(e *env) {
	for _, verb := range []customauth.Verb{count, mark} {
		key := e.key()
		got := e.atOnce(func(i int) (bool, error) {
			return e.try(key, tagged(fmt.Sprint("tag", i%2), op(verb, 1, atMost(4, far))))
		})
		if got != crowd {
			e.failf("%d calls at once with two tags: %d were done, want all", crowd, got)
		}
		e.room("two events were counted", key, 2, atMost(4, far))
	}
}

// A context that is done is an error, and nothing is changed.
func checkCancelled(e *env) {
	window := atMost(2, far)
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	late, cancelLate := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancelLate()
	for name, ctx := range map[string]context.Context{"cancelled": cancelled, "past its deadline": late} {
		key := e.key()
		update := func(op customauth.Op) {
			if _, err := e.store.Update(ctx, key, op); err == nil {
				e.failf("%s with a context that is %s: no error", verbs[op.Verb], name)
			}
		}
		update(op(look, 1, window))
		update(op(ask, 1, window))
		update(op(count, 1, window))
		update(op(count, 2, window))
		if !e.Plain {
			update(op(mark, 1, window))
		}
		e.room("a context that is "+name+" counts nothing", key, 2, window)
		update(op(back, 1, window))
		update(op(reset, 1, window))
		if err := e.store.Forget(ctx, key); err == nil {
			e.failf("Forget with a context that is %s: no error", name)
		}
		e.refused("a context that is "+name+" takes nothing away", key, 1, window)
	}
}

// Two instances see each other's events, returns and resets.
func checkShared(e *env) {
	peer := e.peer(0)
	key, window := e.key(), atMost(3, far)
	e.counted("a fresh key", key, 1, window)
	peer.counted("one of three, on the peer", key, 1, window)
	e.counted("two of three", key, 1, window)
	peer.denied("three of three, on the peer", key, op(ask, 0, window))
	peer.refused("three of three, on the peer", key, 1, window)
	e.refused("three of three", key, 1, window)
	peer.takeBack(key, 1, window)
	e.room("one was returned on the peer", key, 1, window)
	peer.update(key, op(reset, 0, window))
	e.room("reset on the peer", key, 3, window)
	if err := peer.store.Forget(context.Background(), key); err != nil {
		e.failf("Forget: unexpected error: %v", err)
	}
	e.room("forgotten by the peer", key, 3, window)
}

// All that a key has is seen by the other instance.
func checkSharedCounters(e *env) {
	peer := e.peer(0)
	key, window := e.key(), atMost(3, far)
	e.done("a fresh key", key, row(count, 2, 3), op(count, 1, window), tagged("a", on("used", op(mark, 1, window))))
	peer.denied("on the peer", key, row(count, 2, 3), op(count, 1, window))
	e.aged("on the peer", peer.update(key, tagged("a", on("used", op(look, 1, window))))[0], 0, time.Hour)
	peer.done("on the peer", key, row(count, 1, 3), tagged("a", on("used", op(count, 1, window))))
	e.denied("three in a row", key, row(ask, 1, 3))
	peer.update(key, on("row", op(reset, 0)))
	e.roomFor("reset on the peer", key, 3, row(count, 1, 3))
	e.roomFor("the tag was counted once", key, 2, on("used", op(count, 1, window)))
}

// Atomic across instances.
func checkSharedParallel(e *env) {
	envs := []*env{e, e.peer(0), e.peer(0)}
	key, ops := e.key(), []customauth.Op{op(count, 1, atMost(10, far), atMost(20, 2*far))}
	if !e.Plain {
		ops = append(ops, on("d", op(count, 1, atMost(30, far))), row(count, 1, 50))
	}
	got := e.atOnce(func(i int) (bool, error) { return envs[i%len(envs)].try(key, ops...) })
	if got != 10 {
		e.failf("%d calls of Update(%s) at once on %d instances: %d were done, want 10", crowd, text(ops), len(envs), got)
	}
}

// Clocks that disagree by d make a window longer or shorter by d at most.
func checkClockSkew(e *env) {
	skew := e.Unit / 4
	ahead := e.peer(skew)
	for _, order := range [][]*env{{e, ahead}, {ahead, e}} {
		key, window := e.key(), atMost(2, e.Unit)
		order[0].counted("a fresh key, clocks apart", key, 1, window)
		order[1].counted("one of two, clocks apart", key, 1, window)
		for _, on := range order {
			wait := on.refused("two of two, clocks apart", key, 1, window)
			on.between("two of two, clocks apart", wait, 0, e.longest(e.Unit)+skew)
			on.aged("clocks apart", on.update(key, op(look, 1, window))[0], 0, skew+e.Unit/4+e.longest(e.Unit)-e.Unit)
		}
		e.Sleep(e.Unit / 2)
		for _, on := range order {
			on.refused("half a window later, clocks apart", key, 1, window)
		}
		e.Sleep(e.longest(e.Unit) + skew - e.Unit/2)
		order[0].counted("the window has passed on every clock", key, 1, window)
		order[1].counted("the window has passed on every clock", key, 1, window)
		order[0].refused("full again", key, 1, window)
	}
}
