package cognitotest_test

// This file signs users in through the handlers of the package itself, as a user
// of cognitotest would write it.

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"sync"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

const phone = "+12065550100"

// testKey signs the tokens of all pools in these tests: making a key is slow.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newPool(t testing.TB, c cognitotest.Config) *cognitotest.Pool {
	t.Helper()
	c.Key = testKey()
	pool, err := cognitotest.NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

func TestSignInWithOTP(t *testing.T) {
	ctx := context.Background()
	inbox := new(cognitotest.Inbox)
	h, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("a key of at least thirty-two bytes")},
		Store:   customauth.NewMemoryStore(),
		Senders: map[string]customauth.Sender{"SMS": inbox},
		Logger:  slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
	if err := pool.AddUser("alice", map[string]string{"phone_number": phone}); err != nil {
		t.Fatal(err)
	}

	s, err := pool.SignIn(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Answer(ctx, "not the code", nil); err != nil {
		t.Fatal(err)
	}
	if s.Done() {
		t.Fatal("a wrong answer signed the user in")
	}
	if got := s.Parameters["errorCode"]; got != "wrong_code" {
		t.Errorf("errorCode after a wrong answer: %q, want wrong_code", got)
	}
	if err := s.Answer(ctx, inbox.Code(phone), nil); err != nil {
		t.Fatal(err)
	}
	if !s.Done() {
		t.Fatal("the right answer did not sign the user in")
	}
	claims, err := pool.Claims(s.Tokens().AccessToken)
	if err != nil {
		t.Fatal(err)
	}
	if got := claims["username"]; got != "alice" {
		t.Errorf("username claim: %v, want alice", got)
	}
}

func TestSignInWithPasswordAndOTP(t *testing.T) {
	ctx := context.Background()
	inbox := new(cognitotest.Inbox)
	h, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("a key of at least thirty-two bytes")},
		Store:   customauth.NewMemoryStore(),
		Steps:   []customauth.Step{customauth.Password(), {Name: "otp", Challenge: customauth.OTP{}}},
		Senders: map[string]customauth.Sender{"SMS": inbox},
		Logger:  slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
	if err := pool.AddUser("alice", map[string]string{"phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	if err := pool.SetPassword("alice", "Correct-Horse-9"); err != nil {
		t.Fatal(err)
	}

	if _, err := pool.SignInSRP(ctx, "alice", "Battery-Staple-9"); err == nil {
		t.Fatal("a wrong password went on to the code")
	}
	s, err := pool.SignInSRP(ctx, "alice", "Correct-Horse-9")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Answer(ctx, inbox.Code(phone), nil); err != nil {
		t.Fatal(err)
	}
	if !s.Done() {
		t.Fatal("password and code did not sign the user in")
	}
}
