package customauth

// This file checks answers.

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/seal"
)

// NewVerify returns the handler of the Verify auth challenge response trigger,
// for lambda.Start. It counts a guess before it compares, and compares in
// constant time. An answer that asks for a resend is not compared at all. It warms
// the store. The handler is safe for concurrent use. Its only error is an
// [*Error].
func NewVerify(o Options) (func(context.Context, events.CognitoEventUserPoolsVerifyAuthChallenge) (events.CognitoEventUserPoolsVerifyAuthChallenge, error), error) {
	e, err := newEnv(o)
	if err != nil {
		return nil, err
	}
	e.warm(e.Store)
	return func(ctx context.Context, ev events.CognitoEventUserPoolsVerifyAuthChallenge) (events.CognitoEventUserPoolsVerifyAuthChallenge, error) {
		c := call(ev.CognitoEventUserPoolsHeader, ev.Request.UserAttributes, ev.Request.ClientMetadata, ev.Request.UserNotFound)
		c.Private = ev.Request.PrivateChallengeParameters
		c.Answer, c.AnswerIsText = ev.Request.ChallengeAnswer.(string)
		answer, err := e.verify(ctx, c)
		ev.Response.AnswerCorrect = bool(answer)
		return ev, err
	}, nil
}

type verified bool

func (v verified) members() []event.Member {
	return []event.Member{{Name: "answerCorrect", Value: boolean(bool(v))}}
}

func (e *env) verify(ctx context.Context, c *event.Call) (verified, error) {
	t := e.begin("verify", c)
	wrong := func(reason string) (verified, error) {
		t.end(ctx, Refused, reason)
		return false, nil
	}
	rec, err := e.sealer.Open(c.Private[privateKey], t.who)
	if err != nil {
		return false, t.fail(ctx, "mismatch", fmt.Errorf("%w: %w", ErrMismatch, err))
	}
	if int(rec.Step) >= len(e.Steps) || isPassword(e.Steps[rec.Step]) {
		return false, t.fail(ctx, "mismatch", fmt.Errorf("%w: no such step", ErrMismatch))
	}
	t.rec = rec
	r := t.request(int(rec.Step))
	switch {
	case t.resend():
		return wrong("resend")
	case rec.Flags&seal.Void != 0:
		return wrong("no_code")
	case expired(rec):
		return wrong("expired")
	case !c.AnswerIsText || !fit(c.Answer):
		return wrong("malformed_answer")
	}
	if len(rec.Extra) > 0 {
		var x extra
		if err := json.Unmarshal(rec.Extra, &x); err != nil {
			return false, t.fail(ctx, "mismatch", fmt.Errorf("%w: extra", ErrMismatch))
		}
		r.Private = x.Private
	}
	guesses, err := t.guesses(ctx, r)
	if err != nil {
		return false, t.fail(ctx, "store", err)
	}
	wait, err := e.countAll(ctx, guesses)
	if err != nil {
		return false, t.fail(ctx, "store", err)
	}
	if wait > 0 {
		return wrong("rate_limited")
	}
	right, err := t.check(ctx, r)
	if err != nil {
		return false, t.fail(ctx, "check", scrub(err, Destination{}, c.Answer, normalize(c.Answer)))
	}
	last := int(rec.Step) == len(e.Steps)-1
	if !right || rec.Flags&seal.Silent != 0 || c.UserNotFound && last {
		return wrong("wrong_code")
	}
	e.giveBack(ctx, guesses)
	t.tell(ctx, r)
	t.end(ctx, Passed, "")
	return true, nil
}

// check asks the step. The built-in code has nothing to wait for, unless a
// function of the caller's says where it goes.
func (t *turn) check(ctx context.Context, r Request) (bool, error) {
	step := t.env.Steps[t.rec.Step]
	check := func(ctx context.Context) (bool, error) {
		if b, ok := step.(interface{ bound(Request) string }); ok {
			r.to = b.bound(r)
		}
		return step.Check(ctx, r, t.call.Answer)
	}
	if o, ok := step.(OTP); ok && o.Destination == nil {
		return check(ctx)
	}
	ctx, cancel := t.within(ctx)
	defer cancel()
	right, err := bounded(ctx, check)
	return right && err == nil, err
}

// tell lets the guard know of a right answer. It cannot undo it.
func (t *turn) tell(ctx context.Context, r Request) {
	step, ok := t.env.Steps[t.rec.Step].(interface {
		verified(context.Context, Request)
	})
	if o, plain := t.env.Steps[t.rec.Step].(OTP); !ok || plain && o.Guard == nil {
		return
	}
	ctx, cancel := t.within(ctx)
	defer cancel()
	_, err := bounded(ctx, func(ctx context.Context) (struct{}, error) { step.verified(ctx, r); return struct{}{}, nil })
	t.cause = err
}

// maxAnswer bounds an answer in bytes: nobody types more.
const maxAnswer = 256

// fit reports whether an answer is worth looking at.
func fit(answer string) bool {
	if len(answer) == 0 || len(answer) > maxAnswer || !utf8.ValidString(answer) {
		return false
	}
	for _, r := range answer {
		if isControl(r) {
			return false
		}
	}
	return normalize(answer) != ""
}

// isControl is true for control characters, except those that come along when a
// line is pasted.
func isControl(r rune) bool { return unicode.IsControl(r) && r != '\t' && r != '\n' && r != '\r' }

// expired reports whether a challenge is too old, or from a clock that is off: no
// challenge is valid for longer than maxTTL.
func expired(rec *seal.Record) bool {
	left := time.Until(time.Unix(int64(rec.Expires), 0))
	return left <= 0 || left > maxTTL+time.Minute
}

// guesses are the keys under which a user's answers to a step count, over all of
// the pool's app clients.
func (t *turn) guesses(ctx context.Context, r Request) ([]tally, error) {
	usual := t.env.sealer.StoreKey("guess", r.PoolID, r.Step, r.UserName)
	return t.tallies(ctx, r, "guess", usual, t.env.guesses, t.env.ownGuesses)
}

// waitForGuess is how long it is until the user may guess.
func (t *turn) waitForGuess(ctx context.Context, r Request) (wait time.Duration, err error) {
	guesses, err := t.guesses(ctx, r)
	if err != nil {
		return 0, err
	}
	for _, g := range guesses {
		w, err := t.env.count(ctx, g.key, 0, g.limits)
		if err != nil {
			return 0, err
		}
		wait = max(wait, w)
	}
	return wait, nil
}
