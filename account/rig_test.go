package account_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/account"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
	"github.com/cyber-eternal/customauth/passkey"
	"github.com/cyber-eternal/customauth/pretoken"
	"github.com/cyber-eternal/customauth/recovery"
	"github.com/cyber-eternal/customauth/totp"
)

const (
	low     = "1example23456789abcdefghij"
	high    = "2example23456789abcdefghij"
	foreign = "3example23456789abcdefghij" // of the pool, and not of the handlers

	subAlice = "11111111-1111-4111-8111-111111111111"
	subBob   = "22222222-2222-4222-8222-222222222222"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// proof is a step that is passed by "right".
type proof struct{}

func (proof) Issue(context.Context, customauth.Request) (customauth.Issued, error) {
	return customauth.Issued{Unguessable: true}, nil
}
func (proof) Show(context.Context, customauth.Request) (map[string]string, error) { return nil, nil }
func (proof) Check(_ context.Context, _ customauth.Request, answer string) (customauth.Checked, error) {
	return customauth.Checked{Right: answer == "right"}, nil
}

// rig is a pool with two users, what serves its keys, and the handler under test.
type rig struct {
	pool    *cognitotest.Pool
	server  *cognitotest.Server
	clock   *cognitotest.Clock
	inbox   *cognitotest.Inbox
	verify  *account.Pool
	vault   *credential.Vault
	handler http.Handler
	options account.Options
}

func newRig(t testing.TB, change ...func(*account.Options)) *rig {
	t.Helper()
	server, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	steps := []customauth.Step{{Name: "proof", Challenge: proof{}}}
	options := customauth.Options{
		Keys: []customauth.Secret{customauth.Hide("abcdefghijklmnopqrstuvwxyz012345")}, Logger: quiet,
		Clients: map[string]customauth.Options{low: {Steps: steps}, high: {Steps: steps}, foreign: {Steps: steps}},
	}
	claims, err := pretoken.New(options, map[string]pretoken.Client{
		low:  {Level: 1, Refreshed: 1, Methods: map[string][]string{"proof": {"otp"}}},
		high: {Level: 2, Methods: map[string][]string{"proof": {"hwk", "mfa"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, err := customauth.NewHandler(options, map[string]lambda.Handler{"TokenGeneration": claims})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{server: server, clock: new(cognitotest.Clock), inbox: new(cognitotest.Inbox)}
	r.pool, err = cognitotest.NewPool(cognitotest.Config{
		Issuer: server.Issuer(""), Clock: r.clock,
		Clients:  []cognitotest.Client{{ID: low}, {ID: high}, {ID: foreign}},
		Triggers: cognitotest.Triggers{All: h, PreTokenGeneration: h, PreTokenGenerationVersion: "V2_0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Serve(r.pool)
	for name, sub := range map[string]string{"alice": subAlice, "bob": subBob} {
		if err := r.pool.AddUser(name, map[string]string{
			"sub": sub, "email": name + "@example.com", "email_verified": "true",
			"phone_number": "+12065550100", "phone_number_verified": "false",
		}); err != nil {
			t.Fatal(err)
		}
	}
	r.verify = newVerifier(t, server.Issuer(""))
	r.vault, err = credential.New(credential.NewMemoryStore(), []customauth.Secret{customauth.Hide("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	store := customauth.NewMemoryStore()
	r.options = account.Options{
		Pool: r.verify, Store: store, Logger: quiet,
		Key:      customauth.Hide("another key, of 32 bytes or more"),
		Passkeys: &passkey.RelyingParty{ID: "example.com", Name: "Example", Origins: []string{"https://example.com"}, Credentials: r.vault},
		Apps:     &totp.Codes{Issuer: "Example", Credentials: r.vault, Store: store},
		Recovery: &recovery.Codes{Credentials: r.vault},
		Devices:  &device.Devices{Credentials: r.vault},
		Senders:  map[string]customauth.Sender{"EMAIL": r.inbox, "SMS": r.inbox},
	}
	for _, f := range change {
		f(&r.options)
	}
	if r.handler, err = account.New(r.options); err != nil {
		t.Fatal(err)
	}
	return r
}

func newVerifier(t testing.TB, issuer string) *account.Pool {
	t.Helper()
	p, err := account.NewPool(t.Context(), account.PoolOptions{Issuer: issuer, Clients: []string{low, high}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tokens are those of a user who signed in so long ago.
func (r *rig) tokens(t testing.TB, client, user string, ago time.Duration) *cognitotest.Tokens {
	t.Helper()
	r.clock.Advance(-ago)
	defer r.clock.Advance(ago)
	s, err := r.pool.SignInAs(t.Context(), client, user, "")
	if err == nil {
		err = s.Answer(t.Context(), "right", nil)
	}
	if err != nil || !s.Done() {
		t.Fatalf("sign-in: %v", err)
	}
	return s.Tokens()
}

// alice is an access token of hers, fresh.
func (r *rig) alice(t testing.TB) string { return r.tokens(t, low, "alice", 0).AccessToken }

// call calls the pool over HTTP.
func (r *rig) call(t testing.TB, operation, body string, args ...any) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.server.URL, strings.NewReader(fmt.Sprintf(body, args...)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", operation, res.StatusCode, data, err)
	}
	return data
}

// do asks the handler, and returns the status, the header and what was answered.
func do(t testing.TB, h http.Handler, method, path, token string, body any) (int, http.Header, string) {
	t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		text = string(data)
	}
	req := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(text))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w.Code, w.Header(), strings.TrimSpace(w.Body.String())
}

// must asks the handler for what it gives, and decodes it.
func must[T any](t testing.TB, r *rig, method, path, token string, body any) (v T) {
	t.Helper()
	status, _, text := do(t, r.handler, method, path, token, body)
	if status != http.StatusOK && status != http.StatusNoContent {
		t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	if status == http.StatusOK {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
	}
	return v
}
