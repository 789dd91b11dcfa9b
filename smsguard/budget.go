package smsguard

// This file counts: the budgets that a text is taken from, and what an answered
// code gives back.

import (
	"context"
	"errors"
	"time"

	"github.com/cyber-eternal/customauth"
)

// A budget is one count in the Store.
type budget struct {
	Budget
	key    string
	closed Reason
}

func (b budget) limits() []customauth.Limit {
	return []customauth.Limit{{Max: b.Hour, Per: time.Hour}, {Max: b.Day, Per: 24 * time.Hour}}
}

// country is the budget of a country. Its key can be read in the Store: it holds
// nothing about a person.
func (g *Guard) country(pool, country string) budget {
	b, ok := g.o.Countries[country]
	if !ok {
		b = g.o.Country
	}
	return budget{b, "sms:" + country + ":" + pool, CountryClosed}
}

// budgets are what a text to this number is taken from, the narrowest first: what
// a narrow one refuses, the wider ones need not pay for.
func (g *Guard) budgets(r customauth.Request, number, country string) []budget {
	return []budget{
		{g.o.Range, r.Key("sms-range", number[:len(number)-4]), RangeClosed},
		g.country(r.PoolID, country),
		{g.o.Total, "sms:total:" + r.PoolID, TotalClosed},
	}
}

var errOutside = errors.New("smsguard: called outside of a handler")

// seen looks whether this number answered a code lately, and for how long that
// will still be known.
func (g *Guard) seen(ctx context.Context, r customauth.Request, number string) (key string, left time.Duration, err error) {
	key = r.Key("sms-number", number)
	if key == "" {
		return "", 0, errOutside
	}
	left, err = g.o.Store.Count(ctx, key, 0, g.once(1))
	return key, left, err
}

func (g *Guard) once(most int) []customauth.Limit {
	return []customauth.Limit{{Max: most, Per: g.o.Returning}}
}

// take takes a text from all budgets, or from none.
func (g *Guard) take(ctx context.Context, r customauth.Request, number, country string) *Refusal {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, left, err := g.seen(ctx, r, number)
	if err != nil {
		return &Refusal{StoreFailed, country, err}
	}
	if left > 0 {
		return nil
	}
	budgets := g.budgets(r, number, country)
	for i, b := range budgets {
		wait, err := g.o.Store.Count(ctx, b.key, 1, b.limits())
		if err == nil && wait == 0 {
			continue
		}
		for _, taken := range budgets[:i] {
			// A failure leaves this budget too full, which is the safe side.
			_, _ = g.o.Store.Count(ctx, taken.key, -1, taken.limits())
		}
		if err != nil {
			return &Refusal{StoreFailed, country, err}
		}
		return &Refusal{b.closed, country, nil}
	}
	return nil
}

// giveBack remembers a number that answered, and gives its budgets their texts
// back if it was not known before: only then was its text taken from them.
func (g *Guard) giveBack(ctx context.Context, r customauth.Request, number, country string) error {
	key, left, err := g.seen(ctx, r, number)
	if err != nil {
		return err
	}
	if left > g.o.Returning/2 {
		return nil
	}
	if left > 0 {
		// Known, but not for long. Of two events in this time, the older one is
		// over: it is refreshed in the second half of Returning only.
		_, err = g.o.Store.Count(ctx, key, 1, g.once(2))
		return err
	}
	wait, err := g.o.Store.Count(ctx, key, 1, g.once(1))
	if err != nil || wait > 0 { // another answer was faster
		return err
	}
	var errs []error
	for _, b := range g.budgets(r, number, country) {
		_, err := g.o.Store.Count(ctx, b.key, -g.o.GiveBack, b.limits())
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
