package customauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth"
)

// document is an event as JSON.
type document = map[string]any

// raw builds a NewHandler with an inbox.
func raw(t *testing.T, o customauth.Options, triggers map[string]lambda.Handler) (lambda.Handler, *rig) {
	t.Helper()
	r := newRig(t, o)
	h, err := customauth.NewHandler(r.opts, triggers)
	if err != nil {
		t.Fatal(err)
	}
	return h, r
}

func invoke(t *testing.T, h lambda.Handler, payload []byte) document {
	t.Helper()
	out, err := h.Invoke(context.Background(), payload)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(out, &d); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return d
}

// TestEvents replays every event seen in the wild.
func TestEvents(t *testing.T) {
	plug := map[string]lambda.Handler{
		"PreSignUp":          lambda.NewHandler(func(_ context.Context, e document) (document, error) { return e, nil }),
		"PostAuthentication": lambda.NewHandler(func(_ context.Context, e document) (document, error) { return e, nil }),
	}
	custom := document{"challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false}
	fails := document{"challengeName": nil, "issueTokens": false, "failAuthentication": true}
	tests := []struct {
		file string
		sent int
		want document // of the response; nil: a challenge was made
		err  error
	}{
		{file: "define-first.json", want: custom},
		{file: "define-first-legacy.json", want: custom},
		{file: "define-user-not-found.json", want: custom},
		{file: "define-srp-a-ios.json", want: custom},
		{file: "define-after-wrong-answer.json", want: fails}, // its metadata is a placeholder
		{file: "create-first.json", sent: 1},
		{file: "create-srp-a-ios.json", sent: 1},
		{file: "create-user-not-found.json"},
		{file: "create-first-email.json"},           // has no phone number
		{file: "create-force-change-password.json"}, // has no phone number
		{file: "verify.json", err: customauth.ErrMismatch},
		{file: "pre-sign-up.json", want: document{"autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false}},
		{file: "post-authentication.json", want: document{}},
	}
	files, _ := filepath.Glob("testdata/events/*.json")
	if len(files) != len(tests) {
		t.Errorf("%d files and %d tests", len(files), len(tests))
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Join("testdata/events", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			h, r := raw(t, customauth.Options{}, plug)
			if tt.err != nil {
				if _, err := h.Invoke(context.Background(), payload); !errors.Is(err, tt.err) {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				return
			}
			got := invoke(t, h, payload)
			var sent document
			if err := json.Unmarshal(payload, &sent); err != nil {
				t.Fatal(err)
			}
			response := got["response"]
			delete(got, "response")
			delete(sent, "response")
			if diff := cmp.Diff(sent, got); diff != "" {
				t.Errorf("the event changed (-want +got):\n%s", diff)
			}
			if r.inbox.count() != tt.sent {
				t.Errorf("sent %d texts, want %d", r.inbox.count(), tt.sent)
			}
			if tt.want != nil {
				if diff := cmp.Diff(any(tt.want), response); diff != "" {
					t.Errorf("response (-want +got):\n%s", diff)
				}
				return
			}
			checkChallenge(t, response.(document))
		})
	}
}

// checkChallenge looks at Create's response as JSON.
func checkChallenge(t *testing.T, response document) {
	t.Helper()
	public := response["publicChallengeParameters"].(document)
	var names []string
	for _, name := range []string{"step", "CODE_DELIVERY_DESTINATION", "CODE_DELIVERY_DELIVERY_MEDIUM", "codeLength", "expiresAt", "attemptsRemaining", "resendAfter"} {
		if public[name] == nil {
			names = append(names, name)
		}
	}
	if names != nil || public["errorCode"] != nil {
		t.Errorf("public parameters lack %v: %v", names, public)
	}
	private := response["privateChallengeParameters"].(document)
	if private["customauth"] == nil || private["customauth"] != response["challengeMetadata"] {
		t.Errorf("private parameters and metadata differ: %v", response)
	}
}

// TestUnknownFields: Cognito adds fields over time, and gets them back.
func TestUnknownFields(t *testing.T) {
	typed := lambda.NewHandler(func(_ context.Context, e struct {
		Response struct {
			AutoConfirmUser bool `json:"autoConfirmUser"`
		} `json:"response"`
	}) (any, error) {
		e.Response.AutoConfirmUser = true
		return e, nil
	})
	h, _ := raw(t, customauth.Options{}, map[string]lambda.Handler{"PreSignUp_SignUp": typed})
	tests := []struct{ name, in, want string }{
		{"own trigger",
			`{"new":{"a":[1,2.50,1e9]},"triggerSource":"DefineAuthChallenge_Authentication","request":{"session":[],"x":"é\u00e9"},"response":{"later":true,"challengeName":null}}`,
			`{"new":{"a":[1,2.50,1e9]},"triggerSource":"DefineAuthChallenge_Authentication","request":{"session":[],"x":"é\u00e9"},"response":{"challengeName":"CUSTOM_CHALLENGE","issueTokens":false,"failAuthentication":false,"later":true}}`},
		{"no response",
			`{"triggerSource":"DefineAuthChallenge_Authentication","request":{"session":[]}} `,
			`{"triggerSource":"DefineAuthChallenge_Authentication","request":{"session":[]},"response":{"challengeName":"CUSTOM_CHALLENGE","issueTokens":false,"failAuthentication":false}} `},
		{"null response",
			`{"response":null,"triggerSource":"DefineAuthChallenge_Authentication"}`,
			`{"response":{"challengeName":"CUSTOM_CHALLENGE","issueTokens":false,"failAuthentication":false},"triggerSource":"DefineAuthChallenge_Authentication"}`},
		{"plugged trigger",
			`{"new":1,"triggerSource":"PreSignUp_SignUp","request":{"x":1},"response":{"autoConfirmUser":false,"later":3}}`,
			`{"new":1,"triggerSource":"PreSignUp_SignUp","request":{"x":1},"response":{"autoConfirmUser":true,"later":3}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.Invoke(context.Background(), []byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandlerRefuses(t *testing.T) {
	secret := errors.New("code 123456789012 for +12065550100")
	h, r := raw(t, customauth.Options{}, map[string]lambda.Handler{
		"PreSignUp":        lambda.NewHandler(func() error { return secret }),
		"PostConfirmation": lambda.NewHandler(func() { panic("123456789012") }),
		"CustomMessage":    lambda.NewHandler(func() (string, error) { return "no event", nil }),
	})
	tests := []struct{ name, in, want string }{
		{"not JSON", `{`, "customauth: sign-in is not available at the moment"},
		{"no object", `[]`, "customauth: sign-in is not available at the moment"},
		{"no trigger source", `{}`, "customauth: sign-in is not available at the moment"},
		{"unknown trigger source", `{"triggerSource":"TokenGeneration_Authentication"}`, "customauth: sign-in is not available at the moment"},
		{"wrong type", `{"triggerSource":"DefineAuthChallenge_Authentication","request":{"session":{}}}`, "customauth: sign-in is not available at the moment"},
		{"a member twice", `{"triggerSource":"DefineAuthChallenge_Authentication","request":{},"request":{}}`, "customauth: sign-in is not available at the moment"},
		{"create for another challenge", `{"triggerSource":"CreateAuthChallenge_Authentication","request":{"challengeName":"SMS_MFA"}}`, "customauth: sign-in is not available at the moment"},
		{"a plugged trigger's own error", `{"triggerSource":"PreSignUp_SignUp"}`, secret.Error()},
		{"a plugged trigger's panic", `{"triggerSource":"PostConfirmation_ConfirmSignUp"}`, "customauth: sign-in is not available at the moment"},
		{"a plugged trigger's nonsense", `{"triggerSource":"CustomMessage_SignUp"}`, "customauth: sign-in is not available at the moment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := h.Invoke(context.Background(), []byte(tt.in))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
	if strings.Contains(r.log.String(), "123456789012") {
		t.Error("a secret is in the log")
	}
}

// lambdaNothing is a map with one handler that does nothing.
func lambdaNothing() func(string) map[string]lambda.Handler {
	return func(name string) map[string]lambda.Handler {
		return map[string]lambda.Handler{name: lambda.NewHandler(func() {})}
	}
}

func TestHandlerConstruction(t *testing.T) {
	ok := customauth.Options{Keys: []customauth.Secret{key}}
	for name, triggers := range map[string]map[string]lambda.Handler{
		"nil handler": {"PreSignUp": nil},
		"own trigger": {"DefineAuthChallenge_Authentication": lambda.NewHandler(func() {})},
	} {
		if _, err := customauth.NewHandler(ok, triggers); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// fuzzTrigger sends mutated events of one trigger through the handler. What comes
// back is an event or a public error, and never a success: no mutation finds a
// record that was sealed.
func fuzzTrigger(f *testing.F, pattern string, forbidden string) {
	files, _ := filepath.Glob("testdata/events/" + pattern)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		h, r := raw(t, customauth.Options{InsecureNoLimits: true}, nil)
		out, err := h.Invoke(context.Background(), payload)
		if err != nil {
			var public *customauth.Error
			if !errors.As(err, &public) {
				t.Errorf("an error that is not public: %v", err)
			}
			return
		}
		var got struct {
			Response map[string]json.RawMessage `json:"response"`
		}
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if string(got.Response[forbidden]) == "true" {
			t.Errorf("%s for %q", forbidden, payload)
		}
		if code := r.inbox.code(); strings.Contains(string(out), code) && !strings.Contains(string(payload), code) {
			t.Errorf("the code is in %q", out)
		}
	})
}

func FuzzDefine(f *testing.F) { fuzzTrigger(f, "define-*.json", "issueTokens") }
func FuzzCreate(f *testing.F) { fuzzTrigger(f, "create-first*.json", "issueTokens") }
func FuzzVerify(f *testing.F) { fuzzTrigger(f, "verify.json", "answerCorrect") }
