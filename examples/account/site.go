package main

// This file is what an adopter deploys: how users sign in by three app clients, what
// they can enrol, and what a transfer asks for. server.go serves it.

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/account"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/credential"
	"github.com/cyber-eternal/customauth/device"
	"github.com/cyber-eternal/customauth/passkey"
	"github.com/cyber-eternal/customauth/postauth"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/pretoken"
	"github.com/cyber-eternal/customauth/recovery"
	"github.com/cyber-eternal/customauth/totp"
)

const (
	poolID = "us-east-1_Account01"

	// The app clients. Each has its chain, and the chain is what its tokens prove.
	everyday = "1example23456789everyday" // level 1: any one proof
	second   = "2example23456789second"   // level 2: a code by text, and a second proof
	strong   = "3example23456789passkey"  // level 3: a passkey, which cannot be phished
)

// A site is the pool with what its users enrol.
type site struct {
	address string
	pool    *cognitotest.Pool
	inbox   *inbox
	proofs  proofs
	store   customauth.Store
	logger  *slog.Logger
}

// proofs are the steps that users enrol for. The handlers of the sign-in and those of
// the account page have the same ones.
type proofs struct {
	passkeys passkey.RelyingParty
	apps     totp.Codes
	recovery recovery.Codes
	devices  device.Devices
}

func newProofs(address string, store customauth.Store) (proofs, error) {
	vault, err := credential.New(credential.NewMemoryStore(), []customauth.Secret{randomKey()})
	return proofs{
		passkeys: passkey.RelyingParty{ID: "localhost", Name: "customauth", Origins: []string{address}, Credentials: vault},
		apps:     totp.Codes{Issuer: "customauth", Credentials: vault, Store: store},
		recovery: recovery.Codes{Credentials: vault},
		devices:  device.Devices{Credentials: vault},
	}, err
}

// chains are the steps of each app client.
func (p proofs) chains(resend time.Duration) map[string]customauth.Options {
	text := customauth.OTP{ResendAfter: resend}
	return map[string]customauth.Options{
		everyday: {Steps: []customauth.Step{{Name: "first", Challenge: customauth.OneOf{Ask: true, Ways: []customauth.Step{
			{Name: "sms", Challenge: text},
			{Name: "passkey", Challenge: p.passkeys},
			{Name: "recovery", Challenge: p.recovery},
		}}}}},
		second: {Steps: []customauth.Step{
			{Name: "text", Challenge: text},
			{Name: "second", Challenge: customauth.OneOf{Ways: []customauth.Step{
				{Name: "device", Challenge: p.devices},
				{Name: "totp", Challenge: p.apps},
				{Name: "recovery", Challenge: p.recovery},
			}}},
		}},
		strong: {Steps: []customauth.Step{{Name: "passkey", Challenge: p.passkeys}}},
	}
}

// proved is what passing each chain proves, for the tokens.
var proved = map[string]pretoken.Client{
	everyday: {Level: 1, Refreshed: 1, Methods: map[string][]string{
		"first/sms": {"otp", "sms"}, "first/passkey": {"hwk", "mfa", "user"}, "first/recovery": {"otp"},
	}},
	second: {Level: 2, Methods: map[string][]string{
		"text": {"otp", "sms"}, "second/device": {"swk"}, "second/totp": {"otp"}, "second/recovery": {"otp"},
	}},
	strong: {Level: 3, Methods: map[string][]string{"passkey": {"hwk", "mfa", "user"}}},
}

// transfer is what a transfer asks for: two proofs or a passkey, five minutes ago at most.
var transfer = account.Need{Level: 2, MaxAge: 5 * time.Minute}

// newSite makes the pool at an address on this machine. Users sign up and in by phone
// number; all is kept in memory.
func newSite(address string, resend time.Duration, stdout, stderr io.Writer) (s *site, err error) {
	s = &site{
		address: address,
		inbox:   newInbox(stdout),
		store:   customauth.NewMemoryStore(),
		logger:  slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelError})),
	}
	if s.proofs, err = newProofs(address, s.store); err != nil {
		return nil, err
	}
	often := []customauth.Window{{Max: 20, Per: 5 * time.Minute}, {Max: 100, Per: 24 * time.Hour}} // one person tries things out in a row
	options := customauth.Options{
		Keys:       []customauth.Secret{randomKey()},
		CounterKey: randomKey(),
		Clients:    s.proofs.chains(resend),
		Senders:    map[string]customauth.Sender{"SMS": s.inbox},
		Known:      s.proofs.devices.Known,
		Store:      s.store,
		Limits:     customauth.Limits{Messages: often, Destination: often, Unproved: often},
		Logger:     s.logger,
	}
	handler, err := s.triggers(options)
	if err != nil {
		return nil, err
	}
	s.pool, err = cognitotest.NewPool(cognitotest.Config{
		ID:                 poolID,
		Issuer:             s.issuer(),
		UsernameAttributes: []string{"phone_number"},
		Clients:            []cognitotest.Client{{ID: everyday}, {ID: second}, {ID: strong}},
		Triggers: cognitotest.Triggers{
			All: handler, PreSignUp: handler, PostAuthentication: handler,
			PreTokenGeneration: handler, PreTokenGenerationVersion: "V2_0",
		},
	})
	return s, err
}

func (s *site) issuer() string { return s.address + "/" + poolID }

// triggers is the function of all triggers.
func (s *site) triggers(o customauth.Options) (lambda.Handler, error) {
	claims, err := pretoken.New(o, proved)
	if err != nil {
		return nil, err
	}
	mark, err := postauth.NewHandler(postauth.Options{
		Proved: o.Proved,
		Logger: s.logger,
		Client: cognitoidentityprovider.New(cognitoidentityprovider.Options{ // Cognito is this program
			Region: "us-east-1", BaseEndpoint: aws.String(s.address), Credentials: aws.AnonymousCredentials{},
		}),
	})
	if err != nil {
		return nil, err
	}
	return customauth.NewHandler(o, map[string]lambda.Handler{
		"PreSignUp":          lambda.NewHandler(presignup.New(nil)),
		"PostAuthentication": mark,
		"TokenGeneration":    claims,
	})
}

// open adds what checks access tokens, once the pool can be asked for its keys: the
// account page and the transfer.
func (s *site) open(ctx context.Context, mux *http.ServeMux) error {
	verifier, err := account.NewPool(ctx, account.PoolOptions{
		Issuer: s.issuer(), Clients: []string{everyday, second, strong}, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	enrolment, err := account.New(account.Options{
		Pool: verifier, Key: randomKey(), Store: s.store, Logger: s.logger,
		Passkeys: &s.proofs.passkeys, Apps: &s.proofs.apps, Recovery: &s.proofs.recovery, Devices: &s.proofs.devices,
		Senders: map[string]customauth.Sender{"SMS": s.inbox},
	})
	if err != nil {
		return err
	}
	mux.Handle("/account/", http.StripPrefix("/account", enrolment))
	mux.Handle("POST /transfers", verifier.Require(transfer)(http.HandlerFunc(pay)))
	s.routePage(mux)
	return nil
}

// pay moves no money. It is behind transfer.
func pay(w http.ResponseWriter, r *http.Request) {
	t, _ := account.TokenOf(r.Context())
	writeJSON(w, map[string]string{"done": fmt.Sprintf("100.00 were sent, by a sign-in of level %d", t.Level)})
}

// randomKey is a key of 32 bytes. Yours are in a secret store: see the CDK example.
func randomKey() customauth.Secret {
	key := make([]byte, 32)
	rand.Read(key)
	return customauth.Hide(string(key))
}
