package client_test

// This file signs in over HTTP at a pool in this process, whose triggers are the
// package's own.

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/client"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/presignup"
)

const (
	poolID   = "us-east-1_Test00001"
	clientID = "1example23456789testclient"
	strict   = "1example23456789strictclient"
	phone    = "+12065550100"
	password = "correct horse 9 Battery!"
)

// A world is a pool, what its users got, and a client.
type world struct {
	pool  *cognitotest.Pool
	inbox *cognitotest.Inbox
	clock *cognitotest.Clock
	url   string
	*client.Client
}

// begin serves a pool. Its first app client signs in by these options.
func begin(t *testing.T, o customauth.Options, app cognitotest.Client) *world {
	t.Helper()
	w := &world{inbox: new(cognitotest.Inbox), clock: new(cognitotest.Clock)}
	o.Keys = []customauth.Secret{customauth.Hide(rand.Text() + rand.Text())}
	o.Senders = map[string]customauth.Sender{"SMS": w.inbox, "EMAIL": w.inbox}
	o.Logger = slog.New(slog.DiscardHandler)
	handler, err := customauth.NewHandler(o, nil)
	if err != nil {
		t.Fatal(err)
	}
	app.ID = clientID
	w.pool, err = cognitotest.NewPool(cognitotest.Config{
		Clock:              w.clock,
		Clients:            []cognitotest.Client{app, {ID: strict}},
		UsernameAttributes: []string{"phone_number", "email"},
		Triggers:           cognitotest.Triggers{All: handler, PreSignUp: lambda.NewHandler(presignup.New(refuse))},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := cognitotest.NewServer(w.pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	w.url = s.URL
	w.Client = dial(t, s.URL)
	return w
}

func dial(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Settings{PoolID: poolID, ClientID: clientID, Endpoint: url})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refuse refuses one country.
func refuse(_ context.Context, e events.CognitoEventUserPoolsPreSignup) error {
	if strings.HasPrefix(e.Request.UserAttributes["phone_number"], "+44") {
		return presignup.Refusal("no sign-up from there")
	}
	return nil
}

// code returns the code of an error, "" for none.
func code(t *testing.T, err error) client.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("error is %v, want a *client.Error", err)
	}
	if !errors.Is(err, e.Code) || errors.Is(err, e.Code+"x") {
		t.Errorf("errors.Is does not know the code %q", e.Code)
	}
	return e.Code
}

// wrong is a code that is not right.
func wrong(right string) string {
	if strings.HasPrefix(right, "1") {
		return "2" + right[1:]
	}
	return "1" + right[1:]
}

// TestWalk goes from sign-up to sign-out.
func TestWalk(t *testing.T) {
	ctx := t.Context()
	w := begin(t, customauth.Options{}, cognitotest.Client{})
	if err := w.SignUp(ctx, phone, map[string]string{"name": "Alice"}, nil); err != nil {
		t.Fatal(err)
	}
	if got := code(t, w.SignUp(ctx, phone, nil, nil)); got != client.AccountExists {
		t.Errorf("a second sign-up: %q, want %q", got, client.AccountExists)
	}

	before := time.Now()
	o, err := w.SignIn(ctx, phone)
	if err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	ch := o.Challenge
	got := []any{ch.Login, ch.Name, ch.Step, ch.Medium, ch.Destination, ch.CodeLength, ch.AttemptsRemaining, ch.Ways}
	want := []any{phone, "CUSTOM_CHALLENGE", "otp", "SMS", "+***********", 6, 3, []string{}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("challenge (-want +got):\n%s", diff)
	}
	// Both come in whole seconds.
	if at := ch.Expires; at.Before(before.Add(178*time.Second)) || at.After(after.Add(182*time.Second)) {
		t.Errorf("the code expires %v after it was asked for, want 3m", at.Sub(before))
	}
	if at := ch.ResendAt; at.Before(before.Add(29*time.Second)) || at.After(after.Add(32*time.Second)) {
		t.Errorf("another code %v after the first, want 30s", at.Sub(before))
	}

	o, err = w.Resend(ctx, ch)
	var e *client.Error
	if !errors.As(err, &e) || e.Code != client.ResendTooSoon || e.RetryAfter <= 0 || o.Challenge == nil {
		t.Fatalf("resend: %v with %v, want resend_too_soon with a challenge and a time", err, o.Challenge)
	}
	o, err = w.Answer(ctx, o.Challenge, wrong(w.inbox.Code(phone)), nil)
	if got := code(t, err); got != client.WrongCode || o.Challenge == nil || o.Challenge.AttemptsRemaining != 2 {
		t.Fatalf("wrong code: %q with %v, want wrong_code with two attempts", got, o.Challenge)
	}
	o, err = w.Answer(ctx, o.Challenge, w.inbox.Code(phone), nil)
	if err != nil || o.Tokens == nil || o.Challenge != nil {
		t.Fatalf("right code: %v, %v", o, err)
	}

	attributes, err := w.Attributes(ctx, o.Tokens)
	if err != nil || attributes["phone_number"] != phone || attributes["name"] != "Alice" {
		t.Errorf("attributes: %v, %v", attributes, err)
	}
	fresh, err := w.Refresh(ctx, o.Tokens)
	if err != nil || fresh.Refresh != o.Tokens.Refresh || fresh.Access == o.Tokens.Access || time.Until(fresh.Ends) < 59*time.Minute {
		t.Fatalf("refresh: %v, %v", fresh, err)
	}
	if err := w.SignOut(ctx, fresh); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refresh(ctx, fresh); code(t, err) != client.SignedOut {
		t.Errorf("refresh after sign-out: %v, want signed_out", err)
	}
	if _, err := w.Attributes(ctx, fresh); code(t, err) != client.SignedOut {
		t.Errorf("attributes after sign-out: %v, want signed_out", err)
	}
}

// signIn is a whole sign-in by SMS.
func (w *world) signIn(t *testing.T) *client.Tokens {
	t.Helper()
	o, err := w.SignIn(t.Context(), phone)
	if err != nil {
		t.Fatal(err)
	}
	o, err = w.Answer(t.Context(), o.Challenge, w.inbox.Code(phone), nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.Tokens
}

// addUser makes a user with the number and an address.
func (w *world) addUser(t *testing.T) {
	t.Helper()
	err := w.pool.AddUser(phone, map[string]string{
		"phone_number": phone, "phone_number_verified": "true", "email": "alice@example.com", "email_verified": "true",
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestStepUp(t *testing.T) {
	ctx := t.Context()
	w := begin(t, customauth.Options{InsecureNoLimits: true}, cognitotest.Client{})
	w.addUser(t)
	tokens := w.signIn(t)
	o, err := w.StepUp(ctx, tokens, strict)
	if err != nil {
		t.Fatal(err)
	}
	o, err = w.Answer(ctx, o.Challenge, w.inbox.Code(phone), nil)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := w.pool.Claims(o.Tokens.Access)
	if err != nil || claims["client_id"] != strict || o.Tokens.ClientID != strict {
		t.Errorf("the tokens are of %v, %q: want %q; %v", claims["client_id"], o.Tokens.ClientID, strict, err)
	}
	if _, err := w.Refresh(ctx, o.Tokens); err != nil {
		t.Errorf("refresh at the other client: %v", err)
	}
	if err := w.SignOutEverywhere(ctx, tokens); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Refresh(ctx, o.Tokens); code(t, err) != client.SignedOut {
		t.Errorf("refresh after signing out everywhere: %v, want signed_out", err)
	}
	if _, err := w.StepUp(ctx, &client.Tokens{Access: "a.b.c"}, strict); code(t, err) != client.Unreadable {
		t.Errorf("step-up with no token: %v, want unreadable", err)
	}
}

func TestChoose(t *testing.T) {
	ctx := t.Context()
	w := begin(t, customauth.Options{Steps: []customauth.Step{{Name: "proof", Challenge: customauth.OneOf{
		Ask: true, InsecureUnprovedWays: true,
		Ways: []customauth.Step{
			{Name: "sms", Challenge: customauth.OTP{}},
			{Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}},
		},
	}}}}, cognitotest.Client{})
	w.addUser(t)
	o, err := w.SignIn(ctx, phone)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"sms", "email"}, o.Challenge.Ways); diff != "" {
		t.Errorf("ways (-want +got):\n%s", diff)
	}
	o, err = w.Choose(ctx, o.Challenge, "pigeon", "")
	if code(t, err) != client.WayNotOffered || o.Challenge == nil {
		t.Fatalf("choose what is not offered: %v", err)
	}
	o, err = w.Choose(ctx, o.Challenge, "email", "de")
	if err != nil {
		t.Fatal(err)
	}
	if o.Challenge.Way != "email" || o.Challenge.Medium != "EMAIL" {
		t.Errorf("way %q by %q, want email by EMAIL", o.Challenge.Way, o.Challenge.Medium)
	}
	if o, err = w.Answer(ctx, o.Challenge, w.inbox.Code("alice@example.com"), nil); err != nil || o.Tokens == nil {
		t.Errorf("the code by e-mail: %v", err)
	}
}

func TestPassword(t *testing.T) {
	ctx := t.Context()
	w := begin(t, customauth.Options{Steps: []customauth.Step{customauth.Password(), {Name: "otp", Challenge: customauth.OTP{}}}}, cognitotest.Client{})
	w.addUser(t)
	if err := w.pool.SetPassword(phone, password); err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string][2]string{"wrong password": {phone, password + "!"}, "unknown user": {"+12065550199", password}} {
		o, err := w.SignInPassword(ctx, try[0], try[1])
		if code(t, err) != client.SignInFailed || o.Challenge != nil {
			t.Errorf("%s: %v, want sign_in_failed", name, err)
		}
	}
	if n := len(w.inbox.Messages("")); n != 0 {
		t.Errorf("%d messages were sent before the password", n)
	}
	o, err := w.SignInPassword(ctx, phone, password)
	if err != nil {
		t.Fatal(err)
	}
	if o, err = w.Answer(ctx, o.Challenge, w.inbox.Code(phone), nil); err != nil || o.Tokens == nil {
		t.Errorf("the code after the password: %v", err)
	}
}

// TestPasswordNotAsked: a pool without a password step goes on by itself.
func TestPasswordNotAsked(t *testing.T) {
	w := begin(t, customauth.Options{}, cognitotest.Client{})
	w.addUser(t)
	o, err := w.SignInPassword(t.Context(), phone, password)
	if err != nil || o.Challenge == nil || o.Challenge.Step != "otp" {
		t.Errorf("%v, %v: want the step otp", o.Challenge, err)
	}
}

// TestErrors: what the service says, with its code.
func TestErrors(t *testing.T) {
	tests := []struct {
		name string
		app  cognitotest.Client
		do   func(t *testing.T, w *world) error
		want client.Code
	}{
		{"no attempts left", cognitotest.Client{}, func(t *testing.T, w *world) error {
			o, err := w.SignIn(t.Context(), phone)
			for o.Challenge != nil {
				o, err = w.Answer(t.Context(), o.Challenge, wrong(w.inbox.Code(phone)), nil)
			}
			return err
		}, client.SignInFailed},
		{"used session", cognitotest.Client{}, func(t *testing.T, w *world) error {
			o, err := w.SignIn(t.Context(), phone)
			if err != nil {
				return err
			}
			w.Answer(t.Context(), o.Challenge, wrong(w.inbox.Code(phone)), nil)
			_, err = w.Answer(t.Context(), o.Challenge, w.inbox.Code(phone), nil)
			return err
		}, client.SessionEnded},
		{"late", cognitotest.Client{}, func(t *testing.T, w *world) error {
			o, err := w.SignIn(t.Context(), phone)
			if err != nil {
				return err
			}
			w.clock.Advance(16 * time.Minute) // the longest AuthSessionValidity is 15
			_, err = w.Answer(t.Context(), o.Challenge, w.inbox.Code(phone), nil)
			return err
		}, client.SessionEnded},
		{"unknown user", cognitotest.Client{PreventUserExistenceErrors: "LEGACY"}, func(t *testing.T, w *world) error {
			_, err := w.SignIn(t.Context(), "+12065550199")
			return err
		}, client.NoAccount},
		{"hidden unknown user", cognitotest.Client{}, func(t *testing.T, w *world) error {
			_, err := w.SignIn(t.Context(), "+12065550199")
			return err
		}, ""},
		{"app client with a secret", cognitotest.Client{Secret: "abcdefghijklmnopqrstuvwxyz"}, func(t *testing.T, w *world) error {
			_, err := w.SignIn(t.Context(), phone)
			return err
		}, client.Misconfigured},
		{"unknown app client", cognitotest.Client{}, func(t *testing.T, w *world) error {
			c, err := client.New(client.Settings{PoolID: poolID, ClientID: "nobody", Endpoint: w.url})
			if err != nil {
				return err
			}
			_, err = c.SignIn(t.Context(), phone)
			return err
		}, client.Misconfigured},
		{"not a number", cognitotest.Client{}, func(t *testing.T, w *world) error {
			return w.SignUp(t.Context(), "+1x", nil, nil)
		}, client.InvalidInput},
		{"refused sign-up", cognitotest.Client{}, func(t *testing.T, w *world) error {
			return w.SignUp(t.Context(), "+447700900123", nil, nil)
		}, client.SignUpRefused},
		{"no tokens", cognitotest.Client{}, func(t *testing.T, w *world) error {
			_, err := w.Refresh(t.Context(), &client.Tokens{ClientID: clientID, Refresh: "nothing"})
			return err
		}, client.SignedOut},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := begin(t, customauth.Options{}, tt.app)
			w.addUser(t)
			err := tt.do(t, w)
			if got := code(t, err); got != tt.want {
				t.Errorf("%v: code %q, want %q", err, got, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "+1206") {
				t.Errorf("the error names the user: %v", err)
			}
		})
	}
}

