package customauth

// This file has what the handlers share: an engine, which a constructor makes of its
// options, and a pass, which is one call of a trigger.

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/cyber-eternal/customauth/internal/bounded"
	"github.com/cyber-eternal/customauth/internal/event"
	"github.com/cyber-eternal/customauth/internal/latency"
	"github.com/cyber-eternal/customauth/internal/names"
	"github.com/cyber-eternal/customauth/internal/redact"
	"github.com/cyber-eternal/customauth/internal/seal"
	"github.com/cyber-eternal/customauth/internal/session"
	"github.com/cyber-eternal/customauth/internal/text"
)

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

// warm lets the store and, where messages are sent, the senders open their
// connections, all at once. It returns what is wrong with their fields.
func (e *engine) warm(sends bool) error {
	list := map[string]func(context.Context) error{"Store": e.Store.Warm}
	if sends {
		for _, medium := range e.media() {
			list["the sender for "+medium] = e.Senders[medium].Warm
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxWarm)
	defer cancel()
	type result struct {
		name string
		err  error
	}
	results := make(chan result, len(list))
	for name, warm := range list {
		go func() { results <- result{name, bounded.Do(ctx, warm)} }()
	}
	var wrong []error
	for range list {
		r := <-results
		switch {
		case errors.Is(r.err, ErrOptions):
			wrong = append(wrong, fmt.Errorf("%s: %w", r.name, redact.Err(r.err)))
		case r.err != nil:
			e.Logger.LogAttrs(ctx, slog.LevelDebug, "customauth: a connection did not warm up",
				slog.String("of", r.name), slog.String("error", redact.Err(r.err).Error()))
		}
	}
	return errors.Join(wrong...)
}

// media are those that have senders.
func (e *engine) media() []string { return slices.Sorted(maps.Keys(e.Senders)) }

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
