package customauth

// This file has the step that can be passed in one of several ways.

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cyber-eternal/customauth/internal/text"
)

// OneOf is a step that is passed in one of several ways, as the user chooses: a code
// by SMS or by e-mail, a link, a passkey. It uses nothing but the contract of a
// [Challenge].
//
// The app chooses with the metadata "way" beside an answer: with the answer to the
// step before (a CAPTCHA, say), or with "action" set to "choose". A resend may change
// the way too. "locale" beside it, a BCP 47 tag, is remembered for the step. Limits
// and attempts span the ways: changing the way buys no guess and no message.
//
// The app is shown two more parameters, "way" and "ways", the names of all ways
// separated by spaces. Until something is proved, everybody is shown the same: the
// handlers do not know what was typed, and a list of the user's own would tell who
// has an account, and with what. Who chooses a way that he lacks sees what anybody
// would, and nothing arrives. After an earlier step has proved who the user is, the
// list is his own.
//
// Nobody comes in by what was never proved: a way by SMS, voice or e-mail counts only
// to the attribute phone_number or email, and only if Cognito has it as verified. So
// whoever signs up with somebody else's number and an address of his own does not get
// into the account by e-mail after its owner has proved the number. Where nothing is
// verified yet, the first of these ways that the account has counts, and no other.
type OneOf struct {
	// Ways are what the user can choose from, 2 to 8, the preferred one first. A Name
	// has 1 to 16 lower-case letters, digits, "-" and "_". The State of a way has 96
	// bytes at most.
	Ways []Step

	// Ask makes the first challenge one that sends nothing and only asks for the way.
	// Without it, the first way begins at once.
	Ask bool

	// InsecureShowWays shows users their own ways before anything is proved. It tells
	// strangers who has an account, and how it is protected.
	InsecureShowWays bool

	// InsecureUnprovedWays lets users in by numbers and addresses that they never
	// proved.
	InsecureUnprovedWays bool
}

const (
	maxWays   = 8
	maxWay    = 16
	maxLocale = 12 // zh-Hant-TW has 10; longer ones are not remembered

	maxWayState = 96

	// askTTL is how long a user may think about the way.
	askTTL = maxTTL
)

// A choice is what OneOf keeps in its State.
type choice struct {
	lacks  bool   // the user cannot come in this way, and is shown what others would see
	way    string // empty: nothing is chosen yet
	locale string
}

func (c choice) state(inner string) string {
	flag := "+"
	if c.lacks {
		flag = "-"
	}
	return flag + c.way + "\x00" + c.locale + "\x00" + inner
}

// chosen splits the state into the choice and what is the way's own.
func chosen(r Request) (choice, Request) {
	flag, rest, ok := strings.Cut(r.State, "\x00")
	locale, inner, _ := strings.Cut(rest, "\x00")
	if !ok || flag == "" {
		r.State = ""
		return choice{}, r
	}
	r.State = inner
	if locale != "" {
		r.Locale = locale
	}
	return choice{flag[0] == '-', flag[1:], locale}, r
}

// Issue makes the challenge of the way that is chosen.
func (o OneOf) Issue(ctx context.Context, r Request) (Issued, error) {
	if r.Probe {
		return o.probe(ctx, r)
	}
	last, inner := chosen(r)
	next := choice{way: r.ClientMetadata["way"].Reveal(), locale: last.locale}
	if tag := r.ClientMetadata["locale"].Reveal(); tag != "" && tag == r.Locale {
		next.locale, inner.Locale = "", tag
		if len(tag) <= maxLocale {
			next.locale = tag
		}
	}
	if next.way == "" {
		next.way = last.way
	}
	if next.way == "" && o.Ask {
		return Issued{Unguessable: true, TTL: askTTL, State: next.state("")}, nil
	}
	if next.way != last.way {
		inner.State = "" // one way never sees another's state
	}
	w, err := o.pick(ctx, inner, next.way)
	if err != nil || w.Challenge == nil {
		return Issued{Refused: ReasonWay}, err
	}
	next.way = w.Name
	is, err := w.Issue(ctx, inner)
	if err != nil || is.Refused != "" {
		return is, err
	}
	lacks := is.Nobody
	if lacks == nil && !inner.UserNotFound {
		if lacks, err = o.unproved(ctx, inner, w, is); err != nil {
			return Issued{}, err
		}
		if lacks != nil {
			// What others would see, and nothing of the user's own.
			if is, err = w.Issue(ctx, inner.Unknown()); err != nil {
				return Issued{}, err
			}
		}
	}
	next.lacks, is.Nobody = lacks != nil, lacks
	is.State = next.state(is.State)
	return is, nil
}

// pick is the way of a name, or the first one; none if there is no such way.
func (o OneOf) pick(ctx context.Context, r Request, name string) (Step, error) {
	if i := slices.IndexFunc(o.Ways, func(w Step) bool { return w.Name == name }); i >= 0 {
		return o.Ways[i], nil
	}
	if name != "" {
		return Step{}, nil
	}
	if !o.shows(r) {
		return o.Ways[0], nil
	}
	own, err := o.own(ctx, r)
	if err != nil || len(own) == 0 {
		return o.Ways[0], err
	}
	return own[0], nil
}

