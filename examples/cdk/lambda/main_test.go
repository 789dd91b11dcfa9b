package main

// The compiled function, as it is deployed: a pool in this process calls it over
// the Lambda Runtime API, and it calls a stand-in for AWS.

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
	"github.com/cyber-eternal/customauth/internal/said"
)

// challenges, postAuth and rotation are the functions, built by TestMain with the flags
// of build.ts but for this machine.
var challenges, postAuth, rotation string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "lambda")
	if err != nil {
		panic(err)
	}
	challenges, postAuth, rotation = build(dir, "."), build(dir, "./postauth"), build(dir, "./rotation")
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func build(dir, command string) string {
	binary := filepath.Join(dir, "bootstrap-"+filepath.Base(command))
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, command)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	return binary
}

const phone = "+12065550100"

// key is what Secrets Manager makes up for the stack: 64 letters and digits.
const (
	key        = "N0tARealKeyN0tARealKeyN0tARealKeyN0tARealKeyN0tARealKeyN0tAReal1"
	counterKey = "An0therKeyThatIsN0neAn0therKeyThatIsN0neAn0therKeyThatIsN0neAn01"
)

func TestSignUpAndSignIn(t *testing.T) {
	aws := newAWS(t)
	pool, log := newPool(t, aws, dynamotest.Table(t))

	if status := signUp(t, pool, phone); status != http.StatusOK {
		t.Fatalf("sign-up: status %d, want 200", status)
	}
	signIn, err := pool.SignIn(t.Context(), phone)
	if err != nil {
		t.Fatal(err)
	}
	code := aws.code(t)
	if err := signIn.Answer(t.Context(), code, nil); err != nil {
		t.Fatal(err)
	}
	if !signIn.Done() {
		t.Fatalf("the right code brought no tokens: errorCode %q", signIn.Parameters["errorCode"])
	}

	want := map[string]string{
		"To":          phone,
		"SenderID":    "Example",
		"Marked user": pool.Attributes(phone)["sub"],
		"Marked":      "phone_number=" + phone + " phone_number_verified=true",
		"Signed out":  pool.Attributes(phone)["sub"],
	}
	if diff := cmp.Diff(want, aws.facts()); diff != "" {
		t.Errorf("what AWS was told (-want +got):\n%s", diff)
	}
	if n := strings.Count(log(), `"Namespace":"CustomAuth","Dimensions":[["Trigger"]]`); n != 4 {
		t.Errorf("%d lines with metrics, want one for each call of Define, Create and Verify, which is 4", n)
	}
	for _, secret := range []string{key, counterKey, code, phone} {
		if strings.Contains(said.Without(log()), secret) {
			t.Errorf("the log holds the key, the code or the number")
		}
	}
}

func TestRefusesOtherCountries(t *testing.T) {
	aws := newAWS(t)
	pool, _ := newPool(t, aws, dynamotest.Table(t))
	if status := signUp(t, pool, "+4915112345678"); status != http.StatusBadRequest {
		t.Errorf("sign-up from a country that is not served: status %d, want 400", status)
	}
	if err := pool.AddUser("", map[string]string{"phone_number": "+4915112345678"}); err != nil {
		t.Fatal(err)
	}
	signIn, err := pool.SignIn(t.Context(), "+4915112345678")
	if err != nil {
		t.Fatal(err)
	}
	if got := signIn.Parameters["errorCode"]; got != "delivery_failed" {
		t.Errorf("errorCode %q, want delivery_failed", got)
	}
	if to, sent := aws.facts()["To"]; sent {
		t.Errorf("a text was sent to %s…", to[:3])
	}
}

// Lambda runs many processes of a function: what one has counted, the next must
// know.
func TestCountsAcrossProcesses(t *testing.T) {
	aws, table := newAWS(t), dynamotest.Table(t)
	for i, want := range []string{"", "sent_recently"} {
		pool, _ := newPool(t, aws, table)
		user := map[string]string{"sub": "0ab28e1c-a2d9-457f-9514-96eed83f4dd4", "phone_number": phone}
		if err := pool.AddUser("", user); err != nil {
			t.Fatal(err)
		}
		signIn, err := pool.SignIn(t.Context(), phone)
		if err != nil {
			t.Fatal(err)
		}
		if got := signIn.Parameters["errorCode"]; got != want {
			t.Errorf("process %d: errorCode %q, want %q", i+1, got, want)
		}
	}
}

