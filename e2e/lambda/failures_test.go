package lambda_test

// This file breaks SNS, and other HTTP APIs, under a sign-in.

import (
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

// cognitoWaits is how long Cognito waits for a trigger before it calls again. A
// send has 3 seconds, so there is time to spare also on a busy machine.
const cognitoWaits = 5 * time.Second

func TestSNSFails(t *testing.T) {
	resend := map[string]string{"action": "resend"}
	for _, c := range []struct {
		name      string
		mode      fakesns.Mode
		delay     time.Duration
		tls       bool
		requests  int    // that SNS reads
		errorCode string // that the app is told
		atOnce    bool   // nothing was sent, and the user may ask again at once
	}{
		{name: "throttled", mode: fakesns.Throttling, requests: 2, errorCode: "delivery_failed", atOnce: true},
		{name: "throttled by SNS itself", mode: fakesns.Throttled, requests: 2, errorCode: "delivery_failed", atOnce: true},
		{name: "opted out", mode: fakesns.OptedOut, requests: 1, errorCode: "delivery_failed"},
		{name: "invalid number", mode: fakesns.InvalidParameter, requests: 1, errorCode: "delivery_failed"},
		{name: "not authorized", mode: fakesns.AuthorizationError, requests: 1, errorCode: "delivery_failed", atOnce: true},
		{name: "dropped before it was read", mode: fakesns.DropBefore, requests: 0, errorCode: "delivery_failed"},
		{name: "dropped before it was read, over TLS", mode: fakesns.DropBefore, tls: true, requests: 0, errorCode: "delivery_failed"},
		{name: "status 500", mode: fakesns.InternalError, requests: 1, errorCode: "delivery_failed"},
		{name: "no MessageId", mode: fakesns.NoMessageID, requests: 1, errorCode: "delivery_failed"},
		{name: "dropped after it was read", mode: fakesns.DropAfter, requests: 1, errorCode: "delivery_failed"},
		{name: "dropped after it was read, over TLS", mode: fakesns.DropAfter, tls: true, requests: 1, errorCode: "delivery_failed"},
		{name: "hangs", mode: fakesns.Hang, requests: 1, errorCode: "delivery_failed"},
		{name: "hangs in the middle of the answer", mode: fakesns.Stall, requests: 1, errorCode: "delivery_failed"},
		{name: "answers after 10 seconds", mode: fakesns.Accept, delay: 10 * time.Second, requests: 1, errorCode: "delivery_failed"},
		{name: "answers after 1 second", mode: fakesns.Accept, delay: time.Second, requests: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := fakesns.New
			if c.tls {
				fake = fakesns.NewTLS
			}
			sns := fake()
			t.Cleanup(sns.Close)
			variables := env(newKey(), sns)
			if c.tls {
				variables = append(variables, "SSL_CERT_FILE="+pemFile(t, sns.Certificate()))
			}
			f, _ := start(t, bootstrap("onelambda"), cognitotest.FunctionOptions{Env: variables, Timeout: time.Minute}, codes(sns))
			pool := newPool(t, cognitotest.Triggers{All: f})

			sns.SetMode(c.mode)
			sns.SetDelay(c.delay)
			began := time.Now()
			signIn := begin(t, pool, false) // Define and Create
			if took := time.Since(began); took >= cognitoWaits {
				t.Errorf("the first challenge took %v: Cognito would have called the trigger again", took)
			}
			if got := signIn.Parameters["errorCode"]; got != c.errorCode {
				t.Errorf("errorCode %q, want %q", got, c.errorCode)
			}
			if n := len(sns.Publishes()); n != c.requests {
				t.Errorf("SNS read %d requests, want %d", n, c.requests)
			}
			texts := 0
			if c.mode.Sends() {
				texts = 1
			}
			if n := len(sns.Texts()); n != texts {
				t.Fatalf("%d texts, want %d", n, texts)
			}

			// What the user does then: enters the code if there is one, else asks
			// for another, which SNS sends once it is well again.
			sns.SetMode(fakesns.Accept)
			sns.SetDelay(0)
			if texts == 0 {
				wait(t, signIn, c.atOnce)
				if err := signIn.Answer(t.Context(), "resend", resend); err != nil {
					t.Fatal(err)
				}
				if !c.atOnce {
					// Either nobody can know that the text was not sent, or SNS said
					// that nothing can be sent to this number: there is a wait.
					want := "resend_too_soon"
					if c.requests > 0 {
						want = "delivery_failed" // the text that failed counts for the cooldown
					}
					if got := signIn.Parameters["errorCode"]; got != want {
						t.Errorf("errorCode %q after a resend, want %s", got, want)
					}
					return
				}
				if got, ok := signIn.Parameters["errorCode"]; ok {
					t.Errorf("errorCode %q after a resend, want none", got)
				}
			}
			all := codes(sns)()
			if len(all) != 1 {
				t.Fatalf("%d texts, want 1", len(all))
			}
			if err := signIn.Answer(t.Context(), all[0], nil); err != nil || !signIn.Done() {
				t.Errorf("the code that was sent is not valid: done %v, error %v", signIn.Done(), err)
			}
		})
	}

	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		f, _ := start(t, bootstrap("onelambda"), cognitotest.FunctionOptions{
			Env: []string{"CUSTOMAUTH_KEYS=" + newKey(), "AWS_ENDPOINT_URL_SNS=" + nobody(t)},
		}, func() []string { return nil })
		signIn := begin(t, newPool(t, cognitotest.Triggers{All: f}), false)
		if got := signIn.Parameters["errorCode"]; got != "delivery_failed" {
			t.Errorf("errorCode %q, want delivery_failed", got)
		}
	})
}

