package cognitotest_test

// This file compares what triggers are given with events as the service sends
// them, and what clients get when triggers answer badly.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

type object = map[string]any

// fake is a handler for every trigger. By default it signs a user in who answers
// "right" to one challenge, as the developer guide's examples do. A test changes
// the response of a source by an entry in respond.
type fake struct {
	respond map[string]func(event object) (any, error)

	mu     sync.Mutex
	events []object
}

func (f *fake) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event object
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.events = append(f.events, decode(string(payload)))
	f.mu.Unlock()

	name, _, _ := strings.Cut(event["triggerSource"].(string), "_")
	respond := f.respond[name]
	if respond == nil {
		respond = defaults[name]
	}
	answer, err := respond(event)
	if err != nil {
		return nil, err
	}
	if raw, ok := answer.(string); ok {
		return []byte(raw), nil
	}
	event["response"] = answer
	return json.Marshal(event)
}

var defaults = map[string]func(object) (any, error){
	"DefineAuthChallenge": func(e object) (any, error) {
		session := e["request"].(object)["session"].([]any)
		passed := len(session) > 0 && session[len(session)-1].(object)["challengeName"] == "CUSTOM_CHALLENGE" &&
			session[len(session)-1].(object)["challengeResult"] == true
		if passed {
			return object{"challengeName": nil, "issueTokens": true, "failAuthentication": false}, nil
		}
		return object{"challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false}, nil
	},
	"CreateAuthChallenge": func(object) (any, error) {
		return object{
			"publicChallengeParameters":  object{"hint": "say right"},
			"privateChallengeParameters": object{"answer": "right"},
			"challengeMetadata":          "ROUND",
		}, nil
	},
	"VerifyAuthChallengeResponse": func(e object) (any, error) {
		r := e["request"].(object)
		return object{"answerCorrect": r["challengeAnswer"] == r["privateChallengeParameters"].(object)["answer"]}, nil
	},
	"PreSignUp": func(object) (any, error) {
		return object{"autoConfirmUser": true, "autoVerifyEmail": false, "autoVerifyPhone": false}, nil
	},
	"PostConfirmation":   func(object) (any, error) { return object{}, nil },
	"PreAuthentication":  func(object) (any, error) { return object{}, nil },
	"PostAuthentication": func(object) (any, error) { return object{}, nil },
	"TokenGeneration":    func(object) (any, error) { return object{"claimsOverrideDetails": nil}, nil },
}

// last returns the newest event of a source.
func (f *fake) last(t *testing.T, source string) object {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.events) - 1; i >= 0; i-- {
		if f.events[i]["triggerSource"] == source {
			return f.events[i]
		}
	}
	t.Fatalf("%s was not called", source)
	return nil
}

// sources returns which triggers were called, in order, without their suffixes.
func (f *fake) sources() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, e := range f.events {
		name, _, _ := strings.Cut(e["triggerSource"].(string), "_")
		names = append(names, name)
	}
	return names
}

func decode(text string) object {
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	return o
}

func errorOf(err error) string {
	var e *cognitotest.Error
	if errors.As(err, &e) {
		return e.Type + ": " + e.Message
	}
	return fmt.Sprint(err)
}

// every names one handler for every trigger.
func every(f *fake) cognitotest.Triggers {
	return cognitotest.Triggers{
		All: f, PreSignUp: f, PostConfirmation: f, PreAuthentication: f, PostAuthentication: f, PreTokenGeneration: f,
	}
}