func TestDoesNotStart(t *testing.T) {
	tests := map[string]struct {
		env  []string
		want string // in the log
	}{
		"without a secret":     {[]string{"CUSTOMAUTH_KEYS_SECRET="}, "CUSTOMAUTH_KEYS_SECRET"},
		"without another":      {[]string{"CUSTOMAUTH_COUNTER_SECRET="}, "CUSTOMAUTH_COUNTER_SECRET"},
		"with two counters":    {[]string{"CUSTOMAUTH_COUNTER_SECRET=two"}, "never rotated"},
		"without a table":      {[]string{"CUSTOMAUTH_TABLE="}, "dynamodbstore"},
		"without countries":    {[]string{"CUSTOMAUTH_COUNTRIES="}, "smsguard"},
		"with a broken secret": {[]string{"CUSTOMAUTH_KEYS_SECRET=broken"}, "openssl rand -base64 32"},
		"without its rights":   {[]string{"CUSTOMAUTH_KEYS_SECRET=denied"}, "reading the keys"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			f, err := cognitotest.StartFunction(challenges, cognitotest.FunctionOptions{
				Env: slices.Concat(environment(newAWS(t)), test.env), Output: &log,
			})
			if err == nil {
				f.Close()
				t.Fatal("the function started")
			}
			if !strings.Contains(log.String(), test.want) {
				t.Errorf("log %q\nwant something about %q", log.String(), test.want)
			}
		})
	}
}

// TestNothingIsWarmedTwice: at the start each function reads its keys and opens its
// connections, and asks for nothing more than once.
func TestNothingIsWarmedTwice(t *testing.T) {
	for name, test := range map[string]struct {
		binary string
		secret int // how many are read
	}{"challenges": {challenges, 2}, "postauth": {postAuth, 1}, "rotation": {rotation, 0}} {
		t.Run(name, func(t *testing.T) {
			aws := newAWS(t)
			start(t, test.binary, aws, dynamotest.Table(t), new(syncBuffer))
			aws.mu.Lock()
			defer aws.mu.Unlock()
			secrets := 0
			for request, n := range aws.asked {
				if n > 1 {
					t.Errorf("%d times: %s", n, request)
				}
				if strings.Contains(request, "GetSecretValue") {
					secrets++
				}
			}
			if secrets != test.secret {
				t.Errorf("%d secrets were read, want %d", secrets, test.secret)
			}
		})
	}
}

func environment(aws *fakeAWS) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + aws.URL,
		"CUSTOMAUTH_KEYS_SECRET=" + keysSecret,
		"CUSTOMAUTH_COUNTER_SECRET=" + counterSecret,
		"CUSTOMAUTH_TABLE=counters",
		"CUSTOMAUTH_COUNTRIES=US,CA",
		"CUSTOMAUTH_SENDER_ID=Example",
		"CUSTOMAUTH_METRICS=CustomAuth",
		"CUSTOMAUTH_CLIENT_IDS=1example23456789testclient",
		"GOMAXPROCS=1",
	}
}

// newPool returns a pool like that of stack.ts, and a function that returns what
// the functions have logged.
func newPool(t *testing.T, aws *fakeAWS, table string) (*cognitotest.Pool, func() string) {
	t.Helper()
	log := new(syncBuffer)
	return poolOf(t, start(t, challenges, aws, table, log), start(t, postAuth, aws, table, log)), log.String
}

