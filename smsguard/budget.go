package smsguard

// This file counts: the budgets that a text is taken from, and what an answered
// code gives back.

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/together"
)

// A budget is one count in the Store.
type budget struct {
	Budget
	key    string
	closed Reason
}

// op does something to a budget with n texts.
func (b budget) op(verb customauth.Verb, n int) customauth.Op {
	return customauth.Op{Verb: verb, Counter: "texts", N: n, Windows: []customauth.Window{{Max: b.Hour, Per: time.Hour}, {Max: b.Day, Per: 24 * time.Hour}}}
}

// country is the budget of a country. Its key can be read in the Store: it has
// nothing of a person.
func (g *Guard) country(pool, country string) budget {
	b, ok := g.o.Countries[country]
	if !ok {
		b = g.o.Country
	}
	return budget{b, "sms-" + country + ":" + pool, CountryClosed}
}

// budgets are what a text to this number is taken from, the narrowest first: of
// several that have no room, it is the one that is named.
func (g *Guard) budgets(r customauth.Request, number, country string) []budget {
	list := []budget{
		{g.o.Range, r.Key("sms-range", number[:len(number)-4]), RangeClosed},
		g.country(r.PoolID, country),
	}
	if g.total {
		list = append(list, budget{g.o.Total, "sms-total:" + r.PoolID, TotalClosed})
	}
	return list
}

// totalBinds reports whether the budgets of all countries that are served are more than
// Total together. If not, it can never be used up before one of them is, and to count
// for it would be for nothing.
func totalBinds(o Options) bool {
	if len(o.Allow) == 0 {
		return true
	}
	var sum Budget
	served := slices.Clone(o.Allow)
	slices.Sort(served)
	for _, country := range slices.Compact(served) {
		if slices.Contains(o.Deny, country) {
			continue
		}
		b, ok := o.Countries[country]
		if !ok {
			b = o.Country
		}
		sum.Hour, sum.Day = sum.Hour+b.Hour, sum.Day+b.Day
	}
	return sum.Hour > o.Total.Hour || sum.Day > o.Total.Day
}

// seen is the mark of a number that answered a code.
func (g *Guard) seen(verb customauth.Verb) customauth.Op {
	return customauth.Op{Verb: verb, Counter: "seen", Windows: []customauth.Window{{Max: 1, Per: g.o.Returning}}}
}

// ask asks the store about one counter.
func (g *Guard) ask(ctx context.Context, key string, op customauth.Op) (customauth.Found, error) {
	found, err := g.o.Store.Update(ctx, key, op)
	if err == nil && len(found) != 1 {
		err = errors.New("smsguard: the store's answer is not one of a store")
	}
	if err != nil {
		return customauth.Found{}, err
	}
	return found[0], nil
}

// take takes a text from all budgets, side by side, or from none. A number that
// answered a code lately takes from none: so that is asked first, unless Cognito has the
// number as not verified. Then it is new as a rule, and all is asked at once.
func (g *Guard) take(ctx context.Context, r customauth.Request, number, country string) (refusal *Refusal) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	budgets := g.budgets(r, number, country)
	look := func() (known bool, err error) {
		found, err := g.ask(ctx, r.Key("sms-number", number), g.seen(customauth.Look))
		return found.Age >= 0, err
	}
	if !g.looksNew(r, number) {
		if known, err := look(); err != nil {
			return &Refusal{StoreFailed, country, err}
		} else if known {
			return nil
		}
		return g.takeFrom(ctx, budgets, country)
	}
	var wg sync.WaitGroup
	wg.Go(func() { refusal = g.takeFrom(ctx, budgets, country) })
	known, err := look()
	wg.Wait()
	if err == nil && !known {
		return refusal
	}
	if refusal == nil {
		together.Each(len(budgets), func(i int) { g.giveBackTo(ctx, budgets[i]) })
	}
	if err != nil {
		return &Refusal{StoreFailed, country, err}
	}
	g.lookFirst.Store(true)
	return nil
}

// looksNew reports whether a number has answered no code, as far as can be known
// without the Store. A pool whose numbers stay unverified, since it has nothing like the
// package postauth, is found out by the first one that did answer.
func (g *Guard) looksNew(r customauth.Request, number string) bool {
	return !g.lookFirst.Load() && r.Attributes["phone_number"].Reveal() == number && strings.EqualFold(r.Attributes["phone_number_verified"].Reveal(), "false")
}

// takeFrom takes a text from all budgets, or says why it may not go.
func (g *Guard) takeFrom(ctx context.Context, budgets []budget, country string) *Refusal {
	waits := make([]time.Duration, len(budgets))
	all, err := together.Take(len(budgets), func(i int) (bool, error) {
		found, err := g.ask(ctx, budgets[i].key, budgets[i].op(customauth.Count, 1))
		waits[i] = found.Wait
		return found.Wait == 0, err
	}, func(i int) { g.giveBackTo(ctx, budgets[i]) })
	switch {
	case err != nil:
		return &Refusal{StoreFailed, country, err}
	case !all:
		closed := slices.IndexFunc(waits, func(w time.Duration) bool { return w > 0 })
		return &Refusal{budgets[closed].closed, country, nil}
	}
	return nil
}

// giveBackTo returns a text that was taken. A failure leaves a budget too full, which is
// the safe side.
func (g *Guard) giveBackTo(ctx context.Context, b budget) {
	g.ask(ctx, b.key, b.op(customauth.Return, 1))
}

// giveBack remembers a number that answered, and gives its budgets their texts back
// if it was not known before: only then was its text taken from them. Of several
// answers at once, one is the first.
func (g *Guard) giveBack(ctx context.Context, r customauth.Request, number, country string) error {
	key := r.Key("sms-number", number)
	known, err := g.ask(ctx, key, g.seen(customauth.Count))
	if err != nil {
		return err
	}
	if known.Wait > 0 {
		if known.Age > g.o.Returning/2 {
			_, err = g.ask(ctx, key, g.seen(customauth.Mark)) // refreshed in the second half of Returning only
		}
		return err
	}
	budgets := g.budgets(r, number, country)
	errs := make([]error, len(budgets))
	together.Each(len(budgets), func(i int) {
		_, errs[i] = g.ask(ctx, budgets[i].key, budgets[i].op(customauth.Return, g.o.GiveBack))
	})
	return errors.Join(errs...)
}
