package tasks_test

// The programs as a user has them: in a module of its own outside of this tree, which
// finds the library in a clone, as docs/README.md says. They run as Lambda functions
// behind a pool of cognitotest, with AWS's services and the others on loopback.

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/ses/sestest"
)

// programs are the tasks that are a function.
var programs = []string{"signin", "german", "choice", "twilio", "deployed", "metrics", "ownstep"}

const (
	phone      = "+12065550100"
	mail       = "ada@example.com"
	key        = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
	counterKey = "YW5vdGhlciBrZXksIG9mIDMyIGxldHRlcnMsIHRvbyE="
)

var both = map[string]string{
	"phone_number": phone, "phone_number_verified": "true", "email": mail, "email_verified": "true",
}

func TestTasks(t *testing.T) {
	bin := build(t)
	tests := []struct {
		program string
		env     []string
		user    map[string]string
		signIn  func(*testing.T, *world, *cognitotest.SignIn)
		refused string // errorCode, of who does not get in
		log     string // part of what the function writes
	}{
		{program: "signin", user: map[string]string{"phone_number": phone}, signIn: typeText},
		{program: "german", user: map[string]string{"email": mail}, signIn: func(t *testing.T, w *world, s *cognitotest.SignIn) {
			mails := w.mails.Mails()
			if len(mails) != 1 || mails[0].Subject != "Ihr Anmeldecode" {
				t.Fatalf("mails: %+v", mails)
			}
			answer(t, s, mails[0].Code())
		}},
		{program: "choice", env: table(t), user: both, signIn: func(t *testing.T, w *world, s *cognitotest.SignIn) {
			if len(w.sms.bodies()) != 0 {
				t.Error("a text was sent before the choice")
			}
			if err := s.Choose(t.Context(), "email"); err != nil {
				t.Fatal(err)
			}
			answer(t, s, w.mails.Mails()[0].Code())
		}},
		{program: "choice", env: table(t), user: map[string]string{"phone_number": phone}, signIn: func(t *testing.T, w *world, s *cognitotest.SignIn) {
			if err := s.Choose(t.Context(), "sms"); err != nil {
				t.Fatal(err)
			}
			typeText(t, w, s)
			if got := w.pool.Attributes("alice")["phone_number_verified"]; got != "true" {
				t.Errorf("after the first sign-in phone_number_verified is %q", got)
			}
		}},
		{program: "twilio", user: map[string]string{"phone_number": phone}, signIn: func(t *testing.T, w *world, s *cognitotest.SignIn) {
			want := []string{"key secret From=+12065550199 To=+12065550100"}
			if diff := cmp.Diff(want, w.twilio.heads()); diff != "" {
				t.Errorf("posted to Twilio (-want +got):\n%s", diff)
			}
			answer(t, s, w.twilio.code())
		}},
		{program: "deployed", env: table(t), user: map[string]string{"phone_number": "+4915112345678"}, signIn: typeText},
		// A country that is not served.
		{program: "deployed", env: table(t), user: map[string]string{"phone_number": phone}, refused: "delivery_failed", log: "smsguard: country_denied US"},
		{program: "metrics", user: map[string]string{"phone_number": phone}, signIn: typeText, log: `"Namespace":"SignIn"`},
		{program: "ownstep", user: map[string]string{"phone_number": phone}, signIn: func(t *testing.T, w *world, s *cognitotest.SignIn) {
			answer(t, s, w.sms.code())
			if got := s.Parameters["step"]; got != "token" {
				t.Fatalf("after the text comes step %q", got)
			}
			answer(t, s, "000000")
			if got := s.Parameters["errorCode"]; got != "wrong_code" {
				t.Errorf("wrong digits: errorCode %q", got)
			}
			answer(t, s, "424242")
		}},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%s/%d", tt.program, i), func(t *testing.T) {
			w := start(t, filepath.Join(bin, tt.program), tt.env)
			if err := w.pool.AddUser("alice", tt.user); err != nil {
				t.Fatal(err)
			}
			s, err := w.pool.SignIn(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			if tt.signIn != nil {
				tt.signIn(t, w, s)
			}
			if got := s.Parameters["errorCode"]; got != tt.refused || s.Done() != (tt.refused == "") {
				t.Errorf("signed in: %t, errorCode %q; want errorCode %q", s.Done(), got, tt.refused)
			}
			w.function.Close()
			if !strings.Contains(w.log.String(), tt.log) {
				t.Errorf("the log has no %q:\n%s", tt.log, &w.log)
			}
		})
	}
}

