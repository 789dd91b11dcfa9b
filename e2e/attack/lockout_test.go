package attack_test

// Locking out: whoever knows a user's name can use up what the user is allowed.

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
)

const password = "correct-Horse-7-battery"

// The victim tries every four hours, for as long as the attack lasts.
// The attacker comes every minute (in small runs, every four).
func lockingOut(t *testing.T) (rows []row) {
	const days = 2
	for _, tt := range []struct {
		setting string
		setup   setup
		guesses int // wrong answers for each code
		check   func(refused, tried, texts int) bool
	}{
		{unlimited, setup{off: true}, 3, func(refused, _, texts int) bool { return refused == 0 && texts > days*10 }},
		{"limits, attacked by wrong answers", setup{}, 3, func(refused, tried, texts int) bool { return refused > tried/2 && texts <= days*10 }},
		{"limits, attacked by asking for texts", setup{}, 0, func(refused, tried, texts int) bool { return refused > tried/2 && texts <= days*10 }},
		{"limits, and a password before the code", setup{steps: []customauth.Step{customauth.Password()}}, 3, func(refused, tried, texts int) bool { return refused == 0 && texts == tried }},
	} {
		synctest.Test(t, func(t *testing.T) {
			sc := newScene(t, tt.setup)
			sc.user(t, victim)
			if err := sc.pool.SetPassword(victim, password); err != nil {
				t.Fatal(err)
			}
			signIn := func() bool { return sc.honest(t.Context(), victim, 0) }
			if len(tt.setup.steps) > 0 {
				signIn = func() bool { return sc.honestSRP(t.Context(), victim, password) }
			}
			if !signIn() { // the victim has signed in before
				t.Fatal("the victim was refused before the attack")
			}
			time.Sleep(day)
			before, own := sc.phones.get(victim), sc.compared.get(victim)
			g := group{name: "the victim"}
			requests := 0
			every := time.Duration(size(4, 1)) * time.Minute
			for came := range int(days * day / every) {
				requests += sc.guess(t.Context(), victim, tt.guesses)
				time.Sleep(every / 2)
				if came%int(4*time.Hour/every) == 7 {
					if g.of++; !signIn() {
						g.refused++
					}
				}
				time.Sleep(every / 2)
			}
			compared := sc.compared.get(victim) - own - (g.of - g.refused) // the victim's own are right
			texts := sc.phones.get(victim) - before
			if !tt.check(g.refused, g.of, texts) {
				t.Errorf("%s: the victim was refused %d of %d times and got %d texts", tt.setting, g.refused, g.of, texts)
			}
			rows = append(rows, row{
				setting: tt.setting, span: fmt.Sprint(days, " days, per day"), requests: requests / days,
				compared: compared / days, chance: chance(float64(compared) / days),
				texts: texts / days, honest: []group{g},
			})
		})
	}
	return rows
}

// What a victim waits after an attack ends, at most: a day, and after more than
// four days of guessing until an operator unlocks the account.
func TestLockoutEnds(t *testing.T) {
	const patience = 3 * day
	for _, tt := range []struct {
		name    string
		lasts   time.Duration
		guesses int
		within  time.Duration // 0: not without Unlock
	}{
		{"a minute of wrong answers", time.Minute, 3, 5 * time.Minute},
		{"two hours of wrong answers", 2 * time.Hour, 3, day},
		{"two hours of asking for texts", 2 * time.Hour, 0, day},
		{"three days and two hours of wrong answers", 3*day + 2*time.Hour, 3, day},
		{"four days and two hours of wrong answers", 4*day + 2*time.Hour, 3, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sc := newScene(t, setup{})
				sc.user(t, victim)
				if !sc.honest(t.Context(), victim, 0) { // who has signed in before
					t.Fatal("the victim was refused before the attack")
				}
				time.Sleep(day)
				for began := time.Now(); time.Since(began) <= tt.lasts; time.Sleep(time.Duration(size(300, 31)) * time.Second) {
					sc.guess(t.Context(), victim, tt.guesses)
				}
				texts, compared := sc.phones.get(victim), sc.compared.get(victim)
				ended := time.Now()
				for !sc.honest(t.Context(), victim, 0) && time.Since(ended) < patience {
					time.Sleep(time.Duration(size(10, 1)) * time.Minute)
				}
				took := time.Since(ended)
				t.Logf("texts %d, comparisons %d, locked for %v more", texts, compared, took.Round(time.Minute))
				if tt.within > 0 {
					if took > tt.within {
						t.Errorf("the victim was locked out for %v after the attack, want %v at most", took, tt.within)
					}
					return
				}
				if took < patience {
					t.Fatalf("the victim got in after %v: a streak of 100 did not hold", took)
				}
				if err := sc.options.Unlock(t.Context(), sc.pool.ID(), victim); err != nil {
					t.Fatal(err)
				}
				if !sc.honest(t.Context(), victim, 0) {
					t.Error("the victim cannot sign in after Unlock")
				}
			})
		})
	}
}