// TestRefusalWords: the trigger's words come through.
func TestRefusalWords(t *testing.T) {
	w := begin(t, customauth.Options{}, cognitotest.Client{})
	var e *client.Error
	if err := w.SignUp(t.Context(), "+447700900123", nil, nil); !errors.As(err, &e) || e.Message != "no sign-up from there" {
		t.Errorf("%+v, want the words of the trigger", err)
	}
}

// TestNetwork: the challenge stays, so that the answer can be sent again.
func TestNetwork(t *testing.T) {
	tests := []struct {
		name    string
		do      func(w http.ResponseWriter, r *http.Request)
		timeout time.Duration // of the client; 0: its default
		want    client.Code
	}{
		{"dropped line", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) }, 0, client.Unreachable},
		{"a proxy's page", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) }, 0, client.Unreadable},
		{"a login page", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("<html>")) }, 0, client.Unreadable},
		{"too many requests", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"__type":"TooManyRequestsException","message":"Too many requests"}`))
		}, 0, client.TooManyRequests},
		{"hang", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 50 * time.Millisecond, client.Timeout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var asked atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				io.Copy(io.Discard, r.Body) // or the server does not see that the client went
				tt.do(w, r)
			}))
			defer s.Close()
			c, err := client.New(client.Settings{PoolID: poolID, ClientID: clientID, Endpoint: s.URL, Timeout: tt.timeout})
			if err != nil {
				t.Fatal(err)
			}
			ch := &client.Challenge{ClientID: clientID, UserName: "alice", Name: "CUSTOM_CHALLENGE", Session: strings.Repeat("s", 20)}
			o, err := c.Answer(t.Context(), ch, "123456", nil)
			if got := code(t, err); got != tt.want || o.Challenge != ch {
				t.Errorf("%v: code %q, want %q; challenge %v", err, got, tt.want, o.Challenge)
			}
			// A slow machine may not even come to send it before the time is over.
			if n := asked.Load(); n > 1 || n == 0 && tt.want != client.Timeout {
				t.Errorf("the answer was sent %d times, want once", n)
			}
		})
	}
}

// TestOlderService: who does not know the operation is asked by the older one.
func TestOlderService(t *testing.T) {
	w := begin(t, customauth.Options{}, cognitotest.Client{})
	w.addUser(t)
	tokens := w.signIn(t)
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetTokensFromRefreshToken") {
			rw.WriteHeader(http.StatusBadRequest)
			rw.Write([]byte(`{"__type":"UnknownOperationException"}`))
			return
		}
		w.pool.ServeHTTP(rw, r)
	}))
	defer s.Close()
	fresh, err := dial(t, s.URL).Refresh(t.Context(), tokens)
	if err != nil || fresh.Access == tokens.Access || fresh.Refresh != tokens.Refresh {
		t.Errorf("%v, %v: want new tokens", fresh, err)
	}
}

func TestNew(t *testing.T) {
	tests := []struct {
		name string
		s    client.Settings
		want string
	}{
		{"no pool", client.Settings{ClientID: clientID}, `client: Settings.PoolID must look like "eu-west-1_AbCdEf123"`},
		{"half a pool", client.Settings{PoolID: "eu-west-1_", ClientID: clientID}, `client: Settings.PoolID must look like "eu-west-1_AbCdEf123"`},
		{"no client", client.Settings{PoolID: poolID}, "client: Settings.ClientID is empty; it is the id of an app client without a secret"},
		{"negative time", client.Settings{PoolID: poolID, ClientID: clientID, Timeout: -1}, "client: Settings.Timeout is negative; 0 means 20 seconds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := client.New(tt.s); err == nil || err.Error() != tt.want {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

// TestMadeUpPassword has all that a policy can ask for, and is never the same.
func TestMadeUpPassword(t *testing.T) {
	p := client.MadeUpPassword()
	for _, class := range []string{"abcdef", "ABCZ", "0123456789", "-!"} {
		if !strings.ContainsAny(p, class) {
			t.Errorf("no character of %q in a made-up password", class)
		}
	}
	if len(p) != 57 || p == client.MadeUpPassword() {
		t.Errorf("a made-up password has %d characters, or came twice", len(p))
	}
}
