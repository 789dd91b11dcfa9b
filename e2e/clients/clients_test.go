// Package clients_test signs users in with the public clients of Cognito, as
// their users would: over HTTP, at a pool of cognitotest whose triggers are the
// handlers of customauth.
//
//	go test ./clients                                        in the folder e2e
//
// sdk_test.go uses aws-sdk-go-v2, javascript_test.go the JavaScript clients in
// the folder amplify, and raw_test.go no client at all, for what no client sends.
// The JavaScript ones need Node and npm: without them these tests are skipped,
// and under CI=true they fail.
//
// This file starts the pool.
package clients_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/presignup"
)

const (
	region   = "eu-west-1"
	poolID   = region + "_E2eClient"
	clientID = "1example23456789e2eclients"
	phone    = "+12065550100"
	password = "correct-Horse-7-battery"
)

// signingKey is one for all pools: making one takes a good part of a second.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// A service is a user pool, served on a port of its own.
type service struct {
	pool  *cognitotest.Pool
	inbox *cognitotest.Inbox // every message, of the handlers and of the pool
	url   string
}

// A setup is what a test may change before the pool starts.
type setup struct {
	steps  []customauth.Step // one code by SMS
	refuse func(context.Context, events.CognitoEventUserPoolsPreSignup) error
	config cognitotest.Config
}

// passwordFirst is a setup in which the code comes after the password.
func passwordFirst(s *setup) {
	s.steps = append([]customauth.Step{customauth.Password()}, s.steps...)
}

// cooldown is the shortest there is between two texts to a user.
const cooldown = time.Millisecond

// unhurried is an inbox that takes longer than that: a fast client that has begun one
// sign-in may begin the next.
type unhurried struct{ *cognitotest.Inbox }

func (u unhurried) Send(ctx context.Context, m customauth.Message) error {
	time.Sleep(5 * cooldown)
	return u.Inbox.Send(ctx, m)
}

// newService starts a pool until the test ends. Change may be nil.
func newService(t *testing.T, change func(*setup)) *service {
	t.Helper()
	signing, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	inbox := new(cognitotest.Inbox)
	s := setup{
		steps: []customauth.Step{{Name: "otp", Challenge: customauth.OTP{ResendAfter: cooldown}}}, // a test begins one sign-in after the other
		config: cognitotest.Config{
			ID:                 poolID,
			Clients:            []cognitotest.Client{{ID: clientID}},
			UsernameAttributes: []string{"phone_number"},
			Inbox:              inbox,
			Key:                signing,
		},
	}
	if change != nil {
		change(&s)
	}

	key := make([]byte, 32)
	rand.Read(key)
	// A test does in a second what a person does in an hour.
	limits := []customauth.Window{{Max: 40, Per: time.Hour}}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(string(key))},
		Store:   customauth.NewMemoryStore(),
		Steps:   s.steps,
		Senders: map[string]customauth.Sender{"SMS": unhurried{inbox}},
		Limits:  customauth.Limits{Guesses: limits, Messages: limits, Destination: limits, Unproved: limits},
		Logger:  slog.New(slog.DiscardHandler),
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(s.refuse))})
	if err != nil {
		t.Fatal(err)
	}
	if s.config.Triggers == (cognitotest.Triggers{}) {
		s.config.Triggers = cognitotest.Triggers{All: handler, PreSignUp: handler}
	}
	pool, err := cognitotest.NewPool(s.config)
	if err != nil {
		t.Fatal(err)
	}
	server, err := cognitotest.NewServer(pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &service{pool, inbox, server.URL}
}

// addUser adds a user who has signed up, with a password, and returns the name.
func (s *service) addUser(t *testing.T, number string) string {
	t.Helper()
	if err := s.pool.AddUser(number, nil); err != nil {
		t.Fatal(err)
	}
	if err := s.pool.SetPassword(number, password); err != nil {
		t.Fatal(err)
	}
	return s.pool.Attributes(number)["sub"]
}

// wrongCode is a code of the same length that is not the one in the inbox.
func (s *service) wrongCode(number string) string {
	if s.inbox.Code(number) == "000000" {
		return "111111"
	}
	return "000000"
}
