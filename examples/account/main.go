// Command account is a sign-in with strong proofs, and the page on which users enrol
// them, on this machine: passkeys, authenticator apps, recovery codes, known devices,
// and a transfer of money that asks for a stronger sign-in. It needs no AWS account.
//
//	go run .
//
// Run it in this folder. README.md says what there is to see.
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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its surroundings as parameters. It returns the exit code: 0 for a
// good end, 1 when something failed, 2 for arguments that make no sense.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := flag.NewFlagSet("account", flag.ContinueOnError)
	f.SetOutput(stderr)
	port := f.Int("port", 8081, "listen on this `port` of localhost; 0 takes a free one")
	resend := f.Duration("resend-after", 5*time.Second, "how long to wait between two texts")
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(stderr, "account: %q is not a flag\n", f.Arg(0))
		return 2
	}
	if err := serve(ctx, *port, *resend, stdout, stderr); err != nil {
		fmt.Fprintf(stderr, "account: %v\n", err)
		return 1
	}
	return 0
}

// serve runs until ctx ends. Browsers make passkeys for names and not for addresses, so
// the page is at localhost.
func serve(ctx context.Context, port int, resend time.Duration, stdout, stderr io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer listener.Close()
	address := fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	site, err := newSite(address, resend, stdout, stderr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", site.pool)
	server := &http.Server{
		Handler:           guard(mux),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // ends the streams, too
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	defer server.Close()
	if err := site.open(ctx, mux); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\n  page       %s/\n\nTexts appear here and beside the page. Stop with Ctrl+C.\n\n", address)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}
