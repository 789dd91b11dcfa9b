package main_test

// This file tests the control API as a test suite uses it.

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMessages(t *testing.T) {
	r := run(t)
	type list struct {
		Messages []struct {
			ID                                    int64
			From, Medium, To, Subject, Text, HTML string
			Code, Link                            string
		}
		Last int64
	}
	get := func(query string) (l list) {
		t.Helper()
		status, text := r.do("GET", "/_test/messages"+query, "")
		if err := json.Unmarshal([]byte(text), &l); err != nil || status != http.StatusOK {
			t.Fatalf("%s: %d %v %s", query, status, err, text)
		}
		return l
	}
	if l := get(""); len(l.Messages) != 0 || l.Last != 0 {
		t.Errorf("before the first: %+v", l)
	}

	// What waits is answered by the next message to this address.
	waiting := make(chan list)
	go func() { waiting <- get("?to=%2B12065550100&wait=1m") }()
	r.sendText("+12065550199", "for somebody else: 1111")
	r.sendText("+12065550100", "Your code is 123456.\n\n@shop.example #123456")
	l := <-waiting
	if len(l.Messages) != 1 || l.Messages[0].Code != "123456" || l.Messages[0].From != "sns" || l.Messages[0].Medium != "SMS" {
		t.Errorf("waited for: %+v", l)
	}
	if line := r.event("message")["message"].(object); line["to"] != "+12065550199" {
		t.Errorf("written: %v", line)
	}

	for query, want := range map[string][]int64{
		"":                               {1, 2},
		"?to=%2B12065550100":             {2},
		"?to=+12065550100":               {2},
		"?to=nobody@example.com":         {},
		"?after=1":                       {2},
		"?after=2&wait=1ms":              {},
		"?after=1&to=%2B12065550199":     {},
		"?after=0&to=%2B12065550199":     {1},
		"?to=%2B12065550100&wait=1m":     {2},
		"?after=99999999999999999&wait=": {},
	} {
		ids := []int64{}
		for _, m := range get(query).Messages {
			ids = append(ids, m.ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}

	r.must("DELETE", "/_test/messages", "")
	if l := get(""); len(l.Messages) != 0 || l.Last != 2 {
		t.Errorf("after DELETE: %+v, want none and the IDs going on", l)
	}
	for query, want := range map[string]string{
		"?after=x": `"x" is no ID`, "?wait=2m": `want 0s to 1m`, "?wait=-1s": `want 0s to 1m`, "?wait=30": `want 0s to 1m`, "?phone=1": "want to, after or wait",
	} {
		if status, text := r.do("GET", "/_test/messages"+query, ""); status != http.StatusBadRequest || !strings.Contains(unquoted(text), want) {
			t.Errorf("%s: %d %s, want 400 with %q", query, status, text, want)
		}
	}
}

// unquoted is the text of {"error": text}.
func unquoted(text string) string {
	var e struct{ Error string }
	if json.Unmarshal([]byte(text), &e) != nil {
		return text
	}
	return e.Error
}

// TestPoolMessages: the codes of the pool itself arrive like those of triggers.
func TestPoolMessages(t *testing.T) {
	r := run(t, "--username-attribute", "email")
	client := r.env["COGNITO_CLIENT_ID"]
	if _, failed := r.call("AdminCreateUser", object{"UserPoolId": r.env["COGNITO_USER_POOL_ID"], "Username": "ada@example.com", "TemporaryPassword": "Passw0rd!x"}); failed != "" {
		t.Fatal(failed)
	}
	got := r.must("GET", "/_test/messages?to=ada@example.com&wait=10s", "").(object)["messages"].([]any)[0].(object)
	if got["from"] != "pool" || got["medium"] != "EMAIL" || got["code"] != "Passw0rd!x" {
		t.Errorf("%v of client %s", got, client)
	}
}

func TestClockMoves(t *testing.T) {
	c := newContainer(t)
	r := run(t, "--trigger", "All="+c.url)
	r.must("POST", "/_test/users", `{"Username": "ada"}`)

	late, _ := r.begin("ada")
	if got := r.must("POST", "/_test/clock", `{"advance": "15m"}`).(object)["offset"]; got != "15m0s" {
		t.Errorf("offset %v", got)
	}
	if _, failed := r.answer(late, "right"); failed != "NotAuthorizedException: Invalid session for the user, session is expired." {
		t.Errorf("after 15 minutes: %s", failed)
	}
	tokens := r.signIn("ada")
	r.must("POST", "/_test/clock", `{"advance": "1h"}`)
	if _, failed := r.call("GetUser", object{"AccessToken": tokens["AccessToken"]}); failed != "NotAuthorizedException: Access Token has expired" {
		t.Errorf("after an hour: %s", failed)
	}
	now, err := time.Parse(time.RFC3339Nano, r.must("GET", "/_test/clock", "").(object)["now"].(string))
	if err != nil || time.Until(now) < time.Hour {
		t.Errorf("now %v, %v", now, err)
	}
	if got := r.must("POST", "/_test/clock", `{"reset": true}`).(object)["offset"]; got != "0s" {
		t.Errorf("offset after reset: %v", got)
	}
	if _, failed := r.call("GetUser", object{"AccessToken": tokens["AccessToken"]}); failed != "" {
		t.Errorf("after the clock's reset: %s", failed)
	}
}

func TestFaults(t *testing.T) {
	c := newContainer(t)
	for name, tt := range map[string]struct {
		fault string
		want  string // of InitiateAuth; "" is a challenge
		calls int    // of CreateAuthChallenge
		left  int    // faults
	}{
		"times out once, and the service calls again": {`{"trigger": "CreateAuthChallenge", "fault": "timeout"}`, "", 2, 0},
		"times out three times": {`{"trigger": "CreateAuthChallenge", "fault": "timeout", "times": 3}`,
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Socket timeout while invoking Lambda function.", 3, 0},
		"crashes": {`{"trigger": "CreateAuthChallenge", "fault": "crash", "times": 3}`,
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Unhandled.", 0, 0},
		"fails": {`{"trigger": "CreateAuthChallenge", "fault": "error", "message": "no more texts"}`,
			"UserLambdaValidationException: CreateAuthChallenge failed with error no more texts.", 0, 0},
		"answers nonsense": {`{"trigger": "CreateAuthChallenge", "fault": "answer", "answer": {"response": 7}}`,
			"InvalidLambdaResponseException: Unrecognizable lambda output", 0, 0},
		"whichever comes next":   {`{"fault": "error"}`, "UserLambdaValidationException: DefineAuthChallenge failed with error it was told to fail.", 0, 0},
		"another trigger's turn": {`{"trigger": "VerifyAuthChallengeResponse", "fault": "error"}`, "", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, "--trigger", "All="+c.url)
			r.must("POST", "/_test/users", `{"Username": "ada"}`)
			r.must("POST", "/_test/faults", tt.fault)
			before := c.count("CreateAuthChallenge")
			_, failed := r.begin("ada")
			if !strings.HasPrefix(failed, tt.want) || tt.want == "" && failed != "" {
				t.Errorf("%q, want %q", failed, tt.want)
			}
			if n := c.count("CreateAuthChallenge") - before; n != tt.calls {
				t.Errorf("%d calls, want %d", n, tt.calls)
			}
			if left := r.must("GET", "/_test/faults", "").([]any); len(left) != tt.left {
				t.Errorf("left: %v", left)
			}
			r.must("DELETE", "/_test/faults", "")
			r.signIn("ada")
		})
	}
}

func TestTriggerTries(t *testing.T) {
	c := newContainer(t)
	r := run(t, "--trigger", "All="+c.url, "--trigger-tries", "1")
	r.must("POST", "/_test/users", `{"Username": "ada"}`)
	r.must("POST", "/_test/faults", `{"trigger": "CreateAuthChallenge", "fault": "timeout"}`)
	if _, failed := r.begin("ada"); !strings.HasPrefix(failed, "UnexpectedLambdaException") || c.count("CreateAuthChallenge") != 1 {
		t.Errorf("%s after %d calls", failed, c.count("CreateAuthChallenge"))
	}
}

func TestReset(t *testing.T) {
	c := newContainer(t)
	file := write(t, "pool.json", `{"Users": [{"Username": "seeded", "UserAttributes": {"name": "Ada"}}]}`)
	r := run(t, "--trigger", "All="+c.url, "--config", file)
	r.must("POST", "/_test/users", `[{"Username": "ada"}, {"Username": "bob"}]`)
	r.must("POST", "/_test/clock", `{"advance": "2h"}`)
	r.must("POST", "/_test/faults", `{"fault": "crash"}`)
	r.sendText("+12065550100", "123456")
	if _, failed := r.call("AdminDeleteUser", object{"UserPoolId": r.env["COGNITO_USER_POOL_ID"], "Username": "seeded"}); failed != "" {
		t.Fatal(failed)
	}
	keys := r.must("GET", "/us-east-1_Test00001/.well-known/jwks.json", "")

	r.must("POST", "/_test/reset", "")
	users, failed := r.call("ListUsers", object{"UserPoolId": r.env["COGNITO_USER_POOL_ID"]})
	if failed != "" {
		t.Fatal(failed)
	}
	names := []any{}
	for _, u := range users["Users"].([]any) {
		names = append(names, u.(object)["Username"])
	}
	got := object{
		"users":    names,
		"messages": r.must("GET", "/_test/messages", "").(object)["messages"],
		"offset":   r.must("GET", "/_test/clock", "").(object)["offset"],
		"faults":   r.must("GET", "/_test/faults", ""),
		"keys":     r.must("GET", "/us-east-1_Test00001/.well-known/jwks.json", ""),
	}
	want := object{"users": []any{"seeded"}, "messages": []any{}, "offset": "0s", "faults": []any{}, "keys": keys}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.signIn("seeded")
}

// TestPagesRefused: a page in a browser reaches loopback, and must not reach the
// control API, nor what triggers send with.
func TestPagesRefused(t *testing.T) {
	r := run(t, "--name", "pool.test")
	for name, tt := range map[string]struct {
		header []string
		want   int
	}{
		"the test's own process": {nil, http.StatusOK},
		"by name":                {[]string{"Host", "localhost:9229"}, http.StatusOK},
		"by a name of its own":   {[]string{"Host", "pool.test:9229"}, http.StatusOK},
		"typed by a person":      {[]string{"Sec-Fetch-Site", "none"}, http.StatusOK},
		"a page":                 {[]string{"Origin", "http://localhost:3000"}, http.StatusForbidden},
		"a page from a file":     {[]string{"Origin", "null"}, http.StatusForbidden},
		"an image in a page":     {[]string{"Sec-Fetch-Site", "cross-site"}, http.StatusForbidden},
		"a page at this port":    {[]string{"Sec-Fetch-Site", "same-origin"}, http.StatusForbidden},
		"a rebound name":         {[]string{"Host", "evil.example:9229"}, http.StatusForbidden},
	} {
		for path, method := range map[string]string{
			"/_test/": "GET", "/_test/messages": "GET", "/_test/reset": "POST", "/health": "GET", "/_aws/sns": "POST",
		} {
			want := tt.want
			if path == "/_aws/sns" && want == http.StatusOK {
				want = http.StatusBadRequest // not a form
			}
			status, text := r.do(method, path, "", tt.header...)
			if status != want {
				t.Errorf("%s: %s %s: %d, want %d: %s", name, method, path, status, want, text)
			}
		}
	}
	req, err := http.NewRequest("OPTIONS", r.url+"/_test/reset", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "http://localhost:3000")
	req.Header.Set("Access-Control-Request-Method", "POST")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for name := range resp.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("a preflight is answered with %s", name)
		}
	}
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("preflight: %d", resp.StatusCode)
	}
}

