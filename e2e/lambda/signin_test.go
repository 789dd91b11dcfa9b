package lambda_test

// This file signs users in.

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

// A system is a set of functions that runs, and what the phones get from it.
type system struct {
	triggers cognitotest.Triggers
	codes    func() []string // oldest first
}

const password = "Correct-Horse-9"

// systems are the examples.
var systems = []struct {
	name     string
	password bool // a password comes first
	attempts int  // answers and resends, until the sign-in ends
	start    func(t *testing.T) system
}{
	{name: "onelambda", attempts: 3, start: one("onelambda")},
	{name: "threelambdas", attempts: 3, start: three},
	{name: "custom", attempts: 4, start: func(t *testing.T) system {
		api := newSMSAPI(t)
		f, _ := start(t, bootstrap("custom"), cognitotest.FunctionOptions{Env: append(api.env, "CUSTOMAUTH_KEYS="+newKey())}, api.codes)
		return system{cognitotest.Triggers{All: f, PreSignUp: f}, api.codes}
	}},
	{name: "mfa", password: true, attempts: 3, start: one("mfa")},
}

func one(name string) func(t *testing.T) system {
	return func(t *testing.T) system {
		fake := fakesns.New()
		t.Cleanup(fake.Close)
		f, _ := start(t, bootstrap(name), cognitotest.FunctionOptions{Name: name, Env: env(newKey(), fake)}, codes(fake))
		return system{cognitotest.Triggers{All: f, PreSignUp: f}, codes(fake)}
	}
}

func three(t *testing.T) system {
	fake := fakesns.New()
	t.Cleanup(fake.Close)
	key := newKey()
	run := func(name string) *cognitotest.Function {
		f, _ := start(t, bootstrap("threelambdas/"+name), cognitotest.FunctionOptions{Name: name, Env: env(key, fake)}, codes(fake))
		return f
	}
	return system{cognitotest.Triggers{
		Define: run("define"), Create: run("create"), Verify: run("verify"), PreSignUp: run("presignup"),
	}, codes(fake)}
}

func begin(t *testing.T, pool *cognitotest.Pool, withPassword bool) *cognitotest.SignIn {
	t.Helper()
	if !withPassword {
		s, err := pool.SignIn(t.Context(), phone)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := pool.SetPassword(phone, password); err != nil {
		t.Fatal(err)
	}
	s, err := pool.SignInSRP(t.Context(), phone, password)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wrong is an answer that is not the code.
func wrong(code string) string {
	if strings.HasPrefix(code, "9") {
		return "8" + code[1:]
	}
	return "9" + code[1:]
}

func TestSignIn(t *testing.T) {
	for _, c := range systems {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.start(t)
			pool := newPool(t, s.triggers)
			signIn := begin(t, pool, c.password)
			if len(s.codes()) != 1 {
				t.Fatalf("%d texts, want 1", len(s.codes()))
			}
			code := s.codes()[0]
			left := c.attempts
			check := func(errorCode string) {
				t.Helper()
				want := map[string]string{
					"step": "otp", "errorCode": errorCode, "attemptsRemaining": strconv.Itoa(left),
					"codeLength":                    strconv.Itoa(len(strings.ReplaceAll(code, "-", ""))),
					"CODE_DELIVERY_DELIVERY_MEDIUM": "SMS",
				}
				for name, value := range want {
					if got := signIn.Parameters[name]; got != value {
						t.Errorf("%s is %q, want %q", name, got, value)
					}
				}
				if len(s.codes()) != 1 {
					t.Errorf("%d texts, want 1", len(s.codes()))
				}
			}
			check("")

			if err := signIn.Answer(t.Context(), wrong(code), nil); err != nil {
				t.Fatal(err)
			}
			left--
			check("wrong_code")

			if err := signIn.Answer(t.Context(), "resend", map[string]string{"action": "resend"}); err != nil {
				t.Fatal(err)
			}
			check("resend_too_soon")

			if err := signIn.Answer(t.Context(), " "+strings.ToLower(code)+" ", nil); err != nil {
				t.Fatal(err)
			}
			if !signIn.Done() || signIn.Tokens().AccessToken == "" || signIn.Tokens().IDToken == "" {
				t.Error("the right code did not end in tokens")
			}
		})
	}
}

