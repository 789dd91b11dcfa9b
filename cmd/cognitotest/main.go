// Cognitotest is an Amazon Cognito user pool on this machine, for tests of custom
// sign-ins in any language. It needs no account and no other program.
//
//	go install github.com/cyber-eternal/customauth/cmd/cognitotest@latest
//	cognitotest --username-attribute phone_number --trigger All=./bootstrap
//
// Apps and SDKs reach the pool at http://127.0.0.1:9229, the codes that it and its
// triggers send are at /_test/messages, and cognitotest --help lists the flags.
// What the pool does as the service does it is in the documentation of package
// cognitotest; how to run it beside a test suite is in docs/cognitotest.md.
//
// The files here: flags.go and file.go read what the pool is to be like, world.go
// puts it together, functions.go runs the triggers, mailbox.go keeps the messages,
// aws.go is SNS and SES for the triggers, control.go is the control API, data.go
// keeps things over a restart, log.go writes to the terminal.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// The exit codes. With a command to run, its own exit code is the program's.
const (
	exitOK      = 0 // asked for, or stopped by a signal
	exitFailed  = 1 // it did not work
	exitUsage   = 2 // a flag or the file is wrong
	exitPort    = 3 // the port cannot be had
	exitTrigger = 4 // a trigger cannot be started
)

// An exitError carries an exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	f, err := parseFlags(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		io.WriteString(stdout, help())
		return exitOK
	case err != nil:
		return report(stderr, &exitError{exitUsage, err})
	case f.version:
		fmt.Fprintln(stdout, "cognitotest", version())
		return exitOK
	}
	s, err := f.settings()
	if err != nil {
		return report(stderr, &exitError{exitUsage, err})
	}
	if f.printEnv {
		return report(stderr, printEnv(stdout, s, f.json))
	}
	if len(f.command) > 0 {
		stdout = stderr // the command has stdout for itself
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := newLog(stdout, f.json, f.quiet)
	for _, w := range s.warnings {
		log.warn("%s", w)
	}
	w, err := start(ctx, s, log)
	if err != nil {
		return report(stderr, err)
	}
	defer w.close()
	log.ready(w)
	if len(f.command) > 0 {
		return runCommand(ctx, f.command, w.env(), stderr)
	}
	<-ctx.Done()
	return exitOK
}

// report writes the error and returns its exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(stderr, "cognitotest:", withoutPrefix(err))
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	return exitFailed
}

// runCommand runs the test suite beside the pool. It gets the signals that the
// program gets from a terminal by itself, and SIGTERM from here.
func runCommand(ctx context.Context, command []string, env []variable, stderr io.Writer) int {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	for _, v := range env {
		cmd.Env = append(cmd.Env, v.Name+"="+v.Value)
	}
	if err := cmd.Start(); err != nil {
		return report(stderr, &exitError{exitFailed, fmt.Errorf("the command cannot be run: %w", err)})
	}
	ended := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
			cmd.Process.Signal(syscall.SIGTERM)
		case <-ended:
		}
	}()
	err := cmd.Wait()
	close(ended)
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	return report(stderr, fmt.Errorf("the command: %w", err))
}
