package ways_test

// This file starts the world of the journeys: a pool with the real handlers, the real
// senders with services on loopback, the provider of a CAPTCHA, a site that links lead
// to, and an app that speaks to the pool with aws-sdk-go-v2.

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
	"github.com/cyber-eternal/customauth/endusermessaging"
	"github.com/cyber-eternal/customauth/endusermessaging/smstest"
	"github.com/cyber-eternal/customauth/internal/httpbody"
	"github.com/cyber-eternal/customauth/magiclink"
	"github.com/cyber-eternal/customauth/ses"
	"github.com/cyber-eternal/customauth/ses/sestest"
	"github.com/cyber-eternal/customauth/texts"
)

const (
	region = "eu-west-1"
	host   = "app.example.com" // where CAPTCHAs are solved

	secretOfProvider = "1x0000000000000000000000000000000AA"

	// The app clients: what they offer is the same, and how they begin is not.
	atOnce = "1example23456789waysatonce" // sends by the first way
	asking = "2example23456789waysasking" // asks for the way first
	human  = "3example23456789wayshuman0" // asks for a CAPTCHA first
)

// signingKey is one for all pools: making one takes a good part of a second.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "not a secret"}, nil
})

// A world is a pool and all that is around it.
type world struct {
	pool     *cognitotest.Pool
	client   *cognito.Client
	texts    *fakesns.Server
	mails    *sestest.Server
	calls    *smstest.Server
	provider *captchatest.Server
	site     *site
}

// A site is where links lead. It writes down what it is asked.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	asked []string
}

func (s *site) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Method+" "+r.RequestURI+" "+r.Referer())
}

func (s *site) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// between is the time between two messages in this world. Real ones have 30 seconds.
const between = time.Millisecond

