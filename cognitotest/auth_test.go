package cognitotest_test

// This file tests the state machine of a sign-in: sessions, users that are not
// there, names and aliases.

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestSignInSteps(t *testing.T) {
	f := new(fake)
	pool := newPool(t, cognitotest.Config{Triggers: every(f)})
	if err := pool.AddUser("alice", map[string]string{"email": "alice@example.com"}); err != nil {
		t.Fatal(err)
	}
	s, err := pool.SignIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"hint": "say right", "USERNAME": "alice"}
	if diff := cmp.Diff(want, s.Parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if s.Done() || s.Tokens() != nil {
		t.Error("signed in before the answer")
	}

	first := s.Session
	if err := s.Answer(t.Context(), "wrong", nil); err != nil {
		t.Fatal(err)
	}
	if s.Done() || s.Tokens() != nil {
		t.Error("signed in by a wrong answer")
	}
	if s.Session == first || len(s.Session) < 20 || len(s.Session) > 2048 {
		t.Errorf("second session %q, want another one of 20 to 2,048 characters", s.Session)
	}
	if err := s.Answer(t.Context(), "right", nil); err != nil {
		t.Fatal(err)
	}
	if !s.Done() || s.Tokens() == nil {
		t.Fatal("not signed in by the right answer")
	}

	entries := f.last(t, "DefineAuthChallenge_Authentication")["request"].(object)["session"]
	wantEntries := []any{
		object{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": false, "challengeMetadata": "ROUND"},
		object{"challengeName": "CUSTOM_CHALLENGE", "challengeResult": true, "challengeMetadata": "ROUND"},
	}
	if diff := cmp.Diff(wantEntries, entries); diff != "" {
		t.Errorf("session of the last Define (-want +got):\n%s", diff)
	}
}

func TestSessions(t *testing.T) {
	const (
		invalid = "NotAuthorizedException: Invalid session for the user."
		used    = "NotAuthorizedException: Invalid session for the user, session can only be used once."
		expired = "NotAuthorizedException: Invalid session for the user, session is expired."
	)
	// Every row starts with alice at her first challenge, and ends with her
	// answer.
	tests := map[string]struct {
		before func(ctx context.Context, p *cognitotest.Pool, s *cognitotest.SignIn) error
		want   string
	}{
		"fresh": {func(context.Context, *cognitotest.Pool, *cognitotest.SignIn) error { return nil }, "<nil>"},
		"used by a wrong answer": {func(ctx context.Context, p *cognitotest.Pool, s *cognitotest.SignIn) error {
			session := s.Session
			defer func() { s.Session = session }()
			return s.Answer(ctx, "wrong", nil)
		}, used},
		"used by the right answer": {func(ctx context.Context, p *cognitotest.Pool, s *cognitotest.SignIn) error {
			copied := *s
			return copied.Answer(ctx, "right", nil)
		}, used},
		"just in time": {func(context.Context, *cognitotest.Pool, *cognitotest.SignIn) error {
			time.Sleep(15*time.Minute - 1)
			return nil
		}, "<nil>"},
		"too late": {func(context.Context, *cognitotest.Pool, *cognitotest.SignIn) error {
			time.Sleep(15 * time.Minute)
			return nil
		}, expired},
		"restarted by the next challenge": {func(ctx context.Context, p *cognitotest.Pool, s *cognitotest.SignIn) error {
			time.Sleep(2 * time.Minute)
			if err := s.Answer(ctx, "wrong", nil); err != nil {
				return err
			}
			time.Sleep(2 * time.Minute)
			return nil
		}, "<nil>"},
		"of another user": {func(ctx context.Context, p *cognitotest.Pool, s *cognitotest.SignIn) error {
			other, err := p.SignIn(ctx, "bob")
			s.Session = other.Session
			return err
		}, invalid},
		"of an unknown user": {func(ctx context.Context, p *cognitotest.Pool, s *cognitotest.SignIn) error {
			other, err := p.SignIn(ctx, "nobody")
			s.Session = other.Session
			return err
		}, invalid},
		"of another sign-in of hers": {func(ctx context.Context, p *cognitotest.Pool, s *cognitotest.SignIn) error {
			other, err := p.SignIn(ctx, "alice")
			s.Session = other.Session
			return err
		}, "<nil>"},
		"made up": {func(_ context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
			s.Session = strings.Repeat("A", len(s.Session))
			return nil
		}, invalid},
		"changed": {func(_ context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
			flipped := "A"
			if strings.HasPrefix(s.Session, flipped) {
				flipped = "B"
			}
			s.Session = flipped + s.Session[1:]
			return nil
		}, invalid},
		"missing": {func(_ context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
			s.Session = ""
			return nil
		}, "InvalidParameterException: Missing required parameter Session"},
		"too short": {func(_ context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
			s.Session = "nope"
			return nil
		}, "InvalidParameterException: 1 validation error detected: Value at 'session' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		"for another challenge": {func(_ context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
			s.Challenge = "SMS_MFA"
			return nil
		}, `InvalidParameterException: cognitotest: the challenge "SMS_MFA" is not there`},
		"under her name in capitals": {func(_ context.Context, _ *cognitotest.Pool, s *cognitotest.SignIn) error {
			s.Parameters["USERNAME"] = "ALICE"
			return nil
		}, "<nil>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: new(fake)}})
				for _, user := range []string{"alice", "bob"} {
					if err := pool.AddUser(user, nil); err != nil {
						t.Fatal(err)
					}
				}
				s, err := pool.SignIn(t.Context(), "alice")
				if err != nil {
					t.Fatal(err)
				}
				if err := tt.before(t.Context(), pool, s); err != nil {
					t.Fatal(err)
				}
				err = s.Answer(t.Context(), "right", nil)
				if got := errorOf(err); got != tt.want {
					t.Errorf("error: %s, want %s", got, tt.want)
				}
				if s.Done() != (tt.want == "<nil>") {
					t.Errorf("done: %v", s.Done())
				}
			})
		})
	}
}

