package smsguard

// This file counts: the budgets that a text is taken from, and what an answered
// code gives back.

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cyber-eternal/customauth"
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
	return []budget{
		{g.o.Range, r.Key("sms-range", number[:len(number)-4]), RangeClosed},
		g.country(r.PoolID, country),
		{g.o.Total, "sms-total:" + r.PoolID, TotalClosed},
	}
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

// take takes a text from all budgets, side by side, or from none.
func (g *Guard) take(ctx context.Context, r customauth.Request, number, country string) *Refusal {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	known, err := g.ask(ctx, r.Key("sms-number", number), g.seen(customauth.Look))
	if err != nil {
		return &Refusal{StoreFailed, country, err}
	}
	if known.Age >= 0 {
		return nil
	}
	budgets := g.budgets(r, number, country)
	waits, errs := make([]time.Duration, len(budgets)), make([]error, len(budgets))
	each(budgets, func(i int, b budget) {
		found, err := g.ask(ctx, b.key, b.op(customauth.Count, 1))
		waits[i], errs[i] = found.Wait, err
	})
	refused := -1
	for i := range budgets {
		if refused < 0 && waits[i] > 0 {
			refused = i // the narrowest: it names the reason
		}
	}
	err = errors.Join(errs...)
	if err == nil && refused < 0 {
		return nil
	}
	each(budgets, func(i int, b budget) {
		if errs[i] == nil && waits[i] == 0 {
			// A failure leaves this budget too full, which is the safe side.
			g.ask(ctx, b.key, b.op(customauth.Return, 1))
		}
	})
	if err != nil {
		return &Refusal{StoreFailed, country, err}
	}
	return &Refusal{budgets[refused].closed, country, nil}
}

// each does something to all budgets at once.
func each(budgets []budget, do func(i int, b budget)) {
	var wg sync.WaitGroup
	for i, b := range budgets {
		wg.Go(func() { do(i, b) })
	}
	wg.Wait()
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
	each(budgets, func(i int, b budget) { _, errs[i] = g.ask(ctx, b.key, b.op(customauth.Return, g.o.GiveBack)) })
	return errors.Join(errs...)
}
