package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/captcha/captchatest"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/internal/said"
	"github.com/cyber-eternal/customauth/ses/sestest"
)

const (
	key        = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	counterKey = "YW5vdGhlciBrZXksIG9mIDMyIGxldHRlcnMsIHRvbyE="
	phone      = "+12065550100"
	secret     = "1x0000000000000000000000000000000AA"
)

// world is what the function has around it: services on loopback, and a pool.
type world struct {
	pool    *cognitotest.Pool
	mails   *sestest.Server
	captcha *captchatest.Server

	mu    sync.Mutex
	texts []string
}

// TestMain makes this program the function, where the environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("WAYS_AS_FUNCTION") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// start builds the function in this process.
func start(t *testing.T, env map[string]string) *world {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(before) })
	return startBy(t, env, func(all map[string]string) lambda.Handler {
		for name, value := range all {
			t.Setenv(name, value)
		}
		h, err := newHandler()
		if err != nil {
			t.Fatal(err)
		}
		return h
	})
}

// startBy starts the services, has the function built for the environment that Lambda
// and README.md name, and puts it into a pool.
func startBy(t *testing.T, env map[string]string, build func(all map[string]string) lambda.Handler) *world {
	t.Helper()
	w := &world{mails: sestest.New(), captcha: captchatest.New(secret)}
	t.Cleanup(w.mails.Close)
	sns, siteverify := httptest.NewServer(w), httptest.NewServer(w.captcha)
	t.Cleanup(sns.Close)
	t.Cleanup(siteverify.Close)
	all := map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "AWS_SESSION_TOKEN": "made-up",
		"AWS_ENDPOINT_URL_SNS": sns.URL, "AWS_ENDPOINT_URL_SESV2": w.mails.URL,
		"CUSTOMAUTH_KEYS": key, "CUSTOMAUTH_COUNTER_KEY": counterKey, "CUSTOMAUTH_TABLE": "",
		"WAYS": "sms,email,link", "ASK": "", "MAIL_FROM": "login@example.com", "WEBOTP_DOMAIN": "app.example.com",
		"LINK_ORIGINS": "https://app.example.com", "LINK_PATH": "/sign-in", "CAPTCHA_PROVIDER": "",
		"CAPTCHA_SITE_KEY": "0x4AAA", "CAPTCHA_SECRET": secret, "CAPTCHA_HOSTNAMES": "app.example.com", "CAPTCHA_ACTION": "",
		"CAPTCHA_URL": siteverify.URL + "/turnstile/v0/siteverify",
	}
	for name, value := range env {
		all[name] = value
	}
	// The pool is Cognito for the trigger that marks attributes, too.
	cognito, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cognito.Close)
	all["AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER"] = cognito.URL
	h := build(all)
	w.pool, err = cognitotest.NewPool(cognitotest.Config{ID: "eu-west-1_Ab1Cd2Ef3", Triggers: cognitotest.Triggers{
		All: h, PreSignUp: h, PostAuthentication: h,
	}})
	if err != nil {
		t.Fatal(err)
	}
	cognito.Serve(w.pool)
	if err := w.pool.AddUser("alice", map[string]string{
		"phone_number": phone, "phone_number_verified": "true", "email": "alice@example.com", "email_verified": "true",
	}); err != nil {
		t.Fatal(err)
	}
	return w
}

// ServeHTTP is Amazon SNS.
func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if text := r.PostFormValue("Message"); text != "" { // else it is the sender, warming up
		w.texts = append(w.texts, text)
	}
	io.WriteString(out, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
}

// sent is how many texts and mails there were.
func (w *world) sent() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprintf("%d texts, %d mails", len(w.texts), len(w.mails.Mails()))
}

var digits = regexp.MustCompile(`\b\d{6}\b`)

func (w *world) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return digits.FindString(w.texts[len(w.texts)-1])
}

func (w *world) mail() string {
	all := w.mails.Mails()
	return digits.FindString(all[len(all)-1].Text)
}

