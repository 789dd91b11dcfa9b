package cognitotest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestStart(t *testing.T) {
	pool, inbox := cognitotest.Start(t, customauth.Options{})
	if err := pool.AddUser("alice", map[string]string{"phone_number": phone}); err != nil {
		t.Fatal(err)
	}
	s, err := pool.SignIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Answer(t.Context(), inbox.Code(phone), nil); err != nil || !s.Done() {
		t.Errorf("%v, done %v", err, s.Done())
	}
}

// TestStartClients: the app clients of the options are those of the pool.
func TestStartClients(t *testing.T) {
	code := []customauth.Step{{Name: "code", Challenge: customauth.OTP{Medium: "EMAIL"}}}
	pool, inbox := cognitotest.Start(t, customauth.Options{Clients: map[string]customauth.Options{"app": {Steps: code}}})
	if err := pool.AddUser("alice", map[string]string{"email": "someone@example.com"}); err != nil {
		t.Fatal(err)
	}
	s, err := pool.SignInAs(t.Context(), "app", "alice", "")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Answer(t.Context(), inbox.Code("someone@example.com"), nil); err != nil || !s.Done() {
		t.Errorf("%v, done %v", err, s.Done())
	}
}

// recorder is a test that fails.
type recorder struct{ fatal, logged string }

func (*recorder) Helper()                    {}
func (r *recorder) Fatal(args ...any)        { r.fatal = fmt.Sprint(args...); panic(r) }
func (r *recorder) Logf(f string, a ...any)  { r.logged += fmt.Sprintf(f, a...) + "\n" }
func (r *recorder) run(o customauth.Options) { defer func() { recover() }(); cognitotest.Start(r, o) }

func TestStartRefuses(t *testing.T) {
	r := new(recorder)
	if r.run(customauth.Options{SendTimeout: -1}); !strings.Contains(r.fatal, "SendTimeout must be") {
		t.Errorf("got %q", r.fatal)
	}
}
