package account_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/account"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/recovery"
)

// examplePool is a user pool in this process, with its address as the issuer. Yours
// is "https://cognito-idp.REGION.amazonaws.com/POOL".
func examplePool(inbox *cognitotest.Inbox) (*cognitotest.Pool, *cognitotest.Server) {
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("abcdefghijklmnopqrstuvwxyz012345")},
		Senders: map[string]customauth.Sender{"EMAIL": inbox},
		Steps:   []customauth.Step{{Name: "code", Challenge: customauth.OTP{Medium: "EMAIL"}}},
		Store:   customauth.NewMemoryStore(),
		Logger:  quiet,
	}, map[string]lambda.Handler{})
	if err != nil {
		panic(err)
	}
	server, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		panic(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{Issuer: server.Issuer(""), Triggers: cognitotest.Triggers{All: handler}})
	if err != nil {
		panic(err)
	}
	server.Serve(pool)
	if err := pool.AddUser("alice", map[string]string{"email": "alice@example.com", "email_verified": "true"}); err != nil {
		panic(err)
	}
	return pool, server
}

// A transfer asks for a level that a sign-in by code does not have.
func ExamplePool_Require() {
	ctx, inbox := context.Background(), new(cognitotest.Inbox)
	users, server := examplePool(inbox)
	defer server.Close()
	pool, err := account.NewPool(ctx, account.PoolOptions{Issuer: server.Issuer(""), Clients: []string{users.ClientID()}})
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, _ := account.TokenOf(r.Context())
		fmt.Fprintf(w, "level %d", t.Level)
	})
	mux.Handle("GET /balance", pool.Require(account.Need{})(page))
	mux.Handle("POST /transfers", pool.Require(account.Need{Level: 2, MaxAge: 5 * time.Minute})(page))

	s, err := users.SignIn(ctx, "alice")
	if err == nil {
		err = s.Answer(ctx, inbox.Code("alice@example.com"), nil)
	}
	if err != nil {
		panic(err)
	}
	for _, target := range []string{"GET /balance", "POST /transfers"} {
		var method, path string
		fmt.Sscan(target, &method, &path)
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Authorization", "Bearer "+s.Tokens().AccessToken)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code, strings.TrimSpace(w.Body.String()))
		fmt.Println(w.Header().Get("WWW-Authenticate"))
	}
	// Output:
	// 200 level 0
	//
	// 401 {"error":"insufficient_user_authentication"}
	// Bearer error="insufficient_user_authentication", error_description="A stronger sign-in is required", acr_values="2", max_age="300"
}

// A user who has just signed in makes recovery codes, and is told by e-mail.
func ExampleNew() {
	ctx, inbox := context.Background(), new(cognitotest.Inbox)
	users, server := examplePool(inbox)
	defer server.Close()
	pool, err := account.NewPool(ctx, account.PoolOptions{Issuer: server.Issuer(""), Clients: []string{users.ClientID()}})
	if err != nil {
		panic(err)
	}
	vault, err := credential.New(credential.NewMemoryStore(), []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		panic(err)
	}
	handler, err := account.New(account.Options{
		Pool:     pool,
		Key:      customauth.Hide("another key, of 32 bytes or more"), // yours: from a secret
		Store:    customauth.NewMemoryStore(),                         // the one of customauth.Options
		Recovery: &recovery.Codes{Credentials: vault},
		Senders:  map[string]customauth.Sender{"EMAIL": inbox},
	})
	if err != nil {
		panic(err)
	}

	s, err := users.SignIn(ctx, "alice")
	if err == nil {
		err = s.Answer(ctx, inbox.Code("alice@example.com"), nil)
	}
	if err != nil {
		panic(err)
	}
	for _, method := range []string{"POST", "GET"} {
		r := httptest.NewRequest(method, "/recovery-codes", nil)
		r.Header.Set("Authorization", "Bearer "+s.Tokens().AccessToken)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(method, w.Code)
	}
	fmt.Println(inbox.Messages("alice@example.com")[0].Text)
	// Output:
	// POST 200
	// GET 200
	// Recovery codes were added to your account. If this was not you, sign in, remove what you do not know, and sign out everywhere.
}
