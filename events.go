package customauth

// This file has what operators and apps get to see of a trigger: events, log lines
// and errors.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/internal/text"
)

// An Event says how one call of a handler ended.
type Event struct {
	Trigger Trigger
	Step    string        // name of the step; empty when no step was reached
	Outcome Outcome       // what came out
	Reason  Reason        // why; empty when there is nothing to explain
	Medium  string        // create: of the message that was sent or withheld
	Sent    bool          // create: a message was handed to the sender
	Elapsed time.Duration // since the call began
	Err     error         // set with Broken, and where there is more to say; without codes and addresses

	PoolID, ClientID string
	UserName         Secret // mind where it goes
	UserNotFound     bool
}

// A Trigger is which of the handlers an [Event] is about.
type Trigger string

// The triggers.
const (
	DefineTrigger Trigger = "define"
	CreateTrigger Trigger = "create"
	VerifyTrigger Trigger = "verify"
	OtherTrigger  Trigger = "other" // a call that got no further than NewHandler
)

// An Outcome says how a trigger ended.
type Outcome string

// The outcomes.
const (
	// Asked: the user is asked something: Define called for a challenge, or Create
	// made one or repeated it.
	Asked Outcome = "asked"

	// Passed: Verify found the answer right, or Define let tokens be issued.
	Passed Outcome = "passed"

	// Refused: what the user did was not enough: a wrong or late answer, a limit, a
	// guard, the end of the attempts.
	Refused Outcome = "refused"

	// Broken: the trigger failed, and an operator should look: Event.Err says why.
	Broken Outcome = "broken"
)

// A Reason says why, in a word that is fit for metrics. A step of your own may have
// words of its own, by Issued.Refused.
type Reason string

// The reasons. Those of the first group are also the app's "errorCode".
const (
	ReasonWrongCode     Reason = "wrong_code"      // the answer was wrong
	ReasonNotProved     Reason = "not_proved"      // the same, where no answer is a guess: nothing was used up
	ReasonExpired       Reason = "expired"         // the answer came too late
	ReasonResendTooSoon Reason = "resend_too_soon" // this sign-in has just sent a message, which stays good
	ReasonSentRecently  Reason = "sent_recently"   // another sign-in of this account has just sent one
	ReasonNoResendsLeft Reason = "no_resends_left" // the step has sent all that it may
	ReasonRateLimited   Reason = "rate_limited"    // a limit across sign-ins
	ReasonDelivery      Reason = "delivery_failed" // the sender failed, or the guard refused
	ReasonWay           Reason = "way_not_offered" // the app chose a way that there is not

	ReasonAsked         Reason = "asked"            // verify: the app asked for another challenge; the answer was not compared
	ReasonNoChallenge   Reason = "no_challenge"     // verify: an answer where there was no challenge
	ReasonAnswer        Reason = "bad_answer"       // verify: an answer that is too long, no text, or has control characters
	ReasonUsed          Reason = "used_code"        // verify: a code that was right more than 15 seconds ago
	ReasonAttempts      Reason = "attempts"         // define: the attempts or the rounds of the sign-in are used up
	ReasonGuard         Reason = "guard"            // create: the guard refused; Event.Err says why
	ReasonNobody        Reason = "no_destination"   // create: the user lacks what the step needs; Event.Err says what
	ReasonUserNotFound  Reason = "user_not_found"   // define: an unknown user got to the end
	ReasonForeign       Reason = "foreign_session"  // entries in the session that are not of these triggers
	ReasonMismatch      Reason = "mismatch"         // sealed with other keys or steps, or for somebody else
	ReasonUnknownClient Reason = "unknown_client"   // an app client that Options.Clients does not have
	ReasonStore         Reason = "store"            // the store failed
	ReasonStep          Reason = "step"             // a step failed: Event.Err says which method
	ReasonPolicy        Reason = "policy"           // the attempt policy failed
	ReasonEvent         Reason = "malformed_event"  // the event is none of Cognito's
	ReasonTrigger       Reason = "unknown_trigger"  // nothing handles the trigger source
	ReasonPlugged       Reason = "malformed_answer" // a handler that was plugged in answered no event
	ReasonPanic         Reason = "panic"            // a handler that was plugged in panicked
)

