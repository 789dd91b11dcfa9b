package customauth

// This file asks the Store: what is counted under which name, and what is taken
// back.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/together"
)

// account is what is to be done to the counters of the account, or to those of its
// own devices.
func (p *pass) account(rec *seal.Record, ops ...Op) tally {
	kind := "account"
	switch {
	case p.call.UserNotFound:
		kind = "nobody" // of its own: there is no end of made-up names
	case rec.Flags&seal.Known != 0:
		kind = "device"
	}
	return tally{p.engine.names.Account(kind, p.call.Pool, p.call.User), ops}
}

// known reports whether a device of the user's asks.
func (rd *round) known(ctx context.Context) (bool, error) {
	if rd.engine.Known == nil {
		return false, nil
	}
	ctx, cancel := rd.within(ctx)
	defer cancel()
	known, err := bounded.Call(ctx, func(ctx context.Context) (bool, error) { return rd.engine.Known(ctx, rd.req) })
	if err != nil {
		return false, fmt.Errorf("known: %w", redact.Err(err))
	}
	return known && !rd.call.UserNotFound, nil
}

// A permit is what the store has allowed a round so far.
type permit struct {
	counted []tally // what to take back if nothing is sent
	longer  bool    // the pool is under pressure: the code must be a longer one
	mine    bool    // the account proved the destination, or the message is counted for it already
	refused bool
}

// sends reports whether there is a message to send.
func (rd *round) sends() bool { return rd.is.Message.Text.Reveal() != "" }

// askAccount is the first of two stages in which the store is asked: it counts the
// message for the account, and asks whether its codes may be guessed at and whether the
// pool is under pressure.
func (rd *round) askAccount(ctx context.Context) (p permit, err error) {
	sends := rd.sends()
	var ops []Op
	if !rd.is.Unguessable {
		ops = rd.engine.mayGuess(Ask, rd.call.UserNotFound)
	}
	if sends {
		ops = append(ops, rd.engine.sending(rd.is.Message.To, rd.cooldown())...)
	}
	if len(ops) == 0 || rd.engine.InsecureNoLimits {
		return p, nil
	}
	pressure, early := rd.press(ctx, sends), sends && rd.looksUnproved()
	list := []tally{rd.account(rd.rec, ops...)}
	if early {
		list = append(list, rd.unproved())
	}
	found, errs := rd.engine.askAll(ctx, list)
	longer, counted, pressErr := pressure()
	p.counted = counted
	for i, t := range list {
		if errs[i] == nil && t.wait(found[i]) == 0 {
			p.counted = append(p.counted, t.undo())
		}
	}
	if err = errors.Join(append(errs, pressErr)...); err != nil {
		rd.why = ReasonStore
		return p, err
	}
	if wait := list[0].wait(found[0]); wait > 0 {
		rd.stays(rd.refusal(ops, found[0]), wait)
		p.refused = true
		return p, nil
	}
	proved := sends && found[0][len(ops)-1].Age >= 0
	if early && proved {
		p.counted = rd.wasProved(ctx, p.counted, list[1])
	} else if early && list[1].wait(found[1]) > 0 {
		rd.stays(ReasonRateLimited, list[1].wait(found[1]))
		p.refused = true
	}
	p.mine, p.longer = proved || early, longer && !p.refused
	return p, nil
}

// askShared is the second stage: it counts for what other accounts share.
func (rd *round) askShared(ctx context.Context, p *permit) error {
	if rd.engine.InsecureNoLimits {
		return nil
	}
	shared, err := rd.shared(ctx, rd.sends(), p.mine)
	if err != nil {
		rd.why = ReasonStore
		return err
	}
	_, wait, err := rd.engine.updateAll(ctx, shared)
	if err != nil {
		rd.why = ReasonStore
		return err
	}
	if wait > 0 {
		rd.stays(ReasonRateLimited, wait)
		p.refused = true
		return nil
	}
	for _, t := range shared {
		p.counted = append(p.counted, t.undo())
	}
	return nil
}

