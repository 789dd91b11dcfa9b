package model_test

// This file connects a rulebook to real handlers: it builds them with plug-points
// that the exploration can steer and watch.

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
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

	// What the next call meets.
	store *ledger // the state of the handlers' store
	codes int     // codes made so far
	end   end     // how a message or a challenge ends
	used  bool    // end mattered: the sender, the guard or a challenge's Issue was asked

	// What the calls since reset did.
	mu       sync.Mutex // the handlers ask the store about several keys at once
	unknown  bool       // the call is about an unknown user
	made     []string   // codes
	sent     []customauth.Message
	compared int
	seen     []customauth.Event
	trespass error // the store was asked for what must not be

	rows map[place]bool // the counters of events in a row, ever

	define customauth.Handler[defineEvent]
	create customauth.Handler[createEvent]
	verify customauth.Handler[verifyEvent]
}

func (r *rig) reset(p person) {
	r.unknown = p.unknown
	r.made, r.sent, r.seen, r.compared, r.trespass = nil, nil, r.seen[:0], 0, nil
}

func (r *rig) now() time.Duration { return time.Since(epoch) }

// Update is the store of the handlers.
func (r *rig) Update(_ context.Context, key string, ops ...customauth.Op) ([]customauth.Found, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.store.down {
		return nil, errors.New("the store is down")
	}
	kind, _, _ := strings.Cut(key, ":")
	found, room := make([]customauth.Found, len(ops)), true
	places := make([]place, len(ops))
	for i, op := range ops {
		if r.unknown && kind != "nobody" && op.Verb != customauth.Look && op.Verb != customauth.Ask {
			r.trespass = fmt.Errorf("an unknown user changed %q of %q", op.Counter, kind)
		}
		places[i] = place{kind, key, op.Counter, ""}
		if counter, of, ok := strings.Cut(op.Counter, "-"); ok && (counter == "to" || counter == "ok") {
			places[i].counter, places[i].of = counter, of
		}

		if slices.Contains(places[:i], places[i]) || i >= 8 {
			return nil, errors.New("two ops for one counter, or too many")
		}
		if op.InARow > 0 {
			r.rows[places[i]] = true
		} else if op.Verb == customauth.Return && r.rows[places[i]] {
			r.trespass = fmt.Errorf("a Return does not say that %q counts in a row: a store may take back nothing", op.Counter)
		}
		found[i] = r.find(places[i], op)
		room = room && (found[i].Wait == 0 || op.Verb != customauth.Ask && op.Verb != customauth.Count)
	}
	if !room || kind == "pressure" { // which codes count for the pressure is drawn by lot
		return found, nil
	}
	for i, op := range ops {
		r.apply(places[i], op, found[i])
	}
	return found, nil
}

func (r *rig) find(at place, op customauth.Op) customauth.Found {
	f := customauth.Found{Age: -1}
	longest := time.Duration(math.MaxInt64)
	var limits []limit
	for _, w := range op.Windows {
		limits = append(limits, limit{w.Max, w.Per})
	}
	if len(limits) > 0 {
		longest = longestOf(limits)
	}
	for _, h := range r.store.tallies[at] {
		if age := r.now() - h.at; age < longest && (op.Tag == "" || op.Tag == h.tag) {
			f.Age = age
		}
	}
	if op.InARow > 0 {
		limits = append(limits, limit{op.InARow, 0})
	}
	if op.Tag == "" {
		f.Wait = r.store.wait(r.now(), at, limits)
	}
	return f
}

func (r *rig) apply(at place, op customauth.Op, f customauth.Found) {
	switch op.Verb {
	case customauth.Count, customauth.Mark:
		if op.Tag != "" && f.Age >= 0 {
			return
		}
		r.store.count(at, happening{r.now(), op.Tag})
		if op.Verb == customauth.Mark {
			r.store.keep(at, op.Windows[0].Max)
		}
	case customauth.Return:
		r.store.takeBack(at)
	case customauth.Reset:
		r.store.forget(at)
	}
}

func (r *rig) Forget(context.Context, string) error {
	return errors.New("the handlers have no use for it")
}
func (r *rig) Warm(context.Context) error { return nil }

// generate makes codes in order: 100000, 100001, …
func (r *rig) generate(_ context.Context, least int) (string, error) {
	if least != 6 {
		return "999999999"[:least], nil // a constructor tries what comes under pressure
	}
	c := fmt.Sprint(100000 + r.codes)
	r.codes++
	r.made = append(r.made, c)
	return c, nil
}

// post is the senders of all media.
type post struct {
	*rig
	medium string
}

func (p post) Send(_ context.Context, m customauth.Message) error {
	if m.To.Medium != p.medium {
		return fmt.Errorf("a message by %s", m.To.Medium)
	}
	p.sent = append(p.sent, m)
	p.used = true
	switch p.end {
	case undelivered:
		return customauth.ErrThrottled
	case unreachable:
		return customauth.ErrOptedOut
	case uncertain:
		return errors.New("the connection was lost")
	}
	return nil
}

func (p post) Warm(context.Context) error { return nil }

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

func (w watched) Check(ctx context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	w.rig.compared++
	return w.OTP.Check(ctx, r, answer)
}

// own is a challenge that is none of the package's: a word, a CAPTCHA, an approval.
// It has no fixed answer, and finds right answers right for unknown users, too: what
// comes of it is for the handlers to see to.
type own struct {
	rig  *rig
	step step
}

