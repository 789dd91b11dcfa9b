package model_test

// This file connects a rulebook to real handlers: it builds them with plug-points
// that the exploration can steer and watch.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
)

type (
	defineEvent = events.CognitoEventUserPoolsDefineAuthChallenge
	createEvent = events.CognitoEventUserPoolsCreateAuthChallenge
	verifyEvent = events.CognitoEventUserPoolsVerifyAuthChallenge
	entry       = events.CognitoEventUserPoolsChallengeResult
)

const (
	customName   = "CUSTOM_CHALLENGE"
	passwordName = "PASSWORD_VERIFIER"
	srpName      = "SRP_A"
)

// A rig is a set of handlers. It is no goroutine's but the exploration's; the
// plug-points run while that waits for a handler.
type rig struct {
	rules rulebook
	watch bool // comparisons of code steps are counted

	// What the next call meets.
	store *ledger // the state of the handlers' store
	codes int     // codes made so far
	end   end     // how a message or a challenge ends
	used  bool    // end mattered: the sender, the guard or a challenge's Issue was asked

	// What the calls since reset did.
	made     []string // codes
	sent     []customauth.Message
	compared int
	seen     []customauth.Event

	define func(context.Context, defineEvent) (defineEvent, error)
	create func(context.Context, createEvent) (createEvent, error)
	verify func(context.Context, verifyEvent) (verifyEvent, error)
}

func (r *rig) reset() {
	r.made, r.sent, r.seen, r.compared = nil, nil, r.seen[:0], 0
}

func (r *rig) now() time.Duration { return time.Since(epoch) }

// Count is the store of the handlers.
func (r *rig) Count(_ context.Context, key string, n int, limits []customauth.Limit) (time.Duration, error) {
	if r.store.down {
		return 0, errors.New("the store is down")
	}
	k := counted{key: key}
	for _, l := range limits {
		k.limits = append(k.limits, limit{l.Max, l.Per})
	}
	switch n {
	case -1:
		r.store.takeBack(key)
		return 0, nil
	case 0:
		return r.store.wait(r.now(), k), nil
	case 1:
		return r.store.countAll(r.now(), []counted{k}), nil
	}
	return 0, fmt.Errorf("the handlers have no use for n = %d", n)
}

// Generate makes codes in order: 100000, 100001, …
func (r *rig) Generate(context.Context) (string, error) {
	c := fmt.Sprint(100000 + r.codes)
	r.codes++
	r.made = append(r.made, c)
	return c, nil
}

// Send is the senders of all steps.
func (r *rig) Send(_ context.Context, m customauth.Message) error {
	r.sent = append(r.sent, m)
	r.used = true
	switch r.end {
	case undelivered:
		return customauth.ErrThrottled
	case unreachable:
		return customauth.ErrOptedOut
	case uncertain:
		return errors.New("the connection was lost")
	}
	return nil
}

// Allow is the guard of all steps.
func (r *rig) Allow(context.Context, customauth.Request, customauth.Destination) error {
	r.used = true
	if r.end == guarded {
		return errors.New("refused")
	}
	return nil
}

func (r *rig) Verified(context.Context, customauth.Request, customauth.Destination) {}

// watched is a one-time code whose comparisons are counted.
type watched struct {
	customauth.OTP
	rig *rig
}

func (w watched) Check(ctx context.Context, r customauth.Request, answer string) (bool, error) {
	w.rig.compared++
	return w.OTP.Check(ctx, r, answer)
}

// asksWord is a challenge without a fixed answer. It finds right answers right for
// unknown users, too: what comes of it is for the handlers to see to.
type asksWord struct {
	rig  *rig
	name string
	ttl  time.Duration
}

func (a asksWord) Name() string { return a.name }

func (a asksWord) Issue(ctx context.Context, _ customauth.Request) (customauth.Issued, error) {
	a.rig.used = true
	if a.rig.end != delivered {
		return customauth.Issued{ErrorCode: "no_word", RetryAfter: 10 * time.Second}, nil
	}
	word, _ := a.rig.Generate(ctx)
	return customauth.Issued{Private: "word=" + word, Public: map[string]string{"question": "which word?"}, TTL: a.ttl}, nil
}

func (a asksWord) Check(_ context.Context, r customauth.Request, answer string) (bool, error) {
	a.rig.compared++
	word, ok := strings.CutPrefix(r.Private, "word=")
	return ok && answer == word, nil
}

