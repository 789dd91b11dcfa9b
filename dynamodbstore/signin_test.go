package dynamodbstore_test

// The store under the handlers: what a sign-in costs, and what happens to one when
// the store does not answer.

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/dynamodbstore"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/google/go-cmp/cmp"
)

const phone = "+12065550100"

// inbox keeps the newest message.
type inbox struct {
	mu   sync.Mutex
	code string
	sent int
}

func (b *inbox) Send(_ context.Context, m customauth.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.code = m.Code.Reveal()
	b.sent++
	return nil
}

func (b *inbox) Warm(context.Context) error { return nil }

// triggers are the three functions of a pool whose handlers count in a store.
type triggers struct {
	inbox  inbox
	log    bytes.Buffer
	define func(context.Context, events.CognitoEventUserPoolsDefineAuthChallenge) (events.CognitoEventUserPoolsDefineAuthChallenge, error)
	create func(context.Context, events.CognitoEventUserPoolsCreateAuthChallenge) (events.CognitoEventUserPoolsCreateAuthChallenge, error)
	verify func(context.Context, events.CognitoEventUserPoolsVerifyAuthChallenge) (events.CognitoEventUserPoolsVerifyAuthChallenge, error)
}

func newTriggers(t *testing.T, s customauth.Store) *triggers {
	t.Helper()
	g := new(triggers)
	o := customauth.Options{
		Keys:       []customauth.Secret{customauth.Hide("a key that is made of 32 letters")},
		CounterKey: customauth.Hide("another one, of 32 letters, too!"),
		Steps:      []customauth.Step{{Name: "otp", Challenge: customauth.OTP{}}},
		Senders:    map[string]customauth.Sender{"SMS": &g.inbox},
		Store:      s,
		Logger:     slog.New(slog.NewTextHandler(&g.log, nil)),
	}
	var errs [3]error
	g.define, errs[0] = customauth.NewDefine(o)
	g.create, errs[1] = customauth.NewCreate(o)
	g.verify, errs[2] = customauth.NewVerify(o)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	return g
}

// A signIn is what Cognito remembers of one.
type signIn struct {
	*triggers
	header  events.CognitoEventUserPoolsHeader
	user    map[string]string
	session []*events.CognitoEventUserPoolsChallengeResult
	private map[string]string
	meta    string
	tokens  bool
}

// start begins a sign-in. Verified says what Cognito says of the number.
func (g *triggers) start(ctx context.Context, verified string) (*signIn, error) {
	s := &signIn{triggers: g, user: map[string]string{
		"sub": "alice", "phone_number": phone, "phone_number_verified": verified, "cognito:user_status": "CONFIRMED",
	}}
	s.header = events.CognitoEventUserPoolsHeader{Version: "1", Region: "eu-west-1", UserPoolID: "eu-west-1_Ab1Cd2Ef3", UserName: "alice",
		CallerContext: events.CognitoEventUserPoolsCallerContext{ClientID: "1example23456789abcdefghij"}}
	return s, s.next(ctx)
}

func (s *signIn) next(ctx context.Context) error {
	var d events.CognitoEventUserPoolsDefineAuthChallenge
	d.CognitoEventUserPoolsHeader, d.Request.UserAttributes, d.Request.Session = s.header, s.user, s.session
	d.TriggerSource = "DefineAuthChallenge_Authentication"
	d, err := s.define(ctx, d)
	if s.tokens = d.Response.IssueTokens; err != nil || s.tokens || d.Response.FailAuthentication {
		return err
	}
	var c events.CognitoEventUserPoolsCreateAuthChallenge
	c.CognitoEventUserPoolsHeader, c.Request.UserAttributes, c.Request.Session = s.header, s.user, s.session
	c.TriggerSource, c.Request.ChallengeName = "CreateAuthChallenge_Authentication", "CUSTOM_CHALLENGE"
	c, err = s.create(ctx, c)
	s.private, s.meta = c.Response.PrivateChallengeParameters, c.Response.ChallengeMetadata
	return err
}