// shows reports whether the user may be shown what he has.
func (o OneOf) shows(r Request) bool { return r.Proved || o.InsecureShowWays }

// own are the ways that the user has.
func (o OneOf) own(ctx context.Context, r Request) ([]Step, error) {
	var own []Step
	for _, w := range o.Ways {
		r.State = ""
		is, err := w.Issue(ctx, r)
		if err != nil {
			return nil, err
		}
		lacks := is.Nobody
		if lacks == nil && !r.UserNotFound {
			if lacks, err = o.unproved(ctx, r, w, is); err != nil {
				return nil, err
			}
		}
		if lacks == nil {
			own = append(own, w)
		}
	}
	return own, nil
}

// unproved says why a message of this way proves nothing; nil if it does.
func (o OneOf) unproved(ctx context.Context, r Request, w Step, is Issued) (why, err error) {
	to := is.Message.To
	name := attributeOf(to.Medium)
	switch {
	case o.InsecureUnprovedWays || name == "":
		return nil, nil
	case !to.Address.Equal(r.Attributes[name]):
		return fmt.Errorf("the way %q goes elsewhere than to %s, which nobody has proved", w.Name, name), nil
	case isVerified(r, name):
		return nil, nil
	case isVerified(r, "phone_number") || isVerified(r, "email"):
		return fmt.Errorf("the way %q goes to %s, which the user has not proved", w.Name, name), nil
	}
	r.State = ""
	for _, before := range o.Ways {
		if before.Name == w.Name {
			return nil, nil
		}
		is, err := before.Issue(ctx, r)
		if err != nil {
			return nil, err
		}
		if is.Nobody == nil && attributeOf(is.Message.To.Medium) != "" {
			return fmt.Errorf("nothing is proved yet, and the way %q comes before %q", before.Name, w.Name), nil
		}
	}
	return nil, nil
}

// isVerified reports whether Cognito has an attribute as verified. The text is not
// always in lower case.
func isVerified(r Request, attribute string) bool {
	return r.Attributes[attribute].Reveal() != "" && strings.EqualFold(r.Attributes[attribute+"_verified"].Reveal(), "true")
}

// Show shows what the way shows, which way it is, and which there are.
func (o OneOf) Show(ctx context.Context, r Request) (map[string]string, error) {
	c, inner := chosen(r)
	public := make(map[string]string)
	if w, err := o.pick(ctx, inner, c.way); err == nil && c.way != "" && w.Challenge != nil {
		if c.lacks {
			inner = inner.Unknown()
		}
		shown, err := w.Show(ctx, inner)
		if err != nil {
			return nil, err
		}
		for name, value := range shown {
			public[name] = value
		}
		public["way"] = w.Name
	}
	ways := o.Ways
	if o.shows(r) {
		var err error
		if ways, err = o.own(ctx, inner); err != nil {
			return nil, err
		}
	}
	names := make([]string, len(ways))
	for i, w := range ways {
		names[i] = w.Name
	}
	public["ways"] = strings.Join(names, " ")
	return public, nil
}

// Check lets the way judge. Where none is chosen, no answer is right.
func (o OneOf) Check(ctx context.Context, r Request, answer string) (Checked, error) {
	c, inner := chosen(r)
	for _, w := range o.Ways {
		if w.Name == c.way {
			return w.Check(ctx, inner, answer)
		}
	}
	return Checked{}, nil
}

// probe asks all ways for a challenge.
func (o OneOf) probe(ctx context.Context, r Request) (Issued, error) {
	if len(o.Ways) < 2 || len(o.Ways) > maxWays {
		return Issued{}, fmt.Errorf("OneOf needs 2 to %d Ways, not %d", maxWays, len(o.Ways))
	}
	var all Issued
	var errs []error
	for i, w := range o.Ways {
		if !text.Only(w.Name, 1, maxWay, "abcdefghijklmnopqrstuvwxyz-_"+text.Decimal) {
			errs = append(errs, fmt.Errorf("the way %q needs a Name of 1 to %d lower-case letters, digits, - and _", w.Name, maxWay))
		}
		if slices.ContainsFunc(o.Ways[:i], func(v Step) bool { return v.Name == w.Name }) {
			errs = append(errs, fmt.Errorf("two ways are named %q", w.Name))
		}
		if isNil(w.Challenge) {
			errs = append(errs, fmt.Errorf("the way %q has no Challenge", w.Name))
			continue
		}
		is, err := w.Issue(ctx, r)
		_, nested := w.Challenge.(OneOf)
		switch {
		case nested:
			errs = append(errs, fmt.Errorf("the way %q is a OneOf: name its ways in this one", w.Name))
		case err != nil:
			errs = append(errs, fmt.Errorf("way %q: %w", w.Name, err))
		case is.Anyone:
			errs = append(errs, fmt.Errorf("the way %q lets anyone pass: put it before OneOf", w.Name))
		case len(is.State) > maxWayState:
			errs = append(errs, fmt.Errorf("the way %q has a State of %d bytes, and at most %d are possible", w.Name, len(is.State), maxWayState))
		}
		all.Others = append(all.Others, append(is.Others, is)...)
	}
	all.Unguessable, all.TTL = true, askTTL
	return all, errors.Join(errs...)
}
