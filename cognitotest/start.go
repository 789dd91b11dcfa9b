package cognitotest

// This file makes a pool of options in one call, for tests.

import (
	"maps"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/presignup"
)

// TB is what Start needs of a *testing.T.
type TB interface {
	Helper()
	Fatal(args ...any)
	Logf(format string, args ...any)
}

// Start returns a running pool whose users sign in by these options, and the inbox
// that all their messages go to. What the options leave out has a default that is right
// for one test: keys, a store of its own, an inbox for every medium that is sent by.
// Whoever signs up is confirmed. A trigger that fails is reported by t.Logf, beside the
// failure of the test that it caused.
//
//	pool, inbox := cognitotest.Start(t, customauth.Options{})
//	pool.AddUser("alice", map[string]string{"phone_number": "+12065550100"})
//	s, err := pool.SignIn(ctx, "alice")
//	err = s.Answer(ctx, inbox.Code("+12065550100"), nil)
func Start(t TB, o customauth.Options) (*Pool, *Inbox) {
	t.Helper()
	inbox := new(Inbox)
	senders := map[string]customauth.Sender{"SMS": inbox, "EMAIL": inbox, "VOICE": inbox}
	maps.Copy(senders, o.Senders)
	o.Senders = senders
	if len(o.Keys) == 0 {
		o.Keys = []customauth.Secret{customauth.Hide(string(random(32)))}
	}
	if o.Store == nil {
		o.Store = customauth.NewMemoryStore()
	}
	handler, err := customauth.NewHandler(o, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		t.Fatal(err)
	}
	c := Config{Triggers: Triggers{All: handler, PreSignUp: handler}, Logf: t.Logf}
	for id := range o.Clients {
		c.Clients = append(c.Clients, Client{ID: id})
	}
	pool, err := NewPool(c)
	if err != nil {
		t.Fatal(err)
	}
	return pool, inbox
}