func TestControlRefuses(t *testing.T) {
	r := run(t)
	r.must("POST", "/_test/users", `{"Username": "ada"}`)
	for _, tt := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/_test/nothing", "", 404, "there is no GET /_test/nothing: see GET /_test/"},
		{"GET", "/_test/reset", "", 404, "there is no GET /_test/reset"},
		{"POST", "/_test/users", "", 400, "unexpected end of JSON input"},
		{"POST", "/_test/users", "[", 400, "line 1, column 1: unexpected end"},
		{"POST", "/_test/users", `{"Username": "x", "Pasword": "y"}`, 400, "Pasword: there is no such property (did you mean Password?)"},
		{"POST", "/_test/users", `[{"Username": "x"}, {"Username": 7}]`, 400, "[1].Username: 7 is no text"},
		{"POST", "/_test/users", `[{"Username": "ada"}]`, 400, "[0]: UsernameExistsException: User already exists"},
		{"POST", "/_test/users", `{"Username": "eve", "Password": "short"}`, 400, "InvalidPasswordException"},
		{"POST", "/_test/users", `{"Username": "eve2", "UserAttributes": {"phone_number": 1}}`, 400, "UserAttributes: want"},
		{"POST", "/_test/users", strings.Repeat(" ", 2<<20), 413, "too large"},
		{"POST", "/_test/reset", `{"keepFunction": true}`, 400, "keepFunction: there is no such property (did you mean keepFunctions?)"},
		{"POST", "/_test/clock", `{}`, 400, `want {"advance": "3m"} or {"reset": true}`},
		{"POST", "/_test/clock", `{"advance": "3 minutes"}`, 400, `advance: "3 minutes": want a duration`},
		{"POST", "/_test/clock", `{"advance": "-3m"}`, 400, `want a duration`},
		{"POST", "/_test/clock", `{"advance": 3}`, 400, `advance: 3 is no text`},
		{"POST", "/_test/clock", `{"forward": "3m"}`, 400, `forward: there is no such property`},
		{"POST", "/_test/faults", `{"fault": "explode"}`, 400, `fault: "explode": want timeout, crash, error or answer`},
		{"POST", "/_test/faults", `{"fault": "timeout", "trigger": "CreateAuth"}`, 400, `trigger: "CreateAuth" is none`},
		{"POST", "/_test/faults", `{"fault": "timeout", "trigger": "PreSignup"}`, 400, `(did you mean PreSignUp?)`},
		{"POST", "/_test/faults", `{"fault": "timeout", "times": -1}`, 400, `times: -1: want 1 to 1000`},
		{"POST", "/_test/faults", `{"fault": "answer"}`, 400, `answer: it is missing`},
	} {
		status, text := r.do(tt.method, tt.path, tt.body)
		if status != tt.status || !strings.Contains(unquoted(text), tt.want) {
			t.Errorf("%s %s %.60s: %d %s, want %d with %q", tt.method, tt.path, tt.body, status, text, tt.status, tt.want)
		}
	}
	if got := fmt.Sprint(r.must("GET", "/health", "")); !strings.Contains(got, "status:ok") || !strings.Contains(got, "us-east-1_Test00001") {
		t.Errorf("health: %s", got)
	}
	if status, text := r.do("GET", "/_test/", ""); status != http.StatusOK || !strings.Contains(text, "POST   /_test/faults") {
		t.Errorf("usage: %d %s", status, text)
	}
}

// TestFailingTriggers: what apps are not told, the terminal says: which trigger
// failed for whom, and why.
func TestFailingTriggers(t *testing.T) {
	c := newContainer(t)
	r := run(t, "--trigger", "All="+c.url)
	r.must("POST", "/_test/users", `{"Username": "ada"}`)
	for fault, want := range map[string]string{
		`{"trigger": "CreateAuthChallenge", "fault": "error", "message": "no more texts"}`:                                   "no more texts",
		`{"trigger": "CreateAuthChallenge", "fault": "answer", "answer": {"response": {"privateChallengeParameters": "x"}}}`: "privateChallengeParameters",
	} {
		r.must("POST", "/_test/faults", fault)
		if _, failed := r.begin("ada"); failed == "" {
			t.Fatalf("%s: no error", fault)
		}
		text := fmt.Sprint(r.event("warning")["text"])
		if !strings.Contains(text, "CreateAuthChallenge") || !strings.Contains(text, "ada") || !strings.Contains(text, want) {
			t.Errorf("%s: %q, want the trigger, the user and %q", fault, text, want)
		}
	}
}