func TestSignInFails(t *testing.T) {
	for _, c := range systems {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.start(t)
			pool := newPool(t, s.triggers)

			t.Run("after too many wrong answers", func(t *testing.T) {
				signIn := begin(t, pool, c.password)
				code := s.codes()[0]
				var err error
				n := 0
				for ; err == nil; n++ {
					err = signIn.Answer(t.Context(), wrong(code), nil)
				}
				if refused(err) != "NotAuthorizedException: Incorrect username or password." {
					t.Errorf("error %v", err)
				}
				if n != c.attempts {
					t.Errorf("the sign-in ended with answer %d, want %d", n, c.attempts)
				}
				if len(s.codes()) != 1 {
					t.Errorf("%d texts, want 1", len(s.codes()))
				}
			})

			t.Run("for an unknown user", func(t *testing.T) {
				before := len(s.codes())
				if c.password {
					if _, err := pool.SignInSRP(t.Context(), "+12065550111", password); err == nil {
						t.Error("the password step was passed")
					}
				} else {
					signIn, err := pool.SignIn(t.Context(), "+12065550111")
					if err != nil {
						t.Fatal(err)
					}
					for err == nil && !signIn.Done() {
						err = signIn.Answer(t.Context(), "123456", nil)
					}
					if refused(err) != "NotAuthorizedException: Incorrect username or password." {
						t.Errorf("error %v, done: %v", err, signIn.Done())
					}
				}
				if len(s.codes()) != before {
					t.Error("a text was sent")
				}
			})
		})
	}
}

// TestPassword shows that the second factor of examples/mfa waits for the first.
func TestPassword(t *testing.T) {
	t.Parallel()
	s := one("mfa")(t)
	pool := newPool(t, s.triggers)
	if err := pool.SetPassword(phone, password); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.SignIn(t.Context(), phone); refused(err) != "NotAuthorizedException: Incorrect username or password." {
		t.Errorf("without a password: error %v", err)
	}
	if _, err := pool.SignInSRP(t.Context(), phone, "Wrong-Horse-9"); refused(err) != "NotAuthorizedException: Incorrect username or password." {
		t.Errorf("with a wrong password: error %v", err)
	}
	if n := len(s.codes()); n != 0 {
		t.Errorf("%d texts before the password was right", n)
	}
}

// TestText looks at the one request that SNS gets.
func TestText(t *testing.T) {
	t.Parallel()
	fake := fakesns.NewTLS()
	t.Cleanup(fake.Close)
	f, _ := start(t, bootstrap("onelambda"), cognitotest.FunctionOptions{
		Env: append(env(newKey(), fake), "SSL_CERT_FILE="+pemFile(t, fake.Certificate())),
	}, codes(fake))
	if n := fake.Connections(); n != 1 {
		t.Errorf("%d connections before the first event, want 1: it is opened in the init phase", n)
	}
	begin(t, newPool(t, cognitotest.Triggers{All: f}), false)
	if n := fake.Connections(); n != 1 {
		t.Errorf("%d connections after the first text, want the one from before", n)
	}
	texts := fake.Texts()
	if len(texts) != 1 || len(fake.Publishes()) != 1 {
		t.Fatalf("%d texts by %d requests, want 1 by 1", len(texts), len(fake.Publishes()))
	}
	if texts[0].To != phone {
		t.Error("the text went to another number")
	}
	if got, want := strings.ReplaceAll(texts[0].Text, texts[0].Code(), "CODE"), "CODE is your code. It is valid for 3 minutes. Do not share it."; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	want := map[string]fakesns.Attribute{"AWS.SNS.SMS.SMSType": {DataType: "String", Value: "Transactional"}}
	if diff := cmp.Diff(want, texts[0].Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

// TestProcesses signs many users in with functions that share no memory, as
// instances on Lambda: each event of a sign-in may go to another process.
func TestProcesses(t *testing.T) {
	t.Parallel()
	const users = 24
	fake := fakesns.New()
	t.Cleanup(fake.Close)
	f, _ := start(t, bootstrap("onelambda"), cognitotest.FunctionOptions{Env: env(newKey(), fake), Processes: 3}, codes(fake))
	pool := newPool(t, cognitotest.Triggers{All: f})
	var wg sync.WaitGroup
	for i := range users {
		number := fmt.Sprintf("+120655502%02d", i)
		if err := pool.AddUser("", map[string]string{"phone_number": number}); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			signIn, err := pool.SignIn(t.Context(), number)
			if err != nil {
				t.Error(err)
				return
			}
			texts := slices.DeleteFunc(fake.Texts(), func(p fakesns.Publish) bool { return p.To != number })
			if len(texts) != 1 {
				t.Errorf("user %d got %d texts, want 1", i, len(texts))
				return
			}
			if err := signIn.Answer(t.Context(), texts[0].Code(), nil); err != nil || !signIn.Done() {
				t.Errorf("user %d: done %v, error %v", i, signIn.Done(), err)
			}
		})
	}
	wg.Wait()
}

