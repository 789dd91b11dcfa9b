package customauth_test

// The other tests sign users in with what this file has: the three triggers in
// the order in which the service calls them, and nothing else of the service.

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
)

const (
	pool   = "eu-west-1_Ab1Cd2Ef3"
	client = "1example23456789abcdefghij"
	sub    = "0ab28e1c-a2d9-457f-9514-96eed83f4dd4"
	phone  = "+12065550100"
)

var (
	key   = customauth.Hide("a key that is made of 32 letters")
	other = customauth.Hide("another one, of 32 letters, too!")
)

// stepOf is what stands for the built-in code in all tests: TestExternalOTP puts
// another implementation there.
var stepOf = func(o customauth.OTP) customauth.Challenge { return o }

// step names a challenge.
func step(name string, c customauth.Challenge) customauth.Step {
	return customauth.Step{Name: name, Challenge: c}
}

// otp is the step of a sign-in that has one.
func otp(o customauth.OTP) customauth.Step { return step("otp", o) }

// only is a sign-in of one step.
func only(c customauth.Challenge) []customauth.Step { return []customauth.Step{step("otp", c)} }

// resend is the metadata by which an app asks for another code.
var resend = map[string]string{"action": "resend"}

type (
	defineEvent = events.CognitoEventUserPoolsDefineAuthChallenge
	createEvent = events.CognitoEventUserPoolsCreateAuthChallenge
	verifyEvent = events.CognitoEventUserPoolsVerifyAuthChallenge
)

// inbox is a Sender that keeps what it is given.
type inbox struct {
	mu    sync.Mutex
	texts []customauth.Message
	fail  func(ctx context.Context) error
}

func (b *inbox) Send(ctx context.Context, m customauth.Message) error {
	b.mu.Lock()
	fail := b.fail
	b.mu.Unlock()
	if fail != nil {
		if err := fail(ctx); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.texts = append(b.texts, m)
	return nil
}

func (b *inbox) Warm(context.Context) error { return nil }

// failWith makes Send do this first; nil ends that.
func (b *inbox) failWith(f func(context.Context) error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = f
}

func (b *inbox) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.texts)
}

// code is the newest one.
func (b *inbox) code() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.texts) == 0 {
		return "none"
	}
	return b.texts[len(b.texts)-1].Code.Reveal()
}

// wrong is an answer that is not the code.
func (b *inbox) wrong() string {
	if b.code() == "000000" {
		return "111111"
	}
	return "000000"
}

// rig is a set of handlers with all that they say.
type rig struct {
	t      *testing.T
	opts   customauth.Options
	inbox  *inbox
	log    *bytes.Buffer
	events []customauth.Event

	define func(context.Context, defineEvent) (defineEvent, error)
	create func(context.Context, createEvent) (createEvent, error)
	verify func(context.Context, verifyEvent) (verifyEvent, error)
}

