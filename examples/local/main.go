// Command local is the whole sign-in on this machine: a user pool with the
// handlers of customauth as its triggers, a web page to sign up and sign in
// with, and a phone that shows the texts. It needs no AWS account.
//
//	go run ./examples/local
//
// See README.md in this folder, or run it with -help.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as parameters. It returns the exit code: 0
// for a good end, 1 when something failed, 2 for arguments that make no sense.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	s, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "local: %v\nRun it with -help to see what it takes.\n", err)
		return 2
	}
	if err := s.serve(ctx, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "local: %v\n", err)
		return 1
	}
	return 0
}

// settings are what the command line says.
type settings struct {
	addr        string
	anyAddr     bool
	bootstrap   string
	demo        bool
	verbose     bool
	ttl         time.Duration
	resendAfter time.Duration
	ways        []string // see ways.go
	ask         bool
	captcha     bool
}

const usage = `A user pool on this machine: sign up and sign in with a code, without AWS.

  go run ./examples/local              then open http://127.0.0.1:8080/
  go run ./examples/local -ways sms,email,link,voice -ask -captcha
                                       a choice of ways, asked for after a CAPTCHA
  go run ./examples/local -demo        a whole sign-in, told step by step
  go run ./examples/local -bootstrap ./bootstrap
                                       with a compiled Lambda function as the triggers

Flags:
`

// parse reads the command line. Errors are for the caller to print; help is
// printed here.
func parse(args []string, help io.Writer) (settings, error) {
	var s settings
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&s.addr, "addr", "127.0.0.1:8080", "listen on this `host:port`; port 0 takes a free one")
	f.BoolVar(&s.anyAddr, "insecure-any-addr", false, "allow an -addr that other machines can reach:\nthey then see every code, and can sign in as anybody")
	f.StringVar(&s.bootstrap, "bootstrap", "", "compiled Lambda function, built for this machine, at this `path`;\ndefault: the handlers run in this process")
	f.BoolVar(&s.demo, "demo", false, "sign a user up and in, print each step, and end;\nlistens on a free port unless -addr is given")
	f.BoolVar(&s.verbose, "v", false, "print all log lines of the handlers, not only errors")
	f.DurationVar(&s.ttl, "ttl", 3*time.Minute, "how long a code is valid; not with -bootstrap")
	f.DurationVar(&s.resendAfter, "resend-after", 5*time.Second, "how long to wait between two codes; not with -bootstrap")
	f.Func("ways", "what users choose from, the preferred first: `sms,email,link,voice` or some of them;\ndefault: sms alone", func(list string) error {
		s.ways = strings.Split(list, ",")
		return nil
	})
	f.BoolVar(&s.ask, "ask", false, "ask for the way before anything is sent; needs two -ways")
	f.BoolVar(&s.captcha, "captcha", false, "ask for a CAPTCHA before anything is sent: a stand-in for a real one")

	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		io.WriteString(help, usage)
		f.SetOutput(help)
		f.PrintDefaults()
		return s, err
	}
	if err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("%q is not a flag", f.Arg(0))
	}

	given := make(map[string]bool)
	f.Visit(func(f *flag.Flag) { given[f.Name] = true })
	if s.bootstrap != "" && (given["ttl"] || given["resend-after"]) {
		return s, errors.New("-ttl and -resend-after have no effect on the function of -bootstrap")
	}
	if s.demo && !given["addr"] {
		s.addr = "127.0.0.1:0"
	}
	if s.demo && !given["resend-after"] {
		s.resendAfter = time.Millisecond
	}
	return s, s.checkWays()
}

// listen opens the address, if only this machine can reach it.
func (s settings) listen() (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", s.addr)
	if err != nil {
		return nil, fmt.Errorf("-addr %s: %w", s.addr, err)
	}
	if !addr.IP.IsLoopback() && !s.anyAddr {
		return nil, fmt.Errorf("-addr %s is open to other machines, and this program shows codes to everybody who asks; use 127.0.0.1, or add -insecure-any-addr", s.addr)
	}
	return net.ListenTCP("tcp", addr)
}

// serve runs until ctx ends or, with -demo, until the demo does.
func (s settings) serve(ctx context.Context, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listener, err := s.listen()
	if err != nil {
		return err
	}
	defer listener.Close()
	s.addr = listener.Addr().String()
	local, err := newLocal(s, stdout, stderr)
	if err != nil {
		return err
	}
	defer local.close()

	server := &http.Server{
		Handler:           local.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the streams, too
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	defer server.Close()

	url := "http://" + listener.Addr().String()
	local.announce(stdout, url)
	if s.demo {
		d := demo{client: &http.Client{Timeout: time.Minute}, url: url, poolID: local.pool.ID(), clientID: local.pool.ClientID(), out: stdout}
		return d.run(ctx)
	}

	go local.warm(ctx, url)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}
