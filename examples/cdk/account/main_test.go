package main

// The compiled function, as it is deployed: events of a Function URL reach it over the
// Lambda Runtime API; it asks a pool in this process for keys and users, a server with
// DynamoDB's API, and a stand-in for Secrets Manager and SNS.

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/dynamodbstore/dynamotest"
)

// binary is the function, built by TestMain with the flags of build.ts but for this
// machine.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "account")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "bootstrap")
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("%v\n%s", err, out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// Names of secrets, and their values: 64 letters and digits, as Secrets Manager makes
// them up for the stack.
const (
	credentialSecret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:CredentialKey"
	accountSecret    = "arn:aws:secretsmanager:us-east-1:123456789012:secret:AccountKey"

	alice   = "+12065550100"
	foreign = "+4915112345678" // of a country that is not served
)

var secrets = map[string]string{
	credentialSecret: "N0tARealKeyN0tARealKeyN0tARealKeyN0tARealKeyN0tARealKeyN0tAReal1",
	accountSecret:    "An0therKeyThatIsN0neAn0therKeyThatIsN0neAn0therKeyThatIsN0neAn01",
	"broken":         "too short",
}

func TestReads(t *testing.T) {
	r := newRig(t)
	f := r.start(t)
	fresh := r.signIn(t, alice)
	tests := map[string]struct {
		path, authorization string
		want                answer
	}{
		"no token":        {"/passkeys", "", answer{401, `{"error":"unauthorized"}`, "Bearer"}},
		"no such token":   {"/passkeys", "Bearer x", answer{401, `{"error":"invalid_token"}`, `Bearer error="invalid_token"`}},
		"an ID token":     {"/passkeys", "Bearer " + fresh.IDToken, answer{401, `{"error":"invalid_token"}`, `Bearer error="invalid_token"`}},
		"passkeys":        {"/passkeys", "Bearer " + fresh.AccessToken, answer{200, `[]`, ""}},
		"apps":            {"/apps", "Bearer " + fresh.AccessToken, answer{200, `[]`, ""}},
		"recovery codes":  {"/recovery-codes", "Bearer " + fresh.AccessToken, answer{200, `{"left":0}`, ""}},
		"devices":         {"/devices", "Bearer " + fresh.AccessToken, answer{200, `[]`, ""}},
		"something else":  {"/cards", "Bearer " + fresh.AccessToken, answer{404, `{"error":"not_found"}`, ""}},
		"what is nowhere": {"/", "", answer{404, `{"error":"not_found"}`, ""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, ask(t, f, http.MethodGet, test.path, test.authorization, "")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Lambda runs many processes of a function: what one has begun or kept, the next knows.
func TestEnrolsAcrossProcesses(t *testing.T) {
	r := newRig(t)
	one, other := r.start(t), r.start(t)
	bearer := "Bearer " + r.signIn(t, alice).AccessToken

	var made struct{ Codes []string }
	decode(t, ask(t, one, http.MethodPost, "/recovery-codes", bearer, ""), &made)
	if len(made.Codes) != 10 {
		t.Errorf("%d recovery codes, want 10", len(made.Codes))
	}
	if got := ask(t, other, http.MethodGet, "/recovery-codes", bearer, ""); got.Body != `{"left":10}` {
		t.Errorf("the other process says %s, want 10 codes", got.Body)
	}

	var app struct{ Session, URI, Secret string }
	decode(t, ask(t, one, http.MethodPost, "/apps/begin", bearer, ""), &app)
	if u, err := url.Parse(app.URI); err != nil || u.Query().Get("issuer") != "Example" {
		t.Errorf("the app is told %v, want the issuer Example", err)
	}
	body, err := json.Marshal(map[string]string{"session": app.Session, "name": "phone", "code": "wrong"})
	if err != nil {
		t.Fatal(err)
	}
	want := answer{400, `{"error":"wrong_code"}`, ""} // and not "expired": it opened the session
	if diff := cmp.Diff(want, ask(t, other, http.MethodPost, "/apps", bearer, string(body))); diff != "" {
		t.Errorf("a wrong code (-want +got):\n%s", diff)
	}

	var passkey struct {
		PublicKey struct{ RP struct{ ID, Name string } }
	}
	decode(t, ask(t, one, http.MethodPost, "/passkeys/begin", bearer, ""), &passkey)
	if rp := passkey.PublicKey.RP; rp.ID != "example.com" || rp.Name != "Example" {
		t.Errorf("passkeys are for %+v, want example.com, Example", rp)
	}

	if got := ask(t, other, http.MethodDelete, "/recovery-codes", bearer, ""); got.Status != http.StatusNoContent {
		t.Errorf("removing the codes: %+v, want status 204", got)
	}
	wantTexts := []string{
		alice + " Recovery codes were added to your account.",
		alice + " Recovery codes were removed from your account.",
	}
	if diff := cmp.Diff(wantTexts, r.aws.texts()); diff != "" {
		t.Errorf("texts (-want +got):\n%s", diff)
	}
	for _, secret := range append(made.Codes, secrets[credentialSecret], secrets[accountSecret], app.Secret, alice, bearer[7:]) {
		if strings.Contains(r.log.String(), secret) {
			t.Error("the log holds a key, a code, a secret, the number or the token")
		}
	}
}

// A notice is a text that somebody pays for: it goes where codes go.
func TestTellsNobodyAbroad(t *testing.T) {
	r := newRig(t)
	f := r.start(t)
	if got := ask(t, f, http.MethodPost, "/recovery-codes", "Bearer "+r.signIn(t, foreign).AccessToken, ""); got.Status != http.StatusOK {
		t.Errorf("%+v, want status 200", got)
	}
	if texts := r.aws.texts(); len(texts) > 0 {
		t.Errorf("texts were sent: %q", texts)
	}
	if err := f.Close(); err != nil { // then all that it wrote is there
		t.Error(err)
	}
	if !strings.Contains(r.log.String(), "country_denied") {
		t.Errorf("the log does not say why: %s", r.log.String())
	}
}

func TestDoesNotStart(t *testing.T) {
	tests := map[string]struct{ env, want string }{
		"without a pool":              {"CUSTOMAUTH_ISSUER=", "Issuer"},
		"without app clients":         {"CUSTOMAUTH_CLIENT_IDS=", "Clients"},
		"without a table":             {"CUSTOMAUTH_TABLE=", "dynamodbstore"},
		"without another":             {"CUSTOMAUTH_CREDENTIALS_TABLE=", "credentials"},
		"without countries":           {"CUSTOMAUTH_COUNTRIES=", "smsguard"},
		"without a key":               {"CUSTOMAUTH_CREDENTIAL_SECRET=", "CUSTOMAUTH_CREDENTIAL_SECRET"},
		"with a broken key":           {"CUSTOMAUTH_ACCOUNT_SECRET=broken", "openssl rand -base64 32"},
		"with a secret it cannot get": {"CUSTOMAUTH_ACCOUNT_SECRET=gone", "CUSTOMAUTH_ACCOUNT_SECRET"},
	}
	r := newRig(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			f, err := cognitotest.StartFunction(binary, cognitotest.FunctionOptions{Env: append(slices.Clip(r.env), test.env), Output: &log})
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

// A rig is what surrounds the function.
type rig struct {
	pool  *cognitotest.Pool
	inbox cognitotest.Inbox
	aws   *fakeAWS
	env   []string
	log   syncBuffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := new(rig)
	handler, err := customauth.NewHandler(customauth.Options{
		Keys:    []customauth.Secret{customauth.Hide("abcdefghijklmnopqrstuvwxyz012345")},
		Senders: map[string]customauth.Sender{"SMS": &r.inbox},
		Store:   customauth.NewMemoryStore(),
		Logger:  slog.New(slog.DiscardHandler),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := cognitotest.Listen(cognitotest.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	r.pool, err = cognitotest.NewPool(cognitotest.Config{
		Issuer: server.Issuer(""), UsernameAttributes: []string{"phone_number"}, Triggers: cognitotest.Triggers{All: handler},
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Serve(r.pool)
	for _, phone := range []string{alice, foreign} {
		if err := r.pool.AddUser("", map[string]string{"phone_number": phone, "phone_number_verified": "true"}); err != nil {
			t.Fatal(err)
		}
	}
	r.aws = newAWS(t)
	r.env = []string{
		"AWS_ENDPOINT_URL=" + r.aws.URL,
		"AWS_ENDPOINT_URL_DYNAMODB=" + dynamotest.URL(t),
		"CUSTOMAUTH_ISSUER=" + server.Issuer(""),
		"CUSTOMAUTH_CLIENT_IDS=" + r.pool.ClientID(),
		"CUSTOMAUTH_ORIGIN=https://app.example.com",
		"CUSTOMAUTH_RP_ID=example.com",
		"CUSTOMAUTH_SITE=Example",
		"CUSTOMAUTH_CREDENTIALS_TABLE=" + credentialsTable(t),
		"CUSTOMAUTH_CREDENTIAL_SECRET=" + credentialSecret,
		"CUSTOMAUTH_ACCOUNT_SECRET=" + accountSecret,
		"CUSTOMAUTH_TABLE=" + dynamotest.Table(t),
		"CUSTOMAUTH_COUNTRIES=US,CA",
		"GOMAXPROCS=1",
	}
	return r
}

// start starts the function.
func (r *rig) start(t *testing.T) *cognitotest.Function {
	t.Helper()
	f, err := cognitotest.StartFunction(binary, cognitotest.FunctionOptions{Env: r.env, Output: &r.log, Timeout: 15 * time.Second})
	if err != nil {
		t.Fatalf("%v\n%s", err, r.log.String())
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// signIn signs a user in by the code that she is sent.
func (r *rig) signIn(t *testing.T, phone string) *cognitotest.Tokens {
	t.Helper()
	s, err := r.pool.SignIn(t.Context(), phone)
	if err == nil {
		err = s.Answer(t.Context(), r.inbox.Code(phone), nil)
	}
	if err != nil || !s.Done() {
		t.Fatalf("no tokens: %v", err)
	}
	return s.Tokens()
}

// credentialsTable makes the table of dynamodbstore/credentials, and returns its name.
func credentialsTable(t *testing.T) string {
	t.Helper()
	name := "credentials-" + rand.Text()
	attribute := func(n string) any { return map[string]any{"AttributeName": n, "AttributeType": "S"} }
	key := func(n, kind string) any { return map[string]any{"AttributeName": n, "KeyType": kind} }
	err := dynamotest.Call(t.Context(), dynamotest.URL(t), "CreateTable", map[string]any{
		"TableName":            name,
		"AttributeDefinitions": []any{attribute("pk"), attribute("sk")},
		"KeySchema":            []any{key("pk", "HASH"), key("sk", "RANGE")},
		"BillingMode":          "PAY_PER_REQUEST",
	}, nil)
	var out struct{ Table struct{ TableStatus string } }
	for err == nil && out.Table.TableStatus != "ACTIVE" {
		err = dynamotest.Call(t.Context(), dynamotest.URL(t), "DescribeTable", map[string]any{"TableName": name}, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// An answer is what the caller of the Function URL gets.
type answer struct {
	Status    int
	Body      string
	Challenge string // the header WWW-Authenticate
}

// ask calls the function as its URL does: an event of version 2.0, answered by a JSON
// prelude, eight zero bytes and the body (Lambda developer guide, "Invoking
// response-streaming functions with function URLs").
func ask(t *testing.T, f *cognitotest.Function, method, path, authorization, body string) answer {
	t.Helper()
	headers := map[string]string{"content-type": "application/json", "host": "example.lambda-url.us-east-1.on.aws"}
	if authorization != "" {
		headers["authorization"] = authorization
	}
	event, err := json.Marshal(map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers, "body": body,
		"requestContext": map[string]any{
			"domainName": headers["host"], "stage": "$default",
			"http": map[string]string{"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
		},
		"isBase64Encoded": false,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Invoke(t.Context(), event)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	prelude, text, ok := bytes.Cut(got, make([]byte, 8))
	var head struct {
		StatusCode int
		Headers    map[string]string
	}
	if err := json.Unmarshal(prelude, &head); err != nil || !ok {
		t.Fatalf("%s %s: no streamed answer: %v", method, path, err)
	}
	return answer{head.StatusCode, strings.TrimSpace(string(text)), head.Headers["Www-Authenticate"]}
}

// decode reads an answer that must be one of success.
func decode(t *testing.T, a answer, v any) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("status %d, error %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), v); err != nil {
		t.Fatal(err)
	}
}

// A fakeAWS stands for Secrets Manager and SNS, as far as the function has rights to
// them.
type fakeAWS struct {
	*httptest.Server
	mu   sync.Mutex
	sent []string
}

func newAWS(t *testing.T) *fakeAWS {
	f := new(fakeAWS)
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue" {
		var in struct{ SecretId string }
		json.NewDecoder(r.Body).Decode(&in)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		value, ok := secrets[in.SecretId]
		if !ok {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"ResourceNotFoundException"}`)
			return
		}
		json.NewEncoder(w).Encode(map[string]string{"SecretString": value, "VersionId": "v0"})
		return
	}
	if r.FormValue("Action") != "Publish" {
		return // a connection that is opened beforehand
	}
	first, _, _ := strings.Cut(r.FormValue("Message"), " If this was not you")
	f.mu.Lock()
	f.sent = append(f.sent, r.FormValue("PhoneNumber")+" "+first)
	f.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	io.WriteString(w, `<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
}

// texts are those that were sent.
func (f *fakeAWS) texts() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.sent)
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