func (s *signIn) answer(ctx context.Context, answer string) error {
	var v events.CognitoEventUserPoolsVerifyAuthChallenge
	v.CognitoEventUserPoolsHeader, v.Request.UserAttributes = s.header, s.user
	v.TriggerSource = "VerifyAuthChallengeResponse_Authentication"
	v.Request.PrivateChallengeParameters, v.Request.ChallengeAnswer = s.private, answer
	v, err := s.verify(ctx, v)
	if err != nil {
		return err
	}
	s.session = append(s.session, &events.CognitoEventUserPoolsChallengeResult{
		ChallengeName: "CUSTOM_CHALLENGE", ChallengeResult: v.Response.AnswerCorrect, ChallengeMetadata: s.meta,
	})
	return s.next(ctx)
}

// A sign-in costs three requests, with a number that was not proved before one more,
// and each wrong guess two. Every write is one unit. What the pressure on the pool
// costs is drawn at random, and not counted here: one request in 16 codes. Where Cognito
// has a number as not verified that was proved, the first sign-in in a process costs two
// more.
func TestSignInCost(t *testing.T) {
	costs, c := &meter{ignore: "pressure:"}, newClock()
	g := newTriggers(t, open(t, dynamodbstore.Options{Client: costs.client(t), Now: c.Now}))
	for _, test := range []struct {
		name     string
		verified string
		wrong    int
		want     bill
	}{
		{"new number", "false", 0, bill{writes: 4, units: 4}},
		{"known number", "true", 0, bill{writes: 3, units: 3}},
		{"known number, a wrong guess", "true", 1, bill{reads: 1, writes: 4, units: 5}},
		{"known number, after that", "true", 0, bill{writes: 3, units: 3}},
		{"known number that is not verified", "false", 0, bill{writes: 5, units: 5}},
		{"known number that is not verified, again", "false", 0, bill{writes: 3, units: 3}},
	} {
		costs.reset() // the constructors warm up by a read
		s, err := g.start(t.Context(), test.verified)
		if err != nil {
			t.Fatalf("%s: %v\n%s", test.name, err, &g.log)
		}
		for range test.wrong {
			if err := s.answer(t.Context(), "not the code"); err != nil {
				t.Fatalf("%s: %v\n%s", test.name, err, &g.log)
			}
		}
		if err := s.answer(t.Context(), g.inbox.code); err != nil || !s.tokens {
			t.Fatalf("%s: no tokens after the right code: %v\n%s", test.name, err, &g.log)
		}
		if diff := cmp.Diff(test.want, costs.total(), cmp.AllowUnexported(bill{})); diff != "" {
			t.Errorf("%s: the cost of the sign-in (-want +got):\n%s", test.name, diff)
		}
		c.Sleep(20 * time.Minute)
	}
}

// A replaceable store breaks in the middle of a sign-in.
type replaceable struct{ customauth.Store }

// Without an answer from DynamoDB no text is sent and no guess is compared.
func TestSignInWithoutStore(t *testing.T) {
	dynamotest.URL(t)
	for _, name := range []string{"throttled", "internal error", "hangs", "drops connection", "not allowed"} {
		t.Run(name, func(t *testing.T) {
			store := &replaceable{open(t, dynamodbstore.Options{})}
			g := newTriggers(t, store)
			s, err := g.start(t.Context(), "true")
			if err != nil {
				t.Fatalf("%v\n%s", err, &g.log)
			}
			m := &middleman{fault: always[name], first: 1 << 40}
			store.Store = m.store(t, dynamodbstore.Options{Timeout: 200 * time.Millisecond})
			if err := s.answer(t.Context(), g.inbox.code); err == nil || s.tokens {
				t.Errorf("the right code passed although the guess was not counted: %v", err)
			}
			// On a busy machine the handlers may give up before the store does.
			if log := g.log.String(); !strings.Contains(log, "dynamodbstore: ") && !strings.Contains(log, "store: context deadline exceeded") {
				t.Errorf("the log does not say why: %s", &g.log)
			}
			if _, err := g.start(t.Context(), "true"); err == nil {
				t.Error("a sign-in began although nothing could be counted")
			}
			if g.inbox.sent != 1 {
				t.Errorf("%d texts were sent, want the one before the store broke", g.inbox.sent)
			}
		})
	}
}
