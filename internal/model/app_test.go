package model_test

// This file is the first adversary: an app, and an environment in which messages
// fail and triggers are called twice.

import (
	"bytes"
	"container/heap"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	poolA   = "eu-west-1_Ab1Cd2Ef3"
	clientA = "1example23456789abcdefghij"

	otherPhone = "+12065550199"
)

var (
	alice  = person{poolA, clientA, "0ab28e1c-a2d9-457f-9514-96eed83f4dd4", "+12065550100", "alice@example.com", false}
	twin   = person{poolA, clientA, "1bc39f2d-b3e0-4680-a625-a7ffe9405ee5", "+12065550100", "alice@example.com", false} // another user, the same phone
	mute   = person{poolA, clientA, "2cd4a03e-c4f1-4791-b736-b800fa516ff6", "", "", false}                              // nowhere to send to
	nobody = person{poolA, clientA, "b3a1c7d2-0000-4e5f-9a6b-7c8d9e0f1a2b", "", "", true}
)

func key(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

// A scenario is a configuration and what can happen in it.
type scenario struct {
	name     string
	rules    rulebook
	tries    int  // MaxAttempts; 0: the rulebook's policy as a function
	watch    bool // count comparisons
	people   []person
	srp      []bool // how the app begins
	starts   int    // sign-ins that are begun
	moves    []try  // what the app answers
	ends     []end  // how messages end
	twice    bool   // triggers may be called twice
	down     bool   // the store may be down
	movers   bool   // users get other phone numbers
	coarse   bool   // wait to deadlines alone, not to just before them
	slow     bool   // left out with -short
	explored stats
}

// A try is an answer with its metadata.
type try struct {
	kind replyKind
	with metadata
}

type stats struct{ states, transitions, longest int }

func goOn(tries int) func(wrong, rounds int, resend bool) bool {
	return func(wrong, _ int, _ bool) bool { return wrong < tries }
}

// short is a policy that ends a step after three rounds, to keep worlds with several
// sign-ins small.
func short(wrong, rounds int, _ bool) bool { return wrong < 2 && rounds < 3 }

// sms and mail are code steps with short times, so that sign-ins meet their limits.
func sms(name string, most int) step {
	return step{name: name, medium: "SMS", ttl: 50 * time.Second, cooldown: 30 * time.Second, most: most}
}

// even is a step whose times are multiples of each other.
func even(name string, most int) step {
	s := sms(name, most)
	s.ttl = time.Minute
	return s
}

func mail(name string, most int) step {
	s := sms(name, most)
	s.medium = "EMAIL"
	return s
}

var (
	passwordStep = step{name: "password", kind: password}
	wordStep     = step{name: "word", kind: word, ttl: 50 * time.Second, cooldown: 30 * time.Second, most: 3}
)

// everything is all answers with all metadata.
func everything() (all []try) {
	for k := range replyKind(len(replyNames)) {
		for _, with := range []metadata{bare, resend, junk} {
			all = append(all, try{k, with})
		}
	}
	return all
}

// enough is one answer of each sort.
var enough = []try{{right, bare}, {older, bare}, {other, bare}, {wrong, bare}, {empty, bare}, {right, resend}, {wrong, resend}, {right, junk}}

// few is what two sign-ins at a time need.
var few = []try{{right, bare}, {other, bare}, {wrong, bare}, {right, resend}}

func scenarios() []*scenario {
	minute := time.Minute
	wide := []limit{{4, 5 * minute}}
	return []*scenario{
		{name: "one step", rules: rulebook{steps: []step{sms("otp", 3)}, sends: []limit{{5, time.Hour}}, guesses: []limit{{5, 5 * minute}}},
			tries: 3, people: []person{alice}, srp: []bool{false, true}, starts: 1, moves: everything()},
		{name: "one step, comparisons counted", watch: true, rules: rulebook{steps: []step{sms("otp", 2)}, sends: []limit{{5, time.Hour}}, guesses: []limit{{5, 5 * minute}}},
			tries: 3, people: []person{alice}, srp: []bool{false}, starts: 1, moves: everything()},
		{name: "unknown user and one without a number", watch: true, rules: rulebook{steps: []step{sms("otp", 3)}, sends: []limit{{5, time.Hour}}, guesses: []limit{{5, 5 * minute}}},
			tries: 3, people: []person{nobody, mute}, srp: []bool{false, true}, starts: 1, moves: everything()},
		{name: "two steps", rules: rulebook{steps: []step{sms("sms", 2), mail("mail", 2)}, sends: []limit{{5, time.Hour}}, guesses: wide},
			tries: 2, watch: true, people: []person{alice, nobody}, srp: []bool{false}, starts: 1, moves: everything()},
		{name: "password first", rules: rulebook{steps: []step{passwordStep, sms("otp", 2)}, sends: []limit{{5, time.Hour}}, guesses: wide},
			tries: 3, people: []person{alice, nobody}, srp: []bool{false, true}, starts: 1, moves: everything()},
		{name: "a challenge of one's own", rules: rulebook{steps: []step{wordStep}, guesses: wide},
			tries: 3, people: []person{alice, nobody}, srp: []bool{false}, starts: 1, moves: everything(), ends: []end{delivered, undelivered}},
		{name: "word, then code", rules: rulebook{steps: []step{wordStep, sms("otp", 1)}, guesses: wide, sends: []limit{{5, time.Hour}}},
			tries: 2, people: []person{alice, nobody}, srp: []bool{false}, starts: 1, moves: everything()},
		{name: "guesses count per step", rules: rulebook{steps: []step{even("sms", 1), {name: "mail", medium: "EMAIL", ttl: minute, cooldown: minute / 2, most: 1}}, guesses: []limit{{2, 2 * minute}}},
			tries: 3, people: []person{alice}, srp: []bool{false}, starts: 1, moves: few, coarse: true},
		{name: "password, code and word", rules: rulebook{steps: []step{passwordStep, sms("otp", 1), wordStep}, free: true},
			tries: 2, people: []person{alice, nobody}, srp: []bool{true}, starts: 1, moves: enough},
		{name: "a policy that never ends", rules: rulebook{steps: []step{sms("otp", 8)}, goOn: func(int, int, bool) bool { return true }, free: true},
			people: []person{alice}, srp: []bool{false}, starts: 1, moves: enough},
		{name: "a policy on rounds and resends", rules: rulebook{steps: []step{sms("otp", 3)}, free: true,
			goOn: func(wrong, rounds int, resend bool) bool { return wrong < 3 && rounds < 5 && !(resend && wrong == 2) }},
			people: []person{alice}, srp: []bool{false}, starts: 1, moves: enough},
		{name: "messages fail", rules: rulebook{steps: []step{sms("otp", 2)}, sends: []limit{{3, 5 * minute}}, guesses: wide, goOn: short},
			people: []person{alice}, srp: []bool{false}, starts: 1, moves: enough, ends: []end{delivered, undelivered, unreachable, uncertain, guarded}},
		{name: "messages of two sign-ins fail", rules: rulebook{steps: []step{sms("otp", 2)}, sends: []limit{{1, minute}}, goOn: short},
			people: []person{alice}, srp: []bool{false}, starts: 2, moves: []try{{wrong, bare}, {right, resend}}, ends: []end{delivered, undelivered, guarded}},
		{name: "no message is accepted", rules: rulebook{steps: []step{sms("otp", 2)}, sends: []limit{{3, 5 * minute}}, guesses: wide},
			tries: 2, people: []person{alice, nobody, mute}, srp: []bool{false}, starts: 1, moves: enough, ends: []end{undelivered}},
		{name: "the store is down", rules: rulebook{steps: []step{sms("otp", 2)}, sends: []limit{{3, 5 * minute}}, guesses: wide},
			tries: 2, watch: true, people: []person{alice, nobody}, srp: []bool{false}, starts: 1, moves: enough, down: true},
		{name: "triggers are called twice", rules: rulebook{steps: []step{even("otp", 2)}, sends: []limit{{2, minute}}, guesses: []limit{{3, 2 * minute}}},
			tries: 2, watch: true, people: []person{alice}, srp: []bool{false}, starts: 1, moves: few, twice: true, coarse: true},
		{name: "the number changes", rules: rulebook{steps: []step{even("otp", 2)}, sends: []limit{{2, 2 * minute}}, guesses: wide},
			tries: 2, watch: true, people: []person{alice}, srp: []bool{false}, starts: 1, moves: few, coarse: true, movers: true},
		{name: "the number changes between two steps", rules: rulebook{steps: []step{even("sms", 2), {name: "mail", medium: "EMAIL", ttl: minute, cooldown: minute / 2, most: 2}}, free: true},
			tries: 2, people: []person{alice}, srp: []bool{false}, starts: 1, moves: few, coarse: true, movers: true},
		{name: "unknown users, too, have limits", rules: rulebook{steps: []step{even("otp", 2)}, sends: []limit{{2, 2 * minute}}, goOn: short, guesses: []limit{{2, 2 * minute}}},
			people: []person{nobody}, srp: []bool{false}, starts: 2, moves: few, coarse: true},
		{name: "consecutive wrong answers", rules: rulebook{steps: []step{even("otp", 1)}, sends: []limit{{9, minute}}, guesses: []limit{{2, 0}}},
			tries: 3, people: []person{alice}, srp: []bool{false}, starts: 2, moves: few, coarse: true},
		{name: "a limit for everybody", rules: rulebook{steps: []step{even("otp", 1)}, sends: []limit{{9, minute}}, guesses: []limit{{3, 2 * minute}}, shared: []limit{{2, minute}}, goOn: short},
			people: []person{alice, nobody}, srp: []bool{false}, starts: 2, moves: few, coarse: true},
		{name: "consecutive wrong answers and a limit for everybody", rules: rulebook{steps: []step{even("otp", 1)}, sends: []limit{{9, minute}}, guesses: []limit{{3, 0}}, shared: []limit{{2, minute}}},
			tries: 3, people: []person{alice}, srp: []bool{false}, starts: 2, moves: few, coarse: true},
		{name: "two sign-ins of one user", rules: rulebook{steps: []step{even("otp", 2)}, sends: []limit{{3, 2 * minute}}, goOn: short, guesses: []limit{{3, 2 * minute}}},
			watch: true, people: []person{alice}, srp: []bool{false}, starts: 2, moves: few, coarse: true},
		{name: "no limits", rules: rulebook{steps: []step{sms("otp", 3)}, free: true},
			tries: 8, watch: true, people: []person{alice, nobody}, srp: []bool{false}, starts: 1, moves: everything()},
		{name: "two users with one phone", rules: rulebook{steps: []step{even("otp", 2)}, sends: []limit{{3, 2 * minute}}, goOn: short, guesses: []limit{{2, 2 * minute}}},
			people: []person{alice, twin}, srp: []bool{false}, starts: 2, moves: few, coarse: true, slow: true},
		{name: "three sign-ins of one user", rules: rulebook{steps: []step{even("otp", 1)}, sends: []limit{{2, minute}}, goOn: short, guesses: []limit{{2, minute}, {4, 0}}},
			people: []person{alice}, srp: []bool{false}, starts: 3, moves: few, coarse: true, slow: true},
		{name: "limits, to the nanosecond", rules: rulebook{steps: []step{sms("otp", 1)}, sends: []limit{{1, minute}}, guesses: []limit{{1, minute}}},
			tries: 2, people: []person{alice}, srp: []bool{false}, starts: 2, moves: few, slow: true},
		{name: "two steps to one phone", rules: rulebook{steps: []step{sms("first", 2), sms("second", 2)}, sends: []limit{{3, time.Hour}}, guesses: wide},
			tries: 2, people: []person{alice}, srp: []bool{false}, starts: 1, moves: enough, slow: true},
	}
}

// TestApp explores all that an app can do, in every scenario.
func TestApp(t *testing.T) {
	var sum stats
	var ran int
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			if s.slow && testing.Short() {
				t.Skip("left out with -short")
			}
			began := time.Now()
			synctest.Test(t, func(t *testing.T) { s.explored = explore(t, s) })
			t.Logf("%d states, %d transitions, up to %d moves deep, in %v", s.explored.states, s.explored.transitions, s.explored.longest, time.Since(began).Round(time.Millisecond))
			ran++
			sum.states += s.explored.states
			sum.transitions += s.explored.transitions
			sum.longest = max(sum.longest, s.explored.longest)
		})
	}
	t.Logf("the app: %d states and %d transitions in %d configurations, until there were no new ones, up to %d moves deep", sum.states, sum.transitions, ran, sum.longest)
}

