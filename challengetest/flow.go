package challengetest

// This file signs users in by the real handlers, in the order in which Cognito calls
// them.

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/cyber-eternal/customauth"
)

const (
	pool     = "eu-west-1_Ab1Cd2Ef3"
	client   = "1example23456789abcdefghij"
	stepName = "step"
)

var (
	key        = customauth.Hide("a key of these checks, 32 bytes…")
	counterKey = customauth.Hide("another of these checks, 32 bytes")
)

// run runs a check, and returns what was wrong first.
func (c Config) run(t *testing.T, k check) (err error) {
	body := func(t *testing.T) {
		defer func() {
			switch r := recover().(type) {
			case nil:
			case failure:
				err = r
			default:
				panic(r)
			}
		}()
		e := newEnv(t, c)
		k.run(e)
	}
	if c.Real {
		body(t)
		return err
	}
	synctest.Test(t, body)
	return err
}

// env is what a check works with.
type env struct {
	Config
	t     *testing.T
	step  customauth.Challenge
	opts  customauth.Options
	box   *outbox
	log   *bytes.Buffer
	users int

	define customauth.Handler[events.CognitoEventUserPoolsDefineAuthChallenge]
	create customauth.Handler[events.CognitoEventUserPoolsCreateAuthChallenge]
	verify customauth.Handler[events.CognitoEventUserPoolsVerifyAuthChallenge]
}

func newEnv(t *testing.T, c Config) *env {
	e := &env{Config: c, t: t, box: new(outbox), log: new(bytes.Buffer)}
	e.step = &recorded{Challenge: c.New(t)}
	e.build(c.Store(t), e.step)
	return e
}

// build makes the handlers.
func (e *env) build(store customauth.Store, step customauth.Challenge) {
	senders := map[string]customauth.Sender{"SMS": e.box, "EMAIL": e.box}
	for _, medium := range e.Media {
		senders[medium] = e.box
	}
	steps := []customauth.Step{{Name: stepName, Challenge: step}}
	if e.AfterPassword {
		steps = append([]customauth.Step{customauth.Password()}, steps...)
	}
	if e.Anyone {
		steps = append(steps, customauth.Step{Name: "next", Challenge: never{}})
	}
	// All users of a check share one number.
	often := []customauth.Window{{Max: 40, Per: time.Hour}}
	e.opts = customauth.Options{
		Limits: customauth.Limits{Guesses: often, Messages: often, Destination: often, Unproved: often},
		Keys:   []customauth.Secret{key}, CounterKey: counterKey, Store: store, Steps: steps, Senders: senders,
		Logger: slog.New(slog.NewJSONHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	var err error
	if e.define, err = customauth.NewDefine(e.opts); err != nil {
		e.failf("the constructors refuse the step: %v", err)
	}
	if e.create, err = customauth.NewCreate(e.opts); err != nil {
		e.failf("the constructors refuse the step: %v", err)
	}
	if e.verify, err = customauth.NewVerify(e.opts); err != nil {
		e.failf("the constructors refuse the step: %v", err)
	}
}

// recorded remembers what the step was last asked.
type recorded struct {
	customauth.Challenge
	mu   sync.Mutex
	last customauth.Request
}

func (r *recorded) Show(ctx context.Context, q customauth.Request) (map[string]string, error) {
	r.mu.Lock()
	r.last = q
	r.mu.Unlock()
	return r.Challenge.Show(ctx, q)
}

func (r *recorded) shown() customauth.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// never is a step that nobody passes.
type never struct{}

func (never) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{Unguessable: true}, nil
}
func (never) Show(context.Context, customauth.Request) (map[string]string, error) { return nil, nil }
func (never) Check(context.Context, customauth.Request, string) (customauth.Checked, error) {
	return customauth.Checked{}, nil
}

// outbox is the sender of all media.
type outbox struct {
	mu   sync.Mutex
	sent []customauth.Message
}

func (b *outbox) Send(_ context.Context, m customauth.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent = append(b.sent, m)
	return nil
}

func (b *outbox) Warm(context.Context) error { return nil }

func (b *outbox) all() []customauth.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]customauth.Message(nil), b.sent...)
}

// A signIn is one under way.
type signIn struct {
	e          *env
	user       string
	attributes map[string]string
	notFound   bool

	session []*events.CognitoEventUserPoolsChallengeResult
	public  map[string]string
	private map[string]string
	meta    string
	passed  bool // the step under test
	failed  bool
	err     error
}

