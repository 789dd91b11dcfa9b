package main

// This file runs the triggers, and makes them fail where a test wants that.

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/cyber-eternal/customauth/cognitotest"
)

// A function is where a trigger's code is.
type function struct {
	path      string // of a file, or the invoke URL
	handler   string
	env       []string
	timeout   time.Duration
	processes int
}

// functionAt reads PATH#HANDLER. A path is relative to the folder.
func functionAt(where, folder string) function {
	if isURL(where) {
		return function{path: where}
	}
	path, handler, _ := strings.Cut(where, "#")
	if !filepath.IsAbs(path) {
		path = filepath.Join(folder, path)
	}
	return function{path: path, handler: handler}
}

func isURL(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

// triggerSlots are the triggers by their names in LambdaConfig.
func triggerSlots(t *cognitotest.Triggers) map[string]*lambda.Handler {
	return map[string]*lambda.Handler{
		"DefineAuthChallenge":         &t.Define,
		"CreateAuthChallenge":         &t.Create,
		"VerifyAuthChallengeResponse": &t.Verify,
		"PreSignUp":                   &t.PreSignUp,
		"PostConfirmation":            &t.PostConfirmation,
		"PreAuthentication":           &t.PreAuthentication,
		"PostAuthentication":          &t.PostAuthentication,
		"CustomMessage":               &t.CustomMessage,
		"PreTokenGeneration":          &t.PreTokenGeneration,
	}
}

func triggerNames() []string {
	return slices.Sorted(maps.Keys(triggerSlots(new(cognitotest.Triggers))))
}

// runningFunctions are the functions of triggers, and those of the file. Nil is none.
type runningFunctions struct {
	handlers  map[string]lambda.Handler // by name in settings.functions
	processes []*cognitotest.Function   // those among them that run here
}

// startFunctions starts every function, all at the same time, and waits for them.
func startFunctions(s *settings, env []string, endpoint string, clock *cognitotest.Clock, output io.Writer, log *log) (*runningFunctions, error) {
	r := &runningFunctions{handlers: make(map[string]lambda.Handler)}
	region, _, _ := strings.Cut(s.pool.ID, "_")
	var starting sync.WaitGroup
	var mu sync.Mutex // guards r and failed
	var failed error
	for _, name := range slices.Sorted(maps.Keys(s.functions)) {
		fn := s.functions[name]
		if isURL(fn.path) {
			if err := reachable(fn.path); err != nil {
				log.warn("nothing answers at %s yet: %v", fn.path, err)
			}
			mu.Lock()
			r.handlers[name] = cognitotest.InvokeURL(fn.path)
			mu.Unlock()
			continue
		}
		starting.Go(func() {
			started, err := fn.start(cognitotest.FunctionOptions{
				Env:       slices.Concat(env, fn.env),
				Name:      filepath.Base(fn.path),
				Region:    region,
				Timeout:   fn.timeout,
				Processes: fn.processes,
				Clock:     clock,
				Endpoint:  endpoint,
				Output:    output,
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = &exitError{exitTrigger, fmt.Errorf("%s: %w", s.usedBy(name), err)}
				return
			}
			r.handlers[name] = started
			r.processes = append(r.processes, started)
		})
	}
	starting.Wait()
	if failed != nil {
		r.close()
		return nil, failed
	}
	return r, nil
}

// usedBy says what a function is for.
func (s *settings) usedBy(name string) string {
	for _, trigger := range slices.Sorted(maps.Keys(s.triggers)) {
		if s.triggers[trigger] == name {
			return "the trigger " + trigger
		}
	}
	return "the function " + name
}

// start starts a script by its ending, and anything else as a binary.
func (fn function) start(o cognitotest.FunctionOptions) (*cognitotest.Function, error) {
	info, err := os.Stat(fn.path)
	switch ext := filepath.Ext(fn.path); {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder: name a file in it, for Go the binary (go build -o bootstrap)", fn.path)
	case slices.Contains([]string{".js", ".mjs", ".cjs", ".ts", ".mts", ".py"}, ext):
		return cognitotest.StartScript(fn.path, fn.handler, o)
	case fn.handler != "":
		return nil, fmt.Errorf("%s: a binary has no handler to choose (%s)", fn.path, fn.handler)
	case ext == ".zip" || ext == ".go":
		return nil, fmt.Errorf("%s: want the binary itself, built for this machine (go build -o bootstrap)", fn.path)
	}
	return cognitotest.StartFunction(fn.path, o)
}

// reachable tries whether anybody listens at the address.
func reachable(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(u.Hostname(), port), time.Second)
	if err == nil {
		conn.Close()
	}
	return err
}

func (r *runningFunctions) close() {
	if r == nil {
		return
	}
	for _, f := range r.processes {
		f.Close()
	}
}

// A fault is what becomes of the next calls of a trigger.
type fault struct {
	Trigger string          `json:"trigger"` // name in LambdaConfig; "" is whichever comes next
	Fault   string          `json:"fault"`
	Times   int             `json:"times"`   // calls, default 1; the service calls again after timeout and crash
	Message string          `json:"message"` // for error
	Answer  json.RawMessage `json:"answer"`  // for answer
}

// The faults, with what the app gets if there is no call after it.
const (
	faultTimeout = "timeout" // the function works, and its answer comes too late: UnexpectedLambdaException
	faultCrash   = "crash"   // the function is not called and ends: UnexpectedLambdaException
	faultError   = "error"   // the function is not called and answers an error: UserLambdaValidationException
	faultAnswer  = "answer"  // the function is not called and answers this
)

func (f *fault) check() error {
	f.Times = orElse(f.Times, 1)
	switch {
	case f.Trigger != "" && !slices.Contains(triggerNames(), f.Trigger):
		return fmt.Errorf("trigger: %q is none%s", f.Trigger, didYouMean("", f.Trigger, triggerNames()))
	case !slices.Contains([]string{faultTimeout, faultCrash, faultError, faultAnswer}, f.Fault):
		return fmt.Errorf("fault: %q: want timeout, crash, error or answer", f.Fault)
	case f.Times < 1 || f.Times > 1000:
		return fmt.Errorf("times: %d: want 1 to 1000", f.Times)
	case f.Fault == faultAnswer && f.Answer == nil:
		return errors.New("answer: it is missing")
	}
	return nil
}

// faults are those that are still to come. It is safe for concurrent use.
type faults struct {
	mu   sync.Mutex
	list []fault
}

func (f *faults) add(next fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, next)
}