// start starts a function.
func start(t *testing.T, binary string, aws *fakeAWS, table string, log *syncBuffer) *cognitotest.Function {
	t.Helper()
	f, err := cognitotest.StartFunction(binary, cognitotest.FunctionOptions{
		Env: append(environment(aws), "CUSTOMAUTH_TABLE="+table), Output: log,
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func poolOf(t *testing.T, challenges, postAuth lambda.Handler) *cognitotest.Pool {
	t.Helper()
	pool, err := cognitotest.NewPool(cognitotest.Config{
		UsernameAttributes: []string{"phone_number"},
		Triggers:           cognitotest.Triggers{All: challenges, PreSignUp: challenges, PostAuthentication: postAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pool
}

// signUp signs a user up over the pool's HTTP API, as a page does.
func signUp(t *testing.T, pool *cognitotest.Pool, phone string) (status int) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"ClientId": pool.ClientID(), "Username": phone, "Password": "Throw-away-1",
		"UserAttributes": []map[string]string{{"Name": "phone_number", "Value": phone}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AWSCognitoIdentityProviderService.SignUp")
	w := httptest.NewRecorder()
	pool.ServeHTTP(w, r)
	return w.Code
}

// A fakeAWS stands for Secrets Manager, SNS and Cognito's admin API, as far as the
// functions have rights to it. What is for DynamoDB goes on to a real server.
type fakeAWS struct {
	*httptest.Server
	secrets  *secrets
	dynamoDB http.Handler
	faults   faults

	mu     sync.Mutex
	told   map[string]string
	text   string
	signed map[string]bool // by which access keys
	asked  map[string]int  // how many times each request came
}

func newAWS(t *testing.T) *fakeAWS {
	t.Helper()
	to, err := url.Parse(dynamotest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeAWS{secrets: newSecrets(), told: map[string]string{}, signed: map[string]bool{}, asked: map[string]int{}}
	f.dynamoDB = &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorLog: log.New(io.Discard, "", 0), // a store that gives up waiting
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	f.asked[fmt.Sprintf("%s %s %s", r.Method, r.Header.Get("X-Amz-Target"), body)]++
	f.mu.Unlock()
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=")
	if !ok {
		return // a connection that is opened beforehand
	}
	accessKey, _, _ := strings.Cut(credential, "/")
	f.mu.Lock()
	f.signed[accessKey] = true
	f.mu.Unlock()
	service, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if f.faults.strike(w, r, service) {
		return
	}
	switch service {
	case secretsManager:
		f.secrets.ServeHTTP(w, r)
	case dynamoDB:
		f.dynamoDB.ServeHTTP(w, r)
	case cognito:
		f.admin(w, r, operation)
	default:
		f.publish(w, r)
	}
}

// admin is what postauth asks of Cognito.
func (f *fakeAWS) admin(w http.ResponseWriter, r *http.Request, operation string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var in struct {
		Username       string
		UserAttributes []struct{ Name, Value string }
	}
	body, _ := io.ReadAll(r.Body)
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	switch operation {
	case "AdminUpdateUserAttributes":
		f.told["Marked user"] = in.Username
		var marked []string
		for _, a := range in.UserAttributes {
			marked = append(marked, a.Name+"="+a.Value)
		}
		f.told["Marked"] = strings.Join(marked, " ")
	case "AdminUserGlobalSignOut":
		f.told["Signed out"] = in.Username
	default:
		http.Error(w, "no such operation", http.StatusBadRequest)
		return
	}
	io.WriteString(w, "{}")
}

func (f *fakeAWS) publish(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told["To"] = r.FormValue("PhoneNumber")
	for i := 1; i < 10; i++ {
		entry := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		if r.FormValue(entry+"Name") == "AWS.SNS.SMS.SenderID" {
			f.told["SenderID"] = r.FormValue(entry + "Value.StringValue")
		}
	}
	f.text = r.FormValue("Message")
	w.Header().Set("Content-Type", "text/xml")
	io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
}

func (f *fakeAWS) facts() map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.told)
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

func (f *fakeAWS) code(t *testing.T) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	code := sixDigits.FindString(f.text)
	if code == "" {
		t.Fatal("no text with a code was sent")
	}
	return code
}

// A syncBuffer can be read while it is written to.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
