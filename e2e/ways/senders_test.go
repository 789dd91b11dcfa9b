package ways_test

// This file breaks the services under compiled functions, which are called as Lambda
// calls them: this program is the function, where the environment names its sender.

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
	"github.com/cyber-eternal/customauth/endusermessaging"
	"github.com/cyber-eternal/customauth/endusermessaging/smstest"
	"github.com/cyber-eternal/customauth/internal/said"
	"github.com/cyber-eternal/customauth/ses"
	"github.com/cyber-eternal/customauth/ses/sestest"
)

// A sending is a function's sender, by its default client, and the medium that it is for.
type sending struct {
	medium string
	sender customauth.Sender
}

var sendings = map[string]sending{
	"SNS":          {"SMS", &customauth.SNSSender{}},
	"SES":          {"EMAIL", &ses.Sender{From: "login@example.com"}},
	"SMS":          {"SMS", &endusermessaging.SMS{}},
	"voice":        {"VOICE", &endusermessaging.Voice{Origination: "+12065550199"}},
	"Notify text":  {"SMS", &endusermessaging.Notify{Configuration: "nc-1"}},
	"Notify voice": {"VOICE", &endusermessaging.Notify{Configuration: "nc-1"}},
}

// TestMain makes this program a function if the environment says so.
func TestMain(m *testing.M) {
	s, ok := sendings[os.Getenv("WAYS_SENDER")]
	if !ok {
		os.Exit(m.Run())
	}
	keys, err := customauth.ParseKeys(os.Getenv("CUSTOMAUTH_KEYS"))
	if err == nil {
		var handler lambda.Handler
		handler, err = customauth.NewHandler(customauth.Options{
			Keys:    keys,
			Senders: map[string]customauth.Sender{s.medium: s.sender},
			Steps:   []customauth.Step{{Name: "otp", Challenge: customauth.OTP{Medium: s.medium}}},
		}, nil)
		if err == nil {
			lambda.Start(handler)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// A failing is a way in which a service and the network between fail.
type failing string

const (
	works     failing = "works"
	throttled failing = "throttled"
	broken    failing = "status 500"
	hanging   failing = "hang"
	dropping  failing = "dropped line"
)

// A service is one of the three on this machine.
type service struct {
	env      string
	fail     func(failing)
	requests func() int
	sent     func() []string // the texts of what was sent
}

func newService(t *testing.T, name string) service {
	t.Helper()
	switch name {
	case "SNS":
		fake := fakesns.New()
		t.Cleanup(fake.Close)
		modes := map[failing]fakesns.Mode{works: fakesns.Accept, throttled: fakesns.Throttling, broken: fakesns.InternalError, hanging: fakesns.Hang, dropping: fakesns.DropAfter}
		return service{"AWS_ENDPOINT_URL_SNS=" + fake.URL, func(f failing) { fake.SetMode(modes[f]) }, func() int { return len(fake.Publishes()) }, func() (texts []string) {
			for _, m := range fake.Texts() {
				texts = append(texts, m.Text)
			}
			return texts
		}}
	case "SES":
		fake := sestest.New()
		t.Cleanup(fake.Close)
		modes := map[failing]sestest.Mode{works: sestest.Accept, throttled: sestest.Throttled, broken: sestest.InternalError, hanging: sestest.Hang, dropping: sestest.Drop}
		return service{"AWS_ENDPOINT_URL_SESV2=" + fake.URL, func(f failing) { fake.SetMode(modes[f]) }, func() int { return len(fake.Requests()) }, func() (texts []string) {
			for _, m := range fake.Mails() {
				texts = append(texts, m.Text)
			}
			return texts
		}}
	}
	fake := smstest.New()
	t.Cleanup(fake.Close)
	modes := map[failing]smstest.Mode{works: smstest.Accept, throttled: smstest.Throttled, broken: smstest.InternalError, hanging: smstest.Hang, dropping: smstest.Drop}
	return service{"AWS_ENDPOINT_URL_PINPOINT_SMS_VOICE_V2=" + fake.URL, func(f failing) { fake.SetMode(modes[f]) }, func() int { return len(fake.Requests()) }, func() (texts []string) {
		for _, m := range fake.Messages() {
			texts = append(texts, m.Body)
		}
		return texts
	}}
}

// codeIn finds six digits in a text, in SSML, or spoken one by one.
func codeIn(text string) string {
	text = tags.ReplaceAllString(text, "")
	return six.FindString(regexp.MustCompile(`([0-9])\. `).ReplaceAllString(text, "$1"))
}

// An output is what a function prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// TestSenders: whatever becomes of a request, there is one message at most, the trigger
// answers before Cognito gives up on it, the user can go on, and nothing secret is printed.
func TestSenders(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		failing  failing
		requests int
		messages int
	}{
		{throttled, 2, 0}, // refused before anything is sent, and so tried once more
		{broken, 1, 1},
		{hanging, 1, 1},
		{dropping, 1, 1},
	}
	for name := range sendings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service, printed := newService(t, name), new(output)
			key := base64.StdEncoding.EncodeToString([]byte("32 letters that are a key here, "))
			f, err := cognitotest.StartFunction(program, cognitotest.FunctionOptions{
				Env: []string{"WAYS_SENDER=" + name, "CUSTOMAUTH_KEYS=" + key, service.env}, Output: printed,
			})
			if err != nil {
				t.Fatalf("%v\n%s", err, printed)
			}
			defer f.Close()
			pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: f}, Key: signingKey()})
			if err != nil {
				t.Fatal(err)
			}
			var secrets []string
			for i, tt := range tests {
				t.Run(string(tt.failing), func(t *testing.T) {
					number, mail := fmt.Sprintf("+1206555010%d", i), fmt.Sprintf("roe-%d@example.com", i)
					if err := pool.AddUser(mail, map[string]string{
						"phone_number": number, "phone_number_verified": "true", "email": mail, "email_verified": "true",
					}); err != nil {
						t.Fatal(err)
					}
					secrets = append(secrets, number, number[1:], mail)
					requests, messages := service.requests(), len(service.sent())
					service.fail(tt.failing)
					began := time.Now()
					s, err := pool.SignIn(t.Context(), mail)
					if err != nil {
						t.Fatal(err)
					}
					if took := time.Since(began); took >= 5*time.Second { // a send has 3 of them
						t.Errorf("took %v", took)
					}
					if got := s.Parameters["errorCode"]; got != "delivery_failed" {
						t.Errorf("errorCode %q, want delivery_failed", got)
					}
					if r, m := service.requests()-requests, len(service.sent())-messages; r != tt.requests || m != tt.messages {
						t.Errorf("%d requests and %d messages, want %d and %d", r, m, tt.requests, tt.messages)
					}
					service.fail(works)
					if tt.messages == 0 { // surely nothing was sent: at once, another one
						if err := s.Resend(t.Context()); err != nil || s.Parameters["errorCode"] != "" {
							t.Errorf("a resend: %v, %v", s.Parameters, err)
						}
					}
					all := service.sent()
					if len(all) != messages+1 {
						t.Fatalf("%d messages, want 1", len(all)-messages)
					}
					code := codeIn(all[messages])
					secrets = append(secrets, code)
					if err := s.Answer(t.Context(), code, nil); err != nil || !s.Done() {
						t.Errorf("the code that was sent is not good: %v, %v", s.Parameters, err)
					}
				})
			}
			for _, secret := range secrets {
				if secret == "" || strings.Contains(said.Without(printed.String()), secret) {
					t.Errorf("the function printed %q:\n%s", secret, printed)
				}
			}
		})
	}
}