// TestAnswerOnce: of many answers with one session at once, one counts.
func TestAnswerOnce(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: new(fake)}})
	if err := pool.AddUser("alice", nil); err != nil {
		t.Fatal(err)
	}
	s, err := pool.SignIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	for range 16 {
		copied := *s
		go func() {
			err := copied.Answer(context.Background(), "right", nil)
			done <- err == nil && copied.Done()
		}()
	}
	signedIn := 0
	for range 16 {
		if <-done {
			signedIn++
		}
	}
	if signedIn != 1 {
		t.Errorf("%d of 16 answers with one session signed in, want 1", signedIn)
	}
}

var uuidForm = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestUnknownUser(t *testing.T) {
	issue := respondWith("DefineAuthChallenge", object{"issueTokens": true})
	legacy := []cognitotest.Client{{PreventUserExistenceErrors: "LEGACY"}}

	t.Run("legacy", func(t *testing.T) {
		f := new(fake)
		pool := newPool(t, cognitotest.Config{Clients: legacy, Triggers: every(f)})
		_, err := pool.SignIn(t.Context(), "nobody")
		if got, want := errorOf(err), "UserNotFoundException: User does not exist."; got != want {
			t.Errorf("error: %s, want %s", got, want)
		}
		if diff := cmp.Diff([]string(nil), f.sources()); diff != "" {
			t.Errorf("triggers (-want +got):\n%s", diff)
		}
	})
	t.Run("no tokens, whatever the triggers say", func(t *testing.T) {
		pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: &fake{respond: issue}}})
		_, err := pool.SignIn(t.Context(), "nobody")
		if got, want := errorOf(err), "NotAuthorizedException: Incorrect username or password."; got != want {
			t.Errorf("error: %s, want %s", got, want)
		}
	})
	t.Run("no tokens for the right answer", func(t *testing.T) {
		f := new(fake)
		pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: f}})
		s, err := pool.SignIn(t.Context(), "nobody")
		if err != nil {
			t.Fatal(err)
		}
		err = s.Answer(t.Context(), "right", nil)
		if got, want := errorOf(err), "NotAuthorizedException: Incorrect username or password."; got != want || s.Done() {
			t.Errorf("error: %s, want %s", got, want)
		}
		if got := f.last(t, "VerifyAuthChallengeResponse_Authentication")["request"].(object)["userNotFound"]; got != true {
			t.Errorf("userNotFound in Verify: %v, want true", got)
		}
	})
	t.Run("the same made-up name every time", func(t *testing.T) {
		pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: new(fake)}})
		names := map[string]string{}
		for _, name := range []string{"nobody", "Nobody", "somebody"} {
			s, err := pool.SignIn(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			names[name] = s.Parameters["USERNAME"]
			if !uuidForm.MatchString(names[name]) {
				t.Errorf("USERNAME %q, want a UUID", names[name])
			}
		}
		if names["nobody"] != names["Nobody"] || names["nobody"] == names["somebody"] {
			t.Errorf("made-up names: %v", names)
		}
	})
	t.Run("create without private parameters gives it away", func(t *testing.T) {
		f := &fake{respond: respondWith("CreateAuthChallenge", object{"challengeMetadata": "ROUND"})}
		pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{All: f}})
		if err := pool.AddUser("alice", nil); err != nil {
			t.Fatal(err)
		}
		_, known := pool.SignIn(t.Context(), "alice")
		_, unknown := pool.SignIn(t.Context(), "nobody")
		if errorOf(known) == errorOf(unknown) {
			t.Errorf("both answers are %s", errorOf(known))
		}
	})
}

