// Package apps_test runs the programs of docs/apps and docs/ways.md: every JavaScript
// snippet there is cut from a file of the folder snippets, and what the file does is
// checked against a pool of cognitotest whose triggers are the handlers of customauth.
//
//	go test ./apps                                           in the folder e2e
//
// It also checks the types and the size of the client that comes with the page of
// examples/local. All of it needs Node and npm: without them the tests are skipped,
// and under CI=true they fail.
//
// This file starts the pool and Node; snippets_test.go, client_test.go and ways_test.go
// say what is run.
package apps_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/presignup"
)

const (
	region       = "eu-west-1"
	poolID       = region + "_E2eApps01"
	clientID     = "1example23456789e2eappssms"
	waysClientID = "1example23456789e2eappsway"
	phone        = "+12065550100"
	email        = "ada@example.com"
)

// signingKey is one for all pools: making one takes a good part of a second.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// A service is a user pool with two app clients: one asks for a code by SMS, the
// other lets the user choose between SMS and e-mail.
type service struct {
	pool  *cognitotest.Pool
	inbox *cognitotest.Inbox
	url   string
}

func newService(t *testing.T) *service {
	t.Helper()
	signing, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	key := make([]byte, 32)
	rand.Read(key)
	inbox := new(cognitotest.Inbox)
	sms := customauth.OTP{ResendAfter: time.Millisecond} // it is told in whole seconds
	mail := customauth.OTP{Medium: "EMAIL", ResendAfter: time.Millisecond}
	// A test does in a second what a person does in an hour.
	many := []customauth.Window{{Max: 100, Per: 24 * time.Hour}}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(string(key))},
		Senders: map[string]customauth.Sender{"SMS": inbox, "EMAIL": inbox},
		Limits:  customauth.Limits{Guesses: many, Messages: many, Destination: many, Unproved: many},
		Logger:  slog.New(slog.DiscardHandler),
		Clients: map[string]customauth.Options{
			clientID: {Steps: []customauth.Step{{Name: "otp", Challenge: sms}}},
			waysClientID: {Steps: []customauth.Step{{Name: "otp", Challenge: customauth.OneOf{
				Ways:                 []customauth.Step{{Name: "sms", Challenge: sms}, {Name: "email", Challenge: mail}},
				InsecureUnprovedWays: true, // the pool of the tests has no post authentication trigger
			}}}},
		},
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(nil))})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := cognitotest.NewPool(cognitotest.Config{
		ID:                 poolID,
		Clients:            []cognitotest.Client{{ID: clientID}, {ID: waysClientID}},
		UsernameAttributes: []string{"phone_number"},
		Inbox:              inbox,
		Key:                signing,
		Triggers:           cognitotest.Triggers{All: handler, PreSignUp: handler},
	})
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

// node returns the program, with the packages of the lock file installed, or skips
// the test.
func node(t *testing.T) string {
	t.Helper()
	path, why := installNode()
	switch {
	case why == "":
		return path
	case os.Getenv("CI") == "true":
		t.Fatal(why)
	}
	t.Skip("skipped: " + why)
	return ""
}

// installNode finds Node and runs npm ci once, if what is installed is missing or
// older than the lock file.
var installNode = sync.OnceValues(func() (path, why string) {
	path, err := exec.LookPath("node")
	if err != nil {
		return "", "the programs need Node 20 or newer, and there is no node in PATH"
	}
	lock, err := os.Stat("package-lock.json")
	if err != nil {
		return "", err.Error()
	}
	// npm writes this file last.
	installed, err := os.Stat(filepath.Join("node_modules", ".package-lock.json"))
	if err == nil && !installed.ModTime().Before(lock.ModTime()) {
		return path, ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", "the packages cannot be installed: npm ci: " + err.Error() + "\n" + string(out)
	}
	return path, ""
})

// output runs node and returns what it printed.
func output(t *testing.T, env []string, args ...string) []byte {
	t.Helper()
	return outputOf(t, env, node(t), args...)
}

func outputOf(t *testing.T, env []string, program string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return out
}

// run runs a script against the pool. It must say that it came to its end.
func run(t *testing.T, s *service, script string) {
	t.Helper()
	runWith(t, s, node(t), script)
}

func runWith(t *testing.T, s *service, program, script string) {
	t.Helper()
	inbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		codes := []string{}
		for _, m := range s.inbox.Messages(r.FormValue("to")) {
			codes = append(codes, m.Code)
		}
		json.NewEncoder(w).Encode(codes)
	}))
	defer inbox.Close()
	out := outputOf(t, []string{
		"ENDPOINT=" + s.url, "INBOX=" + inbox.URL, "POOL_ID=" + poolID, "REGION=" + region,
		"CLIENT_ID=" + clientID, "WAYS_CLIENT_ID=" + waysClientID, "PHONE=" + phone, "EMAIL=" + email,
	}, program, script)
	if !bytes.HasSuffix(out, []byte("done\n")) {
		t.Fatalf("%s did not come to its end:\n%s", script, out)
	}
}
