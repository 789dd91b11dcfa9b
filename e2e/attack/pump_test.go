package attack_test

// Pumping: texts to numbers whose owner is paid for each.

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cyber-eternal/customauth/smsguard"
)

// served are the countries of a pool with users in three.
func served() *smsguard.Options {
	return &smsguard.Options{Allow: []string{"GB", "LK", "US"}}
}

// Numbers: each n another one. The first two are mobile, in a range of their own
// while n is small; the third are premium rate, in one range of 10,000.
func british(n int) string   { return fmt.Sprintf("+44740%03d%04d", n%1000, n/1000) }
func srilankan(n int) string { return fmt.Sprintf("+9471%03d%04d", n%1000, n/1000) }
func premium(n int) string   { return fmt.Sprintf("+44909879%04d", n%10_000) }

// The budgets of smsguard by default, and what an answered code gives back: see
// "How many texts an attack gets" in its README.
const (
	countryHour = 30
	countryDay  = 100
	giveBack    = 2
)

// A crowd is honest users who sign in at equal intervals.
type crowd struct {
	name    string
	number  func(int) string
	every   time.Duration
	members int // how many there are, who come again; 0: each sign-in is somebody new
	tried   int
	refused int
	signed  []time.Time // when
	numbers map[string]bool
}

func (c *crowd) is(number string) bool { return c.numbers[number] }

func (c *crowd) visit(t *testing.T, sc *scene, minute int) {
	if minute%int(c.every/time.Minute) != 0 {
		return
	}
	n := c.tried
	if c.members > 0 {
		n %= c.members
	} else {
		sc.user(t, c.number(n))
	}
	if c.numbers == nil {
		c.numbers = make(map[string]bool)
	}
	c.numbers[c.number(n)] = true
	c.tried++
	if !sc.honest(t.Context(), c.number(n), 0) {
		c.refused++
		return
	}
	c.signed = append(c.signed, time.Now())
}

// pump asks for a code for each account once an hour, for a day, among crowds.
func pump(t *testing.T, s setup, number func(int) string) (r row) {
	accounts := size(50, 10_000)
	synctest.Test(t, func(t *testing.T) {
		sc := newScene(t, s)
		there := &crowd{name: "new users there", number: func(n int) string { return srilankan(2_000_000 + n) }, every: 30 * time.Minute}
		known := &crowd{name: "known users there", number: func(n int) string { return srilankan(3_000_000 + n) }, every: 30 * time.Minute, members: 12}
		elsewhere := &crowd{name: "new users elsewhere", number: func(n int) string { return british(2_000_000 + n) }, every: 15 * time.Minute}
		for n := range known.members {
			sc.user(t, known.number(n))
			if !sc.honest(t.Context(), known.number(n), 0) {
				t.Fatal("an honest user was refused before the attack")
			}
		}
		time.Sleep(time.Hour)
		pumped := make(map[string]bool)
		for n := range accounts {
			sc.user(t, number(n))
			pumped[number(n)] = true
		}
		for minute := range 24 * 60 {
			for _, c := range []*crowd{there, known, elsewhere} {
				c.visit(t, sc, minute)
			}
			for n := accounts * (minute % 60) / 60; n < accounts*(minute%60+1)/60; n++ {
				sc.guess(t.Context(), number(n), 0)
				r.requests++
			}
			time.Sleep(time.Minute)
		}
		r.span = "1 day"
		var new []text // to numbers of the country that were not known
		for _, x := range sc.phones.texts {
			if pumped[x.to] {
				r.texts++
			}
			if pumped[x.to] || there.is(x.to) {
				new = append(new, x)
			}
		}
		for _, c := range []*crowd{there, known, elsewhere} {
			r.honest = append(r.honest, group{c.name, c.refused, c.tried})
		}
		if s.guard != nil {
			within(t, new, there.signed)
		}
	})
	return r
}

// within checks smsguard's bound: in any hour and in any day, the numbers of a
// country that are not known get no more texts than its budget and twice the codes
// that were answered there.
func within(t *testing.T, texts []text, answered []time.Time) {
	t.Helper()
	for _, w := range []struct {
		per time.Duration
		max int
	}{{time.Hour, countryHour}, {day, countryDay}} {
		for _, first := range texts {
			in := func(at time.Time) bool { return !at.Before(first.at) && at.Before(first.at.Add(w.per)) }
			got, back := 0, 0
			for _, x := range texts {
				if in(x.at) {
					got++
				}
			}
			for _, at := range answered {
				if in(at) {
					back += giveBack
				}
			}
			if got > w.max+back {
				t.Fatalf("%d texts in %v, bound %d", got, w.per, w.max+back)
			}
		}
	}
}

func pumpingPremium(t *testing.T) []row {
	return pumping(t, premium, func(texts int) bool { return texts == 0 })
}

// A country of mobile numbers cannot be told from its users, so it gets its budget.
// Here its new users, who come two an hour and give back two each, add to it.
func pumpingCountry(t *testing.T) []row {
	return pumping(t, srilankan, func(texts int) bool { return texts > countryHour && texts <= countryDay+2*24*(giveBack-1) })
}

func pumping(t *testing.T, number func(int) string, guarded func(texts int) bool) (rows []row) {
	accounts := size(50, 10_000)
	for _, tt := range []struct {
		setting string
		setup   setup
		bounded func(texts int) bool
	}{
		{unlimited, setup{off: true}, func(texts int) bool { return texts == 24*accounts }},
		{"limits", setup{}, func(texts int) bool { return texts == 5*accounts }}, // no one proved these numbers
		{"limits and smsguard", setup{guard: served()}, guarded},
	} {
		r := pump(t, tt.setup, number)
		r.setting = tt.setting
		rows = append(rows, r)
		if !tt.bounded(r.texts) {
			t.Errorf("%s: %d texts for %d accounts in a day", tt.setting, r.texts, accounts)
		}
		for _, g := range r.honest {
			if g.refused > 0 && g.name != "new users there" {
				t.Errorf("%s: %d of %d %s were refused", tt.setting, g.refused, g.of, g.name)
			}
		}
	}
	return rows
}
