// Command signin signs a user in at a user pool from a terminal, and prints the
// access token: for trying a pool out, and for scripts.
//
//	signin -pool eu-west-1_AbCdEf123 -client 1example23456789 +12065550100
//
// It asks on the standard error and prints on the standard output, so
//
//	curl -H "Authorization: Bearer $(signin …)" https://api.example.com/
//
// works. With -tokens FILE it keeps the tokens there, readable to this user alone,
// and the next time refreshes them instead of asking: one file for each user.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"github.com/cyber-eternal/customauth/client"
)

func main() {
	err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "signin:", err)
		os.Exit(1)
	}
}

// A terminal is where the user is asked.
type terminal struct {
	in    io.Reader
	lines *bufio.Reader
	out   io.Writer
}

func run(ctx context.Context, args []string, in io.Reader, out, asks io.Writer) error {
	flags := flag.NewFlagSet("signin", flag.ContinueOnError)
	flags.SetOutput(asks)
	var (
		settings client.Settings
		signUp   = flags.Bool("signup", false, "make the account first, if there is none")
		password = flags.Bool("password", false, "the first step is a password")
		locale   = flags.String("locale", "", "language of the messages, such as de-AT, where a way is chosen")
		file     = flags.String("tokens", "", "keep the tokens in this `file`, one for each user")
	)
	flags.StringVar(&settings.PoolID, "pool", "", "`id` of the user pool")
	flags.StringVar(&settings.ClientID, "client", "", "`id` of the app client")
	flags.StringVar(&settings.Endpoint, "endpoint", "", "`URL` of a pool for tests")
	flags.Usage = func() {
		fmt.Fprintln(asks, "usage: signin [flags] phone|e-mail|name")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return flag.ErrHelp
	}
	login := flags.Arg(0)
	c, err := client.New(settings)
	if err != nil {
		return err
	}

	if *file != "" {
		tokens, err := kept(ctx, c, *file, settings.ClientID)
		if err != nil {
			return err
		}
		if tokens != nil {
			fmt.Fprintln(out, tokens.Access)
			return nil
		}
	}
	t := terminal{in, bufio.NewReader(in), asks}
	if *signUp {
		if err := c.SignUp(ctx, login, nil, nil); err != nil && !errors.Is(err, client.AccountExists) {
			return told(err)
		}
	}
	tokens, err := signIn(ctx, c, t, login, *password, *locale)
	if err != nil {
		return told(err)
	}
	if *file != "" {
		if err := keep(*file, tokens); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, tokens.Access)
	return nil
}

// signIn asks until the user is in or the sign-in is over.
func signIn(ctx context.Context, c *client.Client, t terminal, login string, password bool, locale string) (*client.Tokens, error) {
	o, err := begin(ctx, c, t, login, password)
	for o.Tokens == nil {
		if o.Challenge == nil {
			return nil, err
		}
		if err != nil {
			fmt.Fprintln(t.out, words(err))
		}
		line, readErr := t.ask(question(o.Challenge))
		if readErr != nil {
			return nil, readErr
		}
		switch {
		case line == "": // nothing is sent, so nothing is used up
			err = nil
		case line == "resend":
			o, err = c.Resend(ctx, o.Challenge)
		case slices.Contains(o.Challenge.Ways, line):
			o, err = c.Choose(ctx, o.Challenge, line, locale)
		default:
			o, err = c.Answer(ctx, o.Challenge, line, nil)
		}
	}
	return o.Tokens, err
}

func begin(ctx context.Context, c *client.Client, t terminal, login string, password bool) (client.Outcome, error) {
	if !password {
		return c.SignIn(ctx, login)
	}
	secret, err := t.askSecret("Password: ")
	if err != nil {
		return client.Outcome{}, err
	}
	return c.SignInPassword(ctx, login, secret)
}

func question(ch *client.Challenge) string {
	var b strings.Builder
	switch {
	case ch.Medium != "":
		fmt.Fprintf(&b, "Code by %s to %s", ch.Medium, ch.Destination)
	case ch.Way == "" && len(ch.Ways) > 0:
		b.WriteString("Choose a way")
	default:
		fmt.Fprintf(&b, "Answer to %q", ch.Step)
	}
	if len(ch.Ways) > 0 {
		fmt.Fprintf(&b, " (or %s)", strings.Join(ch.Ways, ", "))
	}
	if !ch.ResendAt.IsZero() {
		b.WriteString(` (or "resend")`)
	}
	return b.String() + ": "
}

func (t terminal) ask(question string) (string, error) {
	fmt.Fprint(t.out, question)
	line, err := t.lines.ReadString('\n')
	if err != nil && line == "" {
		return "", errors.New("the input ended before the sign-in did")
	}
	return strings.TrimSpace(line), nil
}

// askSecret does not show what is typed. A password keeps its spaces.
func (t terminal) askSecret(question string) (string, error) {
	f, ok := t.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(t.out, question)
		line, err := t.lines.ReadString('\n')
		if err != nil && line == "" {
			return "", errors.New("the input ended before the password")
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	fmt.Fprint(t.out, question)
	secret, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(t.out)
	return string(secret), err
}

// words are what a user is told. Codes of other steps show as they are.
func words(err error) string {
	text := "the sign-in failed"
	var e *client.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	switch e.Code {
	case client.WrongCode:
		return "That code is not right."
	case client.Expired:
		text = "The code has expired"
	case client.ResendTooSoon, client.SentRecently:
		text = "A code was sent just now, and is still good"
	case client.NoResendsLeft:
		text = "No more codes in this sign-in; the last one is still good"
	case client.RateLimited:
		text = "Too many codes or answers"
	case client.DeliveryFailed:
		text = "The code could not be sent"
	case client.SignInFailed:
		text = "No attempts are left, or this user may not sign in"
	case client.SessionEnded:
		text = "It took too long: begin again"
	case client.SignUpRefused:
		text = e.Message
	default:
		text = err.Error()
	}
	if e.RetryAfter > 0 {
		text += fmt.Sprintf("; try again in %s", e.RetryAfter)
	}
	return text + "."
}

func told(err error) error { return errors.New(strings.TrimSuffix(words(err), ".")) }

// kept returns the tokens of the file, fresh, or nil if there are none that are good
// for this app client.
func kept(ctx context.Context, c *client.Client, file, clientID string) (*client.Tokens, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var t client.Tokens
	if err := json.Unmarshal(b, &t); err != nil {
		return nil, fmt.Errorf("%s has no tokens; remove it to sign in", file)
	}
	if t.ClientID != clientID {
		return nil, nil
	}
	fresh, err := c.Source(&t, func(t *client.Tokens) error { return keep(file, t) }).Tokens(ctx)
	if errors.Is(err, client.SignedOut) {
		return nil, nil
	}
	if err != nil {
		return nil, told(err)
	}
	return fresh, nil
}

// keep replaces the file at once: a rotated refresh token must not be lost.
func keep(file string, t *client.Tokens) error {
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".tokens-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(b); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
