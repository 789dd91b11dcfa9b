package lambda_test

// This file ends a function in the middle of each trigger.

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cyber-eternal/customauth/cognitotest"
	"github.com/cyber-eternal/customauth/e2e/fakesns"
)

// TestKilledInTheMiddle: a function is stopped, gets an event, and is killed while
// it has it. The service tries again, a fresh process answers, and the user
// notices nothing.
func TestKilledInTheMiddle(t *testing.T) {
	for _, trigger := range []string{"define", "create", "verify"} {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			fake := fakesns.New()
			t.Cleanup(fake.Close)
			key := newKey()
			dir := t.TempDir()
			function := func(name string) *cognitotest.Function {
				wrapper := filepath.Join(dir, name)
				script := fmt.Sprintf("#!/bin/sh\necho $$ >> '%s.pids'\nexec '%s'\n", wrapper, bootstrap("threelambdas/"+name))
				if err := os.WriteFile(wrapper, []byte(script), 0o700); err != nil {
					t.Fatal(err)
				}
				f, _ := start(t, wrapper, cognitotest.FunctionOptions{Env: env(key, fake)}, codes(fake))
				return f
			}
			pool := newPool(t, cognitotest.Triggers{Define: function("define"), Create: function("create"), Verify: function("verify")})
			pids := filepath.Join(dir, trigger+".pids")
			during := func(call func()) {
				pid := lastPID(t, pids)
				if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
					t.Fatal(err)
				}
				done := make(chan struct{})
				go func() { defer close(done); call() }()
				time.Sleep(500 * time.Millisecond) // the event is with the process by now, and must stay there
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
				<-done
			}

			var signIn *cognitotest.SignIn
			if trigger == "verify" {
				signIn = begin(t, pool, false)
				during(func() {
					if err := signIn.Answer(t.Context(), codes(fake)()[0], nil); err != nil {
						t.Error(err)
					}
				})
			} else {
				during(func() {
					var err error
					if signIn, err = pool.SignIn(t.Context(), phone); err != nil {
						t.Error(err)
					}
				})
				if signIn == nil {
					return
				}
				if err := signIn.Answer(t.Context(), codes(fake)()[0], nil); err != nil {
					t.Error(err)
				}
			}
			if !signIn.Done() {
				t.Error("no tokens")
			}
			if n := len(fake.Texts()); n != 1 {
				t.Errorf("%d texts, want 1", n)
			}
			b, _ := os.ReadFile(pids)
			if n := len(strings.Fields(string(b))); n != 2 {
				t.Errorf("%d processes of %s, want 2", n, trigger)
			}
		})
	}
}

// lastPID is the process that was started last.
func lastPID(t *testing.T, pids string) int {
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
	return pid
}
