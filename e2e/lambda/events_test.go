package lambda_test

// This file drives the functions with events as JSON, without a pool in between.

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

type object = map[string]any

// readEvent reads a file of testdata/events.
func readEvent(t *testing.T, file string) object {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "testdata", "events", file))
	if err != nil {
		t.Fatal(err)
	}
	var e object
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// call gives an event to a function and returns its answer.
func call(t *testing.T, f lambda.Handler, event object) (object, error) {
	t.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	b, err := f.Invoke(t.Context(), payload)
	if err != nil {
		return nil, err
	}
	var answer object
	if err := json.Unmarshal(b, &answer); err != nil {
		t.Fatalf("the answer is no JSON: %v", err)
	}
	return answer, nil
}

// TestEvents gives every file of testdata/events to a fresh onelambda. What it
// answers is the event with another response.
func TestEvents(t *testing.T) {
	type want struct {
		response object // fields that the response must have
		keys     string // of the public parameters, for Create
		texts    int
		err      string
	}
	challenge := object{"challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false}
	failed := object{"challengeName": nil, "issueTokens": false, "failAuthentication": true}
	const parameters = "CODE_DELIVERY_DELIVERY_MEDIUM CODE_DELIVERY_DESTINATION attemptsRemaining codeLength expiresAt resendAfter step"

	wants := map[string]want{
		"define-first.json":                 {response: challenge},
		"define-first-legacy.json":          {response: challenge},
		"define-user-not-found.json":        {response: challenge},
		"define-srp-a-ios.json":             {response: challenge},
		"define-after-wrong-answer.json":    {response: failed}, // no metadata of ours
		"create-first.json":                 {keys: parameters, texts: 1},
		"create-srp-a-ios.json":             {keys: parameters, texts: 1},
		"create-user-not-found.json":        {keys: parameters},
		"create-first-email.json":           {keys: parameters}, // nobody to text to
		"create-force-change-password.json": {keys: parameters}, // likewise
		"verify.json":                       {err: "customauth: this sign-in cannot go on, start again"},
		"pre-sign-up.json":                  {response: object{"autoConfirmUser": true, "autoVerifyEmail": false, "autoVerifyPhone": false}},
		"post-authentication.json":          {err: "customauth: sign-in is not available at the moment"}, // nothing handles it
	}

	files, err := filepath.Glob(filepath.Join(root, "testdata", "events", "*.json"))
	if err != nil || len(files) != len(wants) {
		t.Fatalf("%d files in testdata/events, want %d (error %v)", len(files), len(wants), err)
	}
	for _, path := range files {
		file := filepath.Base(path)
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			w, ok := wants[file]
			if !ok {
				t.Fatal("the test does not say what becomes of this file")
			}
			fake := fakesns.New()
			t.Cleanup(fake.Close)
			f, _ := start(t, bootstrap("onelambda"), cognitotest.FunctionOptions{Env: env(newKey(), fake)}, codes(fake))

			event := readEvent(t, file)
			event["addedByTheServiceOneDay"] = object{"numbers": []any{1.0, 12345678901.0}}
			answer, err := call(t, f, event)
			text := ""
			if err != nil {
				text = err.Error()
			}
			if text != w.err {
				t.Fatalf("error %q, want %q", text, w.err)
			}
			if err != nil {
				return
			}
			response, _ := answer["response"].(object)
			answer["response"] = event["response"]
			if diff := cmp.Diff(event, answer); diff != "" {
				t.Errorf("the rest of the event changed (-want +got):\n%s", diff)
			}
			for name, value := range w.response {
				if diff := cmp.Diff(value, response[name]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			if w.keys != "" {
				checkChallenge(t, response, w.keys)
			}
			if n := len(fake.Texts()); n != w.texts {
				t.Errorf("%d texts, want %d", n, w.texts)
			}
		})
	}
}

// checkChallenge checks the answer of Create.
func checkChallenge(t *testing.T, response object, want string) {
	t.Helper()
	public, _ := response["publicChallengeParameters"].(object)
	private, _ := response["privateChallengeParameters"].(object)
	metadata, _ := response["challengeMetadata"].(string)
	var names []string
	for name := range public {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(want, strings.Join(names, " ")); diff != "" {
		t.Errorf("public parameters (-want +got):\n%s", diff)
	}
	if len(private) == 0 || metadata == "" {
		t.Error("no private parameters or no metadata: Cognito would answer with another error")
	}
}

// TestChain goes from the first event to tokens, for one function and for three.
func TestChain(t *testing.T) {
	for _, c := range systems[:2] {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.start(t)
			define, create, verify := s.triggers.Define, s.triggers.Create, s.triggers.Verify
			if s.triggers.All != nil {
				define, create, verify = s.triggers.All, s.triggers.All, s.triggers.All
			}
			must := func(f lambda.Handler, event object) object {
				t.Helper()
				answer, err := call(t, f, event)
				if err != nil {
					t.Fatal(err)
				}
				return answer["response"].(object)
			}

			signedUp := must(s.triggers.PreSignUp, readEvent(t, "pre-sign-up.json"))
			if signedUp["autoConfirmUser"] != true {
				t.Error("PreSignUp did not confirm the user")
			}
			first := must(define, readEvent(t, "define-first.json"))
			if first["challengeName"] != "CUSTOM_CHALLENGE" {
				t.Fatalf("Define answered %v", first)
			}
			created := must(create, readEvent(t, "create-first.json"))
			if len(s.codes()) != 1 {
				t.Fatalf("%d texts, want 1", len(s.codes()))
			}

			answered := readEvent(t, "verify.json")
			answered["request"].(object)["privateChallengeParameters"] = created["privateChallengeParameters"]
			answered["request"].(object)["challengeAnswer"] = s.codes()[0]
			if must(verify, answered)["answerCorrect"] != true {
				t.Fatal("the code is not right")
			}

			last := readEvent(t, "define-first.json")
			last["request"].(object)["session"] = []any{object{
				"challengeName": "CUSTOM_CHALLENGE", "challengeResult": true, "challengeMetadata": created["challengeMetadata"],
			}}
			if ended := must(define, last); ended["issueTokens"] != true || ended["failAuthentication"] != false {
				t.Errorf("Define answered %v, want tokens", ended)
			}

			// The same answer about another user's sign-in is worth nothing.
			last["userName"] = "7a1e8e0c-0000-4000-8000-000000000000"
			if _, err := call(t, define, last); err == nil || err.Error() != "customauth: this sign-in cannot go on, start again" {
				t.Errorf("error %v for another user's record", err)
			}
		})
	}
}
