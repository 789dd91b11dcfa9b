package main_test

// This file runs the program as a process: the test binary is the program when it
// is told so by a variable. Triggers live in the test, as a container's do.

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	program "github.com/cyber-eternal/customauth/cmd/cognitotest"
)

const asProgram = "COGNITOTEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	switch os.Getenv(asProgram) {
	case "yes":
		program.Main()
	case "command": // what the program is told to run
		fmt.Println(os.Getenv("COGNITO_ENDPOINT"), os.Getenv("AWS_ACCESS_KEY_ID"))
		os.Exit(7)
	case "hook":
		body, err := io.ReadAll(os.Stdin)
		if err != nil {
			os.Exit(1)
		}
		if err := os.WriteFile(os.Getenv("HOOK_FILE"), body, 0o600); err != nil {
			os.Exit(1)
		}
	default:
		os.Exit(m.Run())
	}
}

func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=yes")
	return cmd
}

// A running program.
type running struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	env   map[string]string
	lines chan object // what it wrote after it was ready
	err   *bytes.Buffer

	warnings []string // from before it was ready
}

type object = map[string]any

// run starts the program on a free port and waits until it is ready.
func run(t *testing.T, args ...string) *running {
	t.Helper()
	r := &running{t: t, lines: make(chan object, 100), err: new(bytes.Buffer)}
	r.cmd = command(context.Background(), append([]string{"--json", "--listen", "127.0.0.1:0"}, args...)...)
	r.cmd.Stderr = r.err
	r.start()
	return r
}

func (r *running) start() {
	r.t.Helper()
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { r.stop(syscall.SIGTERM) })
	go func() {
		defer close(r.lines)
		scanner := bufio.NewScanner(out)
		for scanner.Scan() {
			var line object
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				line = object{"event": "no JSON", "text": scanner.Text()}
			}
			r.lines <- line
		}
	}()
	ready := r.event("ready")
	r.url = ready["url"].(string)
	r.env = make(map[string]string)
	for name, value := range ready["env"].(object) {
		r.env[name] = value.(string)
	}
}

// event waits for a line of this kind.
func (r *running) event(kind string) object {
	r.t.Helper()
	for line := range r.lines {
		if line["event"] == kind {
			return line
		}
		if line["event"] == "warning" && r.url == "" {
			r.warnings = append(r.warnings, line["text"].(string))
		}
	}
	r.cmd.Wait()
	r.t.Fatalf("it ended before %q: %s", kind, r.err)
	return nil
}

// stop ends it and returns its exit code.
func (r *running) stop(signal syscall.Signal) int {
	if r.cmd.ProcessState == nil {
		r.cmd.Process.Signal(signal)
		for range r.lines {
		}
		r.cmd.Wait()
	}
	return r.cmd.ProcessState.ExitCode()
}

// do sends a request to the control API, or as an SDK if path is an operation.
func (r *running) do(method, path, body string, header ...string) (int, string) {
	r.t.Helper()
	req, err := http.NewRequest(method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// must is do for what succeeds; it returns the JSON.
func (r *running) must(method, path, body string) any {
	r.t.Helper()
	status, text := r.do(method, path, body)
	if status != http.StatusOK {
		r.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	var answer any
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		r.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer
}

// call calls an operation of the pool and returns the answer, or the error's type
// and message.
func (r *running) call(operation string, in object) (object, string) {
	r.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		r.t.Fatal(err)
	}
	_, text := r.do("POST", "/", string(body), "X-Amz-Target", "AWSCognitoIdentityProviderService."+operation)
	var answer object
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		r.t.Fatalf("%s: %v: %s", operation, err, text)
	}
	if kind, failed := answer["__type"]; failed {
		return nil, fmt.Sprintf("%v: %v", kind, answer["message"])
	}
	return answer, ""
}

// begin begins a sign-in.
func (r *running) begin(name string) (object, string) {
	r.t.Helper()
	return r.call("InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": r.env["COGNITO_CLIENT_ID"], "AuthParameters": object{"USERNAME": name}})
}

func (r *running) answer(begun object, answer string) (object, string) {
	r.t.Helper()
	return r.call("RespondToAuthChallenge", object{
		"ClientId": r.env["COGNITO_CLIENT_ID"], "ChallengeName": "CUSTOM_CHALLENGE", "Session": begun["Session"],
		"ChallengeResponses": object{"USERNAME": begun["ChallengeParameters"].(object)["USERNAME"], "ANSWER": answer},
	})
}

// signIn signs somebody in and returns the tokens.
func (r *running) signIn(name string) object {
	r.t.Helper()
	begun, failed := r.begin(name)
	if failed == "" {
		begun, failed = r.answer(begun, "right")
	}
	if failed != "" {
		r.t.Fatal(failed)
	}
	return begun["AuthenticationResult"].(object)
}