// TestHTTPAPIFails does the same to the API of examples/custom.
func TestHTTPAPIFails(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		atOnce bool // nothing was sent, and the user may ask again at once
		valid  bool // the text may be on its way, so its code is valid
	}{
		{"throttled", http.StatusTooManyRequests, true, false},
		{"invalid number", http.StatusBadRequest, false, false},
		{"wrong password", http.StatusUnauthorized, true, false},
		{"broken", http.StatusInternalServerError, false, true},
		{"moved", http.StatusTemporaryRedirect, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			api := newSMSAPI(t)
			f, _ := start(t, bootstrap("custom"), cognitotest.FunctionOptions{Env: append(api.env, "CUSTOMAUTH_KEYS="+newKey())},
				func() []string { return append(api.codes(), "made-up-token", "AC00") })
			pool := newPool(t, cognitotest.Triggers{All: f})
			api.answer(c.status)
			signIn := begin(t, pool, false)
			if got := signIn.Parameters["errorCode"]; got != "delivery_failed" {
				t.Errorf("errorCode %q, want delivery_failed", got)
			}
			if n := len(api.codes()); n != 1 {
				t.Errorf("posted %d times, want once", n)
			}

			api.answer(http.StatusCreated)
			wait(t, signIn, c.atOnce)
			if c.atOnce {
				if err := signIn.Answer(t.Context(), "resend", map[string]string{"action": "resend"}); err != nil {
					t.Fatal(err)
				}
			}
			all := api.codes()
			err := signIn.Answer(t.Context(), all[len(all)-1], nil)
			if want := c.atOnce || c.valid; err != nil || signIn.Done() != want {
				t.Errorf("the last code: done %v, error %v, want %v", signIn.Done(), err, want)
			}
		})
	}
}

// wait checks how long the app is told to wait for another code, and waits where
// that is hardly at all.
func wait(t *testing.T, signIn *cognitotest.SignIn, atOnce bool) {
	t.Helper()
	seconds, err := strconv.Atoi(signIn.Parameters["resendAfter"])
	if err != nil {
		t.Fatal(err)
	}
	if atOnce != (seconds <= 1) {
		t.Errorf("resendAfter %d; at once: %v", seconds, atOnce)
	}
	if atOnce {
		time.Sleep(time.Duration(seconds) * time.Second)
	}
}

// certificate writes a certificate to a file that SSL_CERT_FILE can name.
func certificate(t *testing.T, der []byte) string {
	t.Helper()
	return pemFile(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func pemFile(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "certificate.pem")
	if err := os.WriteFile(name, slices.Clone(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
