package customauth

// This file checks answers. One goes through it once, from top to bottom: open, count,
// check, give back, tell.

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/text"
)

// NewVerify returns the handler of the Verify auth challenge response trigger. It
// counts a guess before it compares, and compares in constant time. An answer that
// asks for another challenge is not compared at all. It warms the store. The handler
// is safe for concurrent use.
func NewVerify(o Options) (Handler[events.CognitoEventUserPoolsVerifyAuthChallenge], error) {
	e, err := newEngine(o)
	if err != nil {
		return nil, err
	}
	if err := e.warm(false); err != nil {
		return nil, err
	}
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

func (e *engine) verify(ctx context.Context, c *event.Call) (verified, error) {
	p := e.begin(VerifyTrigger, c)
	wrong := func(why Reason) (verified, error) {
		p.end(ctx, Refused, why)
		return false, nil
	}
	if p.flow == nil {
		return false, p.fail(ctx, ReasonUnknownClient, errors.New("Options.Clients does not have this app client"))
	}
	rec, err := p.flow.sealer.Open(c.Private[privateKey], p.who, nil)
	if err == nil && (int(rec.Step) >= len(p.flow.steps) || p.flow.steps[rec.Step].password) {
		err = errors.New("no such step")
	}
	if err != nil {
		return false, p.fail(ctx, ReasonMismatch, err)
	}
	step := p.flow.steps[rec.Step]
	r := p.request(step.Name, rec)
	r.expected = rec.Expected(p.who)
	switch {
	case asked(c):
		return wrong(ReasonAsked)
	case rec.Flags&seal.Void != 0:
		return wrong(ReasonNoChallenge)
	case expired(rec):
		return wrong(ReasonExpired)
	case !c.AnswerIsText || !fit(c.Answer, rec.MaxAnswer()):
		return wrong(ReasonAnswer)
	}
	work, cancel := p.whole(ctx)
	defer cancel()
	g, err := p.guess(work, r, rec)
	if err != nil {
		return false, p.fail(ctx, ReasonStore, err)
	}
	if g.refused != "" {
		return wrong(g.refused)
	}
	got, err := p.check(work, step, r)
	if err != nil {
		return false, p.fail(ctx, ReasonStep, err)
	}
	p.cause = got.Why
	if !got.Right || rec.Flags&seal.Silent != 0 || c.UserNotFound && rec.Flags&seal.Anyone == 0 {
		if rec.Flags&seal.Unguessable != 0 {
			return wrong(ReasonNotProved)
		}
		return wrong(ReasonWrongCode)
	}
	told := p.tell(work, r, got.Proved)
	p.settle(work, g, rec, got)
	told()
	p.end(ctx, Passed, "")
	return true, nil
}

// fit reports whether an answer is worth looking at.
func fit(answer string, most int) bool {
	return answer != "" && len(answer) <= most && utf8.ValidString(answer) && !strings.ContainsFunc(answer, text.IsControl)
}

// expired reports whether a challenge is too old, or from a clock that is off: no
// challenge is valid for longer than maxTTL.
func expired(rec *seal.Record) bool {
	left := time.Until(time.Unix(int64(rec.Expires), 0))
	return left <= 0 || left > maxTTL+time.Minute
}

// grace is how long after its first use a code is right again: Cognito repeats a
// trigger that took too long.
const grace = 15 * time.Second

// A guess is what was counted for an answer.
type guess struct {
	counted []tally
	again   bool   // the code was right a moment ago, in this sign-in
	refused Reason // why the answer is not compared
}

// guess counts an answer before it is compared.
func (p *pass) guess(ctx context.Context, r Request, rec *seal.Record) (g guess, err error) {
	var list []tally
	var ops []Op
	if rec.Flags&seal.Unguessable == 0 {
		if list, err = p.named(ctx, r, true); err != nil {
			return g, err
		}
		ops = p.engine.mayGuess(Count, p.call.UserNotFound)
	}
	if rec.Length > 0 {
		ops = append(ops, used(Look, rec))
	}
	if len(ops) > 0 {
		list = append([]tally{p.account(rec, ops...)}, list...)
	}
	found, wait, err := p.engine.updateAll(ctx, list)
	switch {
	case err != nil:
		return g, err
	case wait > 0:
		g.refused = ReasonRateLimited
		return g, nil
	}
	for _, t := range list {
		g.counted = append(g.counted, t.undo())
	}
	if rec.Length > 0 && len(found[0]) > 0 { // without limits nothing is found
		age := found[0][len(ops)-1].Age
		g.again = age >= 0
		if age > grace {
			g.refused = ReasonUsed
		}
	}
	return g, nil
}

// used is the mark of a code that was right. A few of them are kept: sign-ins on
// several devices at once.
func used(verb Verb, rec *seal.Record) Op {
	return Op{Verb: verb, Counter: "used", Tag: hex.EncodeToString(rec.Nonce[:]), Windows: []Window{{8, maxTTL + time.Minute}}}
}

// check asks the step.
func (p *pass) check(ctx context.Context, step Step, r Request) (Checked, error) {
	ctx, cancel := p.within(ctx)
	defer cancel()
	got, err := bounded.Call(ctx, func(ctx context.Context) (Checked, error) { return step.Check(ctx, r, p.call.Answer) })
	if err != nil {
		return Checked{}, fmt.Errorf("check: %w", redact.Err(err, p.call.Answer, text.Normalize(p.call.Answer)))
	}
	return got, nil
}

// settle gives back the guess that was none, forgets the failures before it, and
// remembers that the code is used and what it proved: one write for the account.
func (p *pass) settle(ctx context.Context, g guess, rec *seal.Record, got Checked) {
	var ops []Op
	list, guessed := g.counted, rec.Flags&seal.Unguessable == 0
	if guessed {
		ops = append(ops, Op{Verb: Return, Counter: "guess"})
		list = list[1:] // what was counted for the account
	}
	switch {
	case int(rec.Step) == len(p.flow.steps)-1:
		ops = append(ops, Op{Verb: Reset, Counter: "failures"}) // whoever got to the end is the user
	case guessed:
		failures := p.engine.mayGuess(Return, p.call.UserNotFound)[1]
		ops = append(ops, failures) // an earlier step alone forgives none before it
	}
	if rec.Length > 0 && !g.again {
		ops = append(ops, used(Mark, rec))
	}
	if !got.Proved.none() && !p.call.UserNotFound {
		ops = append(ops, Op{Verb: Mark, Counter: p.engine.names.Counter("ok", got.Proved.id()), Windows: []Window{{1, proved}}})
	}
	if len(ops) > 0 {
		list = append([]tally{p.account(rec, ops...)}, list...)
	}
	if sampled(rec) && !g.again {
		list = append(list, tally{p.engine.names.Pressure(p.call.Pool), []Op{{
			Verb: Return, Counter: "pressure", N: pressureSample, Windows: []Window{p.engine.Limits.Pressure},
		}}})
	}
	p.engine.giveBack(ctx, list)
}

// tell lets the guard know of a right answer, in the background: wait until told. The
// guard cannot undo it.
func (p *pass) tell(ctx context.Context, r Request, to Destination) (told func()) {
	g := p.engine.Guard
	if g == nil || to.none() || p.call.UserNotFound {
		return func() {}
	}
	ctx, cancel := p.within(ctx)
	done := make(chan error, 1)
	go func() {
		done <- bounded.Do(ctx, func(ctx context.Context) error { g.Verified(ctx, r, to); return nil })
	}()
	return func() {
		defer cancel()
		if err := <-done; err != nil {
			p.cause = err
		}
	}
}
