package main

// This file runs the command against a pool in this process. The user at the
// terminal is a reader that answers when it is asked.

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cyber-eternal/customauth"
	"github.com/cyber-eternal/customauth/cognitotest"
)

const (
	poolID   = "us-east-1_Test00001"
	clientID = "1example23456789testclient"
	phone    = "+12065550100"
	email    = "alice@example.com"
	password = "correct horse 9 Battery!"
)

// A user types one line at a time, each made when it is needed.
type user struct{ lines []func() string }

func (u *user) Read(b []byte) (int, error) {
	if len(u.lines) == 0 {
		return 0, io.EOF
	}
	line := u.lines[0]() + "\n"
	u.lines = u.lines[1:]
	return copy(b, line), nil
}

func says(text string) func() string { return func() string { return text } }

func TestRun(t *testing.T) {
	both := []customauth.Step{{Name: "proof", Challenge: customauth.OneOf{Ask: true, InsecureUnprovedWays: true, Ways: []customauth.Step{
		{Name: "sms", Challenge: customauth.OTP{}}, {Name: "email", Challenge: customauth.OTP{Medium: "EMAIL"}},
	}}}}
	twoSteps := []customauth.Step{customauth.Password(), {Name: "otp", Challenge: customauth.OTP{}}}
	tests := []struct {
		name  string
		steps []customauth.Step
		flags []string
		lines func(b *cognitotest.Inbox) []func() string
		asked []string // on the terminal, in this order
		err   string
	}{
		{"a wrong code, then the right one", nil, nil, func(b *cognitotest.Inbox) []func() string {
			return []func() string{says(""), says("nonsense"), says("resend"), func() string { return b.Code(phone) }}
		}, []string{"Code by SMS to +***********", "not right", "A code was sent just now", "try again in", `(or "resend"): `}, ""},
		{"e-mail by choice", both, []string{"-locale", "de"}, func(b *cognitotest.Inbox) []func() string {
			return []func() string{says("email"), func() string { return b.Code(email) }}
		}, []string{"Choose a way (or sms, email): ", "Code by EMAIL"}, ""},
		{"a password first", twoSteps, []string{"-password"}, func(b *cognitotest.Inbox) []func() string {
			return []func() string{says(password), func() string { return b.Code(phone) }}
		}, []string{"Password: ", "Code by SMS"}, ""},
		{"a wrong password", twoSteps, []string{"-password"}, func(*cognitotest.Inbox) []func() string {
			return []func() string{says(password + "!")}
		}, []string{"Password: "}, "No attempts are left, or this user may not sign in"},
		{"three wrong codes", nil, nil, func(*cognitotest.Inbox) []func() string {
			return []func() string{says("x"), says("y"), says("z")}
		}, []string{"not right"}, "No attempts are left, or this user may not sign in"},
		{"the user goes", nil, nil, func(*cognitotest.Inbox) []func() string { return nil }, nil, "the input ended before the sign-in did"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pool, inbox := cognitotest.Start(t, customauth.Options{Steps: tt.steps})
			server, err := cognitotest.NewServer(pool)
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			if err := pool.AddUser("alice", map[string]string{"phone_number": phone, "email": email}); err != nil {
				t.Fatal(err)
			}
			if err := pool.SetPassword("alice", password); err != nil {
				t.Fatal(err)
			}
			args := append([]string{"-pool", poolID, "-client", clientID, "-endpoint", server.URL}, tt.flags...)
			var out, asks bytes.Buffer
			err = run(t.Context(), append(args, "alice"), &user{tt.lines(inbox)}, &out, &asks)

			if got := message(err); got != tt.err {
				t.Fatalf("error %q, want %q", got, tt.err)
			}
			rest := asks.String()
			for _, want := range tt.asked {
				_, after, found := strings.Cut(rest, want)
				if !found {
					t.Errorf("the terminal does not show %q where it should:\n%s", want, asks.String())
				}
				rest = after
			}
			if err != nil {
				if out.Len() > 0 {
					t.Error("a token came all the same")
				}
				return
			}
			claims, err := pool.Claims(strings.TrimSpace(out.String()))
			if err != nil || claims["username"] != "alice" || claims["token_use"] != "access" {
				t.Errorf("the output is no access token of alice's: %v", err)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestTokens: the second time nobody is asked, and the file is the user's alone.
func TestTokens(t *testing.T) {
	pool, inbox := cognitotest.Start(t, customauth.Options{InsecureNoLimits: true})
	server, err := cognitotest.NewServer(pool)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	file := filepath.Join(t.TempDir(), "tokens")
	args := []string{"-pool", poolID, "-client", clientID, "-endpoint", server.URL, "-signup", "-tokens", file, phone}
	signIn := func(u *user) (string, error) {
		var out, asks bytes.Buffer
		err := run(t.Context(), args, u, &out, &asks)
		return out.String(), err
	}
	code := func() string { return inbox.Code(phone) }

	first, err := signIn(&user{[]func() string{code}})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the file is %v, %v: want it readable to its owner alone", info, err)
	}
	second, err := signIn(&user{})
	if err != nil || second != first {
		t.Errorf("the second time: another token, or %v", err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := signIn(&user{}); err == nil || !strings.Contains(err.Error(), "has no tokens") {
		t.Errorf("a broken file: %v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files beside the tokens, %v: want none left over", len(entries)-1, err)
	}
}

func TestUsage(t *testing.T) {
	var out, asks bytes.Buffer
	if err := run(t.Context(), nil, &user{}, &out, &asks); err == nil || !strings.Contains(asks.String(), "usage: signin") {
		t.Errorf("without arguments: %v, %q", err, asks.String())
	}
	if err := run(t.Context(), []string{"-client", "x", phone}, &user{}, &out, &asks); err == nil || !strings.Contains(err.Error(), "PoolID") {
		t.Errorf("without a pool: %v", err)
	}
}
