package customauth

// This file has the limits over any number of sign-ins, and what an operator can
// forget again of what was counted.

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cyber-eternal/customauth/internal/names"
)

// Limits bound what can be done over any number of sign-ins. A field that is left
// out has its default, so setting one never drops another. [DefaultLimits] returns
// the defaults, to be changed. Guesses, Messages, Destination and Unproved need a
// Window that holds them to 1,000 a day, and Pressure one of at most 100,000 a day: more
// is no limit. An account is a user name in a pool, over all of its app clients and
// steps.
type Limits struct {
	// Guesses are the answers of an account to challenges that can be guessed. A
	// guess is counted before it is compared, so that parallel guesses cannot pass
	// the limit, and given back if it was right. Default: 5 in 5 minutes, 10 an
	// hour, 20 a day. At 20 a day, a code of six digits is guessed within a day
	// with a chance of 1 in 50,000.
	Guesses []Window

	// Failures is how many guesses in a row may be wrong, however long that takes;
	// then the account can be guessed at no more until [Options.Unlock]. Default
	// 100, which is also the most (NIST SP 800-63B-4, 3.2.2).
	Failures int

	// Messages are those to an account, wherever they go. Besides, there is one at
	// most in Issued.ResendAfter. Default: 15 a day.
	Messages []Window

	// Destination are the messages to one destination of an account. Default: 5 an
	// hour and 10 a day.
	Destination []Window

	// Unproved are the messages to one destination, counted together for all accounts
	// that never answered a code there. So a stranger who enters somebody's number as
	// his own cannot use up what its owner is allowed, nor learn whose it is; an
	// owner who never signed in can still be starved by him. Default: 5 a day.
	Unproved []Window

	// Pressure is how many codes of the pool may be out that were not answered
	// rightly. While there are more, new codes have 9 characters at least: a guess
	// at each of very many accounts then finds nothing, and nobody is locked out.
	// A right answer takes its own code out again, so honest users hardly count.
	// It costs one request to the Store for every 16 challenges. Default: 500 a day, with
	// which such spraying succeeds with a chance below 1 in 1,000 a day.
	Pressure Window

	// Named are further limits, with keys of their own.
	Named []Limit
}

// A Window allows Max events in any interval of length Per. Max is 1 or more, and
// Per is from a millisecond to 366 days.
type Window struct {
	Max int
	Per time.Duration
}

// A Limit is a limit with a key of its own.
type Limit struct {
	// Name tells the limit from all others, in the Store too: with another name it
	// begins afresh. 1 to 32 letters, digits and dashes.
	Name string

	// Guesses says that answers are counted, and not messages.
	Guesses bool

	// Windows all hold. At least one.
	Windows []Window

	// Key says what is counted together, for example a country, a tenant, or the
	// whole pool. It must not return what the app can choose freely, or the limit is
	// none. Events for which it returns "" are not counted. What unknown users do
	// is held to the limit without using it up. It is called concurrently.
	Key func(ctx context.Context, r Request) (string, error)
}

// DefaultLimits are the limits that hold where Options.Limits says nothing.
func DefaultLimits() Limits {
	return Limits{
		Guesses:     []Window{{5, 5 * time.Minute}, {10, time.Hour}, {20, 24 * time.Hour}},
		Failures:    100,
		Messages:    []Window{{15, 24 * time.Hour}},
		Destination: []Window{{5, time.Hour}, {10, 24 * time.Hour}},
		Unproved:    []Window{{5, 24 * time.Hour}},
		Pressure:    Window{500, 24 * time.Hour},
	}
}

// withDefaults fills in the fields that are left out.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ windows, def *[]Window }{
		{&l.Guesses, &d.Guesses}, {&l.Messages, &d.Messages}, {&l.Destination, &d.Destination}, {&l.Unproved, &d.Unproved},
	} {
		if len(*f.windows) == 0 {
			*f.windows = *f.def
		}
	}
	if l.Failures == 0 {
		l.Failures = d.Failures
	}
	if l.Pressure == (Window{}) {
		l.Pressure = d.Pressure
	}
	return l
}

const (
	maxWindow  = 366 * 24 * time.Hour
	maxWindows = 6
	maxOps     = 8 // of one Update
	maxNamed   = 8

	// maxOfAccount bounds what is remembered of one account, each event with its time.
	maxOfAccount = 100

	// maxGuesses is the most that is a limit at all: 1,000 guesses a day find a code
	// of six digits in three years.
	maxGuesses = 1000

	// maxMessages is the most texts a day that are a limit at all: each costs money.
	maxMessages = 1000

	// maxPressure is the most codes a day: one guess at each of 100,000 codes of six
	// digits finds one in ten days.
	maxPressure = 100_000
)

