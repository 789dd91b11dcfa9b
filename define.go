package customauth

// This file decides what comes next in a sign-in: tokens, another challenge, or
// the end. It also has the policies that say when a sign-in has failed.

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/seal"
)

// Challenge names of the service.
const (
	srpA             = "SRP_A"
	passwordVerifier = "PASSWORD_VERIFIER"
	customChallenge  = "CUSTOM_CHALLENGE"
)

// NewDefine returns the handler of the Define auth challenge trigger, for
// lambda.Start. It issues tokens only after every step was passed, in order, and
// ends the sign-in for anything in the session that does not belong there. It
// is safe for concurrent use. Its only error is an [*Error].
func NewDefine(o Options) (func(context.Context, events.CognitoEventUserPoolsDefineAuthChallenge) (events.CognitoEventUserPoolsDefineAuthChallenge, error), error) {
	e, err := newEnv(o)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, ev events.CognitoEventUserPoolsDefineAuthChallenge) (events.CognitoEventUserPoolsDefineAuthChallenge, error) {
		c := call(ev.CognitoEventUserPoolsHeader, ev.Request.UserAttributes, ev.Request.ClientMetadata, ev.Request.UserNotFound)
		c.Session = entries(ev.Request.Session)
		answer, err := e.define(ctx, c)
		if err != nil {
			return ev, err
		}
		ev.Response = events.CognitoEventUserPoolsDefineAuthChallengeResponse{
			ChallengeName:      answer.challengeName,
			IssueTokens:        answer.issueTokens,
			FailAuthentication: answer.failAuthentication,
		}
		return ev, nil
	}, nil
}

// call takes from a typed event what all three have.
func call(h events.CognitoEventUserPoolsHeader, attributes, metadata map[string]string, notFound bool) *event.Call {
	return &event.Call{
		Source: h.TriggerSource, Pool: h.UserPoolID, Client: h.CallerContext.ClientID, User: h.UserName,
		Attributes: attributes, Metadata: metadata, UserNotFound: notFound,
	}
}

func entries(session []*events.CognitoEventUserPoolsChallengeResult) []event.Entry {
	list := make([]event.Entry, len(session))
	for i, s := range session {
		if s == nil {
			list[i].Missing = true
			continue
		}
		list[i] = event.Entry{Name: s.ChallengeName, Result: s.ChallengeResult, Metadata: s.ChallengeMetadata}
	}
	return list
}

// An AttemptPolicy decides what follows a wrong answer or a resend within one
// sign-in; limits across sign-ins are Options.Limits. Define asks it before each
// further challenge, and Create to tell the app how many attempts remain, so its
// answer must depend on the Attempts alone. It is called concurrently.
//
// Whatever it says, a step ends after 8 answers and resends, because each makes
// Cognito's session string longer.
type AttemptPolicy interface {
	Decide(ctx context.Context, a Attempts) Decision
}

// AttemptPolicyFunc is a function as an [AttemptPolicy].
type AttemptPolicyFunc func(ctx context.Context, a Attempts) Decision

// Decide calls f.
func (f AttemptPolicyFunc) Decide(ctx context.Context, a Attempts) Decision { return f(ctx, a) }

// Attempts is how a step of a sign-in went so far.
type Attempts struct {
	Step   string // Name of the step
	Wrong  int    // wrong or late answers, the last one included
	Sends  int    // challenges that were made
	Rounds int    // answers and requests for a resend
	Resend bool   // the last round was a request for a resend, not an answer
}

// A Decision says how a sign-in goes on.
type Decision int

const (
	// Fail ends the sign-in: the app gets NotAuthorizedException.
	Fail Decision = iota
	// Retry asks the same challenge again.
	Retry
)

// MaxAttempts ends a sign-in with the n-th wrong answer of a step. n is 1 to 8.
func MaxAttempts(n int) AttemptPolicy { return maxAttempts(n) }

type maxAttempts int

func (n maxAttempts) Decide(_ context.Context, a Attempts) Decision {
	if a.Wrong >= int(n) {
		return Fail
	}
	return Retry
}

// maxRounds bounds the challenges of one step: each adds some 150 bytes to
// Cognito's session string, whose length is bounded. See docs/security.md.
const maxRounds = 8

type defined struct {
	challengeName                   string
	issueTokens, failAuthentication bool
}

func (d defined) members() []event.Member {
	name := []byte("null")
	if d.challengeName != "" {
		name = event.AppendString(nil, d.challengeName)
	}
	return []event.Member{
		{Name: "challengeName", Value: name},
		{Name: "issueTokens", Value: boolean(d.issueTokens)},
		{Name: "failAuthentication", Value: boolean(d.failAuthentication)},
	}
}

func boolean(b bool) []byte {
	if b {
		return []byte("true")
	}
	return []byte("false")
}