// A container answers events as the functions of the developer guide do: who
// answers "right" is signed in. It counts its calls.
type container struct {
	url string

	mu    sync.Mutex
	calls map[string]int
}

func newContainer(t *testing.T) *container {
	c := &container{calls: make(map[string]int)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var event object
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		source, _, _ := strings.Cut(event["triggerSource"].(string), "_")
		c.mu.Lock()
		c.calls[source]++
		c.mu.Unlock()
		request := event["request"].(object)
		switch source {
		case "DefineAuthChallenge":
			session := request["session"].([]any)
			if len(session) > 0 && session[len(session)-1].(object)["challengeResult"] == true {
				event["response"] = object{"issueTokens": true}
			} else {
				event["response"] = object{"challengeName": "CUSTOM_CHALLENGE"}
			}
		case "CreateAuthChallenge":
			event["response"] = object{"publicChallengeParameters": object{}, "privateChallengeParameters": object{"answer": "right"}}
		case "VerifyAuthChallengeResponse":
			event["response"] = object{"answerCorrect": request["challengeAnswer"] == "right"}
		}
		json.NewEncoder(w).Encode(event)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL + "/2015-03-31/functions/function/invocations"
	return c
}

func (c *container) count(source string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[source]
}

// write writes a file into a folder of the test's.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFile: what the file says is what the pool is like.
func TestFile(t *testing.T) {
	c := newContainer(t)
	file := write(t, "pool.json", `{
		"UserPool": {
			"UserPoolId": "eu-west-1_Shop1", "UserPoolName": "shop", "UsernameAttributes": ["email"], "MfaConfiguration": "OFF",
			"AutoVerifiedAttributes": ["email"], "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
			"Policies": {"PasswordPolicy": {"MinimumLength": 10, "RequireNumbers": true}},
			"Schema": [{"Name": "plan", "AttributeDataType": "String", "Mutable": true}, {"Name": "name", "Required": true}],
			"LambdaConfig": {"DefineAuthChallenge": "auth", "CreateAuthChallenge": "auth", "VerifyAuthChallengeResponse": "`+c.url+`"}
		},
		"UserPoolClients": [
			{"ClientId": "web", "ClientName": "Web", "GenerateSecret": false, "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
			 "PreventUserExistenceErrors": "ENABLED", "AuthSessionValidity": 5, "AccessTokenValidity": 30, "IdTokenValidity": 2, "RefreshTokenValidity": 7,
			 "TokenValidityUnits": {"AccessToken": "minutes"}, "RefreshTokenRotation": {"Feature": "ENABLED", "RetryGracePeriodSeconds": 30}},
			{"ClientId": "server", "GenerateSecret": true}
		],
		"Functions": {"auth": {"Path": "`+c.url+`"}},
		"Users": [
			{"Username": "ada@example.com", "Password": "Passw0rd!x", "UserAttributes": {"name": "Ada"}},
			{"Username": "bob@example.com", "UserAttributes": [{"Name": "name", "Value": "Bob"}], "UserStatus": "UNCONFIRMED"}
		]
	}`)
	r := run(t, "--config", file)

	got, failed := r.call("DescribeUserPoolClient", object{"UserPoolId": "eu-west-1_Shop1", "ClientId": "web"})
	if failed != "" {
		t.Fatal(failed)
	}
	client := got["UserPoolClient"].(object)
	for name, want := range map[string]any{
		"ClientName": "Web", "PreventUserExistenceErrors": "ENABLED", "AuthSessionValidity": 5.0,
		"AccessTokenValidity": 1800.0, "IdTokenValidity": 7200.0, "RefreshTokenValidity": 604800.0,
		"RefreshTokenRotation": object{"Feature": "ENABLED", "RetryGracePeriodSeconds": 30.0}, "ClientSecret": nil,
	} {
		if diff := cmp.Diff(want, client[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	got, failed = r.call("DescribeUserPoolClient", object{"UserPoolId": "eu-west-1_Shop1", "ClientId": "server"})
	if failed != "" {
		t.Fatal(failed)
	}
	client = got["UserPoolClient"].(object)
	if secret, _ := client["ClientSecret"].(string); len(secret) != 52 {
		t.Errorf("a secret of %d letters, want 52", len(secret))
	}
	if client["PreventUserExistenceErrors"] != "LEGACY" {
		t.Errorf("PreventUserExistenceErrors %v, want CloudFormation's default", client["PreventUserExistenceErrors"])
	}
	got, failed = r.call("DescribeUserPool", object{"UserPoolId": "eu-west-1_Shop1"})
	if failed != "" {
		t.Fatal(failed)
	}
	pool := got["UserPool"].(object)
	policy := pool["Policies"].(object)["PasswordPolicy"].(object)
	shown := object{"auto": pool["AutoVerifiedAttributes"], "length": policy["MinimumLength"], "symbols": policy["RequireSymbols"], "first": pool["UserAttributeUpdateSettings"]}
	wanted := object{"auto": []any{"email"}, "length": 10.0, "symbols": false, "first": object{"AttributesRequireVerificationBeforeUpdate": []any{"email"}}}
	if diff := cmp.Diff(wanted, shown); diff != "" {
		t.Errorf("pool (-want +got):\n%s", diff)
	}
	for password, want := range map[string]string{
		"Passw0rd!":  "InvalidPasswordException: Password did not conform with policy: Password not long enough",
		"password12": "InvalidParameterException: Attributes did not conform to the schema: name",
	} {
		if _, failed := r.call("SignUp", object{"ClientId": "web", "Username": "eve@example.com", "Password": password}); !strings.HasPrefix(failed, want) {
			t.Errorf("password %s: %s, want %s", password, failed, want)
		}
	}
	if diff := cmp.Diff([]string{file + ": without effect here: UserPool.UserPoolName"}, r.warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}

	r.signIn("ada@example.com")
	if _, failed := r.begin("bob@example.com"); !strings.HasPrefix(failed, "UserNotConfirmedException") {
		t.Errorf("bob: %s", failed)
	}
	want := map[string]string{
		"COGNITO_ENDPOINT":                           r.url,
		"COGNITO_USER_POOL_ID":                       "eu-west-1_Shop1",
		"COGNITO_CLIENT_ID":                          "web",
		"COGNITO_ISSUER":                             r.url + "/eu-west-1_Shop1",
		"COGNITO_JWKS_URI":                           r.url + "/eu-west-1_Shop1/.well-known/jwks.json",
		"COGNITO_TEST_URL":                           r.url + "/_test",
		"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": r.url,
		"AWS_REGION":                                 "eu-west-1",
		"AWS_DEFAULT_REGION":                         "eu-west-1",
		"AWS_ACCESS_KEY_ID":                          "made-up",
		"AWS_SECRET_ACCESS_KEY":                      "made-up",
		"AWS_SESSION_TOKEN":                          "made-up",
	}
	if diff := cmp.Diff(want, r.env); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	served := map[string]string{}
	for name, value := range r.must("GET", "/_test/env", "").(object) {
		served[name] = value.(string)
	}
	if diff := cmp.Diff(want, served); diff != "" {
		t.Errorf("GET /_test/env (-want +got):\n%s", diff)
	}
}

func TestPrintEnv(t *testing.T) {
	out, err := command(t.Context(), "--print-env", "--listen", "127.0.0.1:9999", "--client-secret", "s3cret", "--tls-ca", "/ca.pem", "--issuer", "service").Output()
	if err != nil {
		t.Fatal(err)
	}
	want := `COGNITO_ENDPOINT=https://127.0.0.1:9999
COGNITO_USER_POOL_ID=us-east-1_Test00001
COGNITO_CLIENT_ID=1example23456789testclient
COGNITO_CLIENT_SECRET=s3cret
COGNITO_ISSUER=https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Test00001
COGNITO_JWKS_URI=https://127.0.0.1:9999/us-east-1_Test00001/.well-known/jwks.json
COGNITO_TEST_URL=https://127.0.0.1:9999/_test
AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER=https://127.0.0.1:9999
AWS_REGION=us-east-1
AWS_DEFAULT_REGION=us-east-1
AWS_ACCESS_KEY_ID=made-up
AWS_SECRET_ACCESS_KEY=made-up
AWS_SESSION_TOKEN=made-up
NODE_EXTRA_CA_CERTS=/ca.pem
AWS_CA_BUNDLE=/ca.pem
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestCommand: a command runs beside the pool and its exit code is the program's.
func TestCommand(t *testing.T) {
	helper := write(t, "command.sh", "#!/bin/sh\n"+asProgram+"=command exec '"+os.Args[0]+"'\n")
	cmd := command(t.Context(), "--listen", "127.0.0.1:0", "--", helper)
	out, err := cmd.Output()
	if err == nil || cmd.ProcessState.ExitCode() != 7 {
		t.Errorf("%v, want exit code 7", err)
	}
	if text := string(out); !strings.HasPrefix(text, "http://127.0.0.1:") || !strings.HasSuffix(text, " made-up\n") {
		t.Errorf("the command saw %q", text)
	}
}

func TestHooks(t *testing.T) {
	t.Run("program", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "message")
		helper := write(t, "hook.sh", "#!/bin/sh\n"+asProgram+"=hook HOOK_FILE='"+file+"' exec '"+os.Args[0]+"'\n")
		r := run(t, "--on-message", helper)
		r.sendText("+12065550100", "Your code is 123456")
		r.stop(syscall.SIGTERM) // hands on what is left
		got, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(got), `"code":"123456"`) {
			t.Errorf("%v, message %s", err, got)
		}
	})
	t.Run("URL", func(t *testing.T) {
		got := make(chan string, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got <- string(body)
		}))
		defer server.Close()
		r := run(t, "--on-message", server.URL)
		r.sendText("+12065550100", "Your code is 123456")
		if text := <-got; !strings.Contains(text, `"code":"123456"`) {
			t.Errorf("message %s", text)
		}
	})
	t.Run("fails", func(t *testing.T) {
		r := run(t, "--on-message", filepath.Join(t.TempDir(), "missing"))
		r.sendText("+12065550100", "Your code is 123456")
		if text := fmt.Sprint(r.event("warning")["text"]); !strings.Contains(text, "no such file") {
			t.Errorf("warning %q", text)
		}
	})
}

// sendText sends a text as a trigger does.
func (r *running) sendText(to, text string) {
	r.t.Helper()
	form := url.Values{"Action": {"Publish"}, "Version": {"2010-03-31"}, "PhoneNumber": {to}, "Message": {text}}
	if status, answer := r.do("POST", "/_aws/sns/", form.Encode(), "Content-Type", "application/x-www-form-urlencoded"); status != http.StatusOK {
		r.t.Fatalf("Publish: %d %s", status, answer)
	}
}

// TestRestart: with --data users, tokens and keys are there again, also when the
// program was killed.
func TestRestart(t *testing.T) {
	c := newContainer(t)
	for name, signal := range map[string]syscall.Signal{"terminated": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			folder := filepath.Join(t.TempDir(), "data")
			file := write(t, "pool.json", `{"Users": [{"Username": "seeded"}]}`)
			ca := filepath.Join(t.TempDir(), "ca.pem")
			args := []string{"--data", folder, "--config", file, "--trigger", "All=" + c.url, "--issuer", "service"}
			r := run(t, args...)
			r.must("POST", "/_test/users", `{"Username": "ada", "UserAttributes": {"name": "Ada"}}`)
			if _, failed := r.call("AdminDeleteUser", object{"UserPoolId": r.env["COGNITO_USER_POOL_ID"], "Username": "seeded"}); failed != "" {
				t.Fatal(failed)
			}
			tokens := r.signIn("ada")
			keys := r.must("GET", "/us-east-1_Test00001/.well-known/jwks.json", "")
			r.waitSaved(folder, `"ada"`, `"seeded"`)
			if code := r.stop(signal); signal == syscall.SIGTERM && code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}

			r = run(t, args...)
			if diff := cmp.Diff(keys, r.must("GET", "/us-east-1_Test00001/.well-known/jwks.json", "")); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if _, failed := r.call("GetUser", object{"AccessToken": tokens["AccessToken"]}); failed != "" {
				t.Error("access token:", failed)
			}
			if _, failed := r.call("GetTokensFromRefreshToken", object{"ClientId": r.env["COGNITO_CLIENT_ID"], "RefreshToken": tokens["RefreshToken"]}); failed != "" {
				t.Error("refresh token:", failed)
			}
			if _, failed := r.call("AdminGetUser", object{"UserPoolId": r.env["COGNITO_USER_POOL_ID"], "Username": "seeded"}); !strings.HasPrefix(failed, "UserNotFoundException") {
				t.Errorf("a deleted user is back: %s", failed)
			}
			r.stop(syscall.SIGTERM)

			// The certificate to trust stays too.
			var seen []string
			for range 2 {
				tlsArgs := append(args, "--tls-ca", ca, "--print-env", "--listen", "127.0.0.1:9999")
				if out, err := command(t.Context(), tlsArgs...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				r := run(t, append(args, "--tls-ca", ca)...)
				r.stop(syscall.SIGTERM)
				pem, err := os.ReadFile(ca)
				if err != nil {
					t.Fatal(err)
				}
				seen = append(seen, string(pem))
			}
			if diff := cmp.Diff(seen[0], seen[1]); diff != "" {
				t.Errorf("certificate (-want +got):\n%s", diff)
			}
			for _, name := range []string{"state.json", "key.pem", "authority.pem"} {
				info, err := os.Stat(filepath.Join(folder, name))
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: %v, want mode 0600", name, info)
				}
			}
		})
	}
}

// waitSaved waits until the state on the disk has one word and not the other.
func (r *running) waitSaved(folder, with, without string) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		state, _ := os.ReadFile(filepath.Join(folder, "state.json"))
		if bytes.Contains(state, []byte(with)) && !bytes.Contains(state, []byte(without)) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("the state was not saved: %s", state)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