// closed is how long it will be until an answer is compared again.
func (rd *round) closed(ctx context.Context) (wait time.Duration, err error) {
	list, err := rd.named(ctx, rd.req, true)
	if err != nil {
		return 0, err
	}
	list = append(list, rd.account(rd.rec, rd.engine.mayGuess(Look, rd.call.UserNotFound)...))
	for _, t := range list {
		for i := range t.ops {
			t.ops[i].Verb = Look
		}
	}
	found, _, err := rd.engine.updateAll(ctx, list)
	for _, all := range found {
		for _, f := range all {
			wait = max(wait, f.Wait)
		}
	}
	return wait, err
}

// unproved counts a message to a destination over all accounts that did not prove it.
func (rd *round) unproved() tally {
	key := rd.engine.names.Destination(rd.call.Pool, rd.is.Message.To.id())
	return tally{key, []Op{{Verb: Count, Counter: "unproved", Windows: rd.engine.Limits.Unproved}}}
}

// mustProve reports whether a message counts for its destination, unless the account has
// proved it.
func (rd *round) mustProve() bool { return !rd.nobody() && rd.rec.Flags&seal.Known == 0 }

// looksUnproved reports whether the account has not proved the destination, as far as can
// be known without the Store: Cognito has it as not verified. Then both are asked at
// once. A pool whose attributes stay unverified, since it has nothing like the package
// postauth, is found out by the first account that did prove one.
func (rd *round) looksUnproved() bool {
	to := rd.is.Message.To
	name := attributeOf(to.Medium)
	return rd.mustProve() && name != "" && to.Address.Equal(rd.req.Attributes[name]) && !isVerified(rd.req, name) && !rd.engine.lookFirst.Load()
}

// wasProved takes back what was counted for a destination that turned out to be proved.
func (rd *round) wasProved(ctx context.Context, counted []tally, t tally) []tally {
	rd.engine.lookFirst.Store(true)
	back := slices.DeleteFunc(slices.Clone(counted), func(c tally) bool { return c.key != t.key })
	rd.engine.giveBack(ctx, back)
	return slices.DeleteFunc(counted, func(c tally) bool { return c.key == t.key })
}

// refusal is the word for what the counters of the account found.
func (rd *round) refusal(ops []Op, found []Found) Reason {
	word := ReasonRateLimited
	for i, f := range found {
		switch {
		case f.Wait <= 0 || ops[i].Verb == Look:
		case ops[i].Counter == "send" && f.Wait <= rd.cooldown() && f.Age >= 0 && f.Age < rd.cooldown():
			word = ReasonSentRecently
		default:
			return ReasonRateLimited
		}
	}
	return word
}

// shared are the counters that a challenge has in common with those of other accounts.
// A code that a named limit would not let anybody answer is not sent.
func (rd *round) shared(ctx context.Context, sends, proved bool) (list []tally, err error) {
	if !rd.is.Unguessable {
		if list, err = rd.named(ctx, rd.req, true); err != nil {
			return nil, err
		}
		for _, t := range list {
			t.ops[0].Verb = Ask
		}
	}
	if !sends {
		return list, nil
	}
	messages, err := rd.named(ctx, rd.req, false)
	list = append(list, messages...)
	if err != nil || proved || !rd.mustProve() {
		return list, err
	}
	return append(list, rd.unproved()), nil
}

// A tally is a key of the Store with what is to be done to it.
type tally struct {
	key string
	ops []Op
}

// undo takes back what a tally counted.
func (t tally) undo() tally {
	back := tally{key: t.key}
	for _, op := range t.ops {
		if op.Verb == Count {
			op.Verb, op.Tag = Return, ""
			back.ops = append(back.ops, op)
		}
	}
	return back
}

// proved is how long an account is known to hold a destination after a right answer.
const proved = 180 * 24 * time.Hour

// longest stands in for "in a row" with unknown users: what they leave has to expire.
const longest = 31 * 24 * time.Hour

// mayGuess are the ops by which guesses are limited: to ask for room, or to count.
func (e *engine) mayGuess(verb Verb, unknown bool) []Op {
	most := e.Limits.Failures
	if e.Known != nil {
		most = (most + 1) / 2 // a device of the user's has as many again
	}
	failures := Op{Verb: verb, Counter: "failures", InARow: most}
	if unknown {
		failures = Op{Verb: verb, Counter: "failures", Windows: []Window{{most, longest}}}
	}
	return []Op{{Verb: verb, Counter: "guess", Windows: e.Limits.Guesses}, failures}
}

