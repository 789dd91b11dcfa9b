package browser_test

// This file serves the page as an adopter would: the files of examples/local/web with
// a config.json of one's own, in front of a pool whose triggers are the handlers of
// customauth. Unlike the program it can be told what the pool is like, and to answer
// what the service would only answer on a bad day.

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/captcha"
	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/magiclink"
	"github.com/cyber-eternal/customauth/presignup"
)

const webDir = "../../examples/local/web"

// policy is the one that the page is written for; README.md there has it, too.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// signingKey is one for all pools: making one takes a good part of a second.
var signingKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// A setup is what a test may change before the site starts.
type setup struct {
	config  map[string]any // members of config.json, over those of the site
	otp     customauth.OTP // default: six digits, another after a second
	ways    []string       // of "sms", "email", "link" and "voice": the user chooses
	ask     bool           // before anything is sent
	captcha bool           // before that: the stand-in of examples/local
	limits  customauth.Limits
	deliver func(customauth.Message) error
	refuse  func(context.Context, events.CognitoEventUserPoolsPreSignup) error
}

// A site is the page with its pool.
type site struct {
	url   string
	pool  *cognitotest.Pool
	inbox *cognitotest.Inbox

	mu    sync.Mutex
	next  []string // JSON of errors, with which the next calls are answered
	calls []string // operations that were called
	names []string // user names that the calls had
	down  bool     // no call is answered

	before func() // comes before the next InitiateAuth
}

// sender puts messages into the inbox, unless the test says otherwise.
type sender struct {
	*cognitotest.Inbox
	deliver func(customauth.Message) error
}

func (s sender) Send(ctx context.Context, m customauth.Message) error {
	if s.deliver != nil {
		if err := s.deliver(m); err != nil {
			return err
		}
	}
	return s.Inbox.Send(ctx, m)
}

// startSite serves the page until the test ends.
func startSite(t *testing.T, s setup) *site {
	t.Helper()
	needChromium(t)
	signing, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	it := &site{inbox: new(cognitotest.Inbox)}
	s.otp.ResendAfter = cmp.Or(s.otp.ResendAfter, time.Millisecond) // it is told in whole seconds
	key := make([]byte, 32)
	rand.Read(key)
	if s.limits.Messages == nil { // a test does in a second what a person does in an hour
		many := []customauth.Window{{Max: 100, Per: 24 * time.Hour}}
		s.limits = customauth.Limits{Guesses: many, Messages: many, Destination: many, Unproved: many}
	}
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	step := customauth.Step{Name: "otp", Challenge: s.otp}
	if s.ways != nil {
		mail, call := s.otp, s.otp
		mail.Medium, call.Medium = "EMAIL", "VOICE"
		link := magiclink.Challenge{OTP: s.otp, Origins: []string{"http://" + server.Listener.Addr().String()}}
		all := map[string]customauth.Challenge{"sms": s.otp, "email": mail, "link": link, "voice": call}
		choice := customauth.OneOf{Ask: s.ask, InsecureUnprovedWays: true}
		for _, w := range s.ways {
			choice.Ways = append(choice.Ways, customauth.Step{Name: w, Challenge: all[w]})
		}
		step.Challenge = choice
	}
	steps := []customauth.Step{step}
	robots := captchatest.New("made-up-secret")
	if s.captcha {
		steps = []customauth.Step{{Name: "captcha", Challenge: captcha.Challenge{
			Provider: captcha.Turnstile, SiteKey: "made-up", Secret: customauth.Hide("made-up-secret"), Hostnames: []string{"localhost"},
			Client: &http.Client{Transport: robots}, Logger: slog.New(slog.DiscardHandler),
		}}, step}
	}
	out := sender{it.inbox, s.deliver}
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide(string(key))},
		Senders: map[string]customauth.Sender{"SMS": out, "EMAIL": out, "VOICE": out},
		Steps:   steps,
		Limits:  s.limits,
		Logger:  slog.New(slog.DiscardHandler),
	}, map[string]lambda.Handler{"PreSignUp": lambda.NewHandler(presignup.New(s.refuse))})
	if err != nil {
		t.Fatal(err)
	}
	it.pool, err = cognitotest.NewPool(cognitotest.Config{
		ID:                 "us-east-1_Browser01",
		Clients:            []cognitotest.Client{{ID: clientID, AuthSessionValidity: 15 * time.Minute}},
		UsernameAttributes: []string{"phone_number"},
		Key:                signing,
		Triggers:           cognitotest.Triggers{All: handler, PreSignUp: handler},
	})
	if err != nil {
		t.Fatal(err)
	}

	config := map[string]any{
		"name": "Example", "logo": "favicon.svg", "endpoint": "/", "clientId": clientID, "sessionMinutes": 15, "accounts": "continue",
		"terms": "https://example.com/terms", "privacy": "https://example.com/privacy",
	}
	if s.captcha {
		config["captcha"] = "captcha.js"
	}
	maps.Copy(config, s.config)
	files := http.FileServerFS(os.DirFS(webDir))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /config.json", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(config) })
	mux.HandleFunc("POST /", it.serveAPI)
	mux.HandleFunc("POST /_local/captcha", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(map[string]string{"token": robots.Solve(captchatest.Solved{Hostname: "localhost"})})
	})
	server.Config.Handler = mux
	server.Start()
	it.url = server.URL + "/"
	return it
}