// TestEvents replays what led to each of the service's events, and compares. The
// values are made up in these files, the shapes are not: every field that is
// there, and every null, has to be in ours, and no other.
func TestEvents(t *testing.T) {
	const (
		sub   = "0ab28e1c-a2d9-457f-9514-96eed83f4dd4"
		email = "someone@example.com"
	)
	phoneUser := map[string]string{"sub": sub, "phone_number": phone, "phone_number_verified": "true"}
	byPhone := []string{"phone_number"}

	tests := []struct {
		file       string
		username   []string // UsernameAttributes
		existence  string
		user       string
		attributes map[string]string
		srp        bool
		act        func(context.Context, *cognitotest.Pool, *cognitotest.SignIn) error
		source     string
	}{
		{file: "define-first", username: byPhone, user: phone, attributes: phoneUser, source: "DefineAuthChallenge_Authentication"},
		{file: "define-first-legacy", username: byPhone, user: phone, attributes: phoneUser, existence: "LEGACY", source: "DefineAuthChallenge_Authentication"},
		{file: "define-user-not-found", user: "nobody", source: "DefineAuthChallenge_Authentication"},
		{file: "define-srp-a-ios", username: byPhone, user: phone, attributes: phoneUser, existence: "LEGACY", srp: true, source: "DefineAuthChallenge_Authentication"},
		{file: "define-after-wrong-answer", username: byPhone, user: phone, attributes: phoneUser,
			act: func(ctx context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
				return s.Answer(ctx, "wrong", map[string]string{"action": "resend"})
			}, source: "DefineAuthChallenge_Authentication"},
		{file: "create-first", username: byPhone, user: phone, attributes: phoneUser, source: "CreateAuthChallenge_Authentication"},
		{file: "create-user-not-found", user: "nobody", source: "CreateAuthChallenge_Authentication"},
		{file: "create-srp-a-ios", username: byPhone, user: phone, attributes: phoneUser, existence: "LEGACY", srp: true, source: "CreateAuthChallenge_Authentication"},
		{file: "create-force-change-password", user: "00000000191", existence: "LEGACY", attributes: map[string]string{
			"sub": "1428f428-c001-7013-6ffe-9b0100820c85", "cognito:user_status": "FORCE_CHANGE_PASSWORD", "name": "Cliente Anônimo", "email": email,
		}, source: "CreateAuthChallenge_Authentication"},
		{file: "verify", username: byPhone, user: phone, attributes: phoneUser,
			act: func(ctx context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
				return s.Answer(ctx, "268745", nil)
			}, source: "VerifyAuthChallengeResponse_Authentication"},
		{file: "post-authentication", username: byPhone, user: phone,
			attributes: map[string]string{"sub": sub, "phone_number": phone, "phone_number_verified": "false"},
			act: func(ctx context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
				return s.Answer(ctx, "right", nil)
			}, source: "PostAuthentication_Authentication"},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			f := new(fake)
			pool := newPool(t, cognitotest.Config{
				ID: "us-east-1_Ab1Cd2Ef3",
				Clients: []cognitotest.Client{{
					ID:                         "1example23456789abcdefghij",
					PreventUserExistenceErrors: tt.existence,
				}},
				UsernameAttributes: tt.username,
				Triggers:           every(f),
			})
			if tt.attributes != nil {
				if err := pool.AddUser(tt.user, tt.attributes); err != nil {
					t.Fatal(err)
				}
			}
			signIn := pool.SignIn
			if tt.srp {
				signIn = func(ctx context.Context, name string) (*cognitotest.SignIn, error) {
					return pool.SignInSRP(ctx, name, "A-Passw0rd")
				}
			}
			s, err := signIn(t.Context(), tt.user)
			if err != nil {
				t.Fatal(err)
			}
			if tt.act != nil {
				if err := tt.act(t.Context(), pool, s); err != nil {
					t.Fatal(err)
				}
			}

			data, err := os.ReadFile(filepath.Join("..", "testdata", "events", tt.file+".json"))
			if err != nil {
				t.Fatal(err)
			}
			want, got := decode(string(data)), f.last(t, tt.source)
			settle(want, got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("event (-want +got):\n%s", diff)
			}
		})
	}
}

// settle makes alike what cannot be the same: made-up names, an SDK's own name
// for itself, and the placeholders of the files.
func settle(want, got object) {
	want["callerContext"].(object)["awsSdkVersion"] = "aws-sdk-unknown-unknown"
	request := want["request"].(object)
	if request["userNotFound"] == true && len(got["userName"].(string)) == len(want["userName"].(string)) {
		want["userName"] = got["userName"]
	}
	if private, ok := request["privateChallengeParameters"].(object); ok {
		delete(private, "<key>")
		private["answer"] = "right"
	}
	if session, _ := request["session"].([]any); len(session) > 0 {
		if entry := session[0].(object); entry["challengeMetadata"] != nil {
			entry["challengeMetadata"] = "ROUND"
		}
	}
}

