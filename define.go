package customauth

// This file decides what comes next in a sign-in: tokens, another challenge, or the
// end. It also has the policies that say how many answers a step has.

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/latency"
	"github.com/cyber-eternal/customauth/internal/names"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/session"
	"github.com/cyber-eternal/customauth/internal/text"
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

// An engine is what the handlers of one constructor share.
type engine struct {
	Options
	flows    map[string]*flow // by client; "" stands for all of them
	names    names.Names
	samples  map[string]*latency.Samples // by medium
	pressure pressures

	lookFirst atomic.Bool // a destination that Cognito has as not verified was proved
}

// A flow is how the users of a client sign in.
type flow struct {
	steps    []Step
	attempts AttemptPolicy
	sealer   *seal.Sealer
}

func newEngine(o Options) (*engine, error) {
	wrong := problems{o.validate()}
	e := &engine{Options: o.withDefaults(), flows: make(map[string]*flow), samples: make(map[string]*latency.Samples)}
	clients := e.Clients
	if clients == nil {
		clients = map[string]Options{"": {Steps: e.Steps}}
	}
	for id, c := range clients {
		e.checkSteps(c.Steps, &wrong)
		e.checkAttempts(c.Attempts, &wrong)
		e.flows[id] = e.newFlow(c)
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	e.names = names.New([]byte(e.CounterKey.Reveal()))
	for medium := range e.Senders {
		e.samples[medium] = new(latency.Samples)
	}
	return e, nil
}

func (e *engine) newFlow(o Options) *flow {
	f := &flow{steps: slices.Clone(o.Steps), attempts: o.Attempts}
	if f.attempts == nil {
		f.attempts = e.Attempts
	}
	var keys [][]byte
	for _, k := range e.Keys {
		keys = append(keys, []byte(k.Reveal()))
	}
	var names []string
	for _, s := range f.steps {
		names = append(names, s.Name)
	}
	if len(keys) > 0 {
		f.sealer = seal.New(keys, names)
	}
	return f
}

// A pass is one call of a trigger, on its way through the handlers.
type pass struct {
	engine *engine
	flow   *flow // nil: the client is unknown
	call   *event.Call
	who    seal.Who
	began  time.Time

	// For the report.
	trigger Trigger
	step    string
	medium  string
	sent    bool
	cause   error
}

func (e *engine) begin(trigger Trigger, c *event.Call) *pass {
	f, ok := e.flows[c.Client]
	if !ok {
		f = e.flows[""]
	}
	return &pass{
		engine: e, flow: f, call: c, trigger: trigger, began: time.Now(),
		who: seal.Who{Pool: c.Pool, Client: c.Client, User: c.User},
	}
}

// walk finds out where the sign-in stands.
func (p *pass) walk() (session.State, error) {
	plan := session.Plan{
		Steps: len(p.flow.steps), Password: p.flow.steps[0].password,
		Sealer: p.flow.sealer, Who: p.who, Unknown: p.call.UserNotFound,
	}
	st, err := plan.Walk(p.call.Session)
	if st.Step < len(p.flow.steps) {
		p.step = p.flow.steps[st.Step].Name
	}
	return st, err
}

// spare is what a trigger may take beyond sending: for the store, and to answer.
const spare = 800 * time.Millisecond

// within bounds what is left to do by what is left of the trigger's time.
func (p *pass) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, p.began.Add(p.engine.SendTimeout+spare))
}

// maxTrigger is when a trigger gives up, whatever is slow: Cognito waits for 5 seconds,
// of which Observe may take maxObserve.
const maxTrigger = 4600 * time.Millisecond

// whole bounds all that a trigger does before it reports.
func (p *pass) whole(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithDeadline(ctx, p.began.Add(maxTrigger))
}

// end tells the operator how the pass ended.
func (p *pass) end(ctx context.Context, o Outcome, why Reason) {
	p.engine.report(ctx, Event{
		Trigger: p.trigger, Step: p.step, Outcome: o, Reason: why, Medium: p.medium, Sent: p.sent,
		Elapsed: time.Since(p.began), Err: p.cause,
		PoolID: p.call.Pool, ClientID: p.call.Client, UserName: Hide(p.call.User), UserNotFound: p.call.UserNotFound,
	}, p.call.Attributes["sub"])
}

// fail ends a pass with an error that is fit for the public.
func (p *pass) fail(ctx context.Context, why Reason, cause error) error {
	if why == ReasonMismatch {
		cause = fmt.Errorf("%w: %w", ErrMismatch, cause)
	}
	p.cause = cause
	p.end(ctx, Broken, why)
	return publicError(cause)
}

// request is what the plug-points are told.
func (p *pass) request(step string, rec *seal.Record) Request {
	p.step = step
	c := p.call
	r := Request{
		PoolID: c.Pool, ClientID: c.Client, UserName: Hide(c.User), Step: step,
		SignIn:         hex.EncodeToString(rec.SignIn[:]),
		ClientMetadata: secrets(c.Metadata),
		UserNotFound:   c.UserNotFound,
		Sends:          int(rec.Sends),
		CodeLength:     minCode,
		Locale:         locale(c),
		hidden:         hide(p.engine.names, c.Pool, c.User),
	}
	if rec.Flags&seal.Void == 0 {
		r.State = rec.State
	}
	if c.UserNotFound {
		r.Attributes = r.decoyAttributes()
	} else {
		r.Attributes = secrets(c.Attributes)
	}
	return r
}

// locale is the language that the app or the profile names. RFC 5646, 4.4.1, asks
// for room for 35 characters.
func locale(c *event.Call) string {
	for _, tag := range []string{c.Metadata["locale"], c.Attributes["locale"]} {
		if text.Only(tag, 2, 35, text.Letters+text.Decimal+"-_") {
			return tag
		}
	}
	return ""
}
