package lambda_test

// This file ends a function in the middle of each trigger.

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
				// No child may inherit the open file, or running it is refused as busy.
				syscall.ForkLock.RLock()
				err := os.WriteFile(wrapper, []byte(script), 0o700)
				syscall.ForkLock.RUnlock()
				if err != nil {
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
				waitStopped(t, pid)
				done := make(chan struct{})
				go func() { defer close(done); call() }()
				waitForEvent(t, pid)
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

// waitStopped waits until none of the threads of a process runs any more: a signal
// takes effect some time after kill has returned.
func waitStopped(t *testing.T, pid int) {
	t.Helper()
	for t.Context().Err() == nil {
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(stats) == 0 {
			t.Fatalf("process %d is not in /proc: %v", pid, err)
		}
		running := slices.ContainsFunc(stats, func(stat string) bool {
			b, err := os.ReadFile(stat)
			_, rest, _ := strings.Cut(string(b), ") ") // the name of the program is in parentheses
			return err == nil && !strings.HasPrefix(rest, "T")
		})
		if !running {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the process does not stop")
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

// waitForEvent waits until something has come to a stopped process that it has not
// read.
func waitForEvent(t *testing.T, pid int) {
	t.Helper()
	for t.Context().Err() == nil {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/tcp", pid))
		if err != nil {
			t.Fatal(err)
		}
		own := sockets(pid)
		for line := range strings.Lines(string(b)) { // proc(5): the fifth field has both queues, the tenth the inode
			f := strings.Fields(line)
			if len(f) < 10 || !own["socket:["+f[9]+"]"] {
				continue
			}
			if _, unread, _ := strings.Cut(f[4], ":"); strings.Trim(unread, "0") != "" {
				return
			}
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the process gets no event")
}

// sockets are those that a process has open.
func sockets(pid int) map[string]bool {
	open := map[string]bool{}
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, file := range files {
		if name, err := os.Readlink(file); err == nil && strings.HasPrefix(name, "socket:") {
			open[name] = true
		}
	}
	return open
}
