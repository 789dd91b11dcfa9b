package program_test

// This file tests what becomes of handlers in JavaScript and Python that do not
// simply answer, as on Lambda.

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

func TestOddHandlers(t *testing.T) {
	need(t, node())
	for name, tt := range map[string]struct {
		handler string
		answer  string
		failure cognitotest.FunctionError // type and message
	}{
		"returns without a promise": {handler: "returnsNothing", answer: "null"},
		"throws":                    {handler: "throws", failure: cognitotest.FunctionError{Type: "TypeError", Message: "the reason"}},
		"calls back with an error":  {handler: "calledBackWithError", failure: cognitotest.FunctionError{Type: "string", Message: "a text"}},
		"exits":                     {handler: "exits", failure: cognitotest.FunctionError{Type: "Runtime.ExitError", Message: "exit status 5"}},
		"hangs":                     {handler: "hangs", failure: cognitotest.FunctionError{Type: "Sandbox.Timedout", Message: "Task timed out after 1.00 seconds"}},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := time.Minute // but for the one that is to take too long
			if tt.handler == "hangs" {
				timeout = time.Second
			}
			f := start(t, "node/functions/odd.mjs", tt.handler, cognitotest.FunctionOptions{Timeout: timeout})
			for range 2 { // the next event gets a fresh process where the last one ended
				answer, err := f.Invoke(t.Context(), []byte(`{}`))
				var failure *cognitotest.FunctionError
				switch {
				case tt.answer != "":
					if diff := cmp.Diff(tt.answer, string(answer)); diff != "" || err != nil {
						t.Errorf("%v, answer (-want +got):\n%s", err, diff)
					}
				case !errors.As(err, &failure):
					t.Errorf("%v, want a FunctionError", err)
				case failure.Type != tt.failure.Type || !strings.Contains(failure.Message, tt.failure.Message):
					t.Errorf("%s: %s, want %s: %s", failure.Type, failure.Message, tt.failure.Type, tt.failure.Message)
				}
			}
		})
	}
}

func start(t *testing.T, file, handler string, o cognitotest.FunctionOptions) *cognitotest.Function {
	t.Helper()
	o.Output = io.Discard
	f, err := cognitotest.StartScript(file, handler, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestContext: what a handler sees is what Lambda shows it, nothing of this
// process's environment, and the time of the clock.
func TestContext(t *testing.T) {
	need(t, node())
	t.Setenv("OUTSIDE_SECRET", "x")
	clock := new(cognitotest.Clock)
	f := start(t, "node/functions/odd.mjs", "context", cognitotest.FunctionOptions{Clock: clock, Region: "eu-west-1", Name: "auth"})
	for _, ahead := range []time.Duration{0, 48 * time.Hour, 0} {
		clock.Reset()
		clock.Advance(ahead)
		before := clock.Now().Truncate(time.Millisecond)
		answer, err := f.Invoke(t.Context(), []byte(`{}`))
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Name, ARN, Request, Text, Date string
			Soon, IsDate                   bool
			Secrets                        []string
			Now                            int64
		}
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatal(err)
		}
		if now := time.UnixMilli(got.Now); now.Before(before) || now.After(clock.Now()) {
			t.Errorf("%v ahead: the function's time is %v, want %v or a little later", ahead, now, before)
		}
		if len(got.Request) != 36 {
			t.Errorf("request ID %q", got.Request)
		}
		got.Now, got.Request = 0, ""
		want := got
		want.Name, want.ARN, want.Text, want.Date = "auth", "arn:aws:lambda:eu-west-1:123456789012:function:auth", "string", "1970-01-01T00:00:00.000Z"
		want.Soon, want.IsDate, want.Secrets = true, true, []string{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// TestScriptsThatCannotStart: the error says why.
func TestScriptsThatCannotStart(t *testing.T) {
	need(t, node())
	if _, err := exec.LookPath("python3"); err != nil {
		need(t, "there is no python3 in PATH")
	}
	for _, tt := range []struct{ file, handler, want string }{
		{"node/functions/odd.mjs", "missing", "exports no function missing"},
		{"node/package.json", "", `the ending ".json" is none of`},
		{"testdata/syntax.mjs", "", "SyntaxError|Unexpected"},
		{"testdata/import.cjs", "", "Cannot find module"},
		{"testdata/syntax.py", "", "invalid syntax|was never closed"},
		{"testdata/import.py", "", "No module named 'not_there'"},
		{"testdata/fine.py", "missing", "has no function missing"},
	} {
		f, err := cognitotest.StartScript(tt.file, tt.handler, cognitotest.FunctionOptions{Output: io.Discard})
		if err == nil {
			f.Close()
			t.Errorf("%s#%s: no error", tt.file, tt.handler)
			continue
		}
		found := false
		for want := range strings.SplitSeq(tt.want, "|") {
			found = found || strings.Contains(err.Error(), want)
		}
		if !found {
			t.Errorf("%s#%s: %v, want %s", tt.file, tt.handler, err, tt.want)
		}
	}
}
