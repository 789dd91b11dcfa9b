package customauth

// This file decides what comes next in a sign-in: tokens, another challenge, or the
// end. It also has the policies that say how many answers a step has.

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/session"
)

// A Handler is a function for lambda.Start. Its only error is an [*Error].
type Handler[E any] = func(context.Context, E) (E, error)

// NewDefine returns the handler of the Define auth challenge trigger. It issues
// tokens only after every step was passed, in order, and ends the sign-in for
// anything in the session that does not belong there. It is safe for concurrent use.
func NewDefine(o Options) (Handler[events.CognitoEventUserPoolsDefineAuthChallenge], error) {
	e, err := newEngine(o)
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

func entries(list []*events.CognitoEventUserPoolsChallengeResult) []event.Entry {
	entries := make([]event.Entry, len(list))
	for i, s := range list {
		if s != nil { // null is an entry without a name
			entries[i] = event.Entry{Name: s.ChallengeName, Result: s.ChallengeResult, Metadata: s.ChallengeMetadata}
		}
	}
	return entries
}

// An AttemptPolicy says how many more answers a step of a sign-in has; 0 ends the
// sign-in. Define asks it before each further challenge, and Create to tell the app
// how many attempts remain, so its answer must depend on the Attempts alone. It is
// called concurrently. Limits across sign-ins are Options.Limits.
//
// Whatever it says, a sign-in has 8 challenges at most, because each makes
// Cognito's session string longer.
type AttemptPolicy func(ctx context.Context, a Attempts) int

// Attempts is how a step of a sign-in went so far.
type Attempts struct {
	Step  string // name of the step
	Wrong int    // answers that were wrong or late; those that were no guess do not count
	Sends int    // messages that were sent
}

// MaxAttempts ends a sign-in with the n-th wrong answer of a step. n is 1 to 8.
func MaxAttempts(n int) AttemptPolicy {
	return func(_ context.Context, a Attempts) int { return n - a.Wrong }
}

const defaultAttempts = 3

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

// define walks through the session, and decides.
func (e *engine) define(ctx context.Context, c *event.Call) (defined, error) {
	p := e.begin(DefineTrigger, c)
	failed := func(why Reason) (defined, error) {
		p.end(ctx, Refused, why)
		return defined{failAuthentication: true}, nil
	}
	if p.flow == nil {
		return failed(ReasonUnknownClient)
	}
	st, err := p.walk()
	if foreign, ok := errors.AsType[*session.Foreign](err); ok {
		p.cause = foreign
		return failed(ReasonForeign)
	}
	if err != nil {
		return defined{failAuthentication: true}, p.fail(ctx, ReasonMismatch, err)
	}
	if st.Step == len(p.flow.steps) {
		if c.UserNotFound {
			return failed(ReasonUserNotFound)
		}
		p.end(ctx, Passed, "")
		return defined{issueTokens: true}, nil
	}
	p.step = p.flow.steps[st.Step].Name
	if p.flow.steps[st.Step].password {
		p.end(ctx, Asked, "")
		return defined{challengeName: session.Password}, nil
	}
	if st.Last != nil {
		left, err := p.remaining(ctx, st)
		if err != nil {
			return defined{failAuthentication: true}, p.fail(ctx, ReasonPolicy, err)
		}
		if left < 1 {
			return failed(ReasonAttempts)
		}
	} else if st.Rounds() >= maxRounds {
		return failed(ReasonAttempts)
	}
	p.end(ctx, Asked, "")
	return defined{challengeName: session.Custom}, nil
}

// remaining is how many answers the step has after the round that just ended: no
// more than there are rounds left.
func (p *pass) remaining(ctx context.Context, st session.State) (int, error) {
	a := Attempts{Step: p.flow.steps[st.Step].Name}
	if st.Last != nil {
		a.Wrong, a.Sends = int(st.Last.Wrong)+burnt(st.Last, p.call), int(st.Last.Sends)
	}
	ctx, cancel := p.within(ctx)
	defer cancel()
	left, err := bounded.Call(ctx, func(ctx context.Context) (int, error) { return p.flow.attempts(ctx, a), nil })
	return max(0, min(left, maxRounds-st.Rounds())), err
}

// burnt is how many attempts the round that just ended used up. Verify cannot tell
// Define more than a boolean, and the app is not asked: the record says so alone.
func burnt(last *seal.Record, c *event.Call) int {
	if asked(c) || last.Flags&seal.Unguessable != 0 {
		return 0
	}
	return 1
}

// asked reports whether the app asked for another challenge with this answer, which
// is then compared by no one.
func asked(c *event.Call) bool {
	action := c.Metadata["action"]
	return action == "resend" || action == "choose"
}
