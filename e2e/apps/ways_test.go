package apps_test

// This file runs the program of docs/ways.md, in a pool whose users choose their way,
// after a CAPTCHA or without.

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/magiclink"
	"github.com/cyber-eternal/customauth/presignup"
	"github.com/cyber-eternal/customauth/texts"
)

const (
	askingClientID = "1example23456789e2eappsask"
	humanClientID  = "1example23456789e2eappshum"
	captchaSecret  = "1x0000000000000000000000000000000AA"
)

// TestWays: Amplify chooses e-mail, switches to SMS, passes a CAPTCHA and finishes by a
// link, in German and in Arabic.
func TestWays(t *testing.T) {
	path := node(t) // before anything is started
	provider := captchatest.New(captchaSecret)
	siteverify := httptest.NewServer(provider)
	defer siteverify.Close()
	solver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, provider.Solve(captchatest.Solved{Hostname: "app.example.com"}))
	}))
	defer solver.Close()
	var asked []string // one request: the scanner's
	site := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI)
	}))
	inbox := new(cognitotest.Inbox)
	letters := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list := []map[string]string{}
		for _, m := range inbox.Messages(r.FormValue("to")) {
			list = append(list, map[string]string{"code": m.Code, "text": m.Text})
		}
		json.NewEncoder(w).Encode(list)
	}))
	defer letters.Close()
	pool := waysPool(t, inbox, siteverify.URL+"/turnstile/v0/siteverify", site.URL)
	server, err := cognitotest.NewServer(pool)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	out := outputOf(t, []string{
		"ENDPOINT=" + server.URL, "INBOX=" + letters.URL, "SOLVER=" + solver.URL, "POOL_ID=" + poolID, "PHONE=" + phone, "EMAIL=" + email,
		"ASKING_CLIENT_ID=" + askingClientID, "HUMAN_CLIENT_ID=" + humanClientID,
	}, path, "snippets/ways.mjs")
	if !bytes.HasSuffix(out, []byte("done\n")) {
		t.Fatalf("the program did not come to its end:\n%s", out)
	}
	site.Close() // waits for its requests
	if diff := cmp.Diff([]string{"GET /sign-in"}, asked); diff != "" {
		t.Errorf("what the site was asked for (-want +got):\n%s", diff)
	}
	for _, m := range inbox.Messages("") {
		if !strings.Contains(phone+email, m.To) {
			t.Error("a message to somebody unknown")
		}
	}
}

// waysPool is a pool with one user, who has proved a number and an address.
func waysPool(t *testing.T, inbox *cognitotest.Inbox, siteverify, origin string) *cognitotest.Pool {
	t.Helper()
	signing, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	sms := customauth.OTP{ResendAfter: time.Millisecond, Text: texts.Write}
	mail := sms
	mail.Medium = "EMAIL"
	ways := []customauth.Step{
		{Name: "sms", Challenge: sms},
		{Name: "email", Challenge: mail},
		{Name: "link", Challenge: magiclink.Challenge{OTP: customauth.OTP{ResendAfter: time.Millisecond}, Origins: []string{origin}, Path: "/sign-in"}},
	}
	human := captcha.Challenge{
		Provider: captcha.Turnstile, SiteKey: "0x4AAA", Secret: customauth.Hide(captchaSecret),
		Hostnames: []string{"app.example.com"}, URL: siteverify, Logger: slog.New(slog.DiscardHandler),
	}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(rand.Text() + rand.Text())},
		Senders: map[string]customauth.Sender{"SMS": inbox, "EMAIL": inbox},
		Logger:  slog.New(slog.DiscardHandler),
		Clients: map[string]customauth.Options{
			askingClientID: {Steps: []customauth.Step{{Name: "code", Challenge: customauth.OneOf{Ways: ways, Ask: true}}}},
			humanClientID:  {Steps: []customauth.Step{{Name: "captcha", Challenge: human}, {Name: "code", Challenge: customauth.OneOf{Ways: ways}}}},
		},
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(human.SignUp))})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{
		ID:                 poolID,
		Clients:            []cognitotest.Client{{ID: askingClientID}, {ID: humanClientID}},
		UsernameAttributes: []string{"phone_number"},
		Key:                signing,
		Triggers:           cognitotest.Triggers{All: handler, PreSignUp: handler},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.AddUser("", map[string]string{
		"phone_number": phone, "phone_number_verified": "true", "email": email, "email_verified": "true",
	}); err != nil {
		t.Fatal(err)
	}
	return pool
}
