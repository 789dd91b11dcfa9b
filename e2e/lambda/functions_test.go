package lambda_test

// This file builds the examples and runs them.

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
	"github.com/cyber-eternal/customauth/internal/said"
)

// mains are the functions under test, by the folder under examples/.
var mains = []string{
	"onelambda",
	"threelambdas/define", "threelambdas/create", "threelambdas/verify", "threelambdas/presignup",
	"custom",
	"mfa",
}

const (
	root  = "../.." // of the repository
	phone = "+12065550100"
)

// built is the folder with the mains, built for this machine.
var built string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "customauth-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	built = dir
	code := 1
	for _, name := range mains {
		cmd := exec.Command("go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", bootstrap(name), "./examples/"+name)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build %s: %v\n%s", name, err, out)
			os.RemoveAll(dir)
			os.Exit(code)
		}
	}
	code = m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// bootstrap is the binary of a main.
func bootstrap(name string) string { return filepath.Join(built, name, "bootstrap") }

// newKey makes a value for CUSTOMAUTH_KEYS.
func newKey() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

// signingKey signs the tokens of all pools, because making one takes long.
var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

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

// start runs a binary until the test ends, and checks then that nothing it
// printed has a code or a phone number in it. texts returns all texts so far.
func start(t *testing.T, binary string, o cognitotest.FunctionOptions, texts func() []string) (*cognitotest.Function, *output) {
	t.Helper()
	out := &output{}
	o.Output = out
	f, err := cognitotest.StartFunction(binary, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		f.Close()
		printed := out.String()
		if t.Failed() {
			t.Logf("%s printed:\n%s", strings.TrimPrefix(binary, built), printed)
		}
		for _, secret := range append(texts(), phone, strings.TrimPrefix(phone, "+")) {
			if strings.Contains(said.Without(printed), secret) {
				t.Error("the function printed a code or a phone number")
			}
		}
	})
	return f, out
}

// codes returns the codes of all texts so far.
func codes(fake *fakesns.Server) func() []string {
	return func() []string {
		var all []string
		for _, p := range fake.Texts() {
			all = append(all, p.Code())
		}
		return all
	}
}

// env is what a function needs that texts over fake.
func env(key string, fake *fakesns.Server) []string {
	return []string{"CUSTOMAUTH_KEYS=" + key, "AWS_ENDPOINT_URL_SNS=" + fake.URL}
}

// newPool makes a pool whose one user has the phone number.
func newPool(t *testing.T, triggers cognitotest.Triggers) *cognitotest.Pool {
	t.Helper()
	pool, err := cognitotest.NewPool(cognitotest.Config{
		Triggers:           triggers,
		UsernameAttributes: []string{"phone_number"},
		Key:                signingKey(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.AddUser("", map[string]string{"phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	return pool
}

// A smsAPI is an HTTP API as examples/custom posts to.
type smsAPI struct {
	*httptest.Server
	env []string // for the function

	mu     sync.Mutex
	status int
	forms  []map[string]string // of the requests, oldest first
}

// grouped is a code as examples/custom makes them.
var grouped = regexp.MustCompile(`\b[0-9A-Z]{4}-[0-9A-Z]{4}\b`)

func newSMSAPI(t *testing.T) *smsAPI {
	t.Helper()
	api := &smsAPI{status: http.StatusCreated}
	api.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.ParseForm() != nil || user != "AC00" || password != "made-up-token" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		form := map[string]string{}
		for name := range r.PostForm {
			form[name] = r.PostForm.Get(name)
		}
		api.mu.Lock()
		defer api.mu.Unlock()
		api.forms = append(api.forms, form)
		w.WriteHeader(api.status)
		fmt.Fprintf(w, `{"code": 20001, "message": "no text to %s: %s"}`, form["To"], form["Body"])
	}))
	t.Cleanup(api.Close)
	api.env = []string{
		"SMS_API_URL=" + api.URL + "/2010-04-01/Accounts/AC00/Messages.json",
		"SMS_API_USER=AC00", "SMS_API_PASSWORD=made-up-token", "SMS_FROM=+12065550199",
		"SSL_CERT_FILE=" + certificate(t, api.Certificate().Raw),
	}
	return api
}

func (api *smsAPI) answer(status int) {
	api.mu.Lock()
	defer api.mu.Unlock()
	api.status = status
}

func (api *smsAPI) codes() []string {
	api.mu.Lock()
	defer api.mu.Unlock()
	var all []string
	for _, f := range api.forms {
		all = append(all, grouped.FindString(f["Body"]))
	}
	return all
}

// nobody is an address at which nothing listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// A relay is a handler that can be replaced between two events, as a deployment
// does.
type relay struct {
	mu sync.Mutex
	to lambda.Handler
}

func (r *relay) set(to lambda.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
}

func (r *relay) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	r.mu.Lock()
	to := r.to
	r.mu.Unlock()
	return to.Invoke(ctx, payload)
}