func TestNames(t *testing.T) {
	tests := map[string]struct {
		config     cognitotest.Config
		name       string
		attributes map[string]string
		signIn     string
		want       string // "sub", "name" or an error
	}{
		"by name":                       {cognitotest.Config{}, "alice", nil, "alice", "name"},
		"by name in capitals":           {cognitotest.Config{}, "alice", nil, "ALICE", "name"},
		"by phone, which is the name":   {cognitotest.Config{UsernameAttributes: []string{"phone_number"}}, phone, nil, phone, "sub"},
		"by e-mail, which is the name":  {cognitotest.Config{UsernameAttributes: []string{"email"}}, "Alice@example.com", nil, "alice@EXAMPLE.com", "sub"},
		"by phone, unverified":          {cognitotest.Config{AliasAttributes: []string{"phone_number"}}, "alice", map[string]string{"phone_number": phone}, phone, "nobody"},
		"by phone, verified":            {cognitotest.Config{AliasAttributes: []string{"phone_number"}}, "alice", map[string]string{"phone_number": phone, "phone_number_verified": "True"}, phone, "name"},
		"by phone, no alias":            {cognitotest.Config{}, "alice", map[string]string{"phone_number": phone, "phone_number_verified": "true"}, phone, "nobody"},
		"by name, unconfirmed":          {cognitotest.Config{}, "alice", map[string]string{"cognito:user_status": "UNCONFIRMED"}, "alice", "UserNotConfirmedException: User is not confirmed."},
		"by name, with a temporary one": {cognitotest.Config{}, "alice", map[string]string{"cognito:user_status": "FORCE_CHANGE_PASSWORD"}, "alice", "name"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := new(fake)
			tt.config.Triggers = cognitotest.Triggers{All: f}
			pool := newPool(t, tt.config)
			if err := pool.AddUser(tt.name, tt.attributes); err != nil {
				t.Fatal(err)
			}
			s, err := pool.SignIn(t.Context(), tt.signIn)
			if err != nil {
				if got := errorOf(err); got != tt.want {
					t.Errorf("error: %s, want %s", got, tt.want)
				}
				return
			}
			request := f.last(t, "DefineAuthChallenge_Authentication")["request"].(object)
			got := "nobody"
			switch {
			case request["userNotFound"] == true:
			case s.Parameters["USERNAME"] == tt.name:
				got = "name"
			case s.Parameters["USERNAME"] == request["userAttributes"].(object)["sub"]:
				got = "sub"
			}
			if got != tt.want {
				t.Errorf("signed in as %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAddUserRefuses(t *testing.T) {
	byPhone := cognitotest.Config{UsernameAttributes: []string{"phone_number"}}
	aliases := cognitotest.Config{AliasAttributes: []string{"phone_number"}}
	verified := map[string]string{"phone_number": phone, "phone_number_verified": "true"}
	tests := map[string]struct {
		config     cognitotest.Config
		name       string
		attributes map[string]string
		want       string
	}{
		"a name that is taken":      {cognitotest.Config{}, "Alice", nil, "UsernameExistsException: User already exists"},
		"a phone that is taken":     {byPhone, phone, nil, "UsernameExistsException: An account with the given phone_number already exists."},
		"an alias that is taken":    {aliases, "bob", verified, "AliasExistsException: An account with the given phone_number already exists."},
		"a name that is no phone":   {byPhone, "bob", nil, "InvalidParameterException: Username should be a phone number."},
		"no name":                   {cognitotest.Config{}, "", nil, "InvalidParameterException: 1 validation error detected: Value at 'username' failed to satisfy constraint: Member must not be null"},
		"a name with a space":       {cognitotest.Config{}, "bob b", nil, `InvalidParameterException: 1 validation error detected: Value at 'username' failed to satisfy constraint: Member must satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`},
		"a phone in national form":  {cognitotest.Config{}, "bob", map[string]string{"phone_number": "206-555-0100"}, "InvalidParameterException: Invalid phone number format."},
		"an attribute of no schema": {cognitotest.Config{}, "bob", map[string]string{"shoe": "42"}, "InvalidParameterException: Attributes did not conform to the schema: Type for attribute {shoe} could not be determined"},
		"a custom attribute":        {cognitotest.Config{}, "bob", map[string]string{"custom:shoe": "42"}, "<nil>"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.config.Triggers = cognitotest.Triggers{All: new(fake)}
			pool := newPool(t, tt.config)
			first := "alice"
			if len(tt.config.UsernameAttributes) > 0 {
				first = phone
			}
			if err := pool.AddUser(first, verified); err != nil {
				t.Fatal(err)
			}
			if got := errorOf(pool.AddUser(tt.name, tt.attributes)); got != tt.want {
				t.Errorf("error: %s, want %s", got, tt.want)
			}
		})
	}
}

func TestNewPoolRefuses(t *testing.T) {
	tests := map[string]cognitotest.Config{
		"an ID without a region":      {ID: "pool"},
		"two clients without an ID":   {Clients: []cognitotest.Client{{}, {}}},
		"a session of a minute":       {Clients: []cognitotest.Client{{AuthSessionValidity: time.Minute}}},
		"a session of an hour":        {Clients: []cognitotest.Client{{AuthSessionValidity: time.Hour}}},
		"a third kind of secrecy":     {Clients: []cognitotest.Client{{PreventUserExistenceErrors: "enabled"}}},
		"a user name by nickname":     {UsernameAttributes: []string{"nickname"}},
		"both kinds of other names":   {UsernameAttributes: []string{"email"}, AliasAttributes: []string{"email"}},
		"an alias by family_name":     {AliasAttributes: []string{"family_name"}},
		"a client ID with a slash":    {Clients: []cognitotest.Client{{ID: "a/b"}}},
		"an access token of a minute": {Clients: []cognitotest.Client{{AccessTokenValidity: time.Minute}}},
	}
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	tests["a key that is too short"] = cognitotest.Config{Key: short}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := cognitotest.NewPool(c); err == nil || !strings.HasPrefix(err.Error(), "cognitotest: ") {
				t.Errorf("error: %v, want one that begins with cognitotest:", err)
			}
		})
	}
}

// TestWithoutTriggers: a pool that has not all three says so.
func TestWithoutTriggers(t *testing.T) {
	pool := newPool(t, cognitotest.Config{Triggers: cognitotest.Triggers{Define: new(fake)}})
	_, err := pool.SignIn(t.Context(), "alice")
	want := "InvalidParameterException: Custom auth lambda trigger is not configured for the user pool."
	if got := errorOf(err); got != want {
		t.Errorf("error: %s, want %s", got, want)
	}
}
