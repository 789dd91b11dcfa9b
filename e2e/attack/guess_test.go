package attack_test

// Guessing: codes of one account from many sign-ins at a time, and one code for
// each of many accounts.

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
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
			n := wave(t, sc, size(20, 1000))
			requests += n
			time.Sleep(time.Duration(size(60, n/quota)) * time.Second)
		}
		rest.signIn(t, sc)
		got := sc.compared.get(victim)
		if want := requests * 3 / 4; got != want { // three for each sign-in
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
func wave(t *testing.T, sc *scene, sessions int) (requests int) {
	var wg sync.WaitGroup
	var sent atomic.Int64
	for range sessions {
		wg.Go(func() {
			sent.Add(int64(sc.guess(t.Context(), victim, 3)))
		})
	}
	wg.Wait()
	return int(sent.Load())
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
		if !sc.honest(t.Context(), victim, 0) { // who has signed in before
			t.Fatal("the victim was refused before the attack")
		}
		time.Sleep(day)
		var rest others
		rest.join(t, sc, 20)
		before, texts := sc.compared.get(victim), sc.phones.get(victim)
		requests, compared := 0, 0
		for today := range days {
			for quarter := range 24 * 4 {
				requests += wave(t, sc, size(10, 1000))
				if quarter%24 == 5 {
					rest.signIn(t, sc)
				}
				time.Sleep(15 * time.Minute)
			}
			got := sc.compared.get(victim) - before
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
			chance: chance(float64(compared) / days), texts: (sc.phones.get(victim) - texts) / days, honest: []group{rest.group("others")},
		}
	})
	return r
}

// Limits are per account, so an attacker who guesses once for each of many meets
// none of them. What helps counts for the whole pool: while many codes are out that
// nobody has answered rightly, new ones have nine digits. Nobody is refused.
func spraying(t *testing.T) (rows []row) {
	n := size(3_000, 100_000)

	// One code in 16 is counted, for 16, so how many are short varies: 512 on the
	// average, which is a chance of 1 in 2,000, and more than 1,200 once in 30 million
	// runs.
	const most = 1_200 / codes
	for _, tt := range []struct {
		setting string
		setup   setup
		known   bool // everybody has signed in this month
		first   bool // all sign-ins are opened first, and guessed at afterwards
		least   int  // comparisons
		most    float64
	}{
		{unlimited, setup{off: true}, false, false, n, 1},
		{"limits", setup{}, false, false, n, most},
		{"limits, and all sign-ins opened first", setup{}, false, true, n, most},
		{"limits and smsguard, accounts new to it", setup{guard: served()}, false, false, 30, most},
		{"limits and smsguard, accounts it knows", setup{guard: served()}, true, false, n, most},
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
			*sc.compared, *sc.long = counter{}, counter{}
			texts := sc.phones.all()
			time.Sleep(time.Minute)
			requests, began := 0, time.Now()
			pace := func(sent int) {
				if requests += sent; requests/quota > (requests-sent)/quota {
					time.Sleep(time.Second)
				}
			}
			if tt.first {
				// All at once, in the lifetime of a code, which Cognito's quota would not allow.
				var open []*cognitotest.SignIn
				for i := range n {
					s, err := sc.pool.SignIn(t.Context(), british(i))
					if err != nil {
						t.Fatal(err)
					}
					open = append(open, s)
				}
				for _, s := range open {
					sent := sc.answer(t.Context(), s, 1)
					requests += 1 + sent
				}
			} else {
				for i := range n {
					sent := sc.guess(t.Context(), british(i), 1)
					pace(sent)
				}
			}
			compared, chance := sc.compared.all(), sc.chance()
			if compared != tt.least {
				t.Errorf("%s: %d comparisons, want %d", tt.setting, compared, tt.least)
			}
			if chance >= tt.most {
				t.Errorf("%s: the chance is %.2g, want less than %.2g", tt.setting, chance, tt.most)
			}
			texts = sc.phones.all() - texts
			rest.signIn(t, sc)
			if rest.refused > 0 {
				t.Errorf("%s: %d of %d others were refused", tt.setting, rest.refused, rest.tried)
			}
			rows = append(rows, row{
				setting: tt.setting, span: span(time.Since(began)), requests: requests,
				compared: compared, chance: chance, texts: texts, honest: []group{rest.group("others, afterwards")},
			})
		})
	}
	return rows
}

// Made-up names are held to what all users share, and use none of it up: whoever sends
// many guesses for nobody locks nobody out.
func madeUpNames(t *testing.T) (rows []row) {
	n := size(400, 100_000)
	shared := customauth.Limits{Named: []customauth.Limit{
		{
			Name: "guesses", Guesses: true, Windows: []customauth.Window{{Max: 100, Per: day}},
			Key: func(context.Context, customauth.Request) (string, error) { return "pool", nil },
		},
		{
			Name: "texts", Windows: []customauth.Window{{Max: 100, Per: day}},
			Key: func(context.Context, customauth.Request) (string, error) { return "pool", nil },
		},
	}}
	for _, tt := range []struct {
		setting string
		setup   setup
	}{
		{"limits", setup{}},
		{"limits, and 100 guesses and texts a day in the pool", setup{limits: shared}},
	} {
		synctest.Test(t, func(t *testing.T) {
			sc := newScene(t, tt.setup)
			var rest others
			rest.join(t, sc, 20)
			requests, began := 0, time.Now()
			for i := range n {
				sent := sc.guess(t.Context(), fmt.Sprint("nobody", i), 3)
				if requests += sent; requests/quota > (requests-sent)/quota {
					time.Sleep(time.Second)
				}
			}
			rest.signIn(t, sc)
			if rest.refused > 0 {
				t.Errorf("%s: %d of %d others were refused", tt.setting, rest.refused, rest.tried)
			}
			for _, number := range rest.numbers {
				if len(sc.phones.code(number)) != 6 {
					t.Errorf("%s: guesses for nobody put the pool under pressure", tt.setting)
					break
				}
			}
			rows = append(rows, row{setting: tt.setting, span: span(time.Since(began)), requests: requests, honest: []group{rest.group("others, afterwards")}})
		})
	}
	return rows
}