// A node is a world with how it came about.
type node struct {
	*world
	from *node
	move move
	at   time.Duration
	deep int
}

func (n *node) String() string {
	var moves []string
	for ; n.from != nil; n = n.from {
		moves = append(moves, fmt.Sprintf("%v: %v", n.at, n.move))
	}
	slices.Reverse(moves)
	return strings.Join(moves, "\n\t")
}

// An explorer visits worlds in the order of their time.
type explorer struct {
	*scenario
	t       *testing.T
	rig     *rig
	seen    map[string]struct{}
	buckets map[time.Duration][]*node
	times   times
	stats
}

func explore(t *testing.T, s *scenario) stats {
	if s.rules.goOn == nil {
		s.rules.goOn = goOn(s.tries)
	}
	if s.ends == nil {
		s.ends = []end{delivered}
	}
	s.rules.answers, s.rules.messages = s.most()
	x := &explorer{scenario: s, t: t, seen: map[string]struct{}{}, buckets: map[time.Duration][]*node{}}
	x.rig = newRig(t, s.rules, [][]byte{key(1)}, s.tries, s.watch)
	x.rig.prime(t, s.ends[0])
	x.add(&node{world: newWorld()})
	for len(x.times) > 0 {
		at := heap.Pop(&x.times).(time.Duration)
		time.Sleep(at - x.rig.now())
		for i := 0; i < len(x.buckets[at]); i++ {
			n := x.buckets[at][i]
			x.buckets[at][i] = nil
			x.expand(n)
			n.world = nil // only the moves are needed from here on
		}
		delete(x.buckets, at)
	}
	return x.stats
}

