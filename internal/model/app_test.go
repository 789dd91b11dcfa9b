package model_test

// This file is the first adversary: an app, and an environment in which messages
// fail and triggers are called twice.

import (
	"container/heap"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
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

// key is a key that could be random.
func key(b byte) customauth.Secret {
	k := make([]byte, 32)
	for i := range k {
		k[i] = b + byte(i)
	}
	return customauth.Hide(string(k))
}

// A scenario is a configuration and what can happen in it.
type scenario struct {
	name   string
	rules  rulebook
	people []person
	srp    []bool // how the app begins; default: without it
	starts int    // sign-ins that are begun; default 1
	each   int    // and of them, by one person; default: all
	once   person // begins one at most
	rounds int    // answers of a sign-in, until the app gives up; default 4, and 2 with several sign-ins

	moves     []try    // what the app answers
	ends      []end    // how messages end
	twice     bool     // triggers may be called twice
	down      bool     // the store may be down
	mover     person   // may get other phone numbers, when he likes
	numbers   []string // which
	strangers strangers
	coarse    bool // wait to deadlines alone, not to just before them
	slow      bool // left out with -short
}

// A try is an answer with its metadata.
type try struct {
	kind replyKind
	with metadata
}

type stats struct{ states, transitions, longest int }

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

func of(kind kind, s step) step {
	s.kind = kind
	return s
}

// asks is a step that sends nothing.
func asks(kind kind) step {
	return step{name: [...]string{word: "word", captcha: "captcha", approval: "approval"}[kind], kind: kind, ttl: 50 * time.Second}
}

var passwordStep = step{name: "password", kind: password}

// everything is all answers with all metadata.
func everything() (all []try) {
	for k := range replyKind(len(replyNames)) {
		for _, with := range []metadata{bare, resend, junk} {
			all = append(all, try{k, with})
		}
	}
	return append(all, try{right, choose})
}

// enough is one answer of each sort.
var enough = []try{{right, bare}, {older, bare}, {other, bare}, {wrong, bare}, {empty, bare}, {right, resend}, {wrong, choose}, {right, junk}}

// few is what two sign-ins at a time need.
var few = []try{{right, bare}, {other, bare}, {wrong, bare}, {right, resend}}

// briefly is a policy that ends a step after two wrong answers, or when a second
// message was answered wrongly, to keep worlds with several sign-ins small.
func briefly(wrong, sends int) int { return 2 - wrong - max(0, sends-1) }

func scenarios() []*scenario {
	minute := time.Minute
	hour := []limit{{5, time.Hour}}
	usual := rulebook{tries: 3, destination: hour, guesses: []limit{{5, 8 * minute}}}
	wide := []limit{{4, 6 * minute}}
	with := func(b rulebook, steps ...step) rulebook {
		b.steps = steps
		return b
	}
	return []*scenario{
		{name: "one step", rules: with(usual, sms("otp", 3)), people: []person{alice}, srp: []bool{false, true}, moves: everything()},
		{name: "unknown user and one without a number", rules: with(usual, sms("otp", 3)),
			people: []person{nobody, mute}, srp: []bool{false, true}, moves: everything()},
		{name: "two steps", rules: rulebook{steps: []step{sms("sms", 2), mail("mail", 2)}, tries: 2, destination: hour, guesses: wide},
			people: []person{alice, nobody}, moves: enough},
		{name: "password first", rules: rulebook{steps: []step{passwordStep, sms("otp", 2)}, tries: 3, destination: hour, guesses: wide},
			people: []person{alice, nobody}, srp: []bool{false, true}, moves: everything()},
		{name: "a challenge of one's own", rules: rulebook{steps: []step{asks(word)}, tries: 3, guesses: wide},
			people: []person{alice, nobody}, moves: everything(), ends: []end{delivered, undelivered}},
		{name: "word, then code", rules: rulebook{steps: []step{asks(word), sms("otp", 1)}, tries: 2, guesses: wide},
			people: []person{alice, nobody}, moves: everything()},
		{name: "a CAPTCHA, then a code", rules: rulebook{steps: []step{asks(captcha), sms("otp", 2)}, tries: 2, guesses: []limit{{3, 5 * minute}}},
			people: []person{alice, nobody, mute}, moves: enough, coarse: true},
		{name: "an approval", rules: rulebook{steps: []step{asks(approval)}, tries: 1, guesses: []limit{{1, 2 * minute}}},
			people: []person{alice, nobody}, moves: everything(), down: true},
		{name: "a link", rules: rulebook{steps: []step{of(link, sms("link", 2))}, tries: 1, guesses: []limit{{1, 2 * minute}}},
			people: []person{alice, nobody, mute}, moves: enough, coarse: true, down: true},
		{name: "a code, then an approval", rules: rulebook{steps: []step{even("otp", 1), asks(approval)}, tries: 3, guesses: []limit{{9, time.Hour}}, failures: 3},
			people: []person{alice}, moves: few, starts: 2, coarse: true},
		{name: "the rounds of three steps", rounds: 8, rules: rulebook{steps: []step{asks(captcha), asks(approval), asks(word)}, policy: func(int, int) int { return 8 }, free: true},
			people: []person{alice, nobody}, moves: enough, coarse: true},
		{name: "guesses count over the steps", rules: rulebook{steps: []step{even("sms", 1), of(code, mail("mail", 1))}, tries: 3, guesses: []limit{{2, 3 * minute}}},
			people: []person{alice}, moves: few, coarse: true},
		{name: "password, code and word", rules: rulebook{steps: []step{passwordStep, sms("otp", 1), asks(word)}, tries: 2, free: true},
			people: []person{alice, nobody}, srp: []bool{true}, moves: enough},
		{name: "a policy that never ends", rounds: 8, rules: rulebook{steps: []step{sms("otp", 8)}, policy: func(int, int) int { return 8 }, free: true},
			people: []person{alice}, moves: enough},
		{name: "a policy on messages", rules: rulebook{steps: []step{sms("otp", 3)}, free: true, policy: func(wrong, sends int) int { return 4 - wrong - sends }},
			people: []person{alice}, moves: enough},
		{name: "messages fail", rules: rulebook{steps: []step{sms("otp", 2)}, destination: []limit{{3, 5 * minute}}, guesses: wide, policy: briefly},
			people: []person{alice}, moves: enough, ends: []end{delivered, undelivered, unreachable, uncertain, guarded}, coarse: true},
		{name: "messages of two sign-ins fail", rules: rulebook{steps: []step{even("otp", 2)}, messages: []limit{{1, minute}}, policy: briefly},
			people: []person{alice}, starts: 2, moves: []try{{wrong, bare}, {right, resend}}, ends: []end{delivered, undelivered, guarded}, coarse: true},
		{name: "no message is accepted", rules: rulebook{steps: []step{sms("otp", 2)}, destination: []limit{{3, 5 * minute}}, guesses: wide, tries: 2},
			people: []person{alice, nobody, mute}, moves: enough, ends: []end{undelivered}, coarse: true},
		{name: "the store is down", rules: rulebook{steps: []step{sms("otp", 2)}, destination: []limit{{3, 5 * minute}}, guesses: wide, tries: 2},
			people: []person{alice, nobody}, moves: enough, down: true},
		{name: "triggers are called twice", rounds: 3, rules: rulebook{messages: []limit{{100, time.Hour}}, failures: 99,
			steps: []step{even("otp", 2)}, destination: []limit{{2, minute}}, guesses: []limit{{3, 5 * minute}}, tries: 2},
			people: []person{alice}, moves: few, twice: true, coarse: true},
		{name: "a code is used once", rules: rulebook{steps: []step{even("sms", 1), even("otp", 1)}, guesses: []limit{{2, 3 * minute}}, failures: 3, tries: 2, repeats: true},
			people: []person{alice, nobody}, moves: few},
		{name: "the number changes", rules: rulebook{steps: []step{even("otp", 2)}, destination: []limit{{1, 2 * minute}}, unproved: []limit{{2, 2 * minute}}, guesses: wide, tries: 2},
			people: []person{alice}, starts: 2, rounds: 1, moves: few, coarse: true, mover: alice, numbers: []string{alice.phone, otherPhone, ""}, slow: true},
		{name: "the number changes between two steps", rules: rulebook{steps: []step{even("sms", 2), even("otp", 2)}, tries: 2, free: true},
			people: []person{alice}, moves: few, coarse: true, mover: alice, numbers: []string{alice.phone, otherPhone}},
		{name: "unknown users, too, have limits", rules: rulebook{steps: []step{even("otp", 2)}, messages: []limit{{2, 2 * minute}}, guesses: []limit{{2, 3 * minute}}, policy: briefly},
			people: []person{nobody}, starts: 2, moves: few, coarse: true},
		{name: "failures in a row", rules: rulebook{steps: []step{even("otp", 1)}, guesses: []limit{{9, time.Hour}}, failures: 2, tries: 3},
			people: []person{alice}, starts: 2, moves: few, coarse: true},
		{name: "failures in a row of two steps", rules: rulebook{steps: []step{even("otp", 1), asks(word)}, guesses: []limit{{9, time.Hour}}, failures: 3, tries: 3},
			people: []person{alice}, starts: 2, moves: few, coarse: true},
		{name: "failures in a row of unknown users end", rules: rulebook{steps: []step{even("otp", 1)}, guesses: []limit{{9, time.Hour}}, failures: 2, tries: 3},
			people: []person{nobody}, starts: 2, moves: few, coarse: true},
		{name: "messages of an account", rules: rulebook{steps: []step{even("sms", 1), mail("mail", 1)}, messages: []limit{{2, 3 * minute}}, policy: briefly},
			people: []person{alice}, starts: 2, moves: few, coarse: true},
		{name: "a limit for everybody", rules: rulebook{steps: []step{even("otp", 1)}, policy: briefly,
			named: []named{{"all-guesses", true, []limit{{2, 3 * minute}}}, {"all-messages", false, []limit{{2, minute}}}}},
			people: []person{alice, nobody}, starts: 2, moves: few, coarse: true},
		{name: "two sign-ins of one user", rules: rulebook{steps: []step{even("otp", 2)}, destination: []limit{{3, 2 * minute}}, guesses: []limit{{3, 5 * minute}}, policy: briefly},
			people: []person{alice}, starts: 2, moves: few, coarse: true},
		{name: "no limits", rules: rulebook{steps: []step{sms("otp", 3)}, free: true, tries: 8},
			people: []person{alice, nobody}, moves: everything()},
		{name: "two users with one phone", rules: rulebook{steps: []step{even("otp", 2)}, unproved: []limit{{3, 2 * minute}}, guesses: []limit{{2, 3 * minute}}, policy: briefly},
			people: []person{alice, twin}, starts: 2, moves: few, coarse: true, slow: true},
		{name: "three sign-ins of one user", rules: rulebook{steps: []step{even("otp", 1)}, destination: []limit{{2, minute}}, guesses: []limit{{1, 90 * time.Second}}, failures: 4, policy: briefly},
			people: []person{alice}, starts: 3, moves: few, coarse: true, slow: true},
		{name: "limits, to the nanosecond", rules: rulebook{steps: []step{sms("otp", 1)}, messages: []limit{{1, minute}}, guesses: []limit{{1, 90 * time.Second}}, tries: 2},
			people: []person{alice}, starts: 2, moves: few, slow: true},
		{name: "two steps to one phone", rules: rulebook{steps: []step{sms("first", 2), sms("second", 2)}, destination: []limit{{3, time.Hour}}, guesses: wide, tries: 2},
			people: []person{alice}, moves: few, slow: true},
	}
}

// TestApp explores all that an app can do, in every scenario.
func TestApp(t *testing.T) { exploreAll(t, scenarios()) }

// failed is set once a test has failed.
var failed atomic.Bool

func failfast() bool { return flag.Lookup("test.failfast").Value.String() == "true" }

func exploreAll(t *testing.T, all []*scenario) {
	var mu sync.Mutex
	var sum stats
	ran := 0
	t.Run("all", func(t *testing.T) {
		for _, s := range all {
			t.Run(s.name, func(t *testing.T) {
				if s.slow && testing.Short() {
					t.Skip("left out with -short")
				}
				t.Parallel()
				if failfast() && failed.Load() {
					t.SkipNow() // parallel tests have all begun for the go command
				}
				t.Cleanup(func() { failed.CompareAndSwap(false, t.Failed()) })
				began := time.Now()
				var found stats
				synctest.Test(t, func(t *testing.T) { found = explore(t, s) })
				t.Logf("%d states, %d transitions, up to %d moves deep, in %v", found.states, found.transitions, found.longest, time.Since(began).Round(time.Millisecond))
				mu.Lock()
				defer mu.Unlock()
				ran++
				sum.states += found.states
				sum.transitions += found.transitions
				sum.longest = max(sum.longest, found.longest)
			})
		}
	})
	t.Logf("%d states and %d transitions in %d configurations, until there were no new ones, up to %d moves deep", sum.states, sum.transitions, ran, sum.longest)
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
	rules   rulebook
	seen    map[string]struct{}
	buckets map[time.Duration][]*node
	times   times
	stats
}

func explore(t *testing.T, s *scenario) stats {
	if s.ends == nil {
		s.ends = []end{delivered}
	}
	if s.srp == nil {
		s.srp = []bool{false}
	}
	s.starts = max(s.starts, 1)
	if s.each == 0 {
		s.each = s.starts
	}
	if s.rounds == 0 {
		s.rounds = max(6-2*s.starts, 2)
	}
	x := &explorer{scenario: s, t: t, seen: map[string]struct{}{}, buckets: map[time.Duration][]*node{}}
	x.rig = newRig(t, s.rules, []customauth.Secret{key(1)})
	x.rules = s.rules.complete()
	x.rules.answers, x.rules.sends = s.most()
	x.rules.rounds = s.rounds
	x.rig.rules = x.rules
	x.rig.prime(t, s.ends[0])
	x.add(&node{world: x.first()})
	for len(x.times) > 0 {
		at := heap.Pop(&x.times).(time.Duration)
		time.Sleep(at - x.rig.now())
		if failfast() && failed.Load() {
			return x.stats
		}
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
	for _, step := range s.rules.steps {
		if step.kind == password {
			continue
		}
		answers += maxRounds
		if s.rules.tries > 0 {
			answers += s.rules.tries - maxRounds
		}
		if step.medium != "" {
			messages += step.most
		}
	}
	answers, messages = answers*s.starts, messages*s.starts
	if s.twice {
		answers, messages = 2*answers, 2*maxRounds*messages
	}
	if s.rules.repeats {
		answers = 1000
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
	if err := w.passes(r, p, e); err != nil {
		t.Fatal(err)
	}
}

// passes takes a person through a sign-in, as far as messages arrive.
func (w *world) passes(r *rig, p person, e end) error {
	err := w.begins(r, move{person: p, srp: r.rules.steps[0].kind == password, end: e})
	at := len(w.signIns) - 1
	for range 2 * len(r.rules.steps) {
		s := &w.signIns[at]
		switch {
		case err != nil:
			return err
		case s.stands == asksPassword:
			err = w.proves(r, move{signIn: at, end: e})
		case s.stands == asksChallenge && s.last.void == "":
			m := move{verb: answering, signIn: at, end: e}
			var passed bool
			if passed, _, err = w.checks(r, m); err == nil {
				err = w.continues(r, m, passed)
			}
		}
	}
	return err
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
		err = w.invariants(&x.rules, !x.twice && !x.rules.repeats)
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
		if w.without != nil {
			w.without.now = w.now
		}
		x.after(n, move{verb: wait}, w, nil)
	}
	for _, number := range x.numbers {
		if number != n.person(x.mover).phone {
			x.each1(n, n.world, move{verb: moving, person: x.mover, number: number}, (*world).moves)
		}
	}
	for _, v := range x.variants() {
		if n.started < x.starts {
			for _, p := range x.people {
				if by := n.startedBy(p); by == x.each || by == 1 && p == x.once {
					continue
				}
				for _, srp := range x.srp {
					m := v
					m.verb, m.person, m.srp = begin, p, srp
					x.everyEnd(n, n.world, m, (*world).begins)
				}
			}
		}
		for i := range n.signIns {
			m := v
			m.signIn = i
			if n.signIns[i].passed != nil {
				m.verb = repeating
				x.each1(n, n.world, m, (*world).repeats)
			}
			switch s := &n.signIns[i]; {
			case s.over(&x.rules):
			case s.stands == asksPassword:
				m.verb = prove
				x.everyEnd(n, n.world, m, (*world).proves)
			default:
				m.verb = answering
				x.answers(n, m)
			}
		}
	}
}

func (w *world) startedBy(p person) (n int) {
	for i := range w.signIns {
		if w.signIns[i].user == p.user {
			n++
		}
	}
	return n
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

// everyEnd makes one move from start, which came of n, with every way in which sending
// can end.
func (x *explorer) everyEnd(n *node, start *world, m move, do deed) {
	for _, m.end = range x.ends {
		if x.each1(n, start, m, do); !x.rig.used {
			return
		}
	}
}

// A deed is how a world makes a move.
type deed func(*world, *rig, move) error

// each1 makes one move.
func (x *explorer) each1(n *node, start *world, m move, do deed) {
	w := start.clone()
	err := do(w, x.rig, m)
	if err == nil {
		used := x.rig.used
		err = x.compare(w, m, do)
		x.rig.used = used
	}
	x.after(n, m, w, err)
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
			if err == nil && ok {
				err = x.compare(w, m, func(w *world, r *rig, m move) error {
					_, _, err := w.checks(r, m)
					return err
				})
			}
			if err != nil {
				x.after(n, m, w, err)
			}
			a := alike{m.with, passed, w.signIns[m.signIn].compared > n.signIns[m.signIn].compared}
			switch {
			case ok && done[a]:
				x.transitions++
			case ok:
				done[a] = true
				x.goesOn(n, w, m, passed)
			}
			if m.reply.kind != other {
				break
			}
		}
	}
}

// goesOn lets the sign-in go on after an answer; the attacker may have another number
// by then.
func (x *explorer) goesOn(n *node, w *world, m move, passed bool) {
	on := func(w *world, r *rig, m move) error { return w.continues(r, m, passed) }
	x.everyEnd(n, w, m, on)
	if x.strangers.mode != elsewhere || x.starts > 2 || w.signIns[m.signIn].user != x.mover.user {

		return
	}
	for _, m.number = range x.numbers {
		if m.number == w.signIns[m.signIn].phone {
			continue
		}
		x.everyEnd(n, w, m, func(w *world, r *rig, m move) error {
			if err := w.moves(r, move{person: x.mover, number: m.number}); err != nil {
				return err
			}
			return w.continues(r, m, passed)
		})
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