func (f *faults) all() []fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]fault{}, f.list...)
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// take uses up one call of the first fault for the trigger.
func (f *faults) take(trigger string) (fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		found := f.list[i]
		if found.Trigger != "" && found.Trigger != trigger {
			continue
		}
		if f.list[i].Times--; f.list[i].Times == 0 {
			f.list = slices.Delete(f.list, i, i+1)
		}
		return found, true
	}
	return fault{}, false
}

// A watched trigger tells the log about its calls, and has the faults. What is
// wrong with an answer is known to the pool alone; see Logf in world.go.
type watched struct {
	name   string
	next   lambda.Handler
	faults *faults
	log    *log
}

func (w *watched) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	begin := time.Now()
	answer, err := w.invoke(ctx, payload)
	w.log.trigger(w.name, time.Since(begin), err)
	return answer, err
}

func (w *watched) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	f, ok := w.faults.take(w.name)
	if !ok {
		return w.next.Invoke(ctx, payload)
	}
	switch f.Fault {
	case faultTimeout:
		w.next.Invoke(ctx, payload) // what it does is done; nobody hears of it
		return nil, &cognitotest.FunctionError{Type: "Sandbox.Timedout", Message: "Task timed out, as it was told to"}
	case faultCrash:
		return nil, &cognitotest.FunctionError{Type: "Runtime.ExitError", Message: "Runtime exited, as it was told to"}
	case faultError:
		return nil, &cognitotest.FunctionError{Type: "Error", Message: orElse(f.Message, "it was told to fail")}
	default:
		return f.Answer, nil
	}
}