func (l Limits) validate(p *problems) {
	check := func(field string, windows []Window) {
		if len(windows) > maxWindows {
			p.add("Limits.%s has %d windows, and at most %d are possible", field, len(windows), maxWindows)
		}
		for _, w := range windows {
			if w.Max < 1 || w.Per < time.Millisecond || w.Per > maxWindow {
				p.add("Limits.%s: a Window needs Max from 1 and Per from 1ms to 366 days, not %d per %v", field, w.Max, w.Per)
			}
		}
	}
	account := func(field string, windows []Window) {
		check(field, windows)
		for _, w := range windows {
			if w.Max > maxOfAccount {
				p.add("Limits.%s allows %d for one account, and at most %d are possible", field, w.Max, maxOfAccount)
			}
		}
	}
	account("Guesses", l.Guesses)
	account("Messages", l.Messages)
	account("Destination", l.Destination)
	check("Unproved", l.Unproved)
	if l.Pressure != (Window{}) {
		check("Pressure", []Window{l.Pressure})
		if l.Pressure.Max < pressureSample {
			p.add("Limits.Pressure is sampled, so its Max must be %d or more", pressureSample)
		}
	}
	if l.Failures < 0 || l.Failures > 100 {
		p.add("Limits.Failures must be from 1 to 100 (NIST SP 800-63B-4, 3.2.2), not %d", l.Failures)
	}
	most := func(field string, windows []Window, n int) {
		if len(windows) > 0 && !slices.ContainsFunc(windows, func(w Window) bool {
			return w.Per > 0 && float64(w.Max)*float64(24*time.Hour)/float64(w.Per) <= float64(n)
		}) {
			p.add("Limits.%s allows more than %d a day: one Window at least must hold them to that", field, n)
		}
	}
	most("Guesses", l.Guesses, maxGuesses)
	most("Messages", l.Messages, maxMessages)
	most("Destination", l.Destination, maxMessages)
	most("Unproved", l.Unproved, maxMessages)
	if l.Pressure != (Window{}) {
		most("Pressure", []Window{l.Pressure}, maxPressure)
	}
	if len(l.Named) > maxNamed {
		p.add("Limits.Named has %d limits, and at most %d are possible", len(l.Named), maxNamed)
	}
	for i, n := range l.Named {
		if !isName(n.Name, 32) {
			p.add("Limits.Named[%d] needs a Name of 1 to 32 letters, digits and dashes", i)
		}
		if slices.ContainsFunc(l.Named[:i], func(o Limit) bool { return o.Name == n.Name }) {
			p.add("two Limits are named %q", n.Name)
		}
		if n.Key == nil || len(n.Windows) == 0 {
			p.add("the Limit %q needs a Key and Windows", n.Name)
		}
		check("Named "+n.Name, n.Windows)
	}
}

// Unlock forgets the guesses, the failures and the messages counted for an account,
// for an operator who lets a user in again. What was sent to a destination
// ([Limits].Destination) it forgets for those that it is told, such as the user's
// number: the Store does not know them. It needs the CounterKey and the Store of the
// handlers. Named limits and those on a destination over all accounts end by
// themselves. What the account proved stays known.
func (o Options) Unlock(ctx context.Context, poolID, userName string, sentTo ...Destination) error {
	n := names.New([]byte(o.withDefaults().CounterKey.Reveal()))
	counters := []string{"guess", "failures", "send"}
	for _, to := range sentTo {
		counters = append(counters, n.Counter("to", to.id()))
	}
	return o.eachKey("unlock", poolID, userName, func(key string) error {
		for some := range slices.Chunk(counters, maxOps) {
			ops := make([]Op, len(some))
			for i, counter := range some {
				ops[i] = Op{Verb: Reset, Counter: counter}
			}
			if _, err := o.Store.Update(ctx, key, ops...); err != nil {
				return err
			}
		}
		return nil
	})
}

// Erase forgets all that the Store keeps of an account, for one whose user was
// deleted. It needs the CounterKey and the Store of the handlers.
func (o Options) Erase(ctx context.Context, poolID, userName string) error {
	return o.eachKey("erase", poolID, userName, func(key string) error { return o.Store.Forget(ctx, key) })
}

// Proved reports how long ago an account last proved a destination by a right answer;
// negative if it did not in the last 180 days. The trigger after a sign-in asks it what
// that sign-in has just proved: see package postauth. It asks the Store once where that
// was within the last minute, and else also about the account's devices. It needs the
// CounterKey and the Store of the handlers.
func (o Options) Proved(ctx context.Context, poolID, userName string, to Destination) (age time.Duration, err error) {
	age = -1
	err = o.eachKey("proved", poolID, userName, func(key string) error {
		if age >= 0 && age < time.Minute {
			return nil // its devices cannot have proved it much later
		}
		counter := names.New([]byte(o.withDefaults().CounterKey.Reveal())).Counter("ok", to.id())
		found, err := o.Store.Update(ctx, key, Op{Verb: Look, Counter: counter, Windows: []Window{{1, proved}}})
		if err == nil && len(found) == 1 && found[0].Age >= 0 && (age < 0 || found[0].Age < age) {
			age = found[0].Age
		}
		return err
	})
	return age, err
}

// eachKey does something to what is kept of an account and of its devices.
func (o Options) eachKey(what, poolID, userName string, do func(key string) error) error {
	if o.Store == nil {
		return fmt.Errorf("customauth: %s needs the Store that the handlers share", what)
	}
	counterKey := o.withDefaults().CounterKey
	if err := checkKey(counterKey); err != nil {
		return fmt.Errorf("customauth: %s: CounterKey %w", what, err)
	}
	n := names.New([]byte(counterKey.Reveal()))
	for _, kind := range []string{"account", "device"} {
		if err := do(n.Account(kind, poolID, userName)); err != nil {
			return fmt.Errorf("customauth: %s: %w", what, err)
		}
	}
	return nil
}