// user is a new one who can pass.
func (e *env) user() string {
	e.users++
	name := fmt.Sprintf("user-%d", e.users)
	if e.Enrol != nil {
		r := customauth.Request{PoolID: pool, ClientID: client, UserName: customauth.Hide(name), Step: stepName, Attributes: map[string]customauth.Secret{}}
		for name, value := range e.attributes(name) {
			r.Attributes[name] = customauth.Hide(value)
		}
		e.Enrol(e.t, r)
	}
	return name
}

// attributes are those of a user, with a sub of his own.
func (e *env) attributes(name string) map[string]string {
	m := maps.Clone(e.Attributes)
	m["sub"] = subOf(name)
	return m
}

// subOf looks like what Cognito makes.
func subOf(name string) string {
	h := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-9" + h[17:20] + "-" + h[20:32]
}

// known begins a sign-in of a user who can pass.
func (e *env) known(name string) *signIn {
	return (&signIn{e: e, user: name, attributes: e.attributes(name)}).begin()
}

// lacking begins one of a user who has nothing.
func (e *env) lacking(name string) *signIn {
	return (&signIn{e: e, user: name, attributes: map[string]string{"sub": subOf(name)}}).begin()
}

// unknown begins one of nobody.
func (e *env) unknown(name string) *signIn {
	return (&signIn{e: e, user: name, notFound: true, attributes: map[string]string{}}).begin()
}

func (s *signIn) begin() *signIn {
	if s.e.AfterPassword {
		s.session = []*events.CognitoEventUserPoolsChallengeResult{
			{ChallengeName: "SRP_A", ChallengeResult: true}, {ChallengeName: "PASSWORD_VERIFIER", ChallengeResult: true},
		}
	}
	s.next(nil)
	return s
}

func (s *signIn) header() events.CognitoEventUserPoolsHeader {
	return events.CognitoEventUserPoolsHeader{UserPoolID: pool, UserName: s.user, CallerContext: events.CognitoEventUserPoolsCallerContext{ClientID: client}}
}

func (s *signIn) next(metadata map[string]string) {
	var d events.CognitoEventUserPoolsDefineAuthChallenge
	d.CognitoEventUserPoolsHeader = s.header()
	d.Request.UserAttributes, d.Request.ClientMetadata, d.Request.UserNotFound, d.Request.Session = s.attributes, metadata, s.notFound, s.session
	if d, s.err = s.e.define(context.Background(), d); s.err != nil {
		return
	}
	s.passed, s.failed = s.passed || d.Response.IssueTokens, d.Response.FailAuthentication
	if d.Response.ChallengeName != "CUSTOM_CHALLENGE" {
		return
	}
	var c events.CognitoEventUserPoolsCreateAuthChallenge
	c.CognitoEventUserPoolsHeader = s.header()
	c.Request.UserAttributes, c.Request.ClientMetadata, c.Request.UserNotFound, c.Request.Session = s.attributes, metadata, s.notFound, s.session
	c.Request.ChallengeName = "CUSTOM_CHALLENGE"
	if c, s.err = s.e.create(context.Background(), c); s.err != nil {
		return
	}
	s.public, s.private, s.meta = c.Response.PublicChallengeParameters, c.Response.PrivateChallengeParameters, c.Response.ChallengeMetadata
	s.passed = s.passed || s.public["step"] == "next"
}

// check asks Verify alone.
func (s *signIn) check(answer string, metadata map[string]string) bool {
	var v events.CognitoEventUserPoolsVerifyAuthChallenge
	v.CognitoEventUserPoolsHeader = s.header()
	v.Request.UserAttributes, v.Request.ClientMetadata, v.Request.UserNotFound = s.attributes, metadata, s.notFound
	v.Request.PrivateChallengeParameters, v.Request.ChallengeAnswer = s.private, answer
	v, s.err = s.e.verify(context.Background(), v)
	return v.Response.AnswerCorrect && s.err == nil
}

func (s *signIn) answer(answer string, metadata map[string]string) {
	right := s.check(answer, metadata)
	if s.err != nil {
		return
	}
	s.session = append(s.session, &events.CognitoEventUserPoolsChallengeResult{ChallengeName: "CUSTOM_CHALLENGE", ChallengeResult: right, ChallengeMetadata: s.meta})
	s.next(metadata)
}

// right is the answer of the user.
func (s *signIn) right() string {
	return s.e.Answer(s.e.t, Shown{s.e.step.(*recorded).shown(), s.public, s.e.box.all()})
}

// pause lets the cooldown between two sign-ins pass.
func (e *env) pause() {
	if !e.Real {
		time.Sleep(e.Wait)
	}
}
