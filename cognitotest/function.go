package cognitotest

// This file runs triggers that live outside of this process: a compiled Lambda
// function ([StartFunction]) or a script ([StartScript]), which gets its events
// over the Lambda Runtime API as it does on AWS, and anything that answers at a Lambda invoke URL
// ([InvokeURL]).

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/cyber-eternal/customauth/internal/runtimeapi"
)

// functionInitTimeout is Lambda's limit on the init phase (Lambda developer guide,
// "Understanding the Lambda execution environment lifecycle").
const functionInitTimeout = 10 * time.Second

// FunctionOptions say how [StartFunction] and [StartScript] run a function. The zero value is a
// function with one process and a timeout of 5 seconds.
type FunctionOptions struct {
	// Env is added to the environment, as "KEY=value"; it wins over what is
	// there. A process gets nothing of the caller's environment but PATH and
	// the directory for temporary files: it sees what Lambda sets, with made-up
	// credentials, so that it cannot reach a real account by accident.
	Env []string

	Name   string // of the function; default: the name of the file
	Region string // default us-east-1

	// Timeout is how long the function may take for one event. A process that
	// takes longer is killed, as on Lambda. Default 5 seconds, which is how long
	// Cognito waits for a trigger.
	Timeout time.Duration

	// Processes is how many events are handled at the same time: each process
	// handles one at a time, and further ones wait. Default 1. Like instances on
	// Lambda, processes share no memory.
	Processes int

	// Clock, if set, is what a script of StartScript takes for the time. A binary
	// goes by the machine's.
	Clock *Clock

	// Endpoint, if set, is the http URL of the pool's server. A JavaScript function
	// of StartScript that asks the service's own host in Region, for the keys that
	// it checks tokens with, gets its answer there.
	Endpoint string

	// Output gets what the processes write to stdout and stderr. Writes to it
	// do not overlap. Default os.Stderr.
	Output io.Writer
}

// A Function is a compiled Lambda function that runs on this machine. It is a
// lambda.Handler, so a [Pool] can have it as a trigger. It is safe for
// concurrent use.
//
// A function works by the clock of the machine, also where the pool does not.
type Function struct {
	path    string   // of the program
	args    []string // of the program
	root    string   // the folder of the function's code, where it runs
	handler string   // _HANDLER
	options FunctionOptions
	events  chan *functionEvent

	closing chan struct{}
	close   sync.Once
	workers sync.WaitGroup
}

// FunctionError is an error that a function gave as its answer, or that Lambda
// gives in its place. Its text is the errorMessage alone.
type FunctionError struct {
	// Type is the errorType. It is chosen by the function, except for
	// "Runtime.ExitError" (the process ended before it answered) and
	// "Sandbox.Timedout" (it took too long), which are Lambda's.
	Type string

	// Message is the errorMessage.
	Message string

	cause error // what a pool takes it for, if it is Lambda's
}

func (e *FunctionError) Error() string { return cmp.Or(e.Message, e.Type) }

// Unwrap lets a [Pool] tell a crash and a timeout from an answer.
func (e *FunctionError) Unwrap() error { return e.cause }

// StartFunction starts a compiled Lambda function, the bootstrap that would be
// deployed but built for this machine, and returns when every process is ready
// for its first event. The caller closes the Function.
//
// What a process does is its own affair, as on Lambda: an error that it answers
// is a [*FunctionError]. When it ends or takes too long, the event under way
// fails with a [*FunctionError], and the next event gets a fresh process. So a
// process that cannot start is tried once for each event and no more often.
//
// The error says why the binary cannot be started, or that it ended before it
// asked for an event; the reason is then what it wrote to Output.
func StartFunction(binary string, o FunctionOptions) (*Function, error) {
	path, err := filepath.Abs(binary)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: start function: %w", err)
	}
	f := &Function{path: path, root: filepath.Dir(path), handler: "bootstrap"}
	return f.open(binary, o)
}

// open starts the processes. The file is what errors name.
func (f *Function) open(file string, o FunctionOptions) (*Function, error) {
	o.Name = cmp.Or(o.Name, filepath.Base(file))
	o.Region = cmp.Or(o.Region, "us-east-1")
	o.Timeout = cmp.Or(o.Timeout, 5*time.Second)
	o.Processes = max(o.Processes, 1)
	if o.Output == nil {
		o.Output = os.Stderr
	}
	o.Output = &functionOutput{w: o.Output}

	f.options, f.events, f.closing = o, make(chan *functionEvent), make(chan struct{})
	started := make(chan error, o.Processes)
	for range o.Processes {
		f.workers.Go(func() {
			p, err := f.start()
			started <- err
			if err == nil {
				f.work(p)
			}
		})
	}
	var err error
	for range o.Processes {
		err = cmp.Or(err, <-started)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cognitotest: start %s: %w", file, err)
	}
	return f, nil
}

