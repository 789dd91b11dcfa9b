package cognitotest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/google/go-cmp/cmp"

	"github.com/cyber-eternal/customauth/cognitotest"
)

var _ lambda.Handler = (*cognitotest.Function)(nil)
var _ lambda.Handler = cognitotest.InvokeURL("")

// Sign in with the bootstrap that will be deployed, built for this machine:
//
//	CGO_ENABLED=0 go build -trimpath -tags lambda.norpc -ldflags "-s -w" -o bootstrap ./examples/onelambda
func ExampleStartFunction() {
	f, err := cognitotest.StartFunction("bootstrap", cognitotest.FunctionOptions{
		Env: []string{
			"CUSTOMAUTH_KEYS=" + os.Getenv("CUSTOMAUTH_KEYS"),
			"AWS_ENDPOINT_URL_SNS=http://127.0.0.1:4566",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	pool, err := cognitotest.NewPool(cognitotest.Config{
		Triggers: cognitotest.Triggers{All: f, PreSignUp: f},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = pool // add a user, and sign in
}

// The three triggers are written in another language and run in containers.
func ExampleInvokeURL() {
	const path = "/2015-03-31/functions/function/invocations"
	pool, err := cognitotest.NewPool(cognitotest.Config{
		Triggers: cognitotest.Triggers{
			Define: cognitotest.InvokeURL("http://localhost:9001" + path),
			Create: cognitotest.InvokeURL("http://localhost:9002" + path),
			Verify: cognitotest.InvokeURL("http://localhost:9003" + path),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = pool // add a user, and sign in
}

type functionError struct{ Type, Message string }

// functionAnswer is what the function in testdata/function answers.
type functionAnswer struct {
	PID      int
	Events   int
	Env      []string
	Dir      string
	ID, ARN  string
	Deadline time.Time
	Status   string
	Text     string
}

// TestFunction runs real processes, so it works with real time: nothing here is
// a bound on how fast something is.
func TestFunction(t *testing.T) {
	binary := buildFunction(t)

	t.Run("answers events in one process", func(t *testing.T) {
		f := startFunction(t, binary, cognitotest.FunctionOptions{Name: "create", Region: "eu-west-1", Timeout: time.Minute})
		before := time.Now()
		first, second := invoke(t, f, "count"), invoke(t, f, "count")
		if first.PID != second.PID || first.Events != 1 || second.Events != 2 {
			t.Errorf("two events: %+v, then %+v; want the 1st and 2nd of one process", first, second)
		}
		if first.ID == "" || first.ID == second.ID {
			t.Errorf("request ids %q and %q: want two different ones", first.ID, second.ID)
		}
		if want := "arn:aws:lambda:eu-west-1:123456789012:function:create"; first.ARN != want {
			t.Errorf("ARN %q, want %q", first.ARN, want)
		}
		if first.Deadline.Before(before) || first.Deadline.After(time.Now().Add(time.Minute)) {
			t.Errorf("deadline %v is not within a minute after %v", first.Deadline, before)
		}
	})

	t.Run("sees Lambda's environment and nothing else", func(t *testing.T) {
		t.Setenv("CUSTOMAUTH_LEAK", "of the caller")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "of the caller")
		f := startFunction(t, binary, cognitotest.FunctionOptions{Name: "create", Env: []string{"MINE=1", "AWS_REGION=ap-south-1"}})
		got := invoke(t, f, "env")
		for _, want := range []string{"MINE=1", "AWS_REGION=ap-south-1", "AWS_LAMBDA_FUNCTION_NAME=create", "_HANDLER=bootstrap", "AWS_ACCESS_KEY_ID=made-up"} {
			if !slices.Contains(got.Env, want) {
				t.Errorf("the environment lacks %s", want)
			}
		}
		if s := strings.Join(got.Env, "\n"); strings.Contains(s, "of the caller") {
			t.Error("the environment of the caller reached the function")
		}
		if dir, _ := filepath.EvalSymlinks(filepath.Dir(binary)); got.Dir != dir {
			t.Errorf("works in %s, want %s", got.Dir, dir)
		}
	})

	t.Run("passes its output through", func(t *testing.T) {
		var out bytes.Buffer
		f := startFunction(t, binary, cognitotest.FunctionOptions{Output: &out})
		invoke(t, f, "print")
		f.Close()
		if diff := cmp.Diff("starting\nto stdout\nto stderr\n", out.String()); diff != "" {
			t.Errorf("output (-want +got):\n%s", diff)
		}
	})

	t.Run("fails events", func(t *testing.T) {
		for _, c := range []struct {
			do      string
			timeout time.Duration
			want    functionError
			fresh   bool // the next event gets a fresh process
		}{
			{do: "fail", want: functionError{"errorString", "what went wrong"}},
			{do: "panic", fresh: true, want: functionError{"string", "lost"}},
			{do: "exit", fresh: true, want: functionError{"Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 7"}},
			{do: "break-off", fresh: true, want: functionError{"Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 7"}},
			{do: "hang", timeout: 2 * time.Second, fresh: true, want: functionError{"Sandbox.Timedout", "RequestId: ID Error: Task timed out after 2.00 seconds"}},
			{do: "large", fresh: true, want: functionError{"Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291456 bytes)."}},
		} {
			t.Run(c.do, func(t *testing.T) {
				f := startFunction(t, binary, cognitotest.FunctionOptions{Timeout: c.timeout})
				before := invoke(t, f, "count")
				_, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"do":%q}`, c.do))
				var got *cognitotest.FunctionError
				if !errors.As(err, &got) {
					t.Fatalf("error %v, want a FunctionError", err)
				}
				if got.Error() != got.Message {
					t.Errorf("text %q, want the message alone", got.Error())
				}
				if diff := cmp.Diff(c.want, functionError{got.Type, withoutID(got.Message)}); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if after := invoke(t, f, "count"); (after.PID != before.PID) != c.fresh {
					t.Errorf("process %d before, %d after; want a fresh one: %v", before.PID, after.PID, c.fresh)
				}
			})
		}
	})

	t.Run("does not start", func(t *testing.T) {
		notProgram := filepath.Join(t.TempDir(), "bootstrap")
		if err := os.WriteFile(notProgram, []byte("\x7fELF of another machine"), 0o700); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ name, binary, start, want string }{
			{"exit", binary, "exit", "Runtime exited with error: exit status 3"},
			{"init error", binary, "init-error", "no key"},
			{"no such file", filepath.Join(t.TempDir(), "none"), "", "no such file"},
			{"not for this machine", notProgram, "", "was it built for another machine?"},
		} {
			t.Run(c.name, func(t *testing.T) {
				f, err := cognitotest.StartFunction(c.binary, cognitotest.FunctionOptions{
					Env: []string{"START=" + c.start}, Output: io.Discard, Processes: 2})
				if err == nil {
					f.Close()
					t.Fatal("no error")
				}
				if !strings.HasPrefix(err.Error(), "cognitotest: start ") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %q does not say %q", err, c.want)
				}
			})
		}
	})

	t.Run("is started once for each event when it cannot start again", func(t *testing.T) {
		var out bytes.Buffer
		mark := filepath.Join(t.TempDir(), "mark")
		f := startFunction(t, binary, cognitotest.FunctionOptions{Env: []string{"START=once", "MARK=" + mark}, Output: &out})
		for i := range 3 {
			if _, err := f.Invoke(t.Context(), []byte(`{"do":"exit"}`)); err == nil {
				t.Fatalf("event %d: no error", i)
			}
		}
		os.Remove(mark)
		invoke(t, f, "count")
		f.Close()
		// One at first, one for each of two events after the exit, one that works.
		if got := strings.Count(out.String(), "starting"); got != 4 {
			t.Errorf("started %d times, want 4", got)
		}
	})

	t.Run("handles as many events at a time as it has processes", func(t *testing.T) {
		for _, processes := range []int{1, 3} {
			meeting := newMeeting(t, processes)
			f := startFunction(t, binary, cognitotest.FunctionOptions{Processes: processes, Timeout: time.Minute})
			var wg sync.WaitGroup
			for range 2 * processes {
				wg.Go(func() {
					if _, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"do":"call","at":%q}`, meeting.at)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if meeting.most != processes {
				t.Errorf("%d events at a time, want %d", meeting.most, processes)
			}
		}
	})

	t.Run("goes on when nobody waits any longer", func(t *testing.T) {
		f := startFunction(t, binary, cognitotest.FunctionOptions{Timeout: time.Minute})
		called, release := make(chan bool), make(chan bool)
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- true; <-release }))
		defer s.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-called; cancel() }()
		_, err := f.Invoke(ctx, fmt.Appendf(nil, `{"do":"call","at":%q}`, s.Listener.Addr()))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
		waiting, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := f.Invoke(waiting, []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v while the process is busy, want context.DeadlineExceeded", err)
		}
		close(release)
		if got := invoke(t, f, "count"); got.Events != 2 {
			t.Errorf("the process has handled %d events, want 2: the abandoned one and this", got.Events)
		}
	})

	t.Run("refuses an answer to another event", func(t *testing.T) {
		got := invoke(t, startFunction(t, binary, cognitotest.FunctionOptions{}), "stray")
		if got.Status != "400 Bad Request" || !strings.Contains(got.Text, "InvalidRequestID") {
			t.Errorf("got %q %q, want 400 and InvalidRequestID", got.Status, got.Text)
		}
	})

	t.Run("Close ends the process and its children", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f := startFunction(t, binary, cognitotest.FunctionOptions{})
		if _, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"do":"child","at":%q}`, l.Addr())); err != nil {
			t.Fatal(err)
		}
		child, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer child.Close()

		hanging := make(chan error)
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			go f.Close() // in the middle of an event
			<-r.Context().Done()
		}))
		defer s.Close()
		go func() {
			_, err := f.Invoke(context.Background(), fmt.Appendf(nil, `{"do":"call","at":%q}`, s.Listener.Addr()))
			hanging <- err
		}()
		if err := <-hanging; err == nil {
			t.Error("the event under way did not fail")
		}
		if _, err := child.Read(make([]byte, 1)); err == nil {
			t.Error("read from the child, want its end")
		}
		f.Close()
		if _, err := f.Invoke(t.Context(), []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("error %v after Close, want one that says so", err)
		}
	})

	t.Run("ends a sign-in as the service says", func(t *testing.T) {
		for do, want := range map[string]string{
			"fail": "UserLambdaValidationException: DefineAuthChallenge failed with error what went wrong.",
			"exit": "UnexpectedLambdaException: DefineAuthChallenge invocation failed due to error Unhandled.",
			"hang": "UnexpectedLambdaException: DefineAuthChallenge invocation failed due to error Socket timeout while invoking Lambda function.",
		} {
			o := cognitotest.FunctionOptions{Env: []string{"DO=" + do}}
			if do == "hang" {
				o.Timeout = time.Second
			}
			f := startFunction(t, binary, o)
			pool, err := cognitotest.NewPool(cognitotest.Config{Triggers: cognitotest.Triggers{All: f}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = pool.SignIn(t.Context(), "somebody")
			var got *cognitotest.Error
			if !errors.As(err, &got) || got.Type+": "+got.Message != want {
				t.Errorf("%s: error %v, want %s", do, err, want)
			}
		}
	})

	t.Run("refuses an event that Lambda would refuse", func(t *testing.T) {
		f := startFunction(t, binary, cognitotest.FunctionOptions{})
		if _, err := f.Invoke(t.Context(), make([]byte, 6<<20+1)); err == nil {
			t.Error("an event of more than 6 MB was taken")
		}
	})
}

func TestInvokeURL(t *testing.T) {
	for _, c := range []struct {
		name    string
		status  int
		header  string
		body    string
		want    string
		wantErr string
	}{
		{name: "answer", body: `{"version":"1","response":{}}`, want: `{"version":"1","response":{}}`},
		{name: "answer with a stray errorMessage", body: `{"errorType":"a","errorMessage":"b","response":{}}`, want: `{"errorType":"a","errorMessage":"b","response":{}}`},
		{name: "function error", header: "Unhandled", body: `{"errorType":"Error","errorMessage":"what went wrong"}`, wantErr: "what went wrong"},
		{name: "function error that is no JSON", header: "Unhandled", body: "broken\n", wantErr: "broken"},
		{name: "function error without a message", header: "Unhandled", body: `{}`, wantErr: "Unhandled"},
		{name: "function error of the emulator", body: `{"errorType":"Error","errorMessage":"what went wrong"}`, wantErr: "what went wrong"},
		{name: "no such function", status: 404, body: `{}`, wantErr: "cognitotest: invoke URL: 404 Not Found"},
		{name: "throttled", status: 429, body: `{}`, wantErr: "cognitotest: invoke URL: 429 Too Many Requests"},
		{name: "too large", body: strings.Repeat("x", 6<<20+1), wantErr: "cognitotest: invoke URL: the answer is larger than 6291456 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var path, event string
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				path, event = r.Method+" "+r.URL.Path, string(b)
				if c.header != "" {
					w.Header().Set("X-Amz-Function-Error", c.header)
				}
				w.WriteHeader(max(c.status, 200))
				io.WriteString(w, c.body)
			}))
			defer s.Close()
			url := s.URL + "/2015-03-31/functions/create/invocations"
			got, err := cognitotest.InvokeURL(url).Invoke(t.Context(), []byte(`{"version":"1"}`))
			if diff := cmp.Diff([]string{"POST /2015-03-31/functions/create/invocations", `{"version":"1"}`}, []string{path, event}); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			text := ""
			if err != nil {
				text = strings.ReplaceAll(err.Error(), url, "URL")
			}
			if diff := cmp.Diff(c.wantErr, text); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("posts once, also when the connection breaks", func(t *testing.T) {
		var calls int
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			io.Copy(io.Discard, r.Body)
			conn, _, _ := http.NewResponseController(w).Hijack()
			conn.Close()
		}))
		_, err := cognitotest.InvokeURL(s.URL).Invoke(t.Context(), []byte(`{}`))
		s.Close()
		if err == nil || calls != 1 {
			t.Errorf("%d calls, error %v; want one call and an error", calls, err)
		}
	})

	t.Run("ends with the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { cancel(); <-t.Context().Done() }))
		t.Cleanup(s.Close)
		if _, err := cognitotest.InvokeURL(s.URL).Invoke(ctx, []byte(`{}`)); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	})
}

// A meeting is an address that answers a call when n calls are there.
type meeting struct {
	at   string
	most int // calls at the same time
}

func newMeeting(t *testing.T, n int) *meeting {
	t.Helper()
	m := &meeting{}
	var mu sync.Mutex
	calls, here := 0, 0
	full := make(chan bool)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		calls++
		here++
		m.most = max(m.most, here)
		wait := full
		if calls%n == 0 {
			close(full)
			full = make(chan bool)
		}
		mu.Unlock()
		<-wait
		time.Sleep(20 * time.Millisecond) // one too many would come now
		mu.Lock()
		here--
		mu.Unlock()
	}))
	t.Cleanup(s.Close)
	m.at = s.Listener.Addr().String()
	return m
}

func buildFunction(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", binary, "./testdata/function")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary
}

func startFunction(t *testing.T, binary string, o cognitotest.FunctionOptions) *cognitotest.Function {
	t.Helper()
	if o.Output == nil {
		o.Output = io.Discard
	}
	if o.Timeout == 0 {
		o.Timeout = time.Minute // a busy machine is no failure
	}
	f, err := cognitotest.StartFunction(binary, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func invoke(t *testing.T, f lambda.Handler, do string) functionAnswer {
	t.Helper()
	b, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"do":%q}`, do))
	if err != nil {
		t.Fatal(err)
	}
	var a functionAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// withoutID replaces the id in Lambda's own error texts.
func withoutID(message string) string {
	if after, ok := strings.CutPrefix(message, "RequestId: "); ok {
		if _, text, ok := strings.Cut(after, " "); ok {
			return "RequestId: ID " + text
		}
	}
	return message
}
