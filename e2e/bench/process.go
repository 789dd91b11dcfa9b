package main

// This file runs one process of a function over a Runtime API of its own and
// measures how long it takes.

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// patience is how long a process may take for anything.
const patience = time.Minute

// A command starts a function.
type command struct {
	args []string
	env  []string
	log  string // file for its output
}

// A process is a running function. It is not safe for concurrent use: like an
// instance on Lambda it handles one event at a time.
type process struct {
	cmd    *exec.Cmd
	api    *http.Server
	events chan *event
	ready  chan struct{} // closed when it asks for its first event
	exited chan struct{}
	log    string

	onReady func(pid int) error // called before ready is closed

	mu      sync.Mutex
	asked   bool
	failed  error // of onReady
	current *event
}

// An event is on its way to the process and back.
type event struct {
	id      string
	payload []byte
	answer  []byte
	err     error
	at      time.Time // when the answer was there
	done    chan struct{}
}

// start starts a process. onReady, if set, is called with its process id when it
// asks for its first event, which is when Lambda's init phase ends.
func start(c command, onReady func(pid int) error) (*process, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		listener.Close()
		return nil, err
	}
	defer out.Close()
	p := &process{
		cmd:     exec.Command(c.args[0], c.args[1:]...),
		events:  make(chan *event),
		ready:   make(chan struct{}),
		exited:  make(chan struct{}),
		log:     c.log,
		onReady: onReady,
	}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String()}, c.env...)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", p.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", p.response)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", p.response)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", p.response)
	p.api = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	go p.api.Serve(listener)
	p.mu.Lock() // next must not be answered before the process is known
	err = p.cmd.Start()
	p.mu.Unlock()
	if err != nil {
		p.api.Close()
		return nil, err
	}
	go func() {
		p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// wait waits until the process asks for its first event.
func (p *process) wait() error {
	select {
	case <-p.ready:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.failed
	case <-p.exited:
		return p.died()
	case <-time.After(patience):
		return fmt.Errorf("%s did not ask for an event", p.cmd)
	}
}

// invoke gives one event to the process and returns its answer with the time from
// handing out the event to having the answer.
func (p *process) invoke(payload []byte) ([]byte, time.Duration, error) {
	e := &event{id: "11111111-2222-4333-8444-555555555555", payload: payload, done: make(chan struct{})}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	began := time.Now()
	select {
	case p.events <- e:
	case <-p.exited:
		return nil, 0, p.died()
	case <-timeout.C:
		return nil, 0, fmt.Errorf("%s did not ask for an event", p.cmd)
	}
	select {
	case <-e.done:
		return e.answer, e.at.Sub(began), e.err
	case <-p.exited:
		return nil, 0, p.died()
	case <-timeout.C:
		return nil, 0, fmt.Errorf("%s did not answer", p.cmd)
	}
}

func (p *process) died() error {
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s ended: %v\n%s", p.cmd, p.cmd.ProcessState, text[max(0, len(text)-2000):])
}

// stop ends the process.
func (p *process) stop() {
	p.cmd.Process.Kill()
	<-p.exited
	p.api.Close()
}

// peak is the largest resident set of the process so far, in bytes (VmHWM, see
// proc_pid_status(5)).
func (p *process) peak() (int64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(status, []byte("VmHWM:"))
	if !ok {
		return 0, errors.New("no VmHWM in /proc/PID/status")
	}
	var kib int64
	if _, err := fmt.Sscanf(string(rest), "%d kB", &kib); err != nil {
		return 0, err
	}
	return kib << 10, nil
}

func (p *process) next(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if !p.asked {
		p.asked = true
		if p.onReady != nil {
			p.failed = p.onReady(p.cmd.Process.Pid)
		}
		close(p.ready)
	}
	p.mu.Unlock()
	var e *event
	select {
	case e = <-p.events:
	case <-r.Context().Done():
		return
	}
	p.mu.Lock()
	p.current = e
	p.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", e.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(patience).UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
	w.Write(e.payload)
}

func (p *process) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	at := time.Now()
	w.WriteHeader(http.StatusAccepted)
	p.mu.Lock()
	e := p.current
	p.current = nil
	p.mu.Unlock()
	if e == nil {
		return
	}
	e.answer, e.at, e.err = body, at, err
	if path := r.URL.Path; err == nil && path[len(path)-len("response"):] != "response" {
		e.err = fmt.Errorf("the function answered the error %s", body)
	}
	close(e.done)
}