// What errors can be asked for with errors.Is: those of this package, and of what is
// plugged into it, such as a sender or a store.
var (
	// ErrOptions: an option is wrong, or a field of what is plugged in.
	ErrOptions = errors.New("customauth: options")

	// ErrMismatch: the state of a sign-in was sealed with a key, a list of steps, a
	// pool, a client or a user that is not this handler's, or was altered. As a
	// rule, functions were deployed with different Options.
	ErrMismatch = errors.New("customauth: the state of the sign-in does not fit this handler")

	// A [Sender] wraps these when it knows that nothing was sent.
	ErrThrottled          = errors.New("customauth: sending is throttled")
	ErrOptedOut           = errors.New("customauth: the destination opted out of messages")
	ErrInvalidDestination = errors.New("customauth: the destination cannot be sent to")
	ErrUnauthorized       = errors.New("customauth: sending is not authorized")
)

// An Error is the only error that leaves a handler. Cognito shows its text to the
// app ("CreateAuthChallenge failed with error …"), so it names no user and no cause;
// those are in the log. It can be asked for its cause with errors.Is.
type Error struct {
	text  string
	cause error
}

// Error returns the public text.
func (e *Error) Error() string { return e.text }

// Is reports whether the cause is target.
func (e *Error) Is(target error) bool { return errors.Is(e.cause, target) }

// Format shows the public text, whatever the verb.
func (e *Error) Format(f fmt.State, _ rune) { io.WriteString(f, e.text) }

const (
	publicMismatch = "customauth: this sign-in cannot go on, start again"
	publicBroken   = "customauth: sign-in is not available at the moment"
)

// publicError is what leaves a handler for a cause.
func publicError(cause error) *Error {
	if errors.Is(cause, ErrMismatch) {
		return &Error{publicMismatch, cause}
	}
	return &Error{publicBroken, cause}
}

var messages = map[Trigger]string{
	DefineTrigger: "customauth: define auth challenge",
	CreateTrigger: "customauth: create auth challenge",
	VerifyTrigger: "customauth: verify auth challenge response",
	OtherTrigger:  "customauth: event rejected",
}

// maxObserve is how long Observe may take. What it does after that is not waited for.
const maxObserve = 250 * time.Millisecond

// report tells the operator of an event: a line in the log, and Observe.
func (e *engine) report(ctx context.Context, ev Event, sub string) {
	raw := ev.Err
	ev.Err = redact.Err(raw)
	e.log(ctx, ev, sub, raw)
	if e.Observe == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxObserve)
	defer cancel()
	err := bounded.Do(ctx, func(ctx context.Context) error { e.Observe(ctx, ev); return nil })
	if err != nil {
		e.Logger.LogAttrs(ctx, slog.LevelError, "customauth: Observe failed", slog.String("error", redact.Err(err).Error()))
	}
}

func (e *engine) log(ctx context.Context, ev Event, sub string, raw error) {
	level := slog.LevelInfo
	switch {
	case ev.Outcome == Broken:
		level = slog.LevelError
	case ev.Outcome == Refused || ev.Err != nil:
		level = slog.LevelWarn
	}
	if !e.Logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 14)
	attrs = append(attrs,
		slog.String("trigger", string(ev.Trigger)),
		slog.String("step", ev.Step),
		slog.String("outcome", string(ev.Outcome)),
		slog.String("reason", string(ev.Reason)),
		slog.String("pool", ev.PoolID),
		slog.String("client", ev.ClientID),
		slog.Bool("user_not_found", ev.UserNotFound),
		slog.Duration("elapsed", ev.Elapsed))
	if isUUID(sub) {
		attrs = append(attrs, slog.String("sub", sub))
	}
	if ev.Trigger == CreateTrigger {
		attrs = append(attrs, slog.Bool("sent", ev.Sent))
	}
	if ev.Err != nil {
		attrs = append(attrs, slog.String("error", ev.Err.Error()))
		if p, ok := errors.AsType[*bounded.Panic](raw); ok {
			attrs = append(attrs, slog.String("stack", string(p.Stack)))
		}
	}
	e.Logger.LogAttrs(ctx, level, messages[ev.Trigger], attrs...)
}

// isUUID reports whether a sub is what Cognito makes, and not a name.
func isUUID(s string) bool {
	return text.Only(s, 36, 36, "0123456789abcdef-") && s[8] == '-' && s[13] == '-'
}