// build compiles the programs outside of this tree and returns the folder.
func build(t *testing.T) string {
	t.Helper()
	if !strings.Contains(read(t, "../../docs/README.md"), "\ngo work init . && go work use -r ../customauth\n") {
		t.Error("docs/README.md says something else than what is done here")
	}
	clone, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	user, bin := t.TempDir(), t.TempDir()
	for _, p := range programs {
		text, err := os.ReadFile(filepath.Join(p, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(user, p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(user, p, "main.go"), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"mod", "init", "example.com/user"},
		{"work", "init", "."},
		{"work", "use", "-r", clone},
		{"build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", bin, "./..."},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = user
		cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	return bin
}

// A world is what a function has around it.
type world struct {
	pool     *cognitotest.Pool
	function *cognitotest.Function
	log      bytes.Buffer // for reading once the function is closed
	mails    *sestest.Server
	sms      posts
	twilio   posts
}

func start(t *testing.T, binary string, env []string) *world {
	t.Helper()
	w := &world{mails: sestest.New()}
	t.Cleanup(w.mails.Close)
	w.sms.answer = `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`
	w.sms.status, w.twilio.status = http.StatusOK, http.StatusCreated
	cognito, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cognito.Close)
	w.function, err = cognitotest.StartFunction(binary, cognitotest.FunctionOptions{Output: &w.log, Env: append(env,
		"CUSTOMAUTH_KEYS="+key, "CUSTOMAUTH_COUNTER_KEY="+counterKey,
		"AWS_ENDPOINT_URL_SNS="+serve(t, &w.sms), "AWS_ENDPOINT_URL_SESV2="+w.mails.URL,
		"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER="+cognito.URL,
		"TWILIO_URL="+serve(t, &w.twilio), "TWILIO_FROM=+12065550199", "TWILIO_KEY=key", "TWILIO_SECRET=secret",
		"TOKEN_URL="+serve(t, http.HandlerFunc(token)),
	)})
	if err != nil {
		t.Fatalf("%v\n%s", err, &w.log)
	}
	t.Cleanup(func() { w.function.Close() })
	triggers := cognitotest.Triggers{All: w.function, PreSignUp: w.function}
	if filepath.Base(binary) == "choice" {
		triggers.PostAuthentication = w.function
	}
	w.pool, err = cognitotest.NewPool(cognitotest.Config{Triggers: triggers})
	if err != nil {
		t.Fatal(err)
	}
	cognito.Serve(w.pool)
	return w
}

// table is the environment of a program that counts in DynamoDB.
func table(t *testing.T) []string {
	t.Helper()
	return []string{"LIMITS_TABLE=" + dynamotest.Table(t), "AWS_ENDPOINT_URL_DYNAMODB=" + dynamotest.URL(t)}
}

// token is the service of the task ownstep: each token shows 424242.
func token(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("digits") != "424242" || r.PostFormValue("signIn") == "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// posts is a service that takes forms: Amazon SNS or Twilio.
type posts struct {
	status int
	answer string

	mu    sync.Mutex
	forms []*http.Request
}

func (p *posts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.ParseForm()
	if r.Form.Has("Message") || r.Form.Has("Body") { // else it is a sender, warming up
		p.forms = append(p.forms, r)
	}
	w.WriteHeader(p.status)
	io.WriteString(w, p.answer)
}

func (p *posts) bodies() (bodies []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.forms {
		bodies = append(bodies, r.Form.Get("Message")+r.Form.Get("Body"))
	}
	return bodies
}

// heads are who posted, from where, to whom.
func (p *posts) heads() (heads []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.forms {
		user, password, _ := r.BasicAuth()
		heads = append(heads, fmt.Sprint(user, " ", password, " From=", r.Form.Get("From"), " To=", r.Form.Get("To")))
	}
	return heads
}

func (p *posts) code() string {
	for _, body := range p.bodies() {
		return digits.FindString(body)
	}
	return ""
}

var digits = regexp.MustCompile(`\b\d{6}\b`)

func serve(t *testing.T, h http.Handler) string {
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

func typeText(t *testing.T, w *world, s *cognitotest.SignIn) {
	t.Helper()
	answer(t, s, w.sms.code())
}

func answer(t *testing.T, s *cognitotest.SignIn, text string) {
	t.Helper()
	if err := s.Answer(t.Context(), text, nil); err != nil {
		t.Fatal(err)
	}
}