func (s *site) serveAPI(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var in struct{ Username string }
	json.Unmarshal(body, &in)
	s.mu.Lock()
	if s.down {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	if operation == "InitiateAuth" && s.before != nil {
		s.before()
		s.before = nil
	}
	s.calls = append(s.calls, operation)
	s.names = append(s.names, in.Username)
	var answer string
	if len(s.next) > 0 && operation != "SignUp" || len(s.next) > 0 && strings.HasPrefix(s.next[0], "SignUp ") {
		answer, s.next = strings.TrimPrefix(s.next[0], "SignUp "), s.next[1:]
	}
	s.mu.Unlock()
	if answer == "" {
		s.pool.ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusBadRequest)
	io.Copy(w, bytes.NewReader([]byte(answer)))
}

// fail answers the next call with an error of the service; "" is no JSON at all.
func (s *site) fail(name, message string) { s.inject("", name, message) }

// failSignUp answers the next SignUp.
func (s *site) failSignUp(name, message string) { s.inject("SignUp ", name, message) }

func (s *site) inject(prefix, name, message string) {
	answer := fmt.Sprintf(`{"__type":%q,"message":%q}`, name, message)
	if name == "" {
		answer = "<html>not what was asked for</html>"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next = append(s.next, prefix+answer)
}

// signInBefore lets a sign-in in another window be a moment ahead of the next one of the
// page: however slow the page is, there is a text that was just sent.
func (s *site) signInBefore(t *testing.T, phone string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = func() {
		if _, err := s.pool.SignIn(t.Context(), phone); err != nil {
			t.Error(err)
		}
	}
}

// setDown stops the API, or starts it again.
func (s *site) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// called is how often an operation was called.
func (s *site) called(operation string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c == operation {
			n++
		}
	}
	return n
}

// since lists the operations that were called after the first n, with user names.
func (s *site) since(n int) (calls []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.calls[min(n, len(s.calls)):] {
		calls = append(calls, c+" "+s.names[n+i])
	}
	return calls
}

// link is the link of the newest message to an address.
func (s *site) link(t *testing.T, to string) string {
	t.Helper()
	for _, m := range s.inbox.Messages(to) {
		if link := linkPattern.FindString(m.Text); link != "" {
			return link
		}
	}
	t.Fatal("no link arrived")
	return ""
}

var linkPattern = regexp.MustCompile(`http://\S+#code=\S+`)

// code is the code of the newest message to an address.
func (s *site) code(t *testing.T, to string) string {
	t.Helper()
	code := s.inbox.Code(to)
	if code == "" {
		t.Fatal("no message arrived")
	}
	return code
}

func (s *site) register(t *testing.T, name, phone string) {
	t.Helper()
	if err := s.pool.AddUser(phone, map[string]string{"name": name, "phone_number": phone, "email": "ada@example.com"}); err != nil {
		t.Fatal(err)
	}
}
