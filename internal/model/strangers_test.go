package model_test

// This file is the app as a stranger: whoever has an account of his own, or a name
// that the pool does not know. Beside each world goes the same world without what he
// did, and whoever is no stranger must get the same answers in both.

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// mallory has an account, and may set its number to whatever he likes.
var mallory = person{poolA, clientA, "6a01ed72-0805-4bd5-fb7a-f844be95aab0", "+12065550666", "mallory@example.com", false}

// nobodysPhone is a number that no account has.
const nobodysPhone = "+12065550177"

// How the world without strangers differs.
type mode int

const (
	together  mode = iota // there is no other world
	alone                 // the strangers do nothing in it
	elsewhere             // the mover takes nobody's number in it, where he takes alice's
)

type strangers struct {
	mode
	who    []person
	proved []person // have signed in two days ago
}

func attacks() []*scenario {
	minute := time.Minute
	numbers := []string{mallory.phone, alice.phone}
	two, one := []step{even("otp", 2)}, []step{even("otp", 1)}
	brief := []try{{right, bare}, {wrong, bare}, {right, resend}}
	everybody := []named{{"all-guesses", true, []limit{{2, 3 * minute}}}, {"all-messages", false, []limit{{2, 2 * minute}}}}
	victim := strangers{mode: alone, who: []person{mallory}, proved: []person{alice}}
	secret := strangers{mode: elsewhere, proved: []person{alice}}
	madeUp := strangers{mode: alone, who: []person{nobody}}
	return []*scenario{
		// Whoever proved his number is not refused because of others who have it.
		{name: "a stranger with the victim's number", rules: rulebook{steps: two, policy: briefly, unproved: []limit{{2, 2 * minute}}},
			people: []person{alice, mallory}, starts: 2, rounds: 1, moves: brief, coarse: true, mover: mallory, numbers: numbers, strangers: victim},
		{name: "a stranger passes a password first", rules: rulebook{steps: append([]step{passwordStep}, one...), tries: 2, unproved: []limit{{1, 2 * minute}}, guesses: []limit{{1, 2 * minute}}},
			people: []person{alice, mallory}, srp: []bool{true}, starts: 2, rounds: 1, moves: few, coarse: true, mover: mallory, numbers: numbers, strangers: victim},

		// And the others do not learn that it is his.
		{name: "a stranger learns nothing of a number", rules: rulebook{steps: two, policy: briefly, unproved: []limit{{2, 2 * minute}}},
			people: []person{alice, mallory}, starts: 2, rounds: 1, moves: brief, coarse: true, mover: mallory, numbers: numbers, strangers: secret},
		{name: "a stranger's two sign-ins learn nothing of a number", rules: rulebook{steps: one, policy: briefly, unproved: []limit{{2, 2 * minute}}},
			people: []person{mallory}, starts: 2, moves: []try{{right, bare}, {wrong, bare}, {right, resend}}, coarse: true, mover: mallory, numbers: numbers, strangers: secret, slow: true},

		// What made-up names do changes nothing for anybody else.
		{name: "made-up names and a limit for everybody", rules: rulebook{steps: one, policy: briefly, named: everybody},
			people: []person{alice, nobody}, starts: 3, each: 2, rounds: 1, moves: brief, coarse: true, strangers: madeUp, slow: true},
		{name: "a made-up name and a limit for everybody", rules: rulebook{steps: one, tries: 2, named: everybody},
			people: []person{alice, nobody}, starts: 2, moves: few, coarse: true, strangers: madeUp},
		{name: "a made-up name and somebody who proved his number", rules: rulebook{steps: []step{asks(captcha), even("otp", 1)}, tries: 2, named: everybody, unproved: []limit{{1, 2 * minute}}},
			people: []person{alice, nobody}, starts: 2, rounds: 3, moves: brief, coarse: true,
			strangers: strangers{mode: alone, who: []person{nobody}, proved: []person{alice}}},
	}
}

// TestStrangers explores what strangers can do to others, and learn of them.
func TestStrangers(t *testing.T) { exploreAll(t, attacks()) }

// first is the world in which nothing happened, but that some have proved who they are.
func (x *explorer) first() *world {
	w := newWorld()
	w.now = x.rig.now()
	for _, p := range x.strangers.proved {
		if err := w.passes(x.rig, p, delivered); err != nil {
			x.t.Fatal(err)
		}
		if s := w.signIns[len(w.signIns)-1]; s.stands != tokens {
			x.t.Fatalf("a sign-in %v", s.stands)
		}
		time.Sleep(48 * time.Hour)
		w.now = x.rig.now()
	}
	w.signIns, w.started = nil, 0
	if x.strangers.mode != together {
		w.listens = true
		w.without = w.clone()
	}
	return w
}

// compare makes a move in the world without strangers, too, and compares what is
// heard.
func (x *explorer) compare(w *world, m move, do deed) error {
	if w.without == nil {
		return nil
	}
	actor := m.person
	if m.verb != begin && m.verb != moving {
		actor = w.signIns[m.signIn].person
	}
	here := m
	switch x.strangers.mode {
	case alone:
		if slices.ContainsFunc(x.strangers.who, func(p person) bool { return p.user == actor.user }) {
			return nil
		}
		if m.verb != begin && m.verb != moving {
			here.signIn = w.signIns[m.signIn].without
		}
		if m.reply.kind == other {
			if here.reply.of = w.signIns[m.reply.of].without; here.reply.of < 0 {
				here.reply = reply{kind: wrong} // an answer of a sign-in that is not there
			}
		}
	case elsewhere:
		if m.number == alice.phone {
			here.number = nobodysPhone
		}
	}
	if err := do(w.without, x.rig, here); err != nil {
		return fmt.Errorf("without the strangers: %w", err)
	}
	if m.verb == begin {
		w.signIns[len(w.signIns)-1].without = len(w.without.signIns) - 1
	}
	if !slices.Equal(w.heard, w.without.heard) {
		return faultf("%s hears\n\t%q, and without the strangers\n\t%q", actor.user, w.heard, w.without.heard)
	}
	return nil
}