// most is how many answers are compared and how many messages sent at most, in all
// sign-ins together.
func (s *scenario) most() (answers, messages int) {
	tries := s.tries
	if tries == 0 {
		tries = maxRounds
	}
	for _, step := range s.rules.steps {
		if step.kind != password {
			answers += tries * s.starts
		}
		if step.kind == code {
			messages += step.most * s.starts
		}
	}
	if s.twice {
		answers, messages = 2*answers, 2*maxRounds*messages
	}
	return answers, messages
}

func newWorld() *world { return &world{books: newLedger(), store: newLedger()} }

// prime shows the handlers how long sending takes and how it ends, with a user of
// another pool: decoys imitate it, and without it they draw random times.
func (r *rig) prime(t *testing.T, e end) {
	t.Helper()
	w := newWorld()
	w.now = r.now()
	p := alice
	p.pool = "eu-west-1_Prime0000"
	err := w.begins(r, move{person: p, srp: r.rules.steps[0].kind == password, end: e})
	for range 2 * len(r.rules.steps) {
		s := &w.signIns[0]
		switch {
		case err != nil:
			t.Fatal(err)
		case s.stands == asksPassword:
			err = w.proves(r, move{end: e})
		case s.stands == asksChallenge && s.last.void == "":
			m := move{verb: answering, end: e}
			var passed bool
			if passed, _, err = w.checks(r, m); err == nil {
				err = w.continues(r, m, passed)
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// add queues a world unless it is known.
func (x *explorer) add(n *node) {
	k := n.key(&x.rules)
	if _, known := x.seen[k]; known {
		return
	}
	x.seen[k] = struct{}{}
	x.states++
	x.longest = max(x.longest, n.deep)
	if _, waiting := x.buckets[n.now]; !waiting {
		heap.Push(&x.times, n.now)
	}
	x.buckets[n.now] = append(x.buckets[n.now], n)
}

// after is a world after a move, which must have kept the rules.
func (x *explorer) after(from *node, m move, w *world, err error) {
	n := &node{w, from, m, from.now, from.deep + 1}
	if err == nil {
		err = w.invariants(&x.rules, x.tries, !x.twice)
	}
	if err != nil {
		x.t.Fatalf("after\n\t%v\n%v", n, err)
	}
	x.transitions++
	x.add(n)
}

// expand makes all moves.
func (x *explorer) expand(n *node) {
	if at, ok := n.deadline(&x.rules); ok {
		w := n.clone()
		if w.now = at - 1; w.now == n.now || x.coarse {
			w.now = at
		}
		x.after(n, move{verb: wait}, w, nil)
	}
	for _, v := range x.variants() {
		if n.started < x.starts {
			for _, p := range x.people {
				for _, srp := range x.srp {
					m := v
					m.verb, m.person, m.srp = begin, p, srp
					x.each(n, n.world, m, (*world).begins)
				}
			}
		}
		for i := range n.signIns {
			m := v
			m.signIn = i
			switch n.signIns[i].stands {
			case asksPassword:
				m.verb = prove
				x.each(n, n.world, m, (*world).proves)
			case asksChallenge:
				m.verb = answering
				x.answers(n, m)
				if x.movers {
					m.verb = moving
					x.each(n, n.world, m, (*world).moves)
				}
			}
		}
	}
}

// variants are the ways in which the environment treats a move.
func (x *explorer) variants() []move {
	list := []move{{}}
	if x.twice {
		list = append(list, move{again: true})
	}
	if x.down {
		list = append(list, move{down: true})
	}
	return list
}

// each makes one move from start, which came of n, with every way in which sending can end.
func (x *explorer) each(n *node, start *world, m move, do func(*world, *rig, move) error) {
	for _, m.end = range x.ends {
		w := start.clone()
		err := do(w, x.rig, m)
		x.after(n, m, w, err)
		if !x.rig.used {
			return
		}
	}
}

// answers gives all answers. Define and Create do not see the answer itself, so
// they are called once for all answers that Verify treated alike.
func (x *explorer) answers(n *node, m move) {
	type alike struct {
		with             metadata
		passed, compared bool
	}
	done := map[alike]bool{}
	for _, try := range x.moves {
		m.reply.kind, m.with = try.kind, try.with
		for m.reply.of = range n.signIns {
			w := n.clone()
			passed, ok, err := w.checks(x.rig, m)
			if err != nil {
				x.after(n, m, w, err)
			}
			a := alike{m.with, passed, w.signIns[m.signIn].compared > n.signIns[m.signIn].compared}
			switch {
			case ok && done[a]:
				x.transitions++
			case ok:
				done[a] = true
				x.each(n, w, m, func(w *world, r *rig, m move) error { return w.continues(r, m, passed) })
			}
			if m.reply.kind != other {
				break
			}
		}
	}
}

// times is a heap.
type times []time.Duration

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(time.Duration)) }
func (t *times) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}
