package cognitotest_test

// This file tests the client's side for tests in Go.

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// TestSignInActions: what the handlers get of the actions that have methods.
func TestSignInActions(t *testing.T) {
	for name, tt := range map[string]struct {
		act  func(s *cognitotest.SignIn) error
		want object
	}{
		"resend": {func(s *cognitotest.SignIn) error { return s.Resend(t.Context()) }, object{"action": "resend"}},
		"choose": {func(s *cognitotest.SignIn) error { return s.Choose(t.Context(), "email") }, object{"action": "choose", "way": "email"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := new(fake)
			pool := newPool(t, cognitotest.Config{Triggers: every(f)})
			s, err := pool.SignIn(t.Context(), "alice")
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.act(s); err != nil {
				t.Fatal(err)
			}
			for _, source := range []string{"VerifyAuthChallengeResponse", "DefineAuthChallenge", "CreateAuthChallenge"} {
				got := f.last(t, source+"_Authentication")["request"].(object)["clientMetadata"]
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("metadata of %s (-want +got):\n%s", source, diff)
				}
			}
		})
	}
}

func TestSignInAs(t *testing.T) {
	f := new(fake)
	pool := newPool(t, cognitotest.Config{
		Clients: []cognitotest.Client{
			{ExplicitAuthFlows: []string{"ALLOW_USER_SRP_AUTH"}},
			{ID: "second", Secret: "a+secret+of+twenty+four+0"},
			{ID: "shown", PreventUserExistenceErrors: "LEGACY"},
		},
		Triggers: every(f),
	})
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	if err := pool.SetPassword("alice", oldPass); err != nil {
		t.Fatal(err)
	}
	for _, password := range []string{"", oldPass} {
		s, err := pool.SignInAs(t.Context(), "second", "alice", password)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Answer(t.Context(), "right", nil); err != nil || !s.Done() {
			t.Errorf("error %v, done %t", err, s.Done())
		}
		if got := f.last(t, "PostAuthentication_Authentication")["callerContext"].(object)["clientId"]; got != "second" {
			t.Errorf("client of the event is %v", got)
		}
	}
	for _, tt := range []struct{ client, user, want string }{
		{"1example23456789testclient", "alice", "InvalidParameterException: CUSTOM_AUTH flow not enabled for this client"},
		{"shown", "nobody", "UserNotFoundException: User does not exist."},
		{"third", "alice", "ResourceNotFoundException: User pool client third does not exist."},
	} {
		if _, err := pool.SignInAs(t.Context(), tt.client, tt.user, ""); errorOf(err) != tt.want {
			t.Errorf("as %s: %s, want %s", tt.client, errorOf(err), tt.want)
		}
	}
}

// TestLogf: a test is told what a client over HTTP is not.
func TestLogf(t *testing.T) {
	for name, tt := range map[string]struct {
		respond func(object) (any, error)
		want    []string
	}{
		"a panic":      {func(object) (any, error) { panic("boom") }, []string{"CreateAuthChallenge_Authentication", "panic: boom", "TestLogf"}},
		"a wrong type": {func(object) (any, error) { return object{"challengeMetadata": 7}, nil }, []string{"CreateAuthChallenge_Authentication", "challengeMetadata", "number"}},
		"an error":     {func(object) (any, error) { return nil, fmt.Errorf("no number") }, []string{"CreateAuthChallenge_Authentication", "no number"}},
		"nothing":      {defaults["CreateAuthChallenge"], nil},
	} {
		t.Run(name, func(t *testing.T) {
			var logged []string
			f := &fake{respond: map[string]func(object) (any, error){"CreateAuthChallenge": tt.respond}}
			pool := newPool(t, cognitotest.Config{
				Logf:     func(format string, args ...any) { logged = append(logged, fmt.Sprintf(format, args...)) },
				Triggers: every(f),
			})
			post(t, pool, "InitiateAuth", object{"AuthFlow": "CUSTOM_AUTH", "ClientId": clientID, "AuthParameters": object{"USERNAME": "alice"}})
			text := strings.Join(logged, "\n")
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("logged %.300q, which does not tell %q", text, want)
				}
			}
			if len(logged) != min(1, len(tt.want)) {
				t.Errorf("logged %d times", len(logged))
			}
		})
	}
}