// newRig builds handlers that share o.
func newRig(t *testing.T, o customauth.Options) *rig {
	t.Helper()
	r := &rig{t: t, inbox: new(inbox), log: new(bytes.Buffer)}
	if o.Keys == nil {
		o.Keys = []customauth.Secret{key}
	}
	o.Steps = slices.Clone(o.Steps)
	for i, s := range o.Steps {
		if otp, ok := s.Challenge.(customauth.OTP); ok {
			o.Steps[i].Challenge = stepOf(otp)
		}
	}
	senders := map[string]customauth.Sender{"SMS": r.inbox, "EMAIL": r.inbox, "VOICE": r.inbox, "PUSH": r.inbox}
	maps.Copy(senders, o.Senders)
	o.Senders = senders
	if o.Store == nil {
		o.Store = customauth.NewMemoryStore()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	var mu sync.Mutex
	if o.Observe == nil {
		o.Observe = func(_ context.Context, e customauth.Event) {
			mu.Lock()
			defer mu.Unlock()
			e.Elapsed = 0
			r.events = append(r.events, e)
		}
	}
	r.opts = o
	r.rebuild()
	return r
}

// rebuild makes the handlers anew.
func (r *rig) rebuild() {
	r.t.Helper()
	o := r.opts
	var err error
	if r.define, err = customauth.NewDefine(o); err != nil {
		r.t.Fatal(err)
	}
	if r.create, err = customauth.NewCreate(o); err != nil {
		r.t.Fatal(err)
	}
	if r.verify, err = customauth.NewVerify(o); err != nil {
		r.t.Fatal(err)
	}
}

// lastReason is the Reason of the newest event.
func (r *rig) lastReason() customauth.Reason {
	if len(r.events) == 0 {
		return ""
	}
	return r.events[len(r.events)-1].Reason
}

// signIn is a sign-in under way.
type signIn struct {
	*rig
	ctx        context.Context
	user       string
	client     string
	pool       string
	attributes map[string]string
	notFound   bool

	session []*events.CognitoEventUserPoolsChallengeResult
	public  map[string]string
	private map[string]string
	meta    string
	tokens  bool
	failed  bool
	err     error
}

// start begins a sign-in of a user with a phone number and an e-mail address.
func (r *rig) start(more ...func(*signIn)) *signIn {
	s := &signIn{rig: r, ctx: context.Background(), user: sub, client: client, pool: pool, attributes: map[string]string{
		"sub": sub, "phone_number": phone, "email": "someone@example.com", "cognito:user_status": "CONFIRMED",
	}}
	for _, f := range more {
		f(s)
	}
	s.next(nil)
	return s
}

func unknown(s *signIn) {
	s.notFound, s.attributes, s.user = true, map[string]string{}, "b3a1c7d2-0000-4e5f-9a6b-7c8d9e0f1a2b"
}

func named(user string) func(*signIn) { return func(s *signIn) { s.user = user } }

func reaching(number string) func(*signIn) {
	return func(s *signIn) {
		s.attributes = maps.Clone(s.attributes)
		s.attributes["phone_number"] = number
	}
}

// afterSRP is a sign-in whose app began with SRP_A.
func afterSRP(s *signIn) {
	s.session = append(s.session, &events.CognitoEventUserPoolsChallengeResult{ChallengeName: "SRP_A", ChallengeResult: true})
}

func (s *signIn) header(source string) events.CognitoEventUserPoolsHeader {
	return events.CognitoEventUserPoolsHeader{
		Version: "1", Region: "eu-west-1", UserPoolID: s.pool, UserName: s.user, TriggerSource: source,
		CallerContext: events.CognitoEventUserPoolsCallerContext{ClientID: s.client},
	}
}

// next lets Define decide and Create make a challenge.
func (s *signIn) next(metadata map[string]string) {
	var d defineEvent
	d.CognitoEventUserPoolsHeader = s.header("DefineAuthChallenge_Authentication")
	d.Request.UserAttributes, d.Request.ClientMetadata, d.Request.UserNotFound = s.attributes, metadata, s.notFound
	d.Request.Session = s.session
	d, s.err = s.define(s.ctx, d)
	if s.err != nil {
		return
	}
	s.tokens, s.failed = d.Response.IssueTokens, d.Response.FailAuthentication
	switch d.Response.ChallengeName {
	case "CUSTOM_CHALLENGE":
		s.challenge(metadata)
	case "PASSWORD_VERIFIER":
		s.public = map[string]string{"challenge": "PASSWORD_VERIFIER"}
	}
}

func (s *signIn) challenge(metadata map[string]string) {
	var c createEvent
	c.CognitoEventUserPoolsHeader = s.header("CreateAuthChallenge_Authentication")
	c.Request.UserAttributes, c.Request.ClientMetadata, c.Request.UserNotFound = s.attributes, metadata, s.notFound
	c.Request.Session, c.Request.ChallengeName = s.session, "CUSTOM_CHALLENGE"
	c, s.err = s.create(s.ctx, c)
	s.public, s.private, s.meta = c.Response.PublicChallengeParameters, c.Response.PrivateChallengeParameters, c.Response.ChallengeMetadata
}

// check asks Verify alone.
func (s *signIn) check(answer any, metadata map[string]string) bool {
	var v verifyEvent
	v.CognitoEventUserPoolsHeader = s.header("VerifyAuthChallengeResponse_Authentication")
	v.Request.UserAttributes, v.Request.ClientMetadata, v.Request.UserNotFound = s.attributes, metadata, s.notFound
	v.Request.PrivateChallengeParameters, v.Request.ChallengeAnswer = s.private, answer
	v, s.err = s.verify(s.ctx, v)
	return v.Response.AnswerCorrect && s.err == nil
}

// answer sends an answer, with metadata if there is some.
func (s *signIn) answer(answer any, metadata ...map[string]string) *signIn {
	var m map[string]string
	if len(metadata) > 0 {
		m = metadata[0]
	}
	right := s.check(answer, m)
	if s.err != nil {
		return s
	}
	s.session = append(s.session, &events.CognitoEventUserPoolsChallengeResult{
		ChallengeName: "CUSTOM_CHALLENGE", ChallengeResult: right, ChallengeMetadata: s.meta,
	})
	s.next(m)
	return s
}

// resend asks for another code.
func (s *signIn) resend() *signIn { return s.answer("resend", resend) }

// proved is what Cognito adds after the right password.
func (s *signIn) proved() *signIn {
	s.session = append(s.session, &events.CognitoEventUserPoolsChallengeResult{ChallengeName: "PASSWORD_VERIFIER", ChallengeResult: true})
	s.next(nil)
	return s
}

// outcome is how a sign-in stands, in a word.
func (s *signIn) outcome() string {
	switch {
	case s.err != nil:
		return "error: " + s.err.Error()
	case s.tokens:
		return "tokens"
	case s.failed:
		return "failed"
	}
	return strings.TrimSuffix("asked "+s.public["errorCode"], " ")
}

// sleep lets time pass: for tests in a synctest bubble.
func sleep(d time.Duration) { time.Sleep(d) }

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
