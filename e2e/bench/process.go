package main

// This file runs one process of a function over a Runtime API of its own and
// measures how long it takes.

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/cyber-eternal/customauth/internal/runtimeapi"
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
	api    *runtimeapi.Server // it asks for an event when it has nothing left to do
	exited chan struct{}
	log    string
}

// start starts a process. Lambda's init phase ends when it asks for its first event.
func start(c command) (*process, error) {
	out, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	api, err := runtimeapi.Listen(runtimeapi.Options{
		ARN:     "arn:aws:lambda:us-east-1:123456789012:function:bench",
		Timeout: patience,
		Bare:    true,
	})
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.Command(c.args[0], c.args[1:]...), api: api, exited: make(chan struct{}), log: c.log}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append([]string{"AWS_LAMBDA_RUNTIME_API=" + api.Addr}, c.env...)
	if err := p.cmd.Start(); err != nil {
		api.Close()
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
	case <-p.api.Asked:
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
	var answer []byte
	var failed error
	done := make(chan struct{})
	e := &runtimeapi.Event{ID: "11111111-2222-4333-8444-555555555555", Payload: payload}
	e.Answered = func(body []byte, err *runtimeapi.Error) {
		if answer = body; err != nil {
			failed = fmt.Errorf("the function answered the error %s", err.Body)
		}
		close(done)
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	select {
	case p.api.Events <- e:
	case <-p.exited:
		return nil, p.died()
	case <-timeout.C:
		return nil, fmt.Errorf("%s did not ask for an event", p.cmd)
	}
	for _, step := range []chan struct{}{done, p.api.Asked} {
		select {
		case <-step:
		case <-p.exited:
			return nil, p.died()
		case <-timeout.C:
			return nil, fmt.Errorf("%s did not answer", p.cmd)
		}
	}
	return answer, failed
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