// TestCrash kills the process in the middle of a sign-in.
func TestCrash(t *testing.T) {
	t.Parallel()
	fake := fakesns.New()
	t.Cleanup(fake.Close)
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >> '%s'\nexec '%s'\n", pids, bootstrap("onelambda"))
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	f, _ := start(t, filepath.Join(dir, "bootstrap"), cognitotest.FunctionOptions{Env: env(newKey(), fake)}, codes(fake))
	kill := func() {
		t.Helper()
		b, err := os.ReadFile(pids)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Fields(string(b))
		pid, err := strconv.Atoi(lines[len(lines)-1])
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	started := func() int {
		b, _ := os.ReadFile(pids)
		return len(strings.Fields(string(b)))
	}

	signIn := begin(t, newPool(t, cognitotest.Triggers{All: f}), false)
	code := codes(fake)()[0]
	kill()
	if err := signIn.Answer(t.Context(), wrong(code), nil); err != nil {
		t.Fatal(err)
	}
	if got := signIn.Parameters["errorCode"]; got != "wrong_code" {
		t.Errorf("errorCode %q, want wrong_code", got)
	}
	kill()
	if err := signIn.Answer(t.Context(), code, nil); err != nil || !signIn.Done() {
		t.Errorf("done %v, error %v; want tokens from a fresh process", signIn.Done(), err)
	}
	if n := started(); n != 3 {
		t.Errorf("%d processes, want 3", n)
	}
	if n := len(fake.Texts()); n != 1 {
		t.Errorf("%d texts, want 1", n)
	}
}

// TestDeployment replaces the function in the middle of a sign-in.
func TestDeployment(t *testing.T) {
	oldKey, newerKey := newKey(), newKey()
	for _, c := range []struct {
		name    string
		keys    string
		wantErr string
	}{
		{name: "with the same key", keys: oldKey},
		{name: "with a new key in front", keys: newerKey + "," + oldKey},
		{name: "with another key alone", keys: newerKey,
			wantErr: "UserLambdaValidationException: VerifyAuthChallengeResponse failed with error customauth: this sign-in cannot go on, start again."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := fakesns.New()
			t.Cleanup(fake.Close)
			before, _ := start(t, bootstrap("onelambda"), cognitotest.FunctionOptions{Env: env(oldKey, fake)}, codes(fake))
			after, _ := start(t, bootstrap("onelambda"), cognitotest.FunctionOptions{Env: env(c.keys, fake)}, codes(fake))
			function := &relay{to: before}
			signIn := begin(t, newPool(t, cognitotest.Triggers{All: function}), false)
			function.set(after)
			err := signIn.Answer(t.Context(), codes(fake)()[0], nil)
			if diff := cmp.Diff(c.wantErr, refused(err)); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if signIn.Done() != (c.wantErr == "") {
				t.Errorf("done: %v", signIn.Done())
			}
		})
	}
}

// refused is what the service tells the app with an error.
func refused(err error) string {
	if err == nil {
		return ""
	}
	var e *cognitotest.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	return e.Type + ": " + e.Message
}
