package attack_test

// Guessing: codes of one account from many sign-ins at a time, and one code for
// each of many accounts.

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
)

const victim = "+12065550100"

// others are honest users who sign in now and then, every second time after a
// wrong answer.
type others struct {
	numbers []string
	tried   int
	refused int
}

func (o *others) join(t *testing.T, sc *scene, n int) {
	for i := range n {
		number := fmt.Sprintf("+1206556%04d", i)
		sc.user(t, number)
		o.numbers = append(o.numbers, number)
	}
}

func (o *others) signIn(t *testing.T, sc *scene) {
	for i, number := range o.numbers {
		o.tried++
		if !sc.honest(t.Context(), number, i%2) {
			o.refused++
		}
	}
}

func (o *others) group(name string) group { return group{name, o.refused, o.tried} }

func guessing(t *testing.T) []row {
	return []row{guessWithoutLimits(t), guessWithLimits(t)}
}

// Without limits, 1,000 sessions at a time guess as fast as Cognito's quota lets
// them. What they get in an hour, they get in every hour.
func guessWithoutLimits(t *testing.T) (r row) {
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(t, setup{off: true})
		sc.user(t, victim)
		var rest others
		rest.join(t, sc, 20)
		span := time.Duration(size(1, 60)) * time.Minute
		requests, began := 0, time.Now()
		for time.Since(began) < span {
			n, _ := wave(t, sc, size(20, 1000))
			requests += n
			time.Sleep(time.Duration(size(60, n/quota)) * time.Second)
		}
		rest.signIn(t, sc)
		got := sc.compared.get(victim)
		// Three for each sign-in, but for those that a lucky guess ends.
		if want := requests / 4 * 3; got < want*99/100 || got > want {
			t.Errorf("%d comparisons in %d requests, want %d", got, requests, want)
		}
		perDay := func(n int) int { return n * int(day/span) }
		r = row{
			setting: unlimited, span: "1 hour × 24", requests: perDay(requests), compared: perDay(got),
			chance: chance(float64(perDay(got))), texts: perDay(sc.phones.get(victim)), honest: []group{rest.group("others")},
		}
	})
	return r
}

// wave is some sessions at the same time that guess until each ends.
func wave(t *testing.T, sc *scene, sessions int) (requests int, in bool) {
	var wg sync.WaitGroup
	var sent atomic.Int64
	var passed atomic.Bool
	for range sessions {
		wg.Go(func() {
			n, ok := sc.guess(t.Context(), victim, 3)
			sent.Add(int64(n))
			if ok {
				passed.Store(true)
			}
		})
	}
	wg.Wait()
	return int(sent.Load()), passed.Load()
}

// guessesADay is Limits' default.
const guessesADay = 20

// With the defaults, the same attacker gets 20 comparisons a day, and nobody else
// notices.
func guessWithLimits(t *testing.T) (r row) {
	const days = 3
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(t, setup{})
		sc.user(t, victim)
		var rest others
		rest.join(t, sc, 20)
		requests, compared := 0, 0
		for today := range days {
			for quarter := range 24 * 4 {
				n, in := wave(t, sc, size(10, 1000))
				requests += n
				if in {
					t.Skip("the attacker was lucky: about one run in 17,000 is")
				}
				if quarter%24 == 5 {
					rest.signIn(t, sc)
				}
				time.Sleep(15 * time.Minute)
			}
			got := sc.compared.get(victim)
			if got-compared != guessesADay {
				t.Errorf("day %d: %d comparisons, want %d", today+1, got-compared, guessesADay)
			}
			compared = got
		}
		if rest.refused > 0 {
			t.Errorf("%d of %d honest sign-ins were refused", rest.refused, rest.tried)
		}
		if c := chance(float64(compared) / days); c >= 1.0/10_000 {
			t.Errorf("the chance to guess an account within a day is %.2g, want less than 1 in 10,000", c)
		}
		r = row{
			setting: "limits", span: fmt.Sprint(days, " days, per day"), requests: requests / days, compared: compared / days,
			chance: chance(float64(compared) / days), texts: sc.phones.get(victim) / days, honest: []group{rest.group("others")},
		}
	})
	return r
}

// Limits are per account, so an attacker who guesses once for each of many meets
// none of them. What helps is what counts for the whole pool.
func spraying(t *testing.T) (rows []row) {
	n := size(400, 100_000)
	most := size(100, 1_000)
	byPool := customauth.Limits{Guesses: []customauth.Limit{ // the defaults, and one more
		{Max: 5, Per: 5 * time.Minute},
		{Max: 10, Per: time.Hour},
		{Max: 20, Per: day},
		{Max: 100},
		{Max: most, Per: day, Key: func(customauth.Request) string { return "pool" }},
	}}
	for _, tt := range []struct {
		setting string
		setup   setup
		known   bool // everybody has signed in this month
		want    int  // comparisons
	}{
		{unlimited, setup{off: true}, false, n},
		{"limits", setup{}, false, n},
		{"limits, and " + thousands(most) + " wrong answers a day in the pool", setup{limits: byPool}, false, most},
		{"limits and smsguard, accounts new to it", setup{guard: served()}, false, 30},
		{"limits and smsguard, accounts it knows", setup{guard: served()}, true, n},
	} {
		synctest.Test(t, func(t *testing.T) {
			sc := newScene(t, tt.setup)
			for i := range n {
				sc.user(t, british(i))
				if tt.known && !sc.honest(t.Context(), british(i), 0) {
					t.Fatal("an honest user was refused before the attack")
				}
			}
			var rest others
			rest.join(t, sc, 20)
			for _, number := range rest.numbers {
				if !sc.honest(t.Context(), number, 0) { // so they are known, too
					t.Fatal("an honest user was refused before the attack")
				}
			}
			texts := sc.phones.all()
			compared := sc.compared.all()
			time.Sleep(time.Minute)
			requests, began := 0, time.Now()
			for i := range n {
				sent, _ := sc.guess(t.Context(), british(i), 1)
				if requests += sent; requests/quota > (requests-sent)/quota {
					time.Sleep(time.Second)
				}
			}
			compared, texts = sc.compared.all()-compared, sc.phones.all()-texts
			if compared != tt.want {
				t.Errorf("%s: %d comparisons, want %d", tt.setting, compared, tt.want)
			}
			rest.signIn(t, sc)
			rows = append(rows, row{
				setting: tt.setting, span: span(time.Since(began)), requests: requests,
				compared: compared, chance: chance(float64(compared)), texts: texts, honest: []group{rest.group("others, afterwards")},
			})
		})
	}
	return rows
}