// Invoke gives one event to the function and returns its answer. When ctx ends
// before, Invoke returns its error and the function goes on, as it does on
// Lambda when nobody waits any longer.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > runtimeapi.MaxBytes {
		return nil, fmt.Errorf("cognitotest: event of %d bytes: Lambda takes %d", len(payload), runtimeapi.MaxBytes)
	}
	e := &functionEvent{id: uuid(random(16)), payload: payload, done: make(chan struct{})}
	select {
	case f.events <- e:
	case <-f.closing:
		return nil, errFunctionClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case <-e.done:
		return e.answer, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close ends every process, with all that it started, and returns when they are
// gone. Events under way fail. It can be called more than once; the error is
// always nil.
func (f *Function) Close() error {
	f.close.Do(func() { close(f.closing) })
	f.workers.Wait()
	return nil
}

var errFunctionClosed = errors.New("cognitotest: the function is closed")

// A functionEvent is one invocation on its way.
type functionEvent struct {
	id      string
	payload []byte

	once   sync.Once
	done   chan struct{} // closed when answer and err are set
	answer []byte
	err    error
}

// end sets the outcome; the first one stays.
func (e *functionEvent) end(answer []byte, err error) {
	e.once.Do(func() {
		e.answer, e.err = answer, err
		close(e.done)
	})
}

// answered ends the event with what the process answered.
func (e *functionEvent) answered(answer []byte, err *runtimeapi.Error) {
	if err != nil {
		e.end(nil, functionErrorOf(err.Body, err.Type))
		return
	}
	e.end(answer, nil)
}

// work handles one event after the other with process p and its successors.
func (f *Function) work(p *functionProcess) {
	for {
		select {
		case e := <-f.events:
			p = f.handle(p, e)
		case <-f.closing:
			p.stop()
			return
		}
	}
}

// handle gives e to p, or to a fresh process if p is nil or has ended. It
// returns the process for the next event, nil if there is none any more.
func (f *Function) handle(p *functionProcess, e *functionEvent) *functionProcess {
	if !p.take(e) {
		p.stop()
		var err error
		if p, err = f.start(); err != nil {
			e.end(nil, err)
			return nil
		}
		if !p.take(e) {
			p.stop()
			e.end(nil, p.exitError(e.id))
			return nil
		}
	}

	timeout := time.NewTimer(f.options.Timeout)
	defer timeout.Stop()
	select {
	case <-e.done:
		return p
	case <-p.exited:
		e.end(nil, p.exitError(e.id))
	case <-timeout.C:
		e.end(nil, functionTimeout(fmt.Sprintf("RequestId: %s Error: Task timed out after %.2f seconds", e.id, f.options.Timeout.Seconds())))
	case <-f.closing:
		e.end(nil, errFunctionClosed)
	}
	p.stop()
	return nil
}

// A functionProcess is one process of a function and the Runtime API that it
// talks to, which no other process shares. The methods work on nil: a process
// that is not there.
type functionProcess struct {
	f   *Function
	cmd *exec.Cmd
	api *runtimeapi.Server

	exited chan struct{} // closed when it has ended and its output is written
}

// start runs the binary and waits until it asks for its first event.
func (f *Function) start() (*functionProcess, error) {
	select {
	case <-f.closing:
		return nil, errFunctionClosed
	default:
	}
	api, err := runtimeapi.Listen(runtimeapi.Options{
		ARN:     "arn:aws:lambda:" + f.options.Region + ":123456789012:function:" + f.options.Name,
		Timeout: f.options.Timeout,
		Header:  f.header,
	})
	if err != nil {
		return nil, err
	}
	p := &functionProcess{f: f, cmd: exec.Command(f.path, f.args...), api: api, exited: make(chan struct{})}
	p.cmd.Dir = f.root
	p.cmd.Env = f.environment(api.Addr)
	p.cmd.Stdout = f.options.Output
	p.cmd.Stderr = f.options.Output
	p.cmd.WaitDelay = time.Second // a grandchild may hold the output open
	functionOwnGroup(p.cmd)
	if err := p.cmd.Start(); err != nil {
		api.Close()
		if errors.Is(err, syscall.ENOEXEC) {
			return nil, fmt.Errorf("%w (was it built for another machine? build it without GOOS and GOARCH)", err)
		}
		return nil, err
	}
	go func() {
		p.cmd.Wait()                // the state is in p.cmd.ProcessState
		functionKill(p.cmd.Process) // what it started does not outlive it
		api.Close()
		close(p.exited)
	}()

	timeout := time.NewTimer(functionInitTimeout)
	defer timeout.Stop()
	select {
	case <-api.Asked:
		return p, nil
	case <-p.exited:
		return nil, p.exitError(uuid(random(16)))
	case <-timeout.C:
		err = functionTimeout(fmt.Sprintf("the function did not ask for an event within %v of its start", functionInitTimeout))
	case <-f.closing:
		err = errFunctionClosed
	}
	p.stop()
	return nil, err
}

// take hands the event over. It reports whether the process took it: one that
// has ended does not, nor does one that never comes back from its last event.
func (p *functionProcess) take(e *functionEvent) bool {
	if p == nil {
		return false
	}
	timeout := time.NewTimer(p.f.options.Timeout)
	defer timeout.Stop()
	select {
	case p.api.Events <- &runtimeapi.Event{ID: e.id, Payload: e.payload, Answered: e.answered}:
		return true
	case <-p.exited:
	case <-timeout.C:
	case <-p.f.closing:
	}
	return false
}

// stop kills the process and what it started, and waits until it is gone.
func (p *functionProcess) stop() {
	if p == nil {
		return
	}
	select {
	case <-p.exited:
	default:
		functionKill(p.cmd.Process)
		<-p.exited
	}
}

// exitError is what Lambda answers for a process that ended.
func (p *functionProcess) exitError(id string) error {
	if reported := p.api.InitError(); reported != nil {
		err := functionErrorOf(reported.Body, reported.Type)
		err.cause = &crashError{err.Error()}
		return err
	}
	message := fmt.Sprintf("RequestId: %s Error: Runtime exited with error: %v", id, p.cmd.ProcessState)
	return &FunctionError{Type: "Runtime.ExitError", Message: message, cause: &crashError{message}}
}

// functionTimeout is what Lambda answers for a process that takes too long.
func functionTimeout(message string) error {
	return &FunctionError{Type: "Sandbox.Timedout", Message: message, cause: errTriggerTimeout}
}

// environment is what the process sees: the variables that Lambda defines
// (Lambda developer guide, "Using Lambda environment variables"), then those of
// the caller.
func (f *Function) environment(api string) []string {
	o := f.options
	env := []string{
		"AWS_LAMBDA_RUNTIME_API=" + api,
		"AWS_LAMBDA_FUNCTION_NAME=" + o.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=128",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + o.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=local",
		"AWS_REGION=" + o.Region,
		"AWS_DEFAULT_REGION=" + o.Region,
		"AWS_ACCESS_KEY_ID=made-up",
		"AWS_SECRET_ACCESS_KEY=made-up",
		"AWS_SESSION_TOKEN=made-up",
		"LAMBDA_TASK_ROOT=" + f.root,
		"LAMBDA_RUNTIME_DIR=" + f.root,
		"TZ=:UTC",
		"_HANDLER=" + f.handler,
	}
	if o.Endpoint != "" {
		env = append(env, "COGNITOTEST_ENDPOINT="+o.Endpoint)
	}
	for _, name := range []string{"PATH", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, o.Env...)
}

// header adds to what comes with an event: a trace, and the offset of the clock.
func (f *Function) header(h http.Header) {
	h.Set("Lambda-Runtime-Trace-Id", functionTraceID())
	if offset := f.options.Clock.Offset(); offset != 0 {
		h.Set(clockHeader, strconv.FormatInt(offset.Milliseconds(), 10))
	}
}

// functionErrorOf reads the error object of a function. A body that is none
// becomes the message as it is.
func functionErrorOf(body []byte, errorType string) *FunctionError {
	var e struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(body, &e) != nil {
		e.ErrorMessage = strings.TrimSpace(string(body))
	}
	return &FunctionError{Type: cmp.Or(e.ErrorType, errorType, "Unhandled"), Message: e.ErrorMessage}
}

// InvokeURL is a trigger that lives anywhere: the address to which AWS's Invoke
// operation posts an event,
//
//	http://HOST/2015-03-31/functions/NAME/invocations
//
// It is a lambda.Handler. Containers made from Lambda's base images answer at
// http://localhost:9000/2015-03-31/functions/function/invocations, and so do
// local runners for functions in other languages. Requests are not signed, so
// it does not reach functions on AWS.
//
// An error that the function answers is a [*FunctionError]. Each event is posted
// once; how long it may take is up to the context.
type InvokeURL string

// Invoke posts the event and returns the answer.
func (u InvokeURL) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(u), bytes.NewReader(payload))
	if err != nil {
		return nil, fmt.Errorf("cognitotest: invoke: %w", err)
	}
	req.GetBody = nil // an event is posted once, also when a connection breaks
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("cognitotest: invoke: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, runtimeapi.MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cognitotest: invoke %s: %w", u, err)
	case len(body) > runtimeapi.MaxBytes:
		return nil, fmt.Errorf("cognitotest: invoke %s: the answer is larger than %d bytes", u, runtimeapi.MaxBytes)
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("cognitotest: invoke %s: %s", u, resp.Status)
	case resp.Header.Get("X-Amz-Function-Error") != "" || functionUnmarkedError(body):
		return nil, functionErrorOf(body, resp.Header.Get("X-Amz-Function-Error"))
	}
	return body, nil
}

// functionUnmarkedError tells an error object from an answer. The emulator in
// Lambda's base images does not set the header that marks an error
// (aws/aws-lambda-runtime-interface-emulator#20); the answer of a trigger is the
// event, so it has a version and a response.
func functionUnmarkedError(body []byte) bool {
	var e struct {
		ErrorType, ErrorMessage *string
		Response                json.RawMessage
	}
	return json.Unmarshal(body, &e) == nil && e.ErrorMessage != nil && e.ErrorType != nil && e.Response == nil
}

// functionOutput passes writes on, one at a time.
type functionOutput struct {
	mu sync.Mutex
	w  io.Writer
}

func (o *functionOutput) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Write(p)
}

func functionTraceID() string {
	b := random(20)
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", time.Now().Unix(), b[:12], b[12:])
}