func (o own) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	is := customauth.Issued{TTL: o.step.ttl, Unguessable: o.step.unguessable(), Anyone: o.step.kind == captcha}
	if r.Probe {
		return is, nil
	}
	o.rig.used = true
	if o.rig.end != delivered {
		return customauth.Issued{Refused: "no_word"}, nil
	}
	word, err := o.rig.generate(ctx, r.CodeLength)
	is.State = "word=" + word
	return is, err
}

// Show tries to take the place of what the handlers say.
func (o own) Show(_ context.Context, r customauth.Request) (map[string]string, error) {
	public := map[string]string{"expiresAt": "never", "resendAfter": "7", "errorCode": "none", "retryAfter": "7",
		"step": "another", "attemptsRemaining": "99"}
	if r.State != "" {
		public["question"] = "which word?"
	}
	return public, nil
}

func (o own) Check(_ context.Context, r customauth.Request, answer string) (customauth.Checked, error) {
	o.rig.compared++
	word, ok := strings.CutPrefix(r.State, "word=")
	return customauth.Checked{Right: ok && answer == word}, nil
}

// mailedLink is sent like a code, and cannot be guessed.
type mailedLink struct {
	watched
}

// linkStuff makes a code too long to be guessed.
const linkStuff = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func (l mailedLink) Issue(ctx context.Context, r customauth.Request) (customauth.Issued, error) {
	is, err := l.OTP.Issue(ctx, r)
	is.Unguessable = true
	return is, err
}

// newRig builds handlers for the rules.
func newRig(t *testing.T, b rulebook, keys []customauth.Secret) *rig {
	t.Helper()
	r := &rig{rules: b, store: newLedger(), rows: map[place]bool{}}
	o := customauth.Options{
		Keys:             keys,
		CounterKey:       key(9),
		Store:            r,
		Guard:            r,
		Senders:          map[string]customauth.Sender{"SMS": post{r, "SMS"}, "EMAIL": post{r, "EMAIL"}},
		Logger:           slog.New(slog.DiscardHandler),
		Observe:          func(_ context.Context, e customauth.Event) { r.seen = append(r.seen, e) },
		InsecureNoLimits: b.free,
	}
	if b.tries > 0 {
		o.Attempts = customauth.MaxAttempts(b.tries)
	} else {
		o.Attempts = func(_ context.Context, a customauth.Attempts) int { return b.policy(a.Wrong, a.Sends) }
	}
	if !b.free {
		o.Limits = limits(b)
	}
	for _, s := range b.steps {
		o.Steps = append(o.Steps, r.step(s))
	}
	var err1, err2, err3 error
	r.define, err1 = customauth.NewDefine(o)
	r.create, err2 = customauth.NewCreate(o)
	r.verify, err3 = customauth.NewVerify(o)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	r.codes = 0
	return r
}

// limits are the rulebook's, in the words of the options. What it has from the
// documentation is left out, so that the handlers' own defaults hold.
func limits(b rulebook) customauth.Limits {
	windows := func(limits []limit) (list []customauth.Window) {
		for _, l := range limits {
			list = append(list, customauth.Window{Max: l.most, Per: l.per})
		}
		return list
	}
	daily := func(limits []limit) []customauth.Window { // no limit may allow more than 1,000 a day
		if len(limits) == 0 {
			return nil
		}
		return append(windows(limits), customauth.Window{Max: 100, Per: 24 * time.Hour})
	}
	l := customauth.Limits{
		Guesses: windows(b.guesses), Failures: b.failures,
		Messages: daily(b.messages), Destination: daily(b.destination), Unproved: daily(b.unproved),
	}
	for _, n := range b.named {
		l.Named = append(l.Named, customauth.Limit{Name: n.name, Guesses: n.guesses, Windows: windows(n.limits),
			Key: func(context.Context, customauth.Request) (string, error) { return "everybody", nil }})
	}
	return l
}

func (r *rig) step(s step) customauth.Step {
	if s.kind == password {
		return customauth.Password()
	}
	if s.medium == "" {
		return customauth.Step{Name: s.name, Challenge: own{r, s}}
	}
	w := watched{customauth.OTP{Medium: s.medium, Generator: r.generate, TTL: s.ttl, ResendAfter: s.cooldown, MaxSends: s.most}, r}
	if s.kind != link {
		return customauth.Step{Name: s.name, Challenge: w}
	}
	w.Generator = func(ctx context.Context, least int) (string, error) {
		code, err := r.generate(ctx, least)
		if err == nil {
			code = linkStuff + code
			r.made[len(r.made)-1] = code
		}
		return code, err
	}
	return customauth.Step{Name: s.name, Challenge: mailedLink{w}}
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
	r.reset(p)
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
	r.reset(p)
	e, err := call(r.create, e)
	return e.Response, err
}

func (r *rig) callVerify(p person, private map[string]string, answer any, metadata map[string]string) (bool, error) {
	var e verifyEvent
	e.CognitoEventUserPoolsHeader = p.header("VerifyAuthChallengeResponse_Authentication")
	e.Request.UserAttributes, e.Request.UserNotFound = p.attributes(), p.unknown
	e.Request.PrivateChallengeParameters, e.Request.ChallengeAnswer, e.Request.ClientMetadata = private, answer, metadata
	r.reset(p)
	e, err := call(r.verify, e)
	return e.Response.AnswerCorrect, err
}

// call calls a handler. A panic is a fault of the handler, and comes back as an
// error of another type than a handler may return.
func call[E any](handler customauth.Handler[E], e E) (answer E, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return handler(context.Background(), e)
}