// countdown is what an app counts down before it lets a user ask for another message.
// It is told in whole seconds: the next one begins when another is possible.
func countdown(apps ...*app) {
	for _, a := range apps {
		if after := a.parameters["resendAfter"]; after != "" && after != "0" {
			possible := time.Now().Add(between).Truncate(time.Second).Add(time.Second)
			time.Sleep(time.Until(possible) + between)
			return
		}
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{texts: fakesns.New(), mails: sestest.New(), calls: smstest.New(), provider: captchatest.New(secretOfProvider), site: new(site)}
	w.site.Server = httptest.NewServer(w.site)
	siteverify := httptest.NewServer(w.provider)
	for _, stop := range []func(){w.texts.Close, w.mails.Close, w.calls.Close, w.site.Close, siteverify.Close} {
		t.Cleanup(stop)
	}

	otp := customauth.OTP{ResendAfter: between, Text: texts.Write}
	mail, call := otp, otp
	mail.Medium, call.Medium = "EMAIL", "VOICE"
	linked := customauth.OTP{ResendAfter: between}
	ways := []customauth.Step{
		{Name: "sms", Challenge: otp},
		{Name: "email", Challenge: mail},
		{Name: "call", Challenge: call},
		{Name: "link", Challenge: magiclink.Challenge{OTP: linked, Origins: []string{w.site.URL}, Path: "/sign-in"}},
	}
	store := customauth.NewMemoryStore()
	solved := captcha.Challenge{
		Provider: captcha.Turnstile, SiteKey: "0x4AAA", Secret: customauth.Hide(secretOfProvider), Hostnames: []string{host},
		URL: siteverify.URL + "/turnstile/v0/siteverify", Store: store, Logger: slog.New(slog.DiscardHandler),
	}
	steps := func(s ...customauth.Step) customauth.Options { return customauth.Options{Steps: s} }
	// A test does in a second what a person does in an hour.
	many := []customauth.Window{{Max: 100, Per: 24 * time.Hour}}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(rand.Text() + rand.Text())},
		Store:   store,
		Logger:  slog.New(slog.DiscardHandler),
		Limits:  customauth.Limits{Guesses: many, Messages: many, Destination: many, Unproved: many},
		Senders: w.senders(),
		Clients: map[string]customauth.Options{
			atOnce: steps(customauth.Step{Name: "proof", Challenge: customauth.OneOf{Ways: ways}}),
			asking: steps(customauth.Step{Name: "proof", Challenge: customauth.OneOf{Ways: ways, Ask: true}}),
			human:  steps(customauth.Step{Name: "captcha", Challenge: solved}, customauth.Step{Name: "proof", Challenge: customauth.OneOf{Ways: ways}}),
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.pool, err = cognitotest.NewPool(cognitotest.Config{
		ID:                 region + "_E2eWays01",
		Clients:            []cognitotest.Client{{ID: atOnce}, {ID: asking}, {ID: human}},
		UsernameAttributes: []string{"phone_number"},
		Key:                signingKey(),
		Triggers:           cognitotest.Triggers{All: handler},
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := cognitotest.NewServer(w.pool)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	w.client = cognito.New(cognito.Options{Region: region, BaseEndpoint: &server.URL, Credentials: credentials, HTTPClient: httpbody.Client(new(http.Client))})
	return w
}

// senders are the real ones, in front of the services of this machine.
func (w *world) senders() map[string]customauth.Sender {
	return map[string]customauth.Sender{
		"SMS": &customauth.SNSSender{Client: sns.New(sns.Options{Region: region, BaseEndpoint: &w.texts.URL, Credentials: credentials})},
		"EMAIL": &ses.Sender{
			From:   "login@example.com",
			Client: sesv2.New(sesv2.Options{Region: region, BaseEndpoint: &w.mails.URL, Credentials: credentials}),
		},
		"VOICE": &endusermessaging.Voice{
			Origination: "+12065550199",
			Client:      pinpointsmsvoicev2.New(pinpointsmsvoicev2.Options{Region: region, BaseEndpoint: &w.calls.URL, Credentials: credentials}),
		},
	}
}

// add makes a user with a number and an address that were proved, and more.
func (w *world) add(t testing.TB, number, address, locale string) {
	t.Helper()
	attributes := map[string]string{"phone_number": number, "phone_number_verified": "true"}
	if address != "" {
		attributes["email"], attributes["email_verified"] = address, "true"
	}
	if locale != "" {
		attributes["locale"] = locale
	}
	if err := w.pool.AddUser("", attributes); err != nil {
		t.Fatal(err)
	}
}

// A message is one that was sent to somebody.
type message struct {
	medium, text, code string
	at                 time.Time
}

// spoken is what separates the digits of a code in a call.
var spoken = regexp.MustCompile(`<break time="300ms"/>`)

// messages are those that went to a number and an address, oldest first.
func (w *world) messages(number, address string) (all []message) {
	for _, m := range w.texts.Texts() {
		if m.To == number {
			all = append(all, message{"SMS", m.Text, m.Code(), m.Time})
		}
	}
	for _, m := range w.mails.Mails() {
		if m.To == address {
			all = append(all, message{"EMAIL", m.Subject + "\n" + m.Text, m.Code(), m.Time})
		}
	}
	for _, m := range w.calls.Messages() {
		if m.To == number {
			voice, _ := m.Input["VoiceId"].(string)
			text := tags.ReplaceAllString(spoken.ReplaceAllString(m.Body, ""), "")
			all = append(all, message{"VOICE", voice + "\n" + text, six.FindString(text), m.Time})
		}
	}
	slices.SortStableFunc(all, func(a, b message) int { return a.at.Compare(b.at) })
	return all
}

var (
	six  = regexp.MustCompile(`[0-9]{6}`)
	tags = regexp.MustCompile(`<[^>]*>`)
)

// An app is one sign-in of somebody, over HTTP.
type app struct {
	testing.TB
	w          *world
	client     string
	parameters map[string]string
	session    *string
	result     *types.AuthenticationResultType
	err        error
}

// begin asks the pool to sign somebody in.
func (w *world) begin(t testing.TB, client, number string) *app {
	t.Helper()
	a := &app{TB: t, w: w, client: client}
	out, err := w.client.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		AuthFlow: types.AuthFlowTypeCustomAuth, ClientId: &client, AuthParameters: map[string]string{"USERNAME": number},
	})
	if err != nil {
		t.Fatal(err)
	}
	a.parameters, a.session = out.ChallengeParameters, out.Session
	return a
}

// answer answers the challenge.
func (a *app) answer(text string, metadata map[string]string) *app {
	a.Helper()
	if a.err != nil || a.result != nil {
		a.Fatalf("the sign-in has ended already: %v", a.err)
	}
	var out *cognito.RespondToAuthChallengeOutput
	out, a.err = a.w.client.RespondToAuthChallenge(a.Context(), &cognito.RespondToAuthChallengeInput{
		ChallengeName: types.ChallengeNameTypeCustomChallenge, ClientId: &a.client, Session: a.session,
		ChallengeResponses: map[string]string{"USERNAME": a.parameters["USERNAME"], "ANSWER": text}, ClientMetadata: metadata,
	})
	if a.err == nil {
		a.parameters, a.session, a.result = out.ChallengeParameters, out.Session, out.AuthenticationResult
	}
	return a
}

// outcome is what the app was told, in a word or a few.
func (a *app) outcome() string {
	switch {
	case a.err != nil:
		return "ended"
	case a.result != nil:
		return "tokens"
	}
	return strings.Join(strings.Fields(a.parameters["step"]+" "+a.parameters["way"]+" "+a.parameters["errorCode"]), " ")
}
