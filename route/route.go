// Package route makes one [customauth.Sender] of several: [Failover] tries them in
// order, and [Prefixes] takes the one for the country of a phone number. Media need
// no route: Options.Senders has a sender for each.
//
// A user whom the pool does not know waits as long as messages of the medium took
// lately, by whatever route. Senders of one medium should therefore take about the
// same time, or whoever measures many sign-ins may tell an account that is always
// sent to by the slow one.
package route

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/text"
)

// Failover sends by the first of its senders that can: the next one is asked only
// when the one before surely sent nothing, that is, when its error wraps
// ErrThrottled, ErrUnauthorized or ErrInvalidDestination. After any other error the
// message may be on its way, and a second one would be a second message. ErrOptedOut
// ends it too: who opted out of messages wants none from another number either.
//
// All of them share the time of one send (Options.SendTimeout). One that would have
// less than half a second of it is not asked.
//
// It is safe for concurrent use if its senders are.
type Failover []customauth.Sender

// least is what a sender needs to have a chance: a TLS handshake and a request.
// Whoever starts with less is likely to be cut off in doubt, where the error of the
// one before says for sure that nothing was sent.
const least = 500 * time.Millisecond

// Send sends by the first sender that can. The error is that of the last one that
// was asked; its text has those of the ones before.
func (f Failover) Send(ctx context.Context, m customauth.Message) error {
	if err := f.validate(); err != nil {
		return nothingSent(err)
	}
	var before []string
	for i, sender := range f {
		err := sender.Send(ctx, m)
		if err == nil {
			return nil
		}
		if i == len(f)-1 || !sentNothing(err) || !timeLeft(ctx) {
			return after(before, i, err)
		}
		before = append(before, fmt.Sprintf("sender %d: %v", i+1, err))
	}
	return nil // not reached: the last sender returns
}

// sentNothing reports whether somebody else may try.
func sentNothing(err error) bool {
	return errors.Is(err, customauth.ErrThrottled) || errors.Is(err, customauth.ErrUnauthorized) ||
		errors.Is(err, customauth.ErrInvalidDestination)
}

func timeLeft(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) >= least)
}

// after is the error of sender i, which alone says what became of the message.
func after(before []string, i int, err error) error {
	if len(before) == 0 {
		return err
	}
	return fmt.Errorf("%s; sender %d: %w", strings.Join(before, "; "), i+1, err)
}

// Warm warms all senders at once. An empty list, and one with a nil sender, is an
// error that wraps ErrOptions.
func (f Failover) Warm(ctx context.Context) error {
	if err := f.validate(); err != nil {
		return err
	}
	named := make(map[string]customauth.Sender, len(f))
	for i, sender := range f {
		named[fmt.Sprintf("sender %d", i+1)] = sender
	}
	return warm(ctx, named)
}

func (f Failover) validate() error {
	if len(f) == 0 {
		return fmt.Errorf("%w: route.Failover has no senders", customauth.ErrOptions)
	}
	for i, sender := range f {
		if isNil(sender) {
			return fmt.Errorf("%w: route.Failover: sender %d is nil", customauth.ErrOptions, i+1)
		}
	}
	return nil
}

// Prefixes sends by the sender for the longest prefix of the phone number, such as
// "+44" for the United Kingdom with its islands, or "+1876" for Jamaica within "+1".
// It is safe for concurrent use if its senders are. It must not be changed once it is
// in use.
type Prefixes struct {
	// Senders are the senders by prefix: a plus and 1 to 15 digits, of which the first
	// is not 0. Required.
	Senders map[string]customauth.Sender

	// Otherwise sends what no prefix fits. Default: nothing, and an error that wraps
	// ErrInvalidDestination.
	Otherwise customauth.Sender
}

// Send sends by the sender for the number.
func (p Prefixes) Send(ctx context.Context, m customauth.Message) error {
	if err := p.validate(); err != nil {
		return nothingSent(err)
	}
	number := m.To.Address.Reveal()
	for n := len(number); n > 1; n-- {
		if sender, ok := p.Senders[number[:n]]; ok {
			return sender.Send(ctx, m)
		}
	}
	if p.Otherwise == nil {
		return fmt.Errorf("%w: route: no sender for this prefix", customauth.ErrInvalidDestination)
	}
	return p.Otherwise.Send(ctx, m)
}

// Warm warms all senders at once. No senders, a nil one and a prefix that no number
// has are errors that wrap ErrOptions.
func (p Prefixes) Warm(ctx context.Context) error {
	if err := p.validate(); err != nil {
		return err
	}
	named := make(map[string]customauth.Sender, len(p.Senders)+1)
	for prefix, sender := range p.Senders {
		named["sender for "+prefix] = sender
	}
	if p.Otherwise != nil {
		named["sender for other numbers"] = p.Otherwise
	}
	return warm(ctx, named)
}

func (p Prefixes) validate() error {
	if len(p.Senders) == 0 {
		return fmt.Errorf("%w: route.Prefixes has no senders", customauth.ErrOptions)
	}
	for _, prefix := range slices.Sorted(maps.Keys(p.Senders)) {
		digits, plus := strings.CutPrefix(prefix, "+")
		if !plus || !text.Only(digits, 1, 15, text.Decimal) || digits[0] == '0' {
			return fmt.Errorf("%w: route.Prefixes: %.20q must be a plus and 1 to 15 digits, the first not 0", customauth.ErrOptions, prefix)
		}
		if isNil(p.Senders[prefix]) {
			return fmt.Errorf("%w: route.Prefixes: the sender for %s is nil", customauth.ErrOptions, prefix)
		}
	}
	if p.Otherwise != nil && isNil(p.Otherwise) {
		return fmt.Errorf("%w: route.Prefixes.Otherwise is a nil %T", customauth.ErrOptions, p.Otherwise)
	}
	return nil
}

// nothingSent lets the engine know that a wrong option sent nothing.
func nothingSent(err error) error { return fmt.Errorf("%w: %w", customauth.ErrUnauthorized, err) }

// warm warms senders at once. It returns as soon as one of them says that an option
// is wrong, or the context ends.
func warm(ctx context.Context, named map[string]customauth.Sender) error {
	results := make(chan error, len(named))
	for name, sender := range named {
		go func() {
			err := bounded.Do(ctx, sender.Warm)
			if err != nil {
				err = fmt.Errorf("route: %s: %w", name, err)
			}
			results <- err
		}()
	}
	var errs []error
	for range named {
		err := <-results
		if errors.Is(err, customauth.ErrOptions) {
			return err
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// isNil reports whether a sender is nil, or a nil pointer or function in disguise.
func isNil(sender customauth.Sender) bool {
	if sender == nil {
		return true
	}
	switch v := reflect.ValueOf(sender); v.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice:
		return v.IsNil()
	}
	return false
}