// sending are the ops by which a message of an account is limited.
func (e *engine) sending(to Destination, cooldown time.Duration) []Op {
	return []Op{
		{Verb: Count, Counter: "send", Windows: append([]Window{{1, max(cooldown, time.Millisecond)}}, e.Limits.Messages...)},
		{Verb: Count, Counter: e.names.Counter("to", to.id()), Windows: e.Limits.Destination},
		{Verb: Look, Counter: e.names.Counter("ok", to.id()), Windows: []Window{{1, proved}}},
	}
}

// named are the tallies of the limits with keys of their own.
func (p *pass) named(ctx context.Context, r Request, guesses bool) ([]tally, error) {
	var list []tally
	for _, l := range p.engine.Limits.Named {
		if l.Guesses != guesses {
			continue
		}
		ctx, cancel := p.within(ctx)
		value, err := bounded.Call(ctx, func(ctx context.Context) (string, error) { return l.Key(ctx, r) })
		cancel()
		if err != nil {
			return nil, fmt.Errorf("the key of the limit %q: %w", l.Name, err)
		}
		if value == "" {
			continue
		}
		verb := Count
		if r.UserNotFound {
			verb = Ask // made-up names must not use up what others share
		}
		list = append(list, tally{p.engine.names.Limit(r.PoolID, l.Name, value), []Op{{Verb: verb, Counter: l.Name, Windows: l.Windows}}})
	}
	return list, nil
}

// maxStore is how long a store may take for one call. A sign-in makes two of them
// before a message is sent, in Cognito's five seconds.
const maxStore = 700 * time.Millisecond

// update asks the store, within its time.
func (e *engine) update(ctx context.Context, t tally) ([]Found, error) {
	ctx, cancel := context.WithTimeout(ctx, maxStore)
	defer cancel()
	found, err := bounded.Call(ctx, func(ctx context.Context) ([]Found, error) { return e.Store.Update(ctx, t.key, t.ops...) })
	if err == nil && len(found) != len(t.ops) {
		err = fmt.Errorf("it found %d counters of %d", len(found), len(t.ops))
	}
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return found, nil
}

// updateAll asks the store about several keys at once. If one of them has no room,
// it takes back what the others counted, and returns the longest wait.
func (e *engine) updateAll(ctx context.Context, list []tally) (found [][]Found, wait time.Duration, err error) {
	if e.InsecureNoLimits || len(list) == 0 {
		return make([][]Found, len(list)), 0, nil
	}
	found = make([][]Found, len(list))
	_, err = together.Take(len(list), func(i int) (took bool, err error) {
		found[i], err = e.update(ctx, list[i])
		return list[i].wait(found[i]) == 0, err
	}, func(i int) { e.giveBack(ctx, []tally{list[i].undo()}) })
	for i, t := range list {
		wait = max(wait, t.wait(found[i]))
	}
	return found, wait, err
}

// askAll carries out what there is to do to several keys, side by side.
func (e *engine) askAll(ctx context.Context, list []tally) (found [][]Found, errs []error) {
	found, errs = make([][]Found, len(list)), make([]error, len(list))
	together.Each(len(list), func(i int) { found[i], errs[i] = e.update(ctx, list[i]) })
	return found, errs
}

// wait is how long the ops that wait for room have to.
func (t tally) wait(found []Found) (wait time.Duration) {
	for i, f := range found {
		if t.ops[i].Verb == Ask || t.ops[i].Verb == Count {
			wait = max(wait, f.Wait)
		}
	}
	return wait
}

// giveBack carries out ops that cannot be refused. A failure leaves a count too
// high, which is the safe side.
func (e *engine) giveBack(ctx context.Context, list []tally) {
	if e.InsecureNoLimits {
		return
	}
	list = slices.DeleteFunc(slices.Clone(list), func(t tally) bool { return len(t.ops) == 0 })
	together.Each(len(list), func(i int) {
		if _, err := e.update(ctx, list[i]); err != nil {
			e.Logger.LogAttrs(ctx, slog.LevelWarn, "customauth: a count was not given back", slog.String("error", redact.Err(err).Error()))
		}
	})
}