func (w *world) token() string {
	return w.captcha.Solve(captchatest.Solved{Hostname: "app.example.com"})
}

func (w *world) signIn(t *testing.T, user string) *cognitotest.SignIn {
	t.Helper()
	s, err := w.pool.SignIn(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func answer(t *testing.T, s *cognitotest.SignIn, text string, metadata map[string]string) {
	t.Helper()
	if err := s.Answer(t.Context(), text, metadata); err != nil {
		t.Fatal(err)
	}
}

// Without a CAPTCHA the preferred way begins at once.
func TestAtOnce(t *testing.T) {
	w := start(t, nil)
	s := w.signIn(t, "alice")
	if diff := cmp.Diff([]string{"sms", "sms email link", "1 texts, 0 mails"}, []string{s.Parameters["way"], s.Parameters["ways"], w.sent()}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answer(t, s, w.text(), nil)
	if !s.Done() {
		t.Error("not signed in")
	}
}

// With ASK the user chooses before anything is sent.
func TestAsk(t *testing.T) {
	w := start(t, map[string]string{"ASK": "true"})
	for _, way := range []string{"email", "link", "sms"} {
		t.Run(way, func(t *testing.T) {
			name := "user-" + way
			if err := w.pool.AddUser(name, map[string]string{
				"phone_number": "+1206555010" + fmt.Sprint(len(way)), "phone_number_verified": "true", "email": name + "@example.com", "email_verified": "true",
			}); err != nil {
				t.Fatal(err)
			}
			before := w.sent()
			s := w.signIn(t, name)
			if s.Parameters["way"] != "" || w.sent() != before {
				t.Fatalf("before the choice: way %q, %s", s.Parameters["way"], w.sent())
			}
			if err := s.Choose(t.Context(), way); err != nil {
				t.Fatal(err)
			}
			code := w.text
			if way != "sms" {
				code = w.mail
			}
			answer(t, s, code(), nil)
			if !s.Done() {
				t.Error("not signed in")
			}
		})
	}
}

// The token of the CAPTCHA and the way come in one answer.
func TestCaptcha(t *testing.T) {
	w := start(t, map[string]string{"CAPTCHA_PROVIDER": "turnstile"})
	s := w.signIn(t, "alice")
	if diff := cmp.Diff([]string{"captcha", "turnstile", "0x4AAA"}, []string{s.Parameters["step"], s.Parameters["provider"], s.Parameters["siteKey"]}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answer(t, s, "made up", map[string]string{"way": "link"})
	if s.Parameters["errorCode"] != "not_proved" || w.sent() != "0 texts, 0 mails" {
		t.Fatalf("without a token: %v, %s", s.Parameters, w.sent())
	}
	answer(t, s, w.token(), map[string]string{"way": "link"})
	if s.Parameters["way"] != "link" || w.sent() != "0 texts, 1 mails" {
		t.Fatalf("with a token: %v, %s", s.Parameters, w.sent())
	}
	link := "https://app.example.com/sign-in#code=" + w.mail() + "&link=" + s.Parameters["link"]
	if mail := w.mails.Mails()[0]; !strings.Contains(mail.Text, link) || !strings.Contains(mail.HTML, strings.ReplaceAll(link, "&", "&amp;")) || mail.ClickTracking != "DISABLED" {
		t.Errorf("the mail: %+v", mail)
	}
	answer(t, s, w.mail(), nil)
	if !s.Done() {
		t.Error("not signed in")
	}
}

// The same by the compiled function, which is called as Lambda calls it.
func TestAsFunction(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	var function *cognitotest.Function
	w := startBy(t, map[string]string{"CAPTCHA_PROVIDER": "turnstile", "WAYS_AS_FUNCTION": "yes"}, func(all map[string]string) lambda.Handler {
		o := cognitotest.FunctionOptions{Output: &printed}
		for name, value := range all {
			o.Env = append(o.Env, name+"="+value)
		}
		if function, err = cognitotest.StartFunction(program, o); err != nil {
			t.Fatalf("%v\n%s", err, &printed)
		}
		t.Cleanup(func() { function.Close() })
		return function
	})
	s := w.signIn(t, "alice")
	answer(t, s, w.token(), map[string]string{"way": "email"})
	first := w.mail()
	answer(t, s, first, nil)
	function.Close()
	if !s.Done() || w.sent() != "0 texts, 1 mails" {
		t.Errorf("signed in: %v, %s", s.Done(), w.sent())
	}
	for _, secret := range []string{first, phone, "alice@", secret} {
		if strings.Contains(said.Without(printed.String()), secret) {
			t.Errorf("the function printed %q", secret)
		}
	}
}

// The app says beside the token where the link leads, out of the list.
func TestOrigins(t *testing.T) {
	for name, tt := range map[string]struct{ origin, want string }{
		"the second": {"https://beta.example.com", "https://beta.example.com/sign-in#code="},
		"none":       {"", "https://app.example.com/sign-in#code="},
		"another":    {"https://evil.example", "origin_not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, map[string]string{"CAPTCHA_PROVIDER": "turnstile", "LINK_ORIGINS": "https://app.example.com,https://beta.example.com"})
			s := w.signIn(t, "alice")
			answer(t, s, w.token(), map[string]string{"way": "link", "origin": tt.origin})
			got := s.Parameters["errorCode"]
			for _, m := range w.mails.Mails() {
				got += m.Text
			}
			if !strings.Contains(got, tt.want) || strings.Contains(got, "evil.example") {
				t.Errorf("%q, want %q in it", got, tt.want)
			}
		})
	}
}

// Whom the pool does not know sees the same, gets nothing, and does not come in; and
// so does who lacks what the way needs.
func TestUnknown(t *testing.T) {
	w := start(t, map[string]string{"CAPTCHA_PROVIDER": "turnstile"})
	shown := func(user string) map[string]string {
		s := w.signIn(t, user)
		answer(t, s, w.token(), map[string]string{"way": "email"})
		p := s.Parameters
		for _, name := range []string{"USERNAME", "expiresAt"} {
			delete(p, name)
		}
		return p
	}
	if err := w.pool.AddUser("bob", map[string]string{"phone_number": "+12065550199", "phone_number_verified": "true"}); err != nil {
		t.Fatal(err)
	}
	alice := shown("alice")
	for _, other := range []string{"nobody", "bob"} {
		if diff := cmp.Diff(alice, shown(other)); diff != "" {
			t.Errorf("(-alice +%s):\n%s", other, diff)
		}
	}
	if w.sent() != "0 texts, 1 mails" {
		t.Error(w.sent())
	}
}

func TestRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no key":              {map[string]string{"CUSTOMAUTH_KEYS": ""}, "CUSTOMAUTH_KEYS"},
		"no counter key":      {map[string]string{"CUSTOMAUTH_COUNTER_KEY": ""}, "CUSTOMAUTH_COUNTER_KEY"},
		"an unknown way":      {map[string]string{"WAYS": "pigeon"}, `not "pigeon"`},
		"a link to nowhere":   {map[string]string{"LINK_ORIGINS": ""}, "Origins must name"},
		"an unknown CAPTCHA":  {map[string]string{"CAPTCHA_PROVIDER": "robot"}, "Provider must be"},
		"mail without sender": {map[string]string{"MAIL_FROM": ""}, "From"},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range map[string]string{
				"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "made-up", "AWS_SECRET_ACCESS_KEY": "made-up", "CUSTOMAUTH_KEYS": key, "CUSTOMAUTH_COUNTER_KEY": counterKey, "WAYS": "sms,email,link", "MAIL_FROM": "login@example.com",
				"LINK_ORIGINS": "https://app.example.com", "CAPTCHA_SITE_KEY": "0x4AAA", "CAPTCHA_SECRET": secret, "CAPTCHA_HOSTNAMES": "app.example.com",
			} {
				t.Setenv(name, value)
			}
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			if _, err := newHandler(); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
