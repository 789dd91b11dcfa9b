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
	"path/filepath"
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

	polls chan struct{} // it asks for an event, and so has nothing left to do

	mu      sync.Mutex
	asked   bool
	current *event
}

// An event is on its way to the process and back.
type event struct {
	id      string
	payload []byte
	answer  []byte
	err     error
	done    chan struct{}
}

// start starts a process. Lambda's init phase ends when it asks for its first event.
func start(c command) (*process, error) {
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
		cmd:    exec.Command(c.args[0], c.args[1:]...),
		events: make(chan *event),
		ready:  make(chan struct{}),
		exited: make(chan struct{}),
		polls:  make(chan struct{}, 1),
		log:    c.log,
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
		<-p.polls
		return nil
	case <-p.exited:
		return p.died()
	case <-time.After(patience):
		return fmt.Errorf("%s did not ask for an event", p.cmd)
	}
}

// invoke gives one event to the process, and returns its answer when the process asks
// for the next one.
func (p *process) invoke(payload []byte) ([]byte, error) {
	e := &event{id: "11111111-2222-4333-8444-555555555555", payload: payload, done: make(chan struct{})}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case p.events <- e:
	case <-p.exited:
		return nil, p.died()
	case <-timeout.C:
		return nil, fmt.Errorf("%s did not ask for an event", p.cmd)
	}
	for _, step := range []chan struct{}{e.done, p.polls} {
		select {
		case <-step:
		case <-p.exited:
			return nil, p.died()
		case <-timeout.C:
			return nil, fmt.Errorf("%s did not answer", p.cmd)
		}
	}
	return e.answer, e.err
}

func (p *process) died() error {
	text, _ := os.ReadFile(p.log)
	return fmt.Errorf("%s ended: %v\n%s", p.cmd, p.cmd.ProcessState, text[max(0, len(text)-2000):])
}

// stop ends the process.
func (p *process) stop() { p.stopWithin(0) }

// stopWithin gives the process time to end by itself.
func (p *process) stopWithin(d time.Duration) {
	select {
	case <-p.exited:
	case <-time.After(d):
		p.cmd.Process.Kill()
		<-p.exited
	}
	p.api.Close()
}

// cpu is the time that the process has had a CPU for so far, in user and kernel mode:
// the sum over its threads (sched-stats.rst of the kernel's documentation).
func (p *process) cpu() (sum time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("no /proc/PID/task/TID/schedstat: %v", err)
	}
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			return 0, err
		}
		var ns int64
		if _, err := fmt.Sscan(string(text), &ns); err != nil {
			return 0, err
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// faults is how many pages were mapped so far without reading a disk (minflt, see
// proc_pid_stat(5)).
func (p *process) faults() (n int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(text, []byte(") ")) // after the name
	fields := bytes.Fields(rest)
	if len(fields) < 8 {
		return 0, errors.New("/proc/PID/stat is not as expected")
	}
	return strconv.ParseInt(string(fields[7]), 10, 64)
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
		close(p.ready)
	}
	p.mu.Unlock()
	select {
	case p.polls <- struct{}{}:
	default:
	}
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
	w.WriteHeader(http.StatusAccepted)
	p.mu.Lock()
	e := p.current
	p.current = nil
	p.mu.Unlock()
	if e == nil {
		return
	}
	e.answer, e.err = body, err
	if path := r.URL.Path; err == nil && path[len(path)-len("response"):] != "response" {
		e.err = fmt.Errorf("the function answered the error %s", body)
	}
	close(e.done)
}