// TestClientMetadata: what a client sends with InitiateAuth reaches none of the
// three triggers, what it sends with an answer reaches them all, for this answer
// only.
func TestClientMetadata(t *testing.T) {
	f := new(fake)
	pool := newPool(t, cognitotest.Config{Triggers: every(f)})
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	s, err := pool.SignIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Answer(t.Context(), "wrong", map[string]string{"first": "1"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Answer(t.Context(), "right", map[string]string{"second": "2"}); err != nil {
		t.Fatal(err)
	}

	var got []string
	for _, e := range f.events {
		name, _, _ := strings.Cut(e["triggerSource"].(string), "_")
		metadata, _ := json.Marshal(e["request"].(object)["clientMetadata"])
		got = append(got, name+" "+string(metadata))
	}
	want := []string{
		"PreAuthentication null",
		"DefineAuthChallenge null",
		"CreateAuthChallenge null",
		`VerifyAuthChallengeResponse {"first":"1"}`,
		`DefineAuthChallenge {"first":"1"}`,
		`CreateAuthChallenge {"first":"1"}`,
		`VerifyAuthChallengeResponse {"second":"2"}`,
		`DefineAuthChallenge {"second":"2"}`,
		`PostAuthentication {"second":"2"}`,
		`TokenGeneration {"second":"2"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func respondWith(name string, answer any) map[string]func(object) (any, error) {
	return map[string]func(object) (any, error){name: func(object) (any, error) { return answer, nil }}
}

// TestBadAnswers: what becomes of a trigger's answer that the service would not
// take.
func TestBadAnswers(t *testing.T) {
	const unrecognizable = "InvalidLambdaResponseException: Unrecognizable lambda output"
	tests := map[string]struct {
		respond map[string]func(object) (any, error)
		want    string
	}{
		"define answers nothing":           {respondWith("DefineAuthChallenge", ""), unrecognizable},
		"define answers null":              {respondWith("DefineAuthChallenge", "null"), unrecognizable},
		"define answers a list":            {respondWith("DefineAuthChallenge", "[]"), unrecognizable},
		"define answers without response":  {respondWith("DefineAuthChallenge", `{"version":"1"}`), unrecognizable},
		"define decides nothing":           {respondWith("DefineAuthChallenge", object{}), unrecognizable},
		"define has a string for a bool":   {respondWith("DefineAuthChallenge", object{"issueTokens": "true"}), unrecognizable},
		"define has a number for a name":   {respondWith("DefineAuthChallenge", object{"challengeName": 1}), unrecognizable},
		"define writes its keys otherwise": {respondWith("DefineAuthChallenge", object{"IssueTokens": true}), unrecognizable},
		"define names another challenge":   {respondWith("DefineAuthChallenge", object{"challengeName": "SMS_MFA"}), unrecognizable},
		"define asks for a password":       {respondWith("DefineAuthChallenge", object{"challengeName": "PASSWORD_VERIFIER"}), "InvalidParameterException: Missing required parameter SRP_A"},
		"define fails and issues":          {respondWith("DefineAuthChallenge", object{"issueTokens": true, "failAuthentication": true}), "NotAuthorizedException: Incorrect username or password."},
		"create has a number as a value":   {respondWith("CreateAuthChallenge", object{"publicChallengeParameters": object{"n": 1}}), unrecognizable},
		"create has a list for metadata":   {respondWith("CreateAuthChallenge", object{"challengeMetadata": []string{}}), unrecognizable},
		"create fails": {map[string]func(object) (any, error){"CreateAuthChallenge": func(object) (any, error) {
			return nil, errors.New("no number to send to")
		}}, "UserLambdaValidationException: CreateAuthChallenge failed with error no number to send to."},
		"create is too heavy": {respondWith("CreateAuthChallenge", object{
			"privateChallengeParameters": object{"answer": "right"}, "challengeMetadata": strings.Repeat("x", 1000),
		}), "InvalidLambdaResponseException: cognitotest: Session would weigh 2110 characters, more than 2048: " +
			"challengeMetadata of all rounds and privateChallengeParameters are too large"},
		"verify has a string for a bool": {respondWith("VerifyAuthChallengeResponse", object{"answerCorrect": "true"}), unrecognizable},
		"post authentication refuses": {map[string]func(object) (any, error){"PostAuthentication": func(object) (any, error) {
			return nil, errors.New("not you")
		}}, "UserLambdaValidationException: PostAuthentication failed with error not you."},
		"pre authentication refuses": {map[string]func(object) (any, error){"PreAuthentication": func(object) (any, error) {
			return nil, errors.New("not today")
		}}, "UserLambdaValidationException: PreAuthentication failed with error not today."},
		"token generation refuses": {map[string]func(object) (any, error){"TokenGeneration": func(object) (any, error) {
			return nil, errors.New("no claims")
		}}, "UserLambdaValidationException: PreTokenGeneration failed with error no claims."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			pool := newPool(t, cognitotest.Config{Triggers: every(&fake{respond: tt.respond})})
			if err := pool.AddUser("alice", nil); err != nil {
				t.Fatal(err)
			}
			s, err := pool.SignIn(t.Context(), "alice")
			if err == nil {
				err = s.Answer(t.Context(), "right", nil)
				if s.Done() {
					t.Error("the user was signed in")
				}
			}
			if got := errorOf(err); got != tt.want {
				t.Errorf("error: %s, want %s", got, tt.want)
			}
		})
	}
}

// TestBadAnswerCause: a test sees which member was wrong, a client does not.
func TestBadAnswerCause(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: every(&fake{respond: respondWith("CreateAuthChallenge",
		object{"privateChallengeParameters": object{"passCode": 123456}})})})
	_, err := pool.SignIn(t.Context(), "alice")
	if text := fmt.Sprint(err); !strings.Contains(text, "CreateAuthChallenge") || !strings.Contains(text, "privateChallengeParameters") {
		t.Errorf("error %q does not name the member", text)
	}
	got := refused(t, pool, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": "alice"}})
	if want := "InvalidLambdaResponseException: Unrecognizable lambda output"; got != want {
		t.Errorf("over HTTP: %s, want %s", got, want)
	}
}

// handlerFunc is a lambda.Handler.
type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

// TestSilentTriggers: a trigger that hangs, panics or ends its goroutine is
// called three times, for five seconds each, and then given up.
func TestSilentTriggers(t *testing.T) {
	boom := errors.New("boom")
	tests := map[string]struct {
		invoke func(ctx context.Context, call int) error // nil: answer as the fake does
		want   string
		calls  int
		took   time.Duration
	}{
		"hangs": {
			func(ctx context.Context, _ int) error { time.Sleep(time.Minute); return nil },
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Socket timeout while invoking Lambda function.", 3, 15 * time.Second,
		},
		"stops when its context is done": {
			func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() },
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Socket timeout while invoking Lambda function.", 3, 15 * time.Second,
		},
		"panics": {
			func(context.Context, int) error { panic("boom") },
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Unhandled.", 3, 0,
		},
		"ends its goroutine": {
			func(context.Context, int) error { runtime.Goexit(); return nil },
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Unhandled.", 3, 0,
		},
		"is a function that crashes": {
			func(context.Context, int) error { return &cognitotest.FunctionError{Type: "Runtime.ExitError"} },
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Unhandled.", 3, 0,
		},
		"is a function that times out": {
			func(context.Context, int) error { return &cognitotest.FunctionError{Type: "Sandbox.Timedout"} },
			"UnexpectedLambdaException: CreateAuthChallenge invocation failed due to error Socket timeout while invoking Lambda function.", 3, 0,
		},
		"answers late, then in time": {
			func(_ context.Context, call int) error {
				if call == 1 {
					time.Sleep(6 * time.Second)
				}
				return nil
			}, "<nil>", 2, 5 * time.Second,
		},
		"answers a moment before the end": {
			func(context.Context, int) error { time.Sleep(5*time.Second - 1); return nil }, "<nil>", 1, 5*time.Second - 1,
		},
		"fails": {
			func(context.Context, int) error { return boom },
			"UserLambdaValidationException: CreateAuthChallenge failed with error boom.", 1, 0,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				calls := 0
				f := new(fake)
				create := handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
					mu.Lock()
					calls++
					call := calls
					mu.Unlock()
					if err := tt.invoke(ctx, call); err != nil {
						return nil, err
					}
					return f.Invoke(ctx, payload)
				})
				pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: f, Create: create}})
				if err := pool.AddUser("alice", nil); err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				_, err := pool.SignIn(t.Context(), "alice")
				if got := errorOf(err); got != tt.want {
					t.Errorf("error: %s, want %s", got, tt.want)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				time.Sleep(time.Hour) // what was abandoned ends in its own time
				mu.Lock()
				defer mu.Unlock()
				if calls != tt.calls {
					t.Errorf("%d calls, want %d", calls, tt.calls)
				}
				if name == "fails" && !errors.Is(err, boom) {
					t.Error("the error does not wrap the handler's")
				}
				if name == "panics" && !strings.Contains(err.Error(), "panic: boom") {
					t.Error("the error does not tell the panic")
				}
			})
		})
	}
}

// TestCancel: a test that gives up does not wait for the trigger, and sees why.
func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := handlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: hang}})
		if err := pool.AddUser("alice", nil); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := pool.SignIn(ctx, "alice")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error: %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v, want 1s", took)
		}
	})
}

// TestLambdaContext: a handler finds what the runtime would put there.
func TestLambdaContext(t *testing.T) {
	var ids []string
	f := new(fake)
	h := handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		if lc, ok := lambdacontext.FromContext(ctx); ok {
			ids = append(ids, lc.AwsRequestID)
		}
		return f.Invoke(ctx, payload)
	})
	pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: h}})
	if _, err := pool.SignIn(t.Context(), "nobody"); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 2 || ids[0] == "" || ids[0] == ids[1] {
		t.Errorf("request IDs %q, want two different ones", ids)
	}
}