func (e *env) define(ctx context.Context, c *event.Call) (defined, error) {
	t := e.begin("define", c)
	failed := func(reason string) (defined, error) {
		t.end(ctx, Refused, reason)
		return defined{failAuthentication: true}, nil
	}
	st, err := t.walk()
	var broken *foreign
	switch {
	case errors.Is(err, ErrMismatch):
		return defined{failAuthentication: true}, t.fail(ctx, "mismatch", err)
	case errors.As(err, &broken):
		t.cause = err
		return failed("foreign_session")
	}
	if st.step == len(e.Steps) {
		if c.UserNotFound {
			return failed("user_not_found")
		}
		t.end(ctx, Passed, "")
		return defined{issueTokens: true}, nil
	}
	t.step = e.names[st.step]
	if isPassword(e.Steps[st.step]) {
		t.end(ctx, Asked, "")
		return defined{challengeName: passwordVerifier}, nil
	}
	if st.last != nil {
		a := st.attempts(t)
		again, err := t.decide(ctx, a)
		if err != nil {
			return defined{failAuthentication: true}, t.fail(ctx, "policy", err)
		}
		if again != Retry {
			return failed("attempts")
		}
	}
	t.end(ctx, Asked, "")
	return defined{challengeName: customChallenge}, nil
}

// decide asks the policy, within the bound on rounds.
func (t *turn) decide(ctx context.Context, a Attempts) (Decision, error) {
	if a.Rounds >= maxRounds {
		return Fail, nil
	}
	if p, ok := t.env.Attempts.(maxAttempts); ok {
		return p.Decide(ctx, a), nil
	}
	ctx, cancel := t.within(ctx)
	defer cancel()
	return bounded(ctx, func(ctx context.Context) (Decision, error) { return t.env.Attempts.Decide(ctx, a), nil })
}

// A state is where a sign-in stands.
type state struct {
	step   int          // the step that is being taken; len(Steps) when all are passed
	last   *seal.Record // its last challenge, which was not passed; nil when the step begins
	signIn *seal.Record // any record of this sign-in; nil when there is none
}

// attempts are those of the step, with the round that just ended.
func (s state) attempts(t *turn) Attempts {
	a := Attempts{
		Step:   t.env.names[s.step],
		Wrong:  int(s.last.Wrong),
		Sends:  int(s.last.Sends),
		Rounds: int(s.last.Rounds) + 1,
		Resend: t.resend(),
	}
	if !a.Resend {
		a.Wrong++
	}
	return a
}

// foreign is a session that the package's own triggers cannot have made.
type foreign struct{ what string }

func (f *foreign) Error() string { return "customauth: foreign session: " + f.what }

func isPassword(c Challenge) bool { _, ok := c.(password); return ok }

// walk goes through the session from its start and trusts nothing in it that was
// not sealed. Its errors are ErrMismatch and *foreign.
func (t *turn) walk() (state, error) {
	var st state
	session := t.call.Session
	srp := len(session) > 0 && session[0].Name == srpA && !session[0].Missing
	if srp {
		// Apps for iOS begin with SRP_A also where no password is asked for. It
		// proves nothing and counts as nothing.
		if !session[0].Result {
			return st, &foreign{"SRP_A failed"}
		}
		session = session[1:]
	}
	if isPassword(t.env.Steps[0]) && !srp {
		return st, &foreign{"the password step needs SRP_A first"}
	}
	for _, entry := range session {
		if err := t.advance(&st, entry); err != nil {
			return st, err
		}
	}
	return st, nil
}

// advance takes one entry of the session into account.
func (t *turn) advance(st *state, entry event.Entry) error {
	if entry.Missing {
		return &foreign{"an entry is null"}
	}
	if st.step == len(t.env.Steps) {
		return &foreign{"an entry after the last step"}
	}
	t.step = t.env.names[st.step]
	if isPassword(t.env.Steps[st.step]) {
		if entry.Name != passwordVerifier || !entry.Result {
			return &foreign{"the password was not proved"}
		}
		st.step++
		return nil
	}
	if entry.Name != customChallenge {
		return &foreign{"a challenge of another name"}
	}
	rec, err := t.open(entry.Metadata)
	if err != nil {
		return err
	}
	if !follows(*st, rec) {
		return &foreign{"a record out of its order"}
	}
	st.signIn, st.last = rec, rec
	if entry.Result {
		if rec.Flags != 0 {
			return &foreign{"a challenge was passed that nobody could pass"}
		}
		st.step, st.last = st.step+1, nil
	}
	return nil
}

// open unseals a record. Whatever is no record at all is foreign; one that this
// handler should be able to read, and cannot, is a mismatch.
func (t *turn) open(text string) (*seal.Record, error) {
	rec, err := t.env.sealer.Open(text, t.who)
	switch err {
	case nil:
		return rec, nil
	case seal.ErrFormat:
		return nil, &foreign{err.Error()}
	}
	return nil, fmt.Errorf("%w: %w", ErrMismatch, err)
}

// follows reports whether Create can have made this record next.
func follows(st state, rec *seal.Record) bool {
	if int(rec.Step) != st.step || st.signIn != nil && rec.SignIn != st.signIn.SignIn {
		return false
	}
	if st.last == nil {
		return rec.Rounds == 0 && rec.Wrong == 0 && rec.Sends <= 1
	}
	wrong, sends := rec.Wrong-st.last.Wrong, rec.Sends-st.last.Sends
	return rec.Rounds == st.last.Rounds+1 && wrong <= 1 && sends <= 1 && wrong+sends <= 1
}
