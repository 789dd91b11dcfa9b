package client_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strings"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/client"
	"github.com/cyber-eternal/customauth/cognitotest"
)

// serve is a pool with one user, for the examples.
func serve() (url string, inbox *cognitotest.Inbox, stop func()) {
	inbox = new(cognitotest.Inbox)
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(rand.Text() + rand.Text())},
		Senders: map[string]customauth.Sender{"SMS": inbox},
		Logger:  slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: handler}})
	if err != nil {
		log.Fatal(err)
	}
	if err := pool.AddUser("alice", map[string]string{"phone_number": "+12065550100"}); err != nil {
		log.Fatal(err)
	}
	s, err := cognitotest.NewServer(pool)
	if err != nil {
		log.Fatal(err)
	}
	return s.URL, inbox, s.Close
}

// A wrong code, then the right one.
func ExampleNew() {
	ctx := context.Background()
	url, inbox, stop := serve()
	defer stop()
	c, err := client.New(client.Settings{
		PoolID:   "us-east-1_Test00001",
		ClientID: "1example23456789testclient",
		Endpoint: url, // without it, the service's
	})
	if err != nil {
		log.Fatal(err)
	}

	o, err := c.SignIn(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a code of", o.Challenge.CodeLength, "characters by", o.Challenge.Medium)

	o, err = c.Answer(ctx, o.Challenge, "no code", nil)
	if errors.Is(err, client.WrongCode) {
		fmt.Println("wrong, attempts left:", o.Challenge.AttemptsRemaining)
	}

	o, err = c.Answer(ctx, o.Challenge, inbox.Code("+12065550100"), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("an access token in three parts:", strings.Count(o.Tokens.Access, ".") == 2)
	// Output:
	// a code of 6 characters by SMS
	// wrong, attempts left: 2
	// an access token in three parts: true
}

// A program that runs for days asks the source for each request that it makes.
func ExampleClient_Source() {
	ctx := context.Background()
	url, inbox, stop := serve()
	defer stop()
	c, err := client.New(client.Settings{PoolID: "us-east-1_Test00001", ClientID: "1example23456789testclient", Endpoint: url})
	if err != nil {
		log.Fatal(err)
	}
	o, err := c.SignIn(ctx, "alice")
	if err != nil {
		log.Fatal(err)
	}
	o, err = c.Answer(ctx, o.Challenge, inbox.Code("+12065550100"), nil)
	if err != nil {
		log.Fatal(err)
	}

	source := c.Source(o.Tokens, func(t *client.Tokens) error {
		// keep t, where nobody else reads
		return nil
	})
	t, err := source.Tokens(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Access == o.Tokens.Access, t)

	if err := c.SignOut(ctx, t); err != nil {
		log.Fatal(err)
	}
	_, err = c.Refresh(ctx, t)
	fmt.Println(err)
	// Output:
	// true tokens
	// client: signed_out (NotAuthorizedException)
}