// newRig builds handlers for the rules. With watch, comparisons are counted; without,
// the code steps are the plain ones, for which the handlers have a shorter way.
func newRig(t *testing.T, b rulebook, keys [][]byte, tries int, watch bool) *rig {
	t.Helper()
	r := &rig{rules: b, watch: watch, store: newLedger()}
	o := customauth.Options{
		Keys:             keys,
		Store:            r,
		Logger:           slog.New(slog.DiscardHandler),
		Observe:          func(_ context.Context, e customauth.Event) { r.seen = append(r.seen, e) },
		InsecureNoLimits: b.free,
	}
	if tries > 0 {
		o.Attempts = customauth.MaxAttempts(tries)
	} else {
		o.Attempts = customauth.AttemptPolicyFunc(func(_ context.Context, a customauth.Attempts) customauth.Decision {
			if b.goOn(a.Wrong, a.Rounds, a.Resend) {
				return customauth.Retry
			}
			return customauth.Fail
		})
	}
	for _, l := range b.sends {
		o.Limits.Sends = append(o.Limits.Sends, customauth.Limit{Max: l.most, Per: l.per})
	}
	for _, l := range b.guesses {
		o.Limits.Guesses = append(o.Limits.Guesses, customauth.Limit{Max: l.most, Per: l.per})
	}
	for _, l := range b.shared {
		o.Limits.Guesses = append(o.Limits.Guesses, customauth.Limit{Max: l.most, Per: l.per,
			Key: func(customauth.Request) string { return "everybody" }})
	}
	for _, s := range b.steps {
		o.Steps = append(o.Steps, r.challenge(s, watch))
	}
	var err1, err2, err3 error
	r.define, err1 = customauth.NewDefine(o)
	r.create, err2 = customauth.NewCreate(o)
	r.verify, err3 = customauth.NewVerify(o)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) challenge(s step, watch bool) customauth.Challenge {
	switch s.kind {
	case password:
		return customauth.Password()
	case word:
		return asksWord{r, s.name, s.ttl}
	}
	otp := customauth.OTP{
		ID: s.name, Generator: r, Sender: r, Guard: r,
		TTL: s.ttl, ResendAfter: s.cooldown, MaxSends: s.most,
	}
	if s.medium == "EMAIL" {
		otp.Destination = func(q customauth.Request) (customauth.Destination, error) {
			if q.Attributes["email"] == "" {
				return customauth.Destination{}, errors.New("no email")
			}
			return customauth.Destination{Medium: "EMAIL", Address: q.Attributes["email"]}, nil
		}
	}
	if watch {
		return watched{otp, r}
	}
	return otp
}

// header and the functions below call the triggers as the service does.
func (p person) header(source string) events.CognitoEventUserPoolsHeader {
	return events.CognitoEventUserPoolsHeader{
		Version: "1", Region: "eu-west-1", UserPoolID: p.pool, UserName: p.user, TriggerSource: source,
		CallerContext: events.CognitoEventUserPoolsCallerContext{ClientID: p.client},
	}
}

func (p person) attributes() map[string]string {
	m := map[string]string{}
	if p.unknown {
		return m
	}
	m["sub"] = p.user
	if p.phone != "" {
		m["phone_number"] = p.phone
	}
	if p.mail != "" {
		m["email"] = p.mail
	}
	return m
}

func (r *rig) callDefine(p person, session []*entry, metadata map[string]string) (outcome, error) {
	var e defineEvent
	e.CognitoEventUserPoolsHeader = p.header("DefineAuthChallenge_Authentication")
	e.Request.UserAttributes, e.Request.UserNotFound = p.attributes(), p.unknown
	e.Request.Session, e.Request.ClientMetadata = session, metadata
	r.reset()
	e, err := call(r.define, e)
	if err != nil {
		return fails, err
	}
	switch a := e.Response; {
	case a.IssueTokens && !a.FailAuthentication && a.ChallengeName == "":
		return tokens, nil
	case a.FailAuthentication && !a.IssueTokens && a.ChallengeName == "":
		return fails, nil
	case a.ChallengeName == passwordName && !a.IssueTokens && !a.FailAuthentication:
		return asksPassword, nil
	case a.ChallengeName == customName && !a.IssueTokens && !a.FailAuthentication:
		return asksChallenge, nil
	default:
		return fails, fmt.Errorf("define contradicts itself: %+v", a)
	}
}

func (r *rig) callCreate(p person, session []*entry, metadata map[string]string, name string) (events.CognitoEventUserPoolsCreateAuthChallengeResponse, error) {
	var e createEvent
	e.CognitoEventUserPoolsHeader = p.header("CreateAuthChallenge_Authentication")
	e.Request.UserAttributes, e.Request.UserNotFound = p.attributes(), p.unknown
	e.Request.Session, e.Request.ClientMetadata, e.Request.ChallengeName = session, metadata, name
	r.reset()
	e, err := call(r.create, e)
	return e.Response, err
}

func (r *rig) callVerify(p person, private map[string]string, answer any, metadata map[string]string) (bool, error) {
	var e verifyEvent
	e.CognitoEventUserPoolsHeader = p.header("VerifyAuthChallengeResponse_Authentication")
	e.Request.UserAttributes, e.Request.UserNotFound = p.attributes(), p.unknown
	e.Request.PrivateChallengeParameters, e.Request.ChallengeAnswer, e.Request.ClientMetadata = private, answer, metadata
	r.reset()
	e, err := call(r.verify, e)
	return e.Response.AnswerCorrect, err
}

// call calls a handler. A panic is a fault of the handler, and comes back as an
// error of another type than a handler may return.
func call[E any](handler func(context.Context, E) (E, error), e E) (answer E, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return handler(context.Background(), e)
}
